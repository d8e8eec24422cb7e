//! What few processes do with each other.

use crate::Bench;
use std::path::Path;
use tests::bench::reference::Part;
use tests::bench::speed::{figures, figures_of_printers, number};
use tests::bench::table::Sample;

const RELAY: &str = "RTT through epoll relay STREAM";

const LUA: &str = "/usr/bin/lua5.4";

/// Spawns of a round.
const SPAWNS: &str = "400";

/// Spawns of a round where several are under way, and how many are.
const MANY_SPAWNS: &str = "3000";
const AT_ONCE: &str = "8";

/// Round trips of a round, as many as of the reference.
const ROUND_TRIPS: &str = "20000";

/// Those of which some take long.
const SLOW_ROUND_TRIPS: &str = "10000";

/// Messages of a round, and how many are under way to one receiver. With as many again that were read
/// and not yet taken they fit into a mailbox.
const SMALL: &str = "300000";
const SMALL_WINDOW: &str = "19000";

/// The part in that of each of a hundred senders.
const FAN_WINDOW: &str = "190";

/// Messages of a round to a hundred receivers.
const FAN_OUT: &str = "900000";

const LARGE: u32 = 600;
const LARGE_WINDOW: &str = "6";

const MIB: f64 = 1_048_576.0;

/// What the hostile do, each without end.
const DEEDS: [&str; 10] =
    ["spin", "spin", "spin", "flood", "flood", "flood", "print", "print", "allocate", "allocate"];

fn measured(entry: &str, arguments: &[&str], field: &str) -> Result<f64, String> {
    number(&figures(entry, arguments)?, field)
}

pub(crate) fn spawn_to_exit(bench: &mut Bench) -> Result<Sample, String> {
    if !Path::new(LUA).exists() {
        return Err(format!("{LUA} is missing: install lua5.4"));
    }
    let other = bench.reference.p50_us(Part::Spawn, &format!("posix_spawn {LUA} -e x=1 + wait"))?;
    Ok(Sample { own: measured("spawn", &[SPAWNS], "p50")?, other: Some(other) })
}

pub(crate) fn sustained_spawn(bench: &mut Bench) -> Result<Sample, String> {
    let other = bench.reference.p50_us(Part::Spawn, "fork+exit+wait, small process")?;
    let own = measured("churn", &[AT_ONCE, MANY_SPAWNS], "per_second")?;
    Ok(Sample { own, other: Some(1e6 / other) })
}

pub(crate) fn spawn_call(bench: &mut Bench) -> Result<Sample, String> {
    let other = bench.reference.p50_us(Part::Rtt, RELAY)?;
    Ok(Sample { own: measured("spawn_call", &[SPAWNS], "p50")?, other: Some(other) })
}

pub(crate) fn round_trip(bench: &mut Bench) -> Result<Sample, String> {
    let other = bench.reference.p50_us(Part::Rtt, RELAY)?;
    Ok(Sample { own: measured("round_trip", &[ROUND_TRIPS, "0"], "p50")?, other: Some(other) })
}

fn one_to_one() -> Result<f64, String> {
    measured("fan_in", &["1", SMALL, "100", SMALL_WINDOW], "per_second")
}

pub(crate) fn small_flow(bench: &mut Bench) -> Result<Sample, String> {
    let other = bench.reference.flow(1600, "msg/s")?;
    Ok(Sample { own: one_to_one()?, other: Some(other) })
}

pub(crate) fn large_flow(bench: &mut Bench) -> Result<Sample, String> {
    let other = bench.reference.flow(64_000, "MB/s")?;
    let arguments = ["1", &LARGE.to_string(), "1048576", LARGE_WINDOW];
    let per_second = measured("fan_in", &arguments, "per_second")?;
    Ok(Sample { own: per_second * MIB / 1e6, other: Some(other) })
}

pub(crate) fn fan_in(_: &mut Bench) -> Result<Sample, String> {
    let other = one_to_one()?;
    let own = measured("fan_in", &["100", SMALL, "100", FAN_WINDOW], "per_second")?;
    Ok(Sample { own, other: Some(other) })
}

pub(crate) fn fan_out(_: &mut Bench) -> Result<Sample, String> {
    let other = one_to_one()?;
    let own = measured("fan_out", &["100", FAN_OUT, "100", SMALL_WINDOW], "per_second")?;
    Ok(Sample { own, other: Some(other) })
}

pub(crate) fn beside_hostile(_: &mut Bench) -> Result<Sample, String> {
    let other = measured("quiet", &[SLOW_ROUND_TRIPS], "p99")?;
    let arguments: Vec<_> = [SLOW_ROUND_TRIPS].into_iter().chain(DEEDS).collect();
    let own = number(&figures_of_printers("quiet", &arguments)?, "p99")?;
    Ok(Sample { own, other: Some(other) })
}

pub(crate) fn beside_idle(bench: &mut Bench) -> Result<Sample, String> {
    let other = measured("round_trip", &[ROUND_TRIPS, "0"], "p50")?;
    let idle = bench.args.idle.to_string();
    let own = measured("round_trip", &[ROUND_TRIPS, &idle], "p50")?;
    Ok(Sample { own, other: Some(other) })
}
