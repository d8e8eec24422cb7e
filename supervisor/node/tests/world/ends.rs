//! What must follow from kills, ends, time and stopping.

use ipc::frame::{EXIT_MEMORY, EXIT_TURN, Outcome, OwnLimit};
use ipc::limits::EXIT_MAX_NS;
use ipc::quota::{bytes_text, time_text};
use ipc::{ExitKind, Fault, LimitUse, Limits, Pid, fault, signal_name};
use node::{ChildEnd, Refusal, Stop, Stuck, Usage};

use super::due::{Answer, Due, End};
use super::ledger::{Ledger, Order, Record, Stage, Stopping, set};

impl Ledger {
    pub(crate) fn violation(&mut self, pid: Pid) -> Due {
        if let Some(record) = self.living.get_mut(&pid) {
            record.outcome = None;
        }
        self.ordered(pid, ExitKind::Protocol)
    }

    pub(crate) fn overrun(&mut self, pid: Pid, limit: u64, used: u64) -> Due {
        let limit = Some(LimitUse { limit, used });
        self.ordered_as(pid, Order { kind: ExitKind::Mailbox, message: None, limit, cause: None })
    }

    pub(crate) fn stuck(&mut self, pid: Pid, how: Stuck) -> Due {
        let order = match how {
            Stuck::Busy { cpu_ns } => over_time(ExitKind::Turn, self.limits(pid).turn_ns, cpu_ns),
            Stuck::Silent { ns } => {
                let (kind, time) = (ExitKind::Watchdog, time_text(ns));
                let message = "and used no CPU: stopped or wedged";
                let message = Some(format!("did not read for {time} {message}"));
                Order { kind, message, limit: None, cause: None }
            }
        };
        self.ordered_as(pid, order)
    }

    pub(crate) fn ordered(&mut self, pid: Pid, kind: ExitKind) -> Due {
        self.ordered_as(pid, Order { kind, message: None, limit: None, cause: None })
    }

    /// The process is to be killed, unless it was to be already.
    fn ordered_as(&mut self, pid: Pid, order: Order) -> Due {
        let mut due = Due::default();
        if let Some(record) = self.living.get_mut(&pid)
            && record.order.is_none()
        {
            record.order = Some(order);
            due.kills.insert(pid);
        }
        due
    }

    pub(crate) fn exited(&mut self, pid: Pid, os_pid: u32, how: ChildEnd, usage: Usage) -> Due {
        let Some(record) = self.living.get(&pid) else { return Due::default() };
        let Order { kind, message, limit, cause } = why(record, &self.limits(pid), how, usage);
        let mut due = self.unload(pid, Answer::DiedLoading);
        let end = End { kind, message, limit, cause, os_pid, how: Some(how), ..self.end_of(pid) };
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
        let goes_on = record.stage == Stage::Upgrading;
        let kind = if goes_on { ExitKind::Error } else { ExitKind::NodeDown };
        let Order { kind, message, limit, cause } =
            order.unwrap_or_else(|| said(kind, &fault.message));
        let end = End { kind, message, limit, cause, ..self.end_of(pid) };
        self.end(end, &mut due);
        due
    }

    fn end_of(&self, pid: Pid) -> End {
        let names = self.names.iter().filter(|(_, owner)| **owner == pid);
        End {
            pid,
            kind: ExitKind::Normal,
            message: None,
            limit: None,
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
        due.returned =
            self.awaited.iter().find(|(_, child)| **child == end.pid).map(|(call, _)| *call);
        let waits = self.forget_awaited(end.pid);
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
        due.kills.extend(
            waits.into_iter().flat_map(|child| self.ordered(child, ExitKind::Terminated).kills),
        );
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
            let wall_ns = self.limits(pid).wall_ns;
            let Some(record) = self.living.get_mut(&pid) else { continue };
            let Record { deadlines, entry, .. } = record;
            let used = now - record.loaded_at;
            let timeout = Answer::Exactly(Err(Refusal::StartTimeout(entry.as_str().into())));
            let start = due_by(now, &mut deadlines.start);
            let passed = [
                (grace, ExitKind::Shutdown),
                (start, ExitKind::Watchdog),
                (due_by(now, &mut deadlines.cancel), ExitKind::Terminated),
                (due_by(now, &mut deadlines.exit), ExitKind::Watchdog),
                (due_by(now, &mut deadlines.wall), ExitKind::Wall),
            ];
            if start.is_some() && record.stage != Stage::Upgrading {
                let unloaded = self.unload(pid, timeout);
                due.replies.extend(unloaded.replies);
                due.node_replies.extend(unloaded.node_replies);
            }
            let first = passed.into_iter().filter_map(|(at, kind)| Some((at?, kind)));
            if let Some((_, kind)) = first.min_by_key(|(at, _)| *at) {
                let order = match kind {
                    ExitKind::Wall => over_time(kind, wall_ns, used),
                    _ => Order { kind, message: None, limit: None, cause: None },
                };
                due.kills.extend(self.ordered_as(pid, order).kills);
            }
        }
        due
    }
}

