//! How many workers a host keeps warm.

use crate::{app, refused, try_host};

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
