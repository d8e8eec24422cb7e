//! The rows of the table, with their targets.

use crate::{Bench, crowds, pairs};
use tests::bench::table::{Better, Sample};

/// How often a row is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// In each round.
    Rounds,
    /// In the first round: it takes long, and does not depend on the mood of the machine.
    Once,
}

/// A row.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// What it is held against.
    pub(crate) against: &'static str,
    pub(crate) better: Better,
    pub(crate) must: f64,
    pub(crate) aim: f64,
    pub(crate) repeat: Repeat,
    pub(crate) measure: fn(&mut Bench) -> Result<Sample, String>,
}

const RELAY: &str = "RTT through epoll relay STREAM";

/// In the order in which they are measured: those that share a part of the reference come together.
pub(crate) const ROWS: &[Row] = &[
    Row {
        name: "monitored spawn to its EXIT seen in Lua, p50",
        unit: "us",
        against: "posix_spawn lua5.4 -e x=1 + wait",
        better: Better::Less,
        must: 1.0,
        aim: 0.4,
        repeat: Repeat::Rounds,
        measure: pairs::spawn_to_exit,
    },
    Row {
        name: "sustained spawn + exit",
        unit: "/s",
        against: "1 / p50 of fork+exit+wait, small process",
        better: Better::More,
        must: 0.2,
        aim: 0.5,
        repeat: Repeat::Rounds,
        measure: pairs::sustained_spawn,
    },
    Row {
        name: "process.spawn call until it has the PID, warm, p50",
        unit: "us",
        against: RELAY,
        better: Better::Less,
        must: 6.0,
        aim: 3.0,
        repeat: Repeat::Rounds,
        measure: pairs::spawn_call,
    },
    Row {
        name: "request and reply of 100 B, p50",
        unit: "us",
        against: RELAY,
        better: Better::Less,
        must: 2.0,
        aim: 1.4,
        repeat: Repeat::Rounds,
        measure: pairs::round_trip,
    },
    Row {
        name: "one-way flow of 100 B messages, all delivered",
        unit: "/s",
        against: "flow at 1600 B a write",
        better: Better::More,
        must: 0.05,
        aim: 0.15,
        repeat: Repeat::Rounds,
        measure: pairs::small_flow,
    },
    Row {
        name: "one-way flow of 1 MiB messages",
        unit: "MB/s",
        against: "flow at 64000 B a write",
        better: Better::More,
        must: 0.25,
        aim: 0.6,
        repeat: Repeat::Rounds,
        measure: pairs::large_flow,
    },
    Row {
        name: "fan-in, 100 senders to 1 receiver",
        unit: "/s",
        against: "own 1 to 1",
        better: Better::More,
        must: 0.5,
        aim: 0.9,
        repeat: Repeat::Rounds,
        measure: pairs::fan_in,
    },
    Row {
        name: "fan-out, 1 sender to 100 receivers",
        unit: "/s",
        against: "own 1 to 1",
        better: Better::More,
        must: 0.5,
        aim: 0.9,
        repeat: Repeat::Rounds,
        measure: pairs::fan_out,
    },
    Row {
        name: "memory of an idle process, 2,000 live",
        unit: "KiB",
        against: "mem of the reference",
        better: Better::Less,
        must: 1.5,
        aim: 0.9,
        repeat: Repeat::Rounds,
        measure: crowds::memory,
    },
    Row {
        name: "live processes on one node, all answering",
        unit: "",
        against: "",
        better: Better::More,
        must: 10_000.0,
        aim: 25_000.0,
        repeat: Repeat::Once,
        measure: crowds::live,
    },
    Row {
        name: "kill -9 from outside to EXIT seen in Lua, p50",
        unit: "us",
        against: "kill -9 -> pidfd readable -> waitid",
        better: Better::Less,
        must: 4.0,
        aim: 2.0,
        repeat: Repeat::Rounds,
        measure: crowds::killed,
    },
    Row {
        name: "CPU of the whole node, idle processes, 10 s",
        unit: "s",
        against: "",
        better: Better::Less,
        must: 0.05,
        aim: 0.0,
        repeat: Repeat::Once,
        measure: crowds::idle_cpu,
    },
    Row {
        name: "round trip of a quiet pair beside ten hostile, p99",
        unit: "us",
        against: "the same on a quiet node",
        better: Better::Less,
        must: 4.0,
        aim: 2.0,
        repeat: Repeat::Rounds,
        measure: pairs::beside_hostile,
    },
    Row {
        name: "round trip with idle processes beside, p50",
        unit: "us",
        against: "the same with none",
        better: Better::Less,
        must: 1.3,
        aim: 1.05,
        repeat: Repeat::Rounds,
        measure: pairs::beside_idle,
    },
    Row {
        name: "supervisor's memory after 100,000 processes, growth since 1,000",
        unit: "MiB",
        against: "",
        better: Better::Less,
        must: 2.0,
        aim: 0.0,
        repeat: Repeat::Once,
        measure: crowds::growth_of_supervisor,
    },
];
