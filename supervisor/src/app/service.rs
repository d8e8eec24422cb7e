//! `process.service` and `process.group`: processes that the node keeps, and which of them share their
//! restarts.

use super::amount::Amount;
use super::entry::Place;
use super::fields::given;
use super::limits::{Form, amount};
use super::manifest::File;
use crate::diagnostic::Diagnostic;
use ipc::limits::{
    ATTEMPTS_MAX, DELAY_MAX_NS, DELAY_MIN_NS, FACTOR_MAX, INTENSITY_MAX, PERIOD_DEFAULT_NS,
    STABLE_DEFAULT_NS, START_MAX_NS, WALL_MAX_NS, WALL_MIN_NS,
};
use node::services::{Backoff, Ready, Strategy};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

/// A process that the node itself keeps.
#[derive(Debug)]
pub struct Service {
    /// Entry that it runs.
    pub process: String,
    /// Place of that name, for errors.
    pub process_place: Place,
    /// Host on which it runs.
    pub host: String,
    /// Place of that name, for errors.
    pub host_place: Place,
    /// Arguments of its body.
    pub input: Vec<Value>,
    /// True where it starts with the node.
    pub auto_start: bool,
    /// Services that it needs, each with its place.
    pub requires: Vec<(String, Place)>,
    /// When it is up.
    pub ready: Ready,
    /// Time that it has to be up.
    pub start_timeout_ns: u64,
    /// Time that it has to end; `None` where the command line says it.
    pub stop_timeout_ns: Option<u64>,
    /// Time after which it runs well.
    pub stable_ns: u64,
    /// When it is started again.
    pub backoff: Backoff,
}

/// Services that share their restarts.
#[derive(Debug)]
pub struct ServiceGroup {
    /// Its services in order, each with its place.
    pub services: Vec<(String, Place)>,
    /// Who is started again with one that failed.
    pub strategy: Strategy,
    /// Restarts within the period.
    pub intensity: u32,
    /// The period.
    pub period_ns: u64,
}

/// An entry of `process.service`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceFields {
    #[serde(rename = "name")]
    _name: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(default)]
    pub(super) meta: Map<String, Value>,
    process: Spanned<String>,
    host: Spanned<String>,
    #[serde(default)]
    input: Vec<Value>,
    #[serde(default)]
    lifecycle: Lifecycle,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lifecycle {
    #[serde(default)]
    auto_start: bool,
    #[serde(default, deserialize_with = "given")]
    requires: Option<Vec<Spanned<String>>>,
    #[serde(default, deserialize_with = "given")]
    ready: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "given")]
    start_timeout: Option<Spanned<Amount>>,
    #[serde(default, deserialize_with = "given")]
    stop_timeout: Option<Spanned<Amount>>,
    #[serde(default, deserialize_with = "given")]
    stable_threshold: Option<Spanned<Amount>>,
    #[serde(default, deserialize_with = "given")]
    restart: Option<RestartFields>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestartFields {
    #[serde(default, deserialize_with = "given")]
    initial_delay: Option<Spanned<Amount>>,
    #[serde(default, deserialize_with = "given")]
    max_delay: Option<Spanned<Amount>>,
    #[serde(default, deserialize_with = "given")]
    backoff_factor: Option<Spanned<Amount>>,
    #[serde(default, deserialize_with = "given")]
    jitter: Option<Spanned<Amount>>,
    #[serde(default, deserialize_with = "given")]
    max_attempts: Option<Spanned<Amount>>,
}

/// An entry of `process.group`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GroupFields {
    #[serde(rename = "name")]
    _name: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(default)]
    pub(super) meta: Map<String, Value>,
    services: Vec<Spanned<String>>,
    #[serde(default)]
    restart: GroupRestart,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupRestart {
    #[serde(default, deserialize_with = "given")]
    strategy: Option<Spanned<String>>,
    #[serde(default, deserialize_with = "given")]
    intensity: Option<Spanned<Amount>>,
    #[serde(default, deserialize_with = "given")]
    period: Option<Spanned<Amount>>,
}

const READIES: [(&str, Ready); 2] = [("loaded", Ready::Loaded), ("notify", Ready::Said)];

const STRATEGIES: [(&str, Strategy); 3] = [
    ("one_for_one", Strategy::OneForOne),
    ("one_for_all", Strategy::OneForAll),
    ("rest_for_one", Strategy::RestForOne),
];

