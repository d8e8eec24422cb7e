//! The limits of a host, and of an entry: their names, their forms, their ranges, and how they must
//! fit each other.
//!
//! What a manifest does not say is derived from what it does: a host with little memory has small
//! messages, too.

use super::amount::Amount;
use super::manifest::File;
use crate::diagnostic::Diagnostic;
use ipc::Limits;
use ipc::limits::{
    CHILDREN_MAX, CPU_MAX_S, CPU_MIN_S, LINKS_MAX, LOG_RATE_MAX, MAILBOX_MAX, MAILBOX_MIN,
    MEMORY_MAX, MEMORY_MIN, MESSAGE_MAX, MESSAGE_MIN, MESSAGES_IN_MAILBOX, MESSAGES_IN_MEMORY,
    NAMES_MAX, TURN_MAX_NS, TURN_MIN_NS, WALL_MAX_NS, WALL_MIN_NS,
};
use ipc::quota::bytes_text;
use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;

/// The fields of `limits`, and those of `host` that are limits, as they are written.
pub(super) type Written = BTreeMap<LimitName, Spanned<Amount>>;

/// The name of a limit that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LimitName(pub(super) &'static str);

impl<'de> Deserialize<'de> for LimitName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = NAMES.into_iter().find(|known| *known == name);
        known.map(LimitName).ok_or_else(|| Error::unknown_field(&name, &NAMES))
    }
}

/// The names of all limits, in the order of the documents.
pub(super) const NAMES: [&str; 10] = {
    let mut names = [""; 10];
    let mut index = 0;
    while index < names.len() {
        names[index] = LIMITS[index].name;
        index += 1;
    }
    names
};

/// A limit: its name, how it is written, and its range in the unit that [`Limits`] has.
struct Limit {
    name: &'static str,
    form: Form,
    min: u64,
    max: u64,
    set: fn(&mut Limits, u64),
}

/// How an amount is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A whole number.
    Count,
    /// A whole number, or `none`.
    CountOrNone,
    /// A whole number, or a text with a unit.
    Bytes,
    /// A duration that cannot be lifted.
    Time,
    /// A duration, or `none`.
    TimeOrNone,
    /// A duration of whole seconds, or `none`.
    SecondsOrNone,
}

const LIMITS: [Limit; 10] = [
    Limit {
        name: "memory",
        form: Form::Bytes,
        min: MEMORY_MIN,
        max: MEMORY_MAX,
        set: |limits, bytes| limits.memory = bytes,
    },
    Limit {
        name: "message",
        form: Form::Bytes,
        min: MESSAGE_MIN as u64,
        max: MESSAGE_MAX as u64,
        set: |limits, bytes| limits.message = bytes,
    },
    Limit {
        name: "mailbox",
        form: Form::Bytes,
        min: MAILBOX_MIN as u64,
        max: MAILBOX_MAX as u64,
        set: |limits, bytes| limits.mailbox = bytes,
    },
    Limit {
        name: "cpu",
        form: Form::SecondsOrNone,
        min: CPU_MIN_S,
        max: CPU_MAX_S,
        set: |limits, seconds| limits.cpu_s = seconds,
    },
    Limit {
        name: "turn",
        form: Form::Time,
        min: TURN_MIN_NS,
        max: TURN_MAX_NS,
        set: |limits, ns| limits.turn_ns = ns,
    },
    Limit {
        name: "wall",
        form: Form::TimeOrNone,
        min: WALL_MIN_NS,
        max: WALL_MAX_NS,
        set: |limits, ns| limits.wall_ns = ns,
    },
    Limit {
        name: "children",
        form: Form::Count,
        min: 0,
        max: CHILDREN_MAX as u64,
        set: |limits, count| limits.children = narrow(count),
    },
    Limit {
        name: "names",
        form: Form::Count,
        min: 0,
        max: NAMES_MAX as u64,
        set: |limits, count| limits.names = narrow(count),
    },
    Limit {
        name: "links",
        form: Form::Count,
        min: 0,
        max: LINKS_MAX as u64,
        set: |limits, count| limits.links = narrow(count),
    },
    Limit {
        name: "log_rate",
        form: Form::Count,
        min: 1,
        max: LOG_RATE_MAX as u64,
        set: |limits, count| limits.log_rate = narrow(count),
    },
];

/// A count that its range keeps small.
fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Form {
    /// The amount in the unit that [`Limits`] has; `None` where it is not written in this form.
    fn read(self, amount: &Amount) -> Option<u64> {
        match self {
            Form::Count => amount.count(),
            Form::Bytes => amount.bytes(),
            Form::TimeOrNone | Form::SecondsOrNone | Form::CountOrNone if amount.is_none() => {
                Some(u64::MAX)
            }
            Form::CountOrNone => amount.count(),
            Form::Time | Form::TimeOrNone => amount.nanoseconds(),
            Form::SecondsOrNone => {
                amount.nanoseconds().filter(|ns| ns % SECOND_NS == 0).map(|ns| ns / SECOND_NS)
            }
        }
    }

    /// The amount as a person would write it.
    fn text(self, amount: u64) -> String {
        match self {
            Form::Count | Form::CountOrNone => amount.to_string(),
            Form::Bytes => bytes_text(amount),
            Form::Time | Form::TimeOrNone => duration_text(amount),
            Form::SecondsOrNone => duration_text(amount.saturating_mul(SECOND_NS)),
        }
    }

    /// How it is to be written.
    fn remedy(self) -> &'static str {
        match self {
            Form::Count => "write a whole number",
            Form::CountOrNone => "write a whole number, or none",
            Form::Bytes => "write bytes as a whole number, or with KiB, MiB, GiB, KB, MB or GB",
            Form::Time => "write a number with its unit: 500ms, 10s, 1m30s",
            Form::TimeOrNone => "write a number with its unit (500ms, 10s, 1h30m), or none",
            Form::SecondsOrNone => "write whole seconds with their unit (30s, 5m, 1h), or none",
        }
    }

    /// The range as a person would write it.
    fn range(self, min: u64, max: u64) -> String {
        let or_none = match self {
            Form::TimeOrNone | Form::SecondsOrNone | Form::CountOrNone => ", or none",
            Form::Count | Form::Bytes | Form::Time => "",
        };
        format!("{} to {}{or_none}", self.text(min), self.text(max))
    }
}

