//! Runs every folder under `examples/` as a reader would, and holds it to what it is to say.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tests::{Ran, bin};

/// An example that has not ended after this time hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// What an example is to print; panics where it did not.
type Expectation = fn(&Ran);

/// Every example with its expectation.
const EXAMPLES: [(&str, Expectation); 6] = [
    ("echo", echo),
    ("hello", hello),
    ("hostile", hostile),
    ("ring", ring),
    ("supervisor", supervisor),
    ("worker-pool", worker_pool),
];

#[test]
fn every_example_ends_well_and_says_what_it_should() {
    for (name, expectation) in EXAMPLES {
        let ran = run(name);
        println!("{name}: {ran:?}");
        assert_eq!((ran.code, ran.late, ran.leaked), (Some(0), false, false), "{name}");
        // Denied calls are the business of whoever runs an app.
        let mut said = ran.stderr.lines().filter(|line| !line.starts_with("wabe: denied: "));
        assert_eq!(said.next(), None, "{name}");
        expectation(&ran);
    }
}

#[test]
fn the_tests_of_an_example_pass() {
    let mut command = Command::new(bin("wabe"));
    let ran = tests::run(command.arg("test").arg(folder().join("worker-pool")), DEADLINE);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let said = "worker:\n  passed    app:counts_test (*)\n  passed    app:killed_test (*)\n\n\
        2 passed, in * s\n";
    assert!(node::Pattern(said.to_owned()).matches(&ran.stdout), "{}", ran.stdout);
}

#[test]
fn every_folder_has_an_expectation() {
    let items = fs::read_dir(folder()).expect("the folder of the examples can be read");
    let items = items.map(|item| item.expect("the folder of the examples can be read"));
    let found = items.map(|item| item.file_name().to_string_lossy().into_owned());
    let expected = EXAMPLES.iter().map(|(name, _)| (*name).to_owned());
    assert_eq!(found.collect::<BTreeSet<_>>(), expected.collect::<BTreeSet<_>>());
}

fn hello(ran: &Ran) {
    assert_eq!(lines(ran), ["hello, world, from app:main"]);
    assert_eq!(last_line(ran)["result"], 42);
}

/// `*` stands for what differs from run to run.
fn hostile(ran: &Ran) {
    let said = [
        "hoard: memory, memory limit of 8 MiB exceeded (used 8.0 MiB): hostile.lua:17 function hoard",
        "bomb: memory, memory limit of 8 MiB exceeded (used 953.7 MiB): hostile.lua:24 function bomb",
        "spin: turn, turn limit of 200 ms exceeded (used * ms): hostile.lua:* function spin",
        "swallow: turn, turn limit of 200 ms exceeded (used * ms): hostile.lua:* function s*",
        "mine: cpu, cpu limit of 1 s exceeded (used 1* s)",
        "linger: wall, wall limit of 6 s exceeded (used 6* s)",
        "shout: error, message is over the limit of 65536 bytes",
        "flood: error, mailbox full",
        "multiply: error, limit of 2 children reached (children of host 'app:cell')",
        "brood: error, host 'app:cell' is at its limit of 6 processes (max_processes)",
        "squat: error, limit of 2 names reached (names of host 'app:cell')",
        "spy: error, limit of 1 monitors reached (links of host 'app:cell')",
        "usurp: error, denied: {app:cell|*} (app:usurp) process.spawn on host app:processes, \
         to allow add it to permissions.hosts of host app:cell",
        "impostor: error, denied: {app:cell|*} (app:impostor) process.registry.register database, \
         to allow add it to permissions.names of host app:cell",
        "sabotage: error, denied: {app:cell|*} (app:sabotage) process.terminate {app:processes|*}, \
         to allow set permissions.control of host app:cell to any",
        "guess: error, process not found",
        "steal: error, hostile.lua:122: attempt to index nil with 'open'",
    ];
    let lines = lines(ran);
    assert_eq!(lines.len(), said.len(), "{lines:#?}");
    for (line, said) in lines.into_iter().zip(said) {
        assert!(node::Pattern(said.to_owned()).matches(line), "'{line}' is not '{said}'");
    }
    let denied = last_line(ran)["denied"].as_array().map(Vec::len);
    assert_eq!(denied, Some(3));
}

fn worker_pool(ran: &Ran) {
    let lines = lines(ran);
    let primes = [168, 303, 430, 550, 669];
    assert_eq!(lines.len(), primes.len());
    let mut os_pids = BTreeSet::new();
    for (i, (line, primes)) in (1..).zip(lines.into_iter().zip(primes)) {
        let begin = format!("worker {i}: {primes} primes below {i}000, in OS process ");
        let os_pid = line.strip_prefix(&begin).and_then(|rest| rest.parse::<u64>().ok());
        os_pids.insert(os_pid.unwrap_or_else(|| panic!("'{line}' is not '{begin}…'")));
    }
    assert_eq!(os_pids.len(), 5, "each worker in an OS process of its own");
    os_pids.insert(last_line(ran)["exit"]["os_pid"].as_u64().expect("main had an OS process"));
    assert_eq!(os_pids.len(), 6, "and main in another");
}

fn echo(ran: &Ran) {
    let said = ["hello", "42", "a table with the name honeycomb"];
    assert_eq!(lines(ran), said.map(|text| format!("[app:client 0x3] {text}")));
}

fn supervisor(ran: &Ran) {
    let said = [
        "first: attempt 1 failed: no luck (1 of 2)",
        "first: attempt 2 failed: no luck (2 of 2)",
        "first: done at attempt 3",
        "second: attempt 1 failed: no luck (1 of 100)",
        "second: attempt 2 failed: no luck (2 of 100)",
        "second: attempt 3 failed: no luck (3 of 100)",
        "second: attempt 4 failed: no luck (4 of 100)",
        "second: given up",
    ];
    assert_eq!(lines(ran), said);
}

fn ring(ran: &Ran) {
    let lines = lines(ran);
    let [line] = lines[..] else { panic!("one line, not {lines:?}") };
    let rest = line.strip_prefix("1000 hops round 100 processes, ");
    let time = rest.and_then(|rest| rest.strip_suffix(" microseconds each"));
    assert!(time.and_then(|time| time.parse::<f64>().ok()).is_some_and(|time| time > 0.0));
}

/// Runs an example with `--json`. The grace is longer than the deadline: an example whose end has
/// to wait for it is late.
fn run(name: &str) -> Ran {
    let mut command = Command::new(bin("wabe"));
    command.args(["run", "--json", "--grace", "1h"]).arg(folder().join(name));
    tests::run(&mut command, DEADLINE)
}

/// What the processes printed: all but the last line, which is JSON.
fn lines(ran: &Ran) -> Vec<&str> {
    let mut lines: Vec<_> = ran.stdout.lines().collect();
    lines.pop();
    lines
}

fn last_line(ran: &Ran) -> Value {
    let line = ran.stdout.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("'{line}' is no JSON: {error}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}