/// The service that the fields describe.
pub(super) fn read(file: &File<'_>, fields: &ServiceFields) -> Result<Service, Diagnostic> {
    let lifecycle = &fields.lifecycle;
    let timeout = |name: &str, at: &Option<Spanned<Amount>>| {
        let read = |at| amount(file, name, Form::Time, (WALL_MIN_NS, WALL_MAX_NS), at);
        at.as_ref().map(read).transpose()
    };
    let stable = lifecycle.stable_threshold.as_ref();
    let stable =
        stable.map(|at| amount(file, "stable_threshold", Form::Time, (0, WALL_MAX_NS), at));
    let requires = lifecycle.requires.iter().flatten();
    Ok(Service {
        process: fields.process.value.clone(),
        process_place: file.place(&fields.process),
        host: fields.host.value.clone(),
        host_place: file.place(&fields.host),
        input: fields.input.clone(),
        auto_start: lifecycle.auto_start,
        requires: requires.map(|at| (at.value.clone(), file.place(at))).collect(),
        ready: file.choice_or(&lifecycle.ready, "ready", &READIES, Ready::Loaded)?,
        start_timeout_ns: timeout("start_timeout", &lifecycle.start_timeout)?
            .unwrap_or(START_MAX_NS),
        stop_timeout_ns: timeout("stop_timeout", &lifecycle.stop_timeout)?,
        stable_ns: stable.transpose()?.unwrap_or(STABLE_DEFAULT_NS),
        backoff: match &lifecycle.restart {
            Some(restart) => backoff(file, restart)?,
            None => Backoff::DEFAULT,
        },
    })
}

fn backoff(file: &File<'_>, fields: &RestartFields) -> Result<Backoff, Diagnostic> {
    let mut backoff = Backoff::DEFAULT;
    let range = (DELAY_MIN_NS, DELAY_MAX_NS);
    if let Some(at) = &fields.initial_delay {
        backoff.initial_ns = amount(file, "initial_delay", Form::Time, range, at)?;
        backoff.max_ns = backoff.max_ns.max(backoff.initial_ns);
    }
    if let Some(at) = &fields.max_delay {
        backoff.max_ns = amount(file, "max_delay", Form::Time, range, at)?;
        if fields.initial_delay.is_none() {
            backoff.initial_ns = backoff.initial_ns.min(backoff.max_ns);
        } else if backoff.max_ns < backoff.initial_ns {
            let place = file.place(at);
            let message = format!("max_delay of {} is shorter than initial_delay", place.written());
            return Err(place.error(message, "delays grow: raise it, or lower initial_delay"));
        }
    }
    if let Some(at) = &fields.backoff_factor {
        backoff.factor = ratio(file, "backoff_factor", (1.0, FACTOR_MAX), at)?;
    }
    if let Some(at) = &fields.jitter {
        backoff.jitter = ratio(file, "jitter", (0.0, 1.0), at)?;
    }
    if let Some(at) = &fields.max_attempts {
        let range = (0, u64::from(ATTEMPTS_MAX));
        let most = amount(file, "max_attempts", Form::CountOrNone, range, at)?;
        backoff.max_attempts = u32::try_from(most).ok();
    }
    Ok(backoff)
}

/// A number that need not be whole.
fn ratio(
    file: &File<'_>,
    name: &str,
    (min, max): (f64, f64),
    at: &Spanned<Amount>,
) -> Result<f64, Diagnostic> {
    let place = file.place(at);
    let Some(ratio) = at.value.ratio() else {
        let message = format!("{name} cannot be {}", place.written());
        return Err(place.error(message, "write a number, such as 0.5 or 2"));
    };
    if (min..=max).contains(&ratio) {
        return Ok(ratio);
    }
    let message = format!("{name} of {} is out of range", place.written());
    Err(place.error(message, format!("use {min} to {max}")))
}

/// The group that the fields describe.
pub(super) fn read_group(
    file: &File<'_>,
    fields: &GroupFields,
) -> Result<ServiceGroup, Diagnostic> {
    let restart = &fields.restart;
    let (mut intensity, mut period_ns) = (1, PERIOD_DEFAULT_NS);
    if let Some(at) = &restart.intensity {
        let range = (0, u64::from(INTENSITY_MAX));
        let most = amount(file, "intensity", Form::Count, range, at)?;
        intensity = u32::try_from(most).unwrap_or(INTENSITY_MAX);
    }
    if let Some(at) = &restart.period {
        period_ns = amount(file, "period", Form::Time, (DELAY_MIN_NS, WALL_MAX_NS), at)?;
    }
    let services = fields.services.iter().map(|at| (at.value.clone(), file.place(at)));
    let strategy =
        file.choice_or(&restart.strategy, "strategy", &STRATEGIES, Strategy::OneForOne)?;
    Ok(ServiceGroup { services: services.collect(), strategy, intensity, period_ns })
}