const SECOND_NS: u64 = 1_000_000_000;

fn duration_text(ns: u64) -> String {
    let units = [("h", 3600 * SECOND_NS), ("m", 60 * SECOND_NS), ("s", SECOND_NS)];
    let fits = units.into_iter().find(|(_, size)| ns >= *size && ns.is_multiple_of(*size));
    let (unit, size) = fits.unwrap_or(("ms", 1_000_000));
    format!("{}{unit}", ns / size)
}

/// A field of that name, form and range.
pub(super) fn amount(
    file: &File<'_>,
    name: &str,
    form: Form,
    (min, max): (u64, u64),
    written: &Spanned<Amount>,
) -> Result<u64, Diagnostic> {
    let place = file.place(written);
    let Some(amount) = form.read(&written.value) else {
        let message = format!("{name} cannot be {}", place.written());
        return Err(place.error(message, form.remedy()));
    };
    // Only where a form has `none` is it read as that.
    if written.value.is_none() || (min..=max).contains(&amount) {
        return Ok(amount);
    }
    let message = format!("{name} of {} is out of range", place.written());
    Err(place.error(message, format!("use {}", form.range(min, max))))
}

/// What a host or an entry says, and `base` where it says nothing.
pub(super) fn read(file: &File<'_>, written: &Written, base: Limits) -> Result<Limits, Diagnostic> {
    let mut limits = base;
    for limit in &LIMITS {
        if let Some(at) = written.get(&LimitName(limit.name)) {
            let range = (limit.min, limit.max);
            (limit.set)(&mut limits, amount(file, limit.name, limit.form, range, at)?);
        }
    }
    fit(file, written, &mut limits)?;
    Ok(limits)
}

/// Makes what is not written fit what is, and refuses what does not fit.
fn fit(file: &File<'_>, written: &Written, limits: &mut Limits) -> Result<(), Diagnostic> {
    let memory_holds = share(limits.memory, MESSAGES_IN_MEMORY);
    match written.get(&LimitName("message")) {
        Some(at) if limits.message > memory_holds => return Err(too_large(file, at, limits)),
        Some(_) => {}
        None => limits.message = limits.message.min(memory_holds),
    }
    let message_given = written.contains_key(&LimitName("message"));
    match written.get(&LimitName("mailbox")) {
        Some(at) if message_given && limits.mailbox < least_mailbox(limits) => {
            return Err(too_small(file, at, limits));
        }
        Some(_) => {
            limits.message = limits.message.min(share(limits.mailbox, MESSAGES_IN_MAILBOX));
        }
        None => limits.mailbox = default_mailbox(limits),
    }
    Ok(())
}

/// A part of a limit, if it is one.
fn share(limit: u64, parts: u64) -> u64 {
    if limit == u64::MAX { u64::MAX } else { limit / parts }
}

fn least_mailbox(limits: &Limits) -> u64 {
    limits.message.saturating_mul(MESSAGES_IN_MAILBOX)
}

/// The mailbox of `limits`, more where messages are large, and no more than there is memory.
fn default_mailbox(limits: &Limits) -> u64 {
    limits.mailbox.max(limits.message.saturating_mul(4)).min(limits.memory)
}

fn too_large(file: &File<'_>, message: &Spanned<Amount>, limits: &Limits) -> Diagnostic {
    let (memory, needed) = (limits.memory, limits.message.saturating_mul(MESSAGES_IN_MEMORY));
    file.place(message).error(
        format!(
            "message of {} is too large for memory of {}",
            bytes_text(limits.message),
            bytes_text(memory),
        ),
        format!(
            "raise memory to at least {}, or lower message to at most {}: a message needs \
             {MESSAGES_IN_MEMORY} times its size where it is read",
            bytes_text(needed),
            bytes_text(memory / MESSAGES_IN_MEMORY),
        ),
    )
}

fn too_small(file: &File<'_>, mailbox: &Spanned<Amount>, limits: &Limits) -> Diagnostic {
    file.place(mailbox).error(
        format!("mailbox of {} is too small", bytes_text(limits.mailbox)),
        format!(
            "raise it to at least {}, {MESSAGES_IN_MAILBOX} times message, or lower message to at \
             most {}",
            bytes_text(least_mailbox(limits)),
            bytes_text(limits.mailbox / MESSAGES_IN_MAILBOX),
        ),
    )
}
