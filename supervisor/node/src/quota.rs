//! What a process may hold of each kind, and what is said where it may hold no more.

use crate::process::{Number, Process};
use crate::{Node, Refusal};
use alloc::format;
use alloc::string::String;
use ipc::Limits;

/// What is counted for each process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Processes that it has spawned, and those that it has adopted.
    Children,
    Links,
    /// They have the limit of links: both are ties.
    Monitors,
    Names,
}

impl Counted {
    fn held(self, process: &Process) -> usize {
        match self {
            Counted::Children => process.children.len(),
            Counted::Links => process.links.len(),
            Counted::Monitors => process.watching.len(),
            Counted::Names => process.names.len(),
        }
    }

    fn max(self, limits: &Limits) -> u32 {
        match self {
            Counted::Children => limits.children,
            Counted::Links | Counted::Monitors => limits.links,
            Counted::Names => limits.names,
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Counted::Children => "children",
            Counted::Links => "links",
            Counted::Monitors => "monitors",
            Counted::Names => "names",
        }
    }

    /// The field of a manifest.
    const fn field(self) -> &'static str {
        match self {
            Counted::Monitors => "links",
            other => other.what(),
        }
    }
}

impl Node {
    /// Refuses where a process holds as many as it may.
    pub(crate) fn room_for(&self, number: Number, counted: Counted) -> Result<(), Refusal> {
        let process = self.processes.get(&number).ok_or(Refusal::Gone)?;
        let max = counted.max(&process.limits);
        match counted.held(process) < max as usize {
            true => Ok(()),
            false => Err(Refusal::AtLimit {
                what: counted.what(),
                max: u64::from(max),
                field: counted.field(),
                of: self.who_limits(process, |limits| u64::from(counted.max(limits))),
            }),
        }
    }

    /// The arguments of spawns under way lie in the supervisor: all together they have the room that
    /// one mailbox has.
    pub(crate) fn room_for_spawn(&self, number: Number, charge: u64) -> Result<(), Refusal> {
        let process = self.processes.get(&number).ok_or(Refusal::Gone)?;
        let max = process.limits.mailbox;
        match process.spawning == 0 || process.spawning.saturating_add(charge) <= max {
            true => Ok(()),
            false => Err(Refusal::AtLimit {
                what: "bytes in arguments of spawns under way",
                max,
                field: "mailbox",
                of: self.who_limits(process, |limits| limits.mailbox),
            }),
        }
    }

    /// Whose manifest sets a process's limit: its entry's, where that lowers its host's.
    fn who_limits(&self, process: &Process, limit: impl Fn(&Limits) -> u64) -> String {
        let host = self.config.hosts.get(&process.host);
        let lowered = host.is_some_and(|host| limit(&process.limits) < limit(&host.limits));
        match lowered {
            true => format!("entry '{}'", process.entry),
            false => format!("host '{}'", process.host),
        }
    }
}