/// Takes a deadline that has passed.
fn due_by(now: u64, deadline: &mut Option<u64>) -> Option<u64> {
    deadline.take_if(|at| *at <= now)
}

fn said(kind: ExitKind, message: &str) -> Order {
    let message = Some(fault::cut(message.to_owned()));
    Order { kind, message, limit: None, cause: None }
}

fn over_time(kind: ExitKind, limit: u64, used: u64) -> Order {
    let used = used.max(limit);
    let (may, did) = (time_text(limit), time_text(used));
    let text = format!("{} limit of {may} exceeded (used {did})", kind.as_str());
    Order { limit: Some(LimitUse { limit, used }), ..said(kind, &text) }
}

fn over_memory(limits: &Limits, used: u64, how: &str) -> Order {
    let limit = limits.memory;
    let text = format!("memory limit of {} exceeded{how}", bytes_text(limit));
    Order { limit: Some(LimitUse { limit, used }), ..said(ExitKind::Memory, &text) }
}

/// What a worker said of its body counts first, then why it was killed, then what the kernel says.
fn why(record: &Record, limits: &Limits, how: ChildEnd, usage: Usage) -> Order {
    match (&record.outcome, &record.order, how) {
        (Some(outcome), ..) => said_by_worker(limits, outcome),
        (_, Some(order), how) if how == ChildEnd::Signal(9) || order.kind == ExitKind::Protocol => {
            order.clone()
        }
        (_, _, ChildEnd::Signal(signal)) => said_by_kernel(limits, signal, usage),
        (.., ChildEnd::Code(_)) if record.stage == Stage::Unloaded => {
            said(ExitKind::Code, "could not be loaded")
        }
        (.., ChildEnd::Code(EXIT_MEMORY)) => {
            let used = format!(" (used {})", bytes_text(limits.memory));
            over_memory(limits, limits.memory, &used)
        }
        (.., ChildEnd::Code(EXIT_TURN)) => said_by_worker(
            limits,
            &Outcome::Over { limit: OwnLimit::Turn, used: 0, at: String::new() },
        ),
        (.., ChildEnd::Code(code)) => {
            said(ExitKind::Code, &format!("worker exited with code {code} before its body ended"))
        }
    }
}

fn said_by_worker(limits: &Limits, outcome: &Outcome) -> Order {
    match outcome {
        Outcome::Normal => Order { message: None, ..said(ExitKind::Normal, "") },
        Outcome::Failed { message } => said(ExitKind::Error, message),
        Outcome::Over { limit: OwnLimit::Memory, used, at } => {
            let used = limits.memory.max(*used);
            over_memory(limits, used, &format!(" (used {}){}", bytes_text(used), place(at)))
        }
        Outcome::Over { limit: OwnLimit::Turn, used, at } => {
            let order = over_time(ExitKind::Turn, limits.turn_ns, *used);
            let message = order.message.unwrap_or_default() + &place(at);
            Order { message: Some(fault::cut(message)), ..order }
        }
    }
}

fn place(at: &str) -> String {
    if at.is_empty() { String::new() } else { format!(": {at}") }
}

fn said_by_kernel(limits: &Limits, signal: i32, usage: Usage) -> Order {
    let cpu_ns = limits.cpu_s.checked_mul(1_000_000_000);
    match (signal, cpu_ns) {
        (31, _) => said(
            ExitKind::Sandbox,
            "killed by the sandbox: it made a system call that workers may not make (SIGSYS)",
        ),
        (9, _) if usage.out_of_memory => {
            over_memory(limits, limits.memory, ": killed by the kernel's control group")
        }
        (24, Some(cpu_ns)) => over_time(ExitKind::Cpu, cpu_ns, usage.cpu_ns),
        (9, Some(cpu_ns)) if usage.cpu_ns >= cpu_ns => {
            over_time(ExitKind::Cpu, cpu_ns, usage.cpu_ns)
        }
        _ => {
            let text = format!("killed by signal {signal} ({})", signal_name(signal));
            said(ExitKind::Signal, &text)
        }
    }
}
