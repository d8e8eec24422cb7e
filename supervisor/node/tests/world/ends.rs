//! What must follow from kills, ends, time and stopping.

use ipc::frame::Outcome;
use ipc::limits::EXIT_MAX_NS;
use ipc::{ExitKind, Fault, Pid, fault, signal_name};
use node::{ChildEnd, Refusal, Stop};

use super::due::{Answer, Due, End};
use super::ledger::{Ledger, Order, Record, Stopping, set};

impl Ledger {
    pub(crate) fn violation(&mut self, pid: Pid) -> Due {
        if let Some(record) = self.living.get_mut(&pid) {
            record.outcome = None;
        }
        self.ordered(pid, ExitKind::Protocol)
    }

    /// The process is to be killed, unless it was to be already.
    pub(crate) fn ordered(&mut self, pid: Pid, kind: ExitKind) -> Due {
        let mut due = Due::default();
        if let Some(record) = self.living.get_mut(&pid)
            && record.order.is_none()
        {
            record.order = Some(Order { kind, message: None, cause: None });
            due.kills.insert(pid);
        }
        due
    }

    pub(crate) fn exited(&mut self, pid: Pid, os_pid: u32, how: ChildEnd) -> Due {
        let mut due = self.unload(pid, Answer::DiedLoading);
        let Some(record) = self.living.get(&pid) else { return due };
        let (kind, message, cause) = reason(record, how);
        let end = End { kind, message, cause, os_pid, how: Some(how), ..self.end_of(pid) };
        self.end(end, &mut due);
        due
    }

    /// It can say nothing more, so it has as long to exit as one whose body ended.
    pub(crate) fn hung_up(&mut self, pid: Pid) -> Due {
        if let Some(record) = self.living.get_mut(&pid) {
            record.closed = true;
            set(&mut record.deadlines.exit, self.now + EXIT_MAX_NS);
        }
        Due::default()
    }

    pub(crate) fn no_worker(&mut self, pid: Pid, fault: &Fault) -> Due {
        let mut due = self.unload(pid, Answer::Exactly(Err(Refusal::NotLoaded(fault.clone()))));
        let Some(record) = self.living.get(&pid) else { return due };
        let order = record.order.clone();
        let (kind, message, cause) = match order {
            Some(order) => (order.kind, order.message, order.cause),
            None => (ExitKind::NodeDown, Some(fault.message.clone()), None),
        };
        let end = End { kind, message, cause, ..self.end_of(pid) };
        self.end(end, &mut due);
        due
    }

    fn end_of(&self, pid: Pid) -> End {
        let names = self.names.iter().filter(|(_, owner)| **owner == pid);
        End {
            pid,
            kind: ExitKind::Normal,
            message: None,
            cause: None,
            os_pid: 0,
            how: None,
            token: self.living.get(&pid).and_then(|record| record.token),
            exits: self.watchers(pid).into_iter().filter(|watcher| *watcher != pid).collect(),
            link_downs: Default::default(),
            dragged: Default::default(),
            names: names.map(|(name, _)| name.clone()).collect(),
        }
    }

    fn end(&mut self, mut end: End, due: &mut Due) {
        let peers = self.peers(end.pid);
        self.forget(end.pid);
        due.closed = self.close(end.pid, |_| true).closed;
        for peer in peers {
            if end.kind == ExitKind::Normal {
                continue;
            }
            if self.living.get(&peer).is_some_and(|record| record.traps) {
                end.link_downs.insert(peer);
            } else if !self.ordered(peer, ExitKind::Link).kills.is_empty() {
                end.dragged.insert(peer);
                due.kills.insert(peer);
            }
        }
        due.end = Some(end);
        due.stopped = self.stopped();
    }

    fn stopped(&mut self) -> bool {
        let Some(stopping) = &mut self.stopping else { return false };
        if !self.living.is_empty() || stopping.told {
            return false;
        }
        *stopping = Stopping { grace: None, told: true };
        true
    }

    /// Whoever was asked once is not asked again: its first deadline stays.
    pub(crate) fn stop(&mut self, how: Stop, grace_ns: u64) -> Due {
        let mut due = Due::default();
        let first = self.stopping.is_none();
        if first {
            let grace = (how != Stop::Now).then(|| self.now.saturating_add(grace_ns));
            self.stopping = Some(Stopping { grace, told: false });
        }
        let all: Vec<_> = self.living.iter().map(|(pid, record)| (*pid, record.listens)).collect();
        for (pid, listens) in all {
            let asked = match how {
                Stop::Asked => true,
                Stop::MainEnded => listens,
                Stop::Now => false,
            };
            if !asked {
                due.kills.extend(self.ordered(pid, ExitKind::Shutdown).kills);
            } else if first {
                due.cancels.push((pid, None));
            }
        }
        due.stopped = self.stopped();
        due
    }

    /// Of several deadlines that have passed, the earliest says why a process ends.
    pub(crate) fn time(&mut self) -> Due {
        let mut due = Due::default();
        let now = self.now;
        let grace = self.stopping.as_mut().and_then(|stopping| due_by(now, &mut stopping.grace));
        for pid in self.living.keys().copied().collect::<Vec<_>>() {
            let Some(Record { deadlines, entry, .. }) = self.living.get_mut(&pid) else { continue };
            let timeout = Answer::Exactly(Err(Refusal::StartTimeout(entry.as_str().into())));
            let start = due_by(now, &mut deadlines.start);
            let passed = [
                (grace, ExitKind::Shutdown),
                (start, ExitKind::Watchdog),
                (due_by(now, &mut deadlines.cancel), ExitKind::Terminated),
                (due_by(now, &mut deadlines.exit), ExitKind::Watchdog),
            ];
            if start.is_some() {
                let unloaded = self.unload(pid, timeout);
                due.replies.extend(unloaded.replies);
                due.node_replies.extend(unloaded.node_replies);
            }
            let first = passed.into_iter().filter_map(|(at, kind)| Some((at?, kind)));
            if let Some((_, kind)) = first.min_by_key(|(at, _)| *at) {
                due.kills.extend(self.ordered(pid, kind).kills);
            }
        }
        due
    }
}

/// Takes a deadline that has passed.
fn due_by(now: u64, deadline: &mut Option<u64>) -> Option<u64> {
    deadline.take_if(|at| *at <= now)
}

type Why = (ExitKind, Option<String>, Option<String>);

/// What a worker said of its body counts first, then why it was killed, then what the kernel says.
fn reason(record: &Record, how: ChildEnd) -> Why {
    match (&record.outcome, &record.order, how) {
        (Some(Outcome::Normal), ..) => (ExitKind::Normal, None, None),
        (Some(Outcome::Failed { message }), ..) => {
            (ExitKind::Error, Some(fault::cut(message.clone())), None)
        }
        (_, Some(order), how) if how == ChildEnd::Signal(9) || order.kind == ExitKind::Protocol => {
            (order.kind, order.message.clone(), order.cause.clone())
        }
        (_, _, ChildEnd::Signal(signal)) => {
            let message = format!("killed by signal {signal} ({})", signal_name(signal));
            (ExitKind::Signal, Some(message), None)
        }
        (_, _, ChildEnd::Code(_)) => (ExitKind::Code, None, None),
    }
}
