//! The limits of hosts and of entries: forms, ranges, and how they fit each other.

use crate::{app, host, limits, refused, try_entry, try_host};
use ipc::Limits;
use ipc::quota::{bytes_text, time_text};

/// Of each field: what is just below its range, its ends, what is just above, and the help.
const RANGES: [(&str, [&str; 4], &str); 11] = [
    ("max_processes", ["0", "1", "1000000", "1000001"], "use 1 to 1000000"),
    ("memory", ["4194303", "4MiB", "64GiB", "65GiB"], "use 4 MiB to 64 GiB"),
    ("message", ["1023", "1KiB", "16MiB", "257MiB"], "use 1 KiB to 256 MiB"),
    ("mailbox", ["4095", "4KiB", "1GiB", "1025MiB"], "use 4 KiB to 1 GiB"),
    ("cpu", ["0s", "1s", "87600h", "87601h"], "use 1s to 87600h, or none"),
    ("turn", ["9ms", "10ms", "1h", "1h1ns"], "use 10ms to 1h"),
    ("wall", ["9ms", "10ms", "87600h", "87601h"], "use 10ms to 87600h, or none"),
    ("names", ["1025", "0", "1024", "1025"], "use 0 to 1024"),
    ("children", ["1000001", "0", "1000000", "1000001"], "use 0 to 1000000"),
    ("links", ["100001", "0", "100000", "100001"], "use 0 to 100000"),
    ("log_rate", ["0", "1", "1000000", "1000001"], "use 1 to 1000000"),
];

#[test]
fn every_limit_has_its_forms() {
    assert_eq!(host(&["max_processes: 50"]).max_processes, 50);
    assert_eq!(limits(&["memory: 33554432"]).memory, 32 << 20);
    assert_eq!(limits(&["memory: 64 MiB"]).memory, 64 << 20);
    assert_eq!(limits(&["memory: 64MB"]).memory, 64_000_000);
    assert_eq!(limits(&["memory: \"1GiB\""]).memory, 1 << 30);
    assert_eq!(limits(&["message: 512KiB"]).message, 512 << 10);
    assert_eq!(limits(&["mailbox: 32MiB"]).mailbox, 32 << 20);
    assert_eq!(limits(&["cpu: 60s"]).cpu_s, 60);
    assert_eq!(limits(&["cpu: 1h30m # in all"]).cpu_s, 5400);
    assert_eq!(limits(&["cpu: 2000ms"]).cpu_s, 2);
    assert_eq!(limits(&["cpu: none"]).cpu_s, u64::MAX);
    assert_eq!(limits(&["turn: 500ms"]).turn_ns, 500_000_000);
    assert_eq!(limits(&["wall: 1.5s"]).wall_ns, 1_500_000_000);
    assert_eq!(limits(&["wall: none"]).wall_ns, u64::MAX);
    assert_eq!(limits(&["children: 0"]).children, 0);
    assert_eq!(limits(&["names: 3"]).names, 3);
    assert_eq!(limits(&["links: 4"]).links, 4);
    assert_eq!(limits(&["log_rate: 5"]).log_rate, 5);
}

#[test]
fn the_ends_of_every_range_are_in_it_and_what_is_beyond_is_not() {
    for (name, [below, least, most, above], help) in RANGES {
        app(&[&format!("{name}: {least}")]);
        app(&[&format!("{name}: {most}")]);
        for beyond in [below, above] {
            let message = format!("{name} of {beyond} is out of range");
            refused(try_host(&[&format!("{name}: {beyond}")]), &message, beyond, help);
        }
    }
}

#[test]
fn what_is_written_in_another_form_is_refused_with_the_remedy() {
    let count = "write a whole number";
    let bytes = "write bytes as a whole number, or with KiB, MiB, GiB, KB, MB or GB";
    let seconds = "write whole seconds with their unit (30s, 5m, 1h), or none";
    let or_none = "write a number with its unit (500ms, 10s, 1h30m), or none";
    let time = "write a number with its unit: 500ms, 10s, 1m30s";
    let cases = [
        ("max_processes", "none", count),
        ("memory", "64M", bytes),
        ("memory", "none", bytes),
        ("memory", "1.5GiB", bytes),
        ("memory", "-1", bytes),
        ("message", "\"1 mb\"", bytes),
        ("mailbox", "true", bytes),
        ("cpu", "60", seconds),
        ("cpu", "1.5s", seconds),
        ("wall", "60", or_none),
        ("wall", "1 day", or_none),
        ("turn", "none", time),
        ("turn", "1.5", time),
        ("children", "many", count),
        ("names", "1.5", count),
        ("links", "-1", count),
        ("log_rate", "10/s", count),
    ];
    for (name, written, help) in cases {
        let message = format!("{name} cannot be {written}");
        refused(try_host(&[&format!("{name}: {written}")]), &message, written, help);
    }
}

