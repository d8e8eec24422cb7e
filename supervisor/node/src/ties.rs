//! Links and monitors, and the asking and ordering of ends.

use crate::process::{Number, Order, Process};
use crate::quota::Counted;
use crate::timers::Timer;
use crate::{Granted, Node, Output, Refusal};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ipc::frame::Ties;
use ipc::limits::CANCELS_MAX;
use ipc::{ExitKind, fault};

impl Node {
    pub(crate) fn monitor(&mut self, from: Number, dest: &str) -> Result<Granted, Refusal> {
        let target = self.reach(from, "process.monitor", dest)?;
        let process = self.processes.get(&from).ok_or(Refusal::Gone)?;
        if process.watching.contains(&target) {
            return Err(Refusal::AlreadyMonitored);
        }
        self.room_for(from, Counted::Monitors)?;
        self.tie(from, target, Ties { link: false, monitor: true });
        Ok(Granted::Done)
    }

    pub(crate) fn unmonitor(&mut self, from: Number, dest: &str) -> Result<Granted, Refusal> {
        self.undo(from, "process.unmonitor", dest, Ties { link: false, monitor: true })
    }

    pub(crate) fn link(&mut self, from: Number, dest: &str) -> Result<Granted, Refusal> {
        let target = self.reach(from, "process.link", dest)?;
        let process = self.processes.get(&from).ok_or(Refusal::Gone)?;
        if from != target && !process.links.contains(&target) {
            self.room_for(from, Counted::Links)?;
            self.room_for(target, Counted::Links)?;
            self.tie(from, target, Ties { link: true, monitor: false });
        }
        Ok(Granted::Done)
    }

    pub(crate) fn unlink(&mut self, from: Number, dest: &str) -> Result<Granted, Refusal> {
        self.undo(from, "process.unlink", dest, Ties { link: true, monitor: false })
    }

    /// Undoing a tie to one who is gone is done already; only a name can fail to resolve.
    fn undo(
        &mut self,
        from: Number,
        call: &'static str,
        dest: &str,
        ties: Ties,
    ) -> Result<Granted, Refusal> {
        match self.find(from, call, dest) {
            Ok(target) => self.untie(from, target, ties),
            Err(Refusal::Gone) => {}
            Err(refusal) => return Err(refusal),
        }
        Ok(Granted::Done)
    }

    pub(crate) fn tie(&mut self, from: Number, target: Number, ties: Ties) {
        if ties.link {
            self.with(from, |process| process.links.insert(target));
            self.with(target, |process| process.links.insert(from));
        }
        if ties.monitor {
            self.with(from, |process| process.watching.insert(target));
            self.with(target, |process| process.watchers.insert(from));
        }
    }

    pub(crate) fn untie(&mut self, from: Number, target: Number, ties: Ties) {
        if ties.link {
            self.with(from, |process| process.links.remove(&target));
            self.with(target, |process| process.links.remove(&from));
        }
        if ties.monitor {
            self.with(from, |process| process.watching.remove(&target));
            self.with(target, |process| process.watchers.remove(&from));
        }
    }

    fn with(&mut self, number: Number, change: impl FnOnce(&mut Process) -> bool) {
        if let Some(process) = self.processes.get_mut(&number) {
            change(process);
        }
    }

    pub(crate) fn cancel(
        &mut self,
        from: Number,
        dest: &str,
        reason: Option<&str>,
        deadline_ns: Option<u64>,
    ) -> Result<Granted, Refusal> {
        let target = self.reach(from, "process.cancel", dest)?;
        if let Some(after_ns) = deadline_ns {
            self.set_timer(target, Timer::Cancel, after_ns);
        }
        let process = self.processes.get_mut(&target).ok_or(Refusal::Gone)?;
        if process.cancels >= CANCELS_MAX {
            // The deadline holds whatever the target reads; an event more would tell it nothing.
            let refusal = Refusal::TooMany { what: "unread cancels", max: CANCELS_MAX as usize };
            return deadline_ns.map(|_| Granted::Done).ok_or(refusal);
        }
        process.cancels += 1;
        let to = process.pid;
        let from = self.pid_of(from);
        let reason = reason.map(|reason| fault::cut(reason.to_owned()));
        self.emit(Output::Cancel { to, from, reason, deadline_ns });
        Ok(Granted::Done)
    }

    pub(crate) fn terminate(&mut self, from: Number, dest: &str) -> Result<Granted, Refusal> {
        let target = self.reach(from, "process.terminate", dest)?;
        self.order(target, Order::new(ExitKind::Terminated, "terminated"));
        Ok(Granted::Done)
    }

    pub(crate) fn broken_ties(&self, number: Number, process: &Process, out: &mut Vec<String>) {
        let other = |other: &Number| self.processes.get(other);
        for link in &process.links {
            if !other(link).is_some_and(|peer| peer.links.contains(&number)) {
                out.push(format!("link {number} to {link} is not symmetric"));
            }
        }
        for target in &process.watching {
            if !other(target).is_some_and(|target| target.watchers.contains(&number)) {
                out.push(format!("{number} watches {target}, who does not know"));
            }
        }
        for watcher in &process.watchers {
            if !other(watcher).is_some_and(|watcher| watcher.watching.contains(&number)) {
                out.push(format!("{number} is watched by {watcher}, who does not know"));
            }
        }
    }
}
