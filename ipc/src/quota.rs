//! [`Limits`]: what one process may use.

use crate::limits::{
    CHILDREN_DEFAULT, LINKS_MAX, LOG_RATE_DEFAULT, MAILBOX_DEFAULT, MEMORY_DEFAULT,
    MESSAGE_DEFAULT, NAMES_MAX, TURN_DEFAULT_NS,
};
use serde::{Deserialize, Serialize};

/// What one process may use: its host's limits, lowered by its entry's.
///
/// Where there is no limit a field is its type's largest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of values, code and buffers beyond those of a fresh worker.
    pub memory: u64,
    /// Seconds of CPU time in all.
    pub cpu_s: u64,
    /// Nanoseconds of CPU time without yielding.
    pub turn_ns: u64,
    /// Nanoseconds from loaded to end.
    pub wall_ns: u64,
    /// Bytes of one encoded message, result or argument list.
    pub message: u64,
    /// Bytes that may wait for the process before sends to it fail.
    pub mailbox: u64,
    /// Live processes that it has spawned, and those of its children that have ended.
    pub children: u32,
    /// Registered names that it holds.
    pub names: u32,
    /// Links, and monitors, that it holds.
    pub links: u32,
    /// Lines that it may print each second.
    pub log_rate: u32,
}

impl Limits {
    /// What a host has that says nothing.
    pub const DEFAULT: Limits = Limits {
        memory: MEMORY_DEFAULT,
        cpu_s: u64::MAX,
        turn_ns: TURN_DEFAULT_NS,
        wall_ns: u64::MAX,
        message: MESSAGE_DEFAULT as u64,
        mailbox: MAILBOX_DEFAULT as u64,
        children: CHILDREN_DEFAULT,
        names: NAMES_MAX as u32,
        links: LINKS_MAX as u32,
        log_rate: LOG_RATE_DEFAULT,
    };

    /// What a host has that is marked untrusted and says nothing else.
    pub const UNTRUSTED: Limits = Limits {
        memory: 32 << 20,
        cpu_s: 60,
        turn_ns: 1_000_000_000,
        wall_ns: u64::MAX,
        message: 1 << 20,
        mailbox: 4 << 20,
        children: 16,
        names: 16,
        links: 256,
        log_rate: 100,
    };

    /// No limit at all: what an entry is that lowers nothing.
    pub const NONE: Limits = Limits {
        memory: u64::MAX,
        cpu_s: u64::MAX,
        turn_ns: u64::MAX,
        wall_ns: u64::MAX,
        message: u64::MAX,
        mailbox: u64::MAX,
        children: u32::MAX,
        names: u32::MAX,
        links: u32::MAX,
        log_rate: u32::MAX,
    };

    /// The lower of both, field by field.
    #[must_use]
    pub fn lowered_by(self, other: Limits) -> Limits {
        Limits {
            memory: self.memory.min(other.memory),
            cpu_s: self.cpu_s.min(other.cpu_s),
            turn_ns: self.turn_ns.min(other.turn_ns),
            wall_ns: self.wall_ns.min(other.wall_ns),
            message: self.message.min(other.message),
            mailbox: self.mailbox.min(other.mailbox),
            children: self.children.min(other.children),
            names: self.names.min(other.names),
            links: self.links.min(other.links),
            log_rate: self.log_rate.min(other.log_rate),
        }
    }

    /// The `message` limit as a length in memory.
    #[must_use]
    pub fn message_max(&self) -> usize {
        usize::try_from(self.message).unwrap_or(usize::MAX)
    }

    /// The `mailbox` limit as a length in memory.
    #[must_use]
    pub fn mailbox_max(&self) -> usize {
        usize::try_from(self.mailbox).unwrap_or(usize::MAX)
    }
}

/// Bytes as people read them: `32 MiB`, `31.9 MiB`, `512 bytes`.
#[must_use]
pub fn bytes_text(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let Some((unit, shift)) = units.into_iter().find(|(_, shift)| bytes >> shift > 0) else {
        return format!("{bytes} bytes");
    };
    match bytes & ((1 << shift) - 1) {
        0 => format!("{} {unit}", bytes >> shift),
        _ => format!("{:.1} {unit}", bytes as f64 / (1u64 << shift) as f64),
    }
}

/// A time as people read it: `10 s`, `1.5 s`, `250 ms`.
#[must_use]
pub fn time_text(ns: u64) -> String {
    let units = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];
    let Some((unit, size)) = units.into_iter().find(|(_, size)| ns >= *size) else {
        return format!("{ns} ns");
    };
    match ns % size {
        0 => format!("{} {unit}", ns / size),
        _ => format!("{:.1} {unit}", ns as f64 / size as f64),
    }
}

/// What is said of a limit that was exceeded: `memory limit of 32 MiB exceeded (used 32.1 MiB)`.
/// `unit` makes both amounts readable.
#[must_use]
pub fn exceeded_text(what: &str, limit: u64, used: u64, unit: fn(u64) -> String) -> String {
    format!("{what} limit of {} exceeded (used {})", unit(limit), unit(used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowering_never_raises() {
        assert_eq!(Limits::DEFAULT.lowered_by(Limits::NONE), Limits::DEFAULT);
        let low = Limits { memory: 1, turn_ns: u64::MAX, ..Limits::NONE };
        let both = Limits::DEFAULT.lowered_by(low);
        assert_eq!((both.memory, both.turn_ns), (1, TURN_DEFAULT_NS));
    }

    #[test]
    fn amounts_are_readable() {
        assert_eq!(bytes_text(512), "512 bytes");
        assert_eq!(bytes_text(32 << 20), "32 MiB");
        assert_eq!(bytes_text((32 << 20) - 100_000), "31.9 MiB");
        assert_eq!(time_text(10_000_000_000), "10 s");
        assert_eq!(time_text(1_500_000_000), "1.5 s");
        assert_eq!(time_text(250_000_000), "250 ms");
        assert_eq!(time_text(0), "0 ns");
    }
}