#[test]
fn a_message_fits_into_memory_and_mailbox() {
    let small = limits(&["memory: 4MiB"]);
    assert_eq!((small.message, small.mailbox), (1 << 20, 4 << 20));
    let small = limits(&["mailbox: 64KiB"]);
    assert_eq!((small.message, small.mailbox), (32 << 10, 64 << 10));
    let large = limits(&["memory: 1GiB", "message: 32MiB"]);
    assert_eq!((large.message, large.mailbox), (32 << 20, 128 << 20));
    refused(
        try_host(&["message: 4MiB", "memory: 8MiB"]),
        "message of 4 MiB is too large for memory of 8 MiB",
        "4MiB",
        "raise memory to at least 16 MiB, or lower message to at most 2 MiB: a message needs 4 \
         times its size where it is read",
    );
    refused(
        try_host(&["mailbox: 65536", "message: 64KiB"]),
        "mailbox of 64 KiB is too small",
        "65536",
        "raise it to at least 128 KiB, 2 times message, or lower message to at most 32 KiB",
    );
}

#[test]
fn an_entry_lowers_what_it_says_and_what_must_fit_that() {
    let none = Limits::NONE;
    let entry = |limits: &str| {
        try_entry("process.lua", limits).unwrap_or_else(|error| panic!("{limits}: {error}"))
    };
    assert_eq!(entry("{}"), none);
    assert_eq!(entry("{names: 3, turn: 100ms}"), Limits { names: 3, turn_ns: 100_000_000, ..none });
    let (memory, message, mailbox) = (8 << 20, 2 << 20, 8 << 20);
    assert_eq!(entry("{memory: 8MiB}"), Limits { memory, message, mailbox, ..none });
    let (message, mailbox) = (32 << 10, 64 << 10);
    assert_eq!(entry("{mailbox: 64KiB}"), Limits { message, mailbox, ..none });
    assert_eq!(entry("{message: 1KiB}"), Limits { message: 1024, ..none });
    assert_eq!(entry("{cpu: none, wall: none}"), none);
    assert_eq!(try_entry("function.lua", "{names: 3}"), Ok(Limits { names: 3, ..none }));
    assert_eq!(app(&["{}"]).entries["app:main"].limits(), none);
}

#[test]
fn the_limits_of_an_entry_are_checked_as_those_of_a_host() {
    refused(
        try_entry("process.lua", "{memory: 1MiB}"),
        "memory of 1MiB is out of range",
        "1MiB",
        "use 4 MiB to 64 GiB",
    );
    refused(
        try_entry("process.lua", "{message: 4MiB, memory: 8MiB}"),
        "message of 4 MiB is too large for memory of 8 MiB",
        "4MiB",
        "raise memory to at least 16 MiB, or lower message to at most 2 MiB: a message needs 4 \
         times its size where it is read",
    );
    refused(
        try_entry("process.lua", "{max_processes: 1}"),
        "invalid manifest: unknown field `max_processes`, expected one of memory, message, \
         mailbox, cpu, turn, wall, children, names, links, log_rate",
        "limits: {max_processes: 1}",
        "the fields of each kind are in docs/manifests.md",
    );
    refused(
        try_entry("library.lua", "{names: 1}"),
        "a library has no limits",
        "{names: 1}",
        "give them to the processes that import it",
    );
}

#[test]
fn the_documents_have_the_ranges_and_the_defaults() {
    let documents = include_str!("../../../docs/manifests.md");
    let (trusted, untrusted) = (Limits::DEFAULT, Limits::UNTRUSTED);
    let bytes =
        |field: fn(&Limits) -> u64| (bytes_text(field(&trusted)), bytes_text(field(&untrusted)));
    let time = |field: fn(&Limits) -> u64| {
        (time_or_none(field(&trusted)), time_or_none(field(&untrusted)))
    };
    let count =
        |field: fn(&Limits) -> u32| (field(&trusted).to_string(), field(&untrusted).to_string());
    let defaults = [
        ("memory", bytes(|limits| limits.memory)),
        ("message", bytes(|limits| limits.message)),
        ("mailbox", bytes(|limits| limits.mailbox)),
        ("cpu", time(|limits| limits.cpu_s.saturating_mul(1_000_000_000))),
        ("turn", time(|limits| limits.turn_ns)),
        ("wall", time(|limits| limits.wall_ns)),
        ("children", count(|limits| limits.children)),
        ("names", count(|limits| limits.names)),
        ("links", count(|limits| limits.links)),
        ("log_rate", count(|limits| limits.log_rate)),
    ];
    for (name, (trusted, untrusted)) in defaults {
        let mut rows = documents.lines().filter(|line| line.starts_with(&format!("| `{name}` |")));
        let cells: Vec<_> = rows.next().expect("a row").split('|').map(str::trim).collect();
        let of = |cell: &str| cell.split(", or").next().unwrap_or_default().replace(',', "");
        assert_eq!((of(cells[3]), of(cells[4])), (trusted, untrusted), "{name}");
        let range = RANGES.into_iter().find(|(limit, ..)| *limit == name);
        assert_eq!(range.map(|(_, _, help)| help), Some(format!("use {}", cells[5]).as_str()));
    }
}

fn time_or_none(ns: u64) -> String {
    if ns == u64::MAX { "none".to_owned() } else { time_text(ns) }
}
