//! How a node stops: everybody is asked, given time, and then ended.

use crate::process::{Number, Order, Process};
use crate::timers::Timer;
use crate::{Node, Output, Stop};
use alloc::string::String;
use alloc::vec::Vec;
use ipc::ExitKind;

/// Number under which the node keeps its own timer.
const NODE: Number = 0;

/// The node is stopping.
#[derive(Debug)]
pub(crate) struct Stopping {
    /// When the grace period ends.
    deadline: Option<u64>,
    /// [`Output::Stopped`] was given.
    told: bool,
}

impl Node {
    pub(crate) fn stop(&mut self, how: Stop, grace_ns: u64) {
        let first = self.stopping.is_none();
        let stopping = self.stopping.get_or_insert(Stopping { deadline: None, told: false });
        if first && how != Stop::Now {
            let at = self.now.saturating_add(grace_ns);
            stopping.deadline = Some(at);
            self.timers.add(at, NODE, Timer::Cancel);
        }
        match how {
            Stop::Now => self.order_all(),
            Stop::Asked => self.ask_all(first, grace_ns, |_| true),
            Stop::MainEnded => self.ask_all(first, grace_ns, |process| process.listening),
        }
        self.stopped_if_empty();
    }

    /// Asks those who are to be asked, unless they were asked before, and ends the others.
    fn ask_all(&mut self, first: bool, grace_ns: u64, asked: impl Fn(&Process) -> bool) {
        let all: Vec<_> = self.processes.values().map(|p| (p.pid, asked(p))).collect();
        for (to, asked) in all {
            if asked && first {
                let reason = Some(String::from("shutdown"));
                self.emit(Output::Cancel { to, from: None, reason, deadline_ns: Some(grace_ns) });
            } else if !asked {
                self.order(to.number, shutdown());
            }
        }
    }

    fn order_all(&mut self) {
        let all: Vec<_> = self.processes.keys().copied().collect();
        for number in all {
            self.order(number, shutdown());
        }
    }

    pub(crate) fn grace_is_over(&mut self) {
        if let Some(stopping) = &mut self.stopping {
            stopping.deadline = None;
            self.order_all();
        }
    }

    pub(crate) fn stopped_if_empty(&mut self) {
        if !self.processes.is_empty() {
            return;
        }
        let Some(stopping) = &mut self.stopping else { return };
        let told = core::mem::replace(&mut stopping.told, true);
        if let Some(at) = stopping.deadline.take() {
            self.timers.remove(at, NODE, Timer::Cancel);
        }
        if !told {
            self.emit(Output::Stopped);
        }
    }
}

fn shutdown() -> Order {
    Order::new(ExitKind::Shutdown, "terminated: the node is shutting down")
}
