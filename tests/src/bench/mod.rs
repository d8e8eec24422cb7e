//! What benchmarks share.

pub mod args;
pub mod document;
pub mod reference;
pub mod speed;
pub mod table;

pub use args::Args;
pub use reference::Reference;

use crate::Running;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

/// Runs `wabe run --json` to its end. Returns its last line, and the CPU time of it and of all that
/// it has waited for.
///
/// # Panics
/// Where the run fails, or does not end in time.
#[must_use]
pub fn cpu_of(command: &mut Command, deadline: Duration) -> (Value, Duration) {
    let before = cpu_of_children();
    let ran = Running::start(command).wait(deadline);
    assert_eq!((ran.code, ran.late), (Some(0), false), "{ran:#?}");
    let line = ran.stdout.lines().last().expect("a last line");
    let value = serde_json::from_str(line).expect("the last line is JSON");
    (value, cpu_of_children().saturating_sub(before))
}

fn cpu_of_children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("getrusage");
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// The median; of an even number the upper one.
///
/// # Panics
/// Where there is none.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
