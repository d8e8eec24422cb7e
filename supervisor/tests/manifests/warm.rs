//! How many workers a host keeps warm, and from when on.

use crate::{app, load, refused, try_host};

fn warm(fields: &[&str]) -> u32 {
    app(fields).warm("app:pool")
}

#[test]
fn a_host_that_says_nothing_keeps_four_and_a_strict_one_a_single_one() {
    assert_eq!(warm(&["{}"]), 4);
    assert_eq!(warm(&["trust: untrusted"]), 4);
    assert_eq!(warm(&["sandbox: strict"]), 1);
    assert_eq!(app(&["warm: 7"]).warm("app:processes"), 4);
    assert_eq!(app(&["warm: 7"]).warm("no:host"), 4);
}

#[test]
fn it_keeps_as_many_as_it_says() {
    assert_eq!(warm(&["warm: 0"]), 0);
    assert_eq!(warm(&["warm: 256"]), 256);
    assert_eq!(warm(&["warm: 3", "sandbox: strict"]), 3);
}

#[test]
fn what_is_no_such_number_is_refused() {
    refused(try_host(&["warm: 257"]), "warm of 257 is out of range", "257", "use 0 to 256");
    for written in ["-1", "1.5", "none", "true"] {
        let message = format!("warm cannot be {written}");
        refused(
            try_host(&[&format!("warm: {written}")]),
            &message,
            written,
            "write a whole number",
        );
    }
    let none = "invalid manifest: a field without a value";
    let help = "the fields of each kind are in docs/manifests.md";
    refused(try_host(&["warm:"]), none, "warm:", help);
}

/// The hosts that start with the node, where a host has this `lifecycle`.
fn start(lifecycle: &str) -> Vec<String> {
    let host = format!("kind: process.host, lifecycle: {lifecycle}");
    let app = load(&format!("namespace: app\nentries:\n  - {{name: pool, {host}}}\n"));
    let app = app.unwrap_or_else(|error| panic!("{lifecycle}: {}", error.render(false)));
    app.auto_start_hosts().map(str::to_owned).collect()
}

#[test]
fn a_host_starts_with_the_node_only_where_it_says_so() {
    assert_eq!(start("{auto_start: true}"), ["app:pool"]);
    let none: [&str; 0] = [];
    for lifecycle in ["{auto_start: false}", "{}", "{start_timeout: 1s}"] {
        assert_eq!(start(lifecycle), none, "{lifecycle}");
    }
    assert_eq!(app(&["warm: 7"]).auto_start_hosts().count(), 0);
}
