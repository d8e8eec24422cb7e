//! What the node does and hears of its own accord, for the services of the app.

use crate::process::{Number, Phase};
use crate::timers::Timer;
use crate::{Config, Granted, Node, Output, Refusal};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use ipc::Pid;

impl Node {
    pub(crate) fn cancel_for_node(&mut self, number: Number, reason: &str, deadline_ns: u64) {
        self.set_timer(number, Timer::Cancel, deadline_ns);
        if let Some(to) = self.pid_of(number) {
            let (reason, deadline_ns) = (Some(reason.to_owned()), Some(deadline_ns));
            self.emit(Output::Cancel { to, from: None, reason, deadline_ns });
        }
    }

    pub(crate) fn ready(&mut self, number: Number) {
        let Some(process) = self.processes.get_mut(&number) else { return };
        let again = core::mem::replace(&mut process.ready, true);
        if !again && process.phase == Phase::Running {
            self.tell_ready(number);
        }
    }

    /// Said once, when it is both loaded and ready.
    pub(crate) fn tell_ready(&mut self, number: Number) {
        let Some(process) = self.processes.get(&number) else { return };
        if let (true, Some(token)) = (process.ready, process.token) {
            self.emit(Output::Ready { token });
        }
    }

    pub(crate) fn upgradable(&mut self, from: Number, on: bool) -> Result<Granted, Refusal> {
        let process = self.processes.get_mut(&from).ok_or(Refusal::Gone)?;
        process.upgradable = on;
        if on && core::mem::take(&mut process.outdated) {
            let to = process.pid;
            self.emit(Output::Outdated { to });
        }
        Ok(Granted::Done)
    }

    /// True for a process that wants to be told where its code has changed.
    #[must_use]
    pub fn is_upgradable(&self, pid: Pid) -> bool {
        self.processes.get(&pid.number).is_some_and(|process| process.upgradable)
    }

    /// Tells those that have asked for it. Who asks later is told then: nobody can ask before it is
    /// loaded, and by then it may have the old code.
    pub(crate) fn outdated(&mut self, entries: &BTreeSet<String>) {
        let mut told = Vec::new();
        for process in self.processes.values_mut().filter(|p| entries.contains(&*p.entry)) {
            match (process.phase, process.upgradable) {
                (Phase::Unloaded | Phase::Ending, _) => {}
                (_, true) => told.push(process.pid),
                (_, false) => process.outdated = true,
            }
        }
        for to in told {
            self.emit(Output::Outdated { to });
        }
    }

    /// From now on these are the hosts and the entries. The key of the PIDs stays.
    pub fn reconfigure(&mut self, config: Config) {
        let tag_key = self.config.tag_key;
        self.config = Config { tag_key, ..config };
    }
}
