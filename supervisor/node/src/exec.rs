//! Processes for whose end their spawner waits.
//!
//! The call that starts one is answered when it has ended, or could not start. Nobody else ever waits
//! for it, so it is terminated where its caller ends or gives up.

use crate::process::{Number, Order, Process};
use crate::spawn::{Purpose, Wanted};
use crate::{Node, Output, Refusal};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use ipc::frame::{CallId, Ties, With};
use ipc::{ExitKind, ExitReason};

/// What is to be waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exec<'a> {
    pub(crate) entry: &'a str,
    /// None where it is called as a function.
    pub(crate) host: Option<&'a str>,
    pub(crate) with: With<'a>,
}

impl Node {
    pub(crate) fn exec(&mut self, from: Number, call: CallId, exec: Exec<'_>, charge: usize) {
        let waits = self.processes.get(&from).is_some_and(|p| p.execs.contains_key(&call));
        if waits {
            // One answer for two calls: whoever makes them has lost count, or wants the node to.
            return self.violation(from, "a call by the number of one that is not answered");
        }
        let Exec { entry, host, with } = exec;
        let (host, purpose) = match host {
            Some(host) => (Ok(Rc::from(host)), Purpose::Exec),
            None => (self.host_of_call(from, entry), Purpose::Call),
        };
        match host {
            Ok(host) => {
                let ties = Ties::default();
                let wanted = Wanted { entry, host: &host, ties, with, purpose };
                self.spawn_for_process(from, call, wanted, charge);
            }
            Err(refusal) => self.reply(from, call, Err(refusal)),
        }
    }

    /// Where a function runs: on the host that its entry names, or on that of its caller.
    fn host_of_call(&mut self, from: Number, entry: &str) -> Result<Rc<str>, Refusal> {
        self.check_entry(from, entry)?;
        let id = self.body(entry, Purpose::Call)?;
        let known = self.config.entries.get(&id);
        let own = known.and_then(|known| known.default_host.clone());
        match (own, known.is_some_and(|known| known.kind == "function.lua")) {
            (Some(host), _) => Ok(host),
            (None, true) => {
                self.processes.get(&from).map(|from| from.host.clone()).ok_or(Refusal::Gone)
            }
            (None, false) => Err(Refusal::NoHost(id)),
        }
    }

    pub(crate) fn wait_for(&mut self, from: Number, call: CallId, child: Number) {
        if let Some(process) = self.processes.get_mut(&from) {
            process.execs.insert(call, child);
        }
        if let Some(process) = self.processes.get_mut(&child) {
            process.awaited = Some((from, call));
        }
    }

    /// It never started, and its caller is told of that.
    pub(crate) fn wait_no_more(&mut self, child: Number) {
        let awaited = self.processes.get_mut(&child).and_then(|process| process.awaited.take());
        if let Some((from, call)) = awaited
            && let Some(process) = self.processes.get_mut(&from)
        {
            process.execs.remove(&call);
        }
    }

    /// Nobody waits for the result any more. What is not known has ended meanwhile.
    pub(crate) fn give_up(&mut self, from: Number, call: CallId) {
        let child = self.processes.get(&from).and_then(|process| process.execs.get(&call));
        if let Some(child) = child.copied() {
            self.order(child, terminated("nobody waits for its result any more"));
        }
    }

    pub(crate) fn tell_caller(&mut self, process: &Process, reason: &Rc<ExitReason>) {
        let Some((from, call)) = process.awaited else { return };
        let Some(caller) = self.processes.get_mut(&from) else { return };
        caller.execs.remove(&call);
        let to = caller.pid;
        self.emit(Output::Returned { to, call, reason: reason.clone() });
    }

    /// Whoever waited is gone: so are those for whom it waited.
    pub(crate) fn end_awaited(&mut self, execs: &BTreeMap<CallId, Number>, why: &str) {
        for child in execs.values() {
            if let Some(process) = self.processes.get_mut(child) {
                process.awaited = None;
            }
            self.order(*child, terminated(why));
        }
    }

    pub(crate) fn broken_execs(&self, number: Number, process: &Process, out: &mut Vec<String>) {
        for (call, child) in &process.execs {
            let awaited = self.processes.get(child).and_then(|child| child.awaited);
            if awaited != Some((number, *call)) {
                out.push(format!("{number} waits for {child}, who does not know"));
            }
        }
        let Some((from, call)) = process.awaited else { return };
        let known = self.processes.get(&from).and_then(|process| process.execs.get(&call));
        if known != Some(&number) {
            out.push(format!("{number} is awaited by {from}, who does not know"));
        }
    }
}

fn terminated(why: &str) -> Order {
    Order::new(ExitKind::Terminated, format!("terminated: {why}"))
}
