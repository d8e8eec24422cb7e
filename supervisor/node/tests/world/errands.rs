//! What must follow where the node itself asks or ends a process, and where one says that it is ready.

use ipc::{ExitKind, Pid};
use std::collections::BTreeSet;

use super::due::Due;
use super::ledger::{Ledger, Stage, set};

impl Ledger {
    pub(crate) fn cancelled_by_node(&mut self, pid: Pid, deadline_ns: u64) -> Due {
        let mut due = Due::default();
        if let Some(record) = self.living.get_mut(&pid) {
            set(&mut record.deadlines.cancel, self.now.saturating_add(deadline_ns));
            due.cancels.push((pid, None));
        }
        due
    }

    pub(crate) fn ended_by_node(&mut self, pid: Pid) -> Due {
        self.ordered(pid, ExitKind::Terminated)
    }

    /// Only of those that the node itself wanted, once, and not before they are loaded.
    pub(crate) fn ready(&mut self, pid: Pid) -> Due {
        let mut due = Due::default();
        if let Some(record) = self.living.get_mut(&pid) {
            let first = !std::mem::replace(&mut record.ready, true);
            due.ready = record.token.filter(|_| first && record.stage == Stage::Running);
        }
        due
    }

    /// Whoever asked for it and is about to run, or runs. Who asks later is told then, once.
    pub(crate) fn outdated(&mut self, entries: &BTreeSet<String>) -> Due {
        let mut due = Due::default();
        for (pid, record) in &mut self.living {
            let lives =
                matches!(record.stage, Stage::Loading(_) | Stage::Running | Stage::Upgrading);
            if lives && entries.contains(&record.entry) {
                record.outdated |= !record.upgradable;
                if record.upgradable {
                    due.outdated.insert(*pid);
                }
            }
        }
        due
    }
}
