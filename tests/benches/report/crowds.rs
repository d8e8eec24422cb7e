//! What is seen from outside: memory, CPU time, ends.

use crate::Bench;
use ipc::limits::WATCHDOG_NS;
use rustix::process::Signal;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tests::bench::reference::Part;
use tests::bench::speed::{Stage, number};
use tests::bench::table::Sample;
use tests::bench::{median, speed};
use tests::proc::memory_kib;

/// Processes whose memory is measured, as many as of the reference.
const MEMORY_OF: u32 = 2_000;

/// Whoever was told something is asked after one period of the watchdog, and all have answered
/// before the next is over.
const QUIET: Duration = Duration::from_nanos(2 * WATCHDOG_NS);

const IDLE: Duration = Duration::from_secs(10);

/// Processes that are killed in a round.
const KILLED: usize = 200;

/// How much of the memory the kernel keeps for each processor apart, free and not counted as such
/// (proc_sys_vm(5)): a fraction. Left to itself it is up to a sixteenth of all memory, so that thousands of
/// processes come and go without a change of `MemAvailable`.
const APART: &str = "/proc/sys/vm/percpu_pagelist_high_fraction";

/// The smallest fraction worth the name.
const HARDLY_ANY: &str = "100000";

/// While it lives, what is free is counted as free. Only root can see to that.
struct Counted {
    before: Option<String>,
}

impl Counted {
    fn begin() -> Self {
        let before = std::fs::read_to_string(APART).ok();
        let told = std::fs::write(APART, HARDLY_ANY);
        Counted { before: before.filter(|_| told.is_ok()) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = std::fs::write(APART, before);
        }
    }
}

pub(crate) fn memory(bench: &mut Bench) -> Result<Sample, String> {
    let counted = Counted::begin();
    if counted.before.is_some() {
        // What lies apart already is given back as others free theirs.
        speed::memory_of_idle(MEMORY_OF)?;
    }
    let other = bench.reference.child_kib()?;
    Ok(Sample { own: speed::memory_of_idle(MEMORY_OF)?, other: Some(other) })
}

pub(crate) fn live(bench: &mut Bench) -> Result<Sample, String> {
    let mut stage = Stage::start("crowd", &[&bench.args.live.to_string()]);
    stage.stops("empty")?;
    stage.go()?;
    stage.stops("full")?;
    stage.go()?;
    Ok(Sample { own: number(&stage.end()?, "answered")?, other: None })
}

pub(crate) fn killed(bench: &mut Bench) -> Result<Sample, String> {
    let other = bench.reference.p50_us(Part::Exit, "kill -9 -> pidfd readable -> waitid")?;
    let mut stage = Stage::start("killed", &[&KILLED.to_string()]);
    stage.line("ready")?;
    let mut times = Vec::new();
    for victim in stage.hold("echo") {
        let killed = now_us();
        victim.signal(Signal::KILL);
        let seen = stage.line("seen")?;
        let seen: f64 = seen.parse().map_err(|error| format!("'{seen}' is no time: {error}"))?;
        times.push(seen / 1e3 - killed);
    }
    stage.end()?;
    match times.len() {
        KILLED => Ok(Sample { own: median(&mut times), other: Some(other) }),
        other => Err(format!("{other} processes of {KILLED} were found")),
    }
}

/// The time of day, which scripts see as well.
fn now_us() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64() * 1e6)
}

pub(crate) fn idle_cpu(bench: &mut Bench) -> Result<Sample, String> {
    let idle = bench.args.idle;
    let mut stage = Stage::start("crowd", &[&idle.to_string()]);
    stage.stops("empty")?;
    stage.go()?;
    stage.stops("full")?;
    stage.pass(QUIET)?;
    let before = stage.cpu();
    stage.pass(IDLE)?;
    let used = stage.cpu().saturating_sub(before);
    if before.is_zero() {
        return Err("the kernel does not count CPU time in schedstat".to_owned());
    }
    let there = stage.hold("echo").len();
    stage.go()?;
    stage.end()?;
    match there == idle as usize {
        true => Ok(Sample { own: used.as_secs_f64(), other: None }),
        false => Err(format!("{there} processes of {idle} were there")),
    }
}

/// How many come and go before the first look at the supervisor's memory, and after it.
const BEFORE: &str = "1000";
const AFTER: &str = "99000";

pub(crate) fn growth_of_supervisor(_: &mut Bench) -> Result<Sample, String> {
    // The last number is for the last stop: what comes after it does not count.
    let mut stage = Stage::start("churn", &["8", BEFORE, AFTER, "1"]);
    let mut kib = Vec::new();
    for stop in [BEFORE, AFTER] {
        stage.stops(stop)?;
        kib.push(memory_kib(stage.os_pid(), "RssAnon") as f64);
        stage.go()?;
    }
    stage.end()?;
    Ok(Sample { own: (kib[1] - kib[0]) / 1024.0, other: None })
}
