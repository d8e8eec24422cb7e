//! How a process goes on with other code, in another worker.
//!
//! PID, names, ties, children and what waits for it stay. What only its worker knew goes with that:
//! its routes, the calls that are not answered, the processes for whose results it waits.

use crate::process::{Number, Order, Phase};
use crate::spawn::Purpose;
use crate::timers::Timer;
use crate::{Node, Output, Refusal};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::rc::Rc;
use ipc::frame::Outcome;
use ipc::limits::{EXIT_MAX_NS, START_MAX_NS};
use ipc::{ExitKind, Limits, fault};

impl Node {
    /// Its worker has said its last word, but for what it hands back.
    pub(crate) fn upgrade(&mut self, number: Number, entry: Option<&str>) {
        if self.processes.get(&number).is_none_or(|process| process.order.is_some()) {
            // It is being killed: nothing is to go on.
            return;
        }
        match self.next_entry(number, entry) {
            Ok(entry) => {
                self.forget_worker(number);
                self.go_on(number, entry);
            }
            Err(refusal) => {
                self.cannot_go_on(number, &refusal.fault().message);
                // Its worker waits for somebody to take over.
                self.order(number, Order::new(ExitKind::Error, "cannot upgrade"));
            }
        }
    }

    fn next_entry(&mut self, number: Number, entry: Option<&str>) -> Result<Rc<str>, Refusal> {
        let own = self.processes.get(&number).map(|process| process.entry.clone());
        let own = own.ok_or(Refusal::Gone)?;
        match entry {
            Some(entry) if *entry != *own => {
                self.check_entry(number, entry)?;
                self.body(entry, Purpose::Spawn)
            }
            _ => Ok(own),
        }
    }

    fn forget_worker(&mut self, number: Number) {
        let Some(process) = self.processes.get_mut(&number) else { return };
        let routes = core::mem::take(&mut process.routes);
        process.free_routes.clear();
        process.trap_links = false;
        process.upgradable = false;
        process.listening = false;
        let execs = core::mem::take(&mut process.execs);
        let children = process.children.clone();
        self.drop_routes_of(number, &routes);
        self.end_awaited(&execs, "nobody waits for its result any more");
        for child in children {
            let Some(child) = self.processes.get_mut(&child) else { continue };
            if let Phase::Loading { caller: Some(caller), .. } = &mut child.phase
                && caller.number == number
            {
                caller.call = None;
            }
        }
    }

    fn go_on(&mut self, number: Number, entry: Rc<str>) {
        let Some(process) = self.processes.get(&number) else { return };
        let limits = self.limits_of(&entry, &process.host);
        let Some(process) = self.processes.get_mut(&number) else { return };
        // What senders were promised holds, and the time runs on.
        let Limits { mailbox, wall_ns, .. } = process.limits;
        process.limits = Limits { mailbox, wall_ns, ..limits };
        process.entry = entry.clone();
        process.outdated = false;
        process.phase = Phase::Upgrading;
        let (pid, limits) = (process.pid, process.limits);
        self.set_timer(number, Timer::Start, START_MAX_NS);
        self.emit(Output::Upgrade { pid, entry, limits });
    }

    /// The new code is loaded.
    pub(crate) fn goes_on(&mut self, number: Number) {
        self.clear_timer(number, Timer::Start);
        if let Some(process) = self.processes.get_mut(&number) {
            process.phase = Phase::Running;
        }
    }

    /// The process fails: there is no code to go on with.
    pub(crate) fn cannot_go_on(&mut self, number: Number, why: &str) {
        self.clear_timer(number, Timer::Start);
        let Some(process) = self.processes.get_mut(&number) else { return };
        let message = fault::cut(format!("cannot upgrade: {why}"));
        process.outcome = Some(Outcome::Failed { message });
        process.phase = Phase::Ending;
        self.set_timer(number, Timer::Exit, EXIT_MAX_NS);
    }

    pub(crate) fn upgrade_timed_out(&mut self, number: Number) {
        let message = "cannot upgrade: the new code did not load in time".to_owned();
        self.order(number, Order::new(ExitKind::Watchdog, message));
    }
}
