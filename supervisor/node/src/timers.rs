//! The deadlines of processes and of the node, as data.

use crate::Node;
use crate::process::{Number, Order};
use crate::reason::Exceeded;
use alloc::collections::BTreeSet;
use ipc::ExitKind;

/// What is to happen at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// A process has not loaded.
    Start = 0,
    /// A cancelled process has not ended.
    Cancel = 1,
    /// A worker has not exited after its last frame.
    Exit = 2,
    /// A process has run for as long as it may.
    Wall = 3,
}

/// All timers by time. Number 0 is the node's own: the end of the grace period.
#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeSet<(u64, Number, Timer)>);

impl Timers {
    pub(crate) fn next(&self) -> Option<u64> {
        self.0.first().map(|(at, ..)| *at)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, at: u64, number: Number, timer: Timer) {
        self.0.insert((at, number, timer));
    }

    pub(crate) fn remove(&mut self, at: u64, number: Number, timer: Timer) {
        self.0.remove(&(at, number, timer));
    }

    fn pop_due(&mut self, now: u64) -> Option<(Number, Timer)> {
        let (at, ..) = self.0.first()?;
        (*at <= now).then(|| self.0.pop_first().map(|(_, number, timer)| (number, timer)))?
    }
}

impl Node {
    /// Sets a process's timer; an earlier deadline of the same kind stays.
    pub(crate) fn set_timer(&mut self, number: Number, timer: Timer, after_ns: u64) {
        let at = self.now.saturating_add(after_ns);
        let Some(process) = self.processes.get_mut(&number) else { return };
        let slot = &mut process.timers[timer as usize];
        if slot.is_some_and(|earlier| earlier <= at) {
            return;
        }
        if let Some(later) = slot.replace(at) {
            self.timers.remove(later, number, timer);
        }
        self.timers.add(at, number, timer);
    }

    pub(crate) fn clear_timer(&mut self, number: Number, timer: Timer) {
        let Some(process) = self.processes.get_mut(&number) else { return };
        if let Some(at) = process.timers[timer as usize].take() {
            self.timers.remove(at, number, timer);
        }
    }

    pub(crate) fn fire_timers(&mut self) {
        while let Some((number, timer)) = self.timers.pop_due(self.now) {
            match self.processes.get_mut(&number) {
                Some(process) => {
                    process.timers[timer as usize] = None;
                    self.fire(number, timer);
                }
                None => self.grace_is_over(),
            }
        }
    }

    fn wall_exceeded(&mut self, number: Number) {
        let Some(process) = self.processes.get(&number) else { return };
        let used = self.now - process.loaded_at;
        self.order(number, Exceeded::wall(&process.limits, used).order());
    }

    fn fire(&mut self, number: Number, timer: Timer) {
        match timer {
            Timer::Start => self.start_timed_out(number),
            Timer::Cancel => {
                self.order(number, Order::new(ExitKind::Terminated, "cancel deadline exceeded"));
            }
            Timer::Wall => self.wall_exceeded(number),
            Timer::Exit => {
                let message = "worker did not exit after its last frame";
                self.order(number, Order::new(ExitKind::Watchdog, message));
            }
        }
    }
}
