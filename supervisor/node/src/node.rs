//! [`Node`]: the tables, and which rule answers which input.

use crate::exec::Exec;
use crate::process::{Number, Order, Phase, Process};
use crate::reason::Exceeded;
use crate::spawn::{Purpose, Wanted};
use crate::stop::Stopping;
use crate::timers::{Timer, Timers};
use crate::{Config, Denial, Granted, HostSpec, Input, Output, Refusal, Stuck};
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use ipc::frame::{CallId, FromWorker, Op, Outcome};
use ipc::limits::EXIT_MAX_NS;
use ipc::quota::{bytes_text, time_text};
use ipc::{ExitKind, LimitUse, Pid, PidText, fault};

/// One supervisor with its processes: the state, without the IO.
#[derive(Debug)]
pub struct Node {
    pub(crate) config: Config,
    pub(crate) now: u64,
    pub(crate) last_number: Number,
    pub(crate) processes: BTreeMap<Number, Process>,
    /// Live processes of each host; a host without any is absent.
    pub(crate) live: BTreeMap<Rc<str>, u32>,
    pub(crate) names: BTreeMap<Rc<str>, Number>,
    pub(crate) timers: Timers,
    pub(crate) stopping: Option<Stopping>,
    pub(crate) denials: BTreeMap<Denial, u64>,
    out: VecDeque<Output>,
}

impl Node {
    /// A node without processes.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Node {
            config,
            now: 0,
            last_number: 0,
            processes: BTreeMap::new(),
            live: BTreeMap::new(),
            names: BTreeMap::new(),
            timers: Timers::default(),
            stopping: None,
            denials: BTreeMap::new(),
            out: VecDeque::new(),
        }
    }

    /// Takes one input at a time (`now`, nanoseconds of any clock that never goes back). Drain
    /// [`Node::poll_output`] before the next.
    pub fn handle(&mut self, now: u64, input: Input<'_>) {
        self.now = self.now.max(now);
        match input {
            Input::Spawn { token, entry, host } => self.spawn_for_node(token, entry, host),
            Input::Frame { from, frame, charge } => self.frame(from, frame, charge),
            Input::Broken { from, what } => self.violation(from.number, &what),
            Input::Overrun { pid, limit, used } => self.overrun(pid.number, limit, used),
            Input::Closed { pid } => self.set_timer(pid.number, Timer::Exit, EXIT_MAX_NS),
            Input::NoWorker { pid, fault } => self.no_worker(pid.number, fault),
            Input::Exited { pid, os_pid, end, usage } => {
                self.exited(pid.number, os_pid, end, usage);
            }
            Input::Stuck { pid, how } => self.stuck(pid.number, how),
            Input::Cancel { pid, reason, deadline_ns } => {
                self.cancel_for_node(pid.number, reason, deadline_ns);
            }
            Input::Terminate { pid, why } => {
                self.order(pid.number, Order::new(ExitKind::Terminated, why));
            }
            Input::Outdated { entries } => self.outdated(entries),
            Input::Stop { how, grace_ns } => self.stop(how, grace_ns),
            Input::Time => self.fire_timers(),
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When [`Input::Time`] is due next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.timers.next()
    }

    /// How many processes there are, in any phase.
    #[must_use]
    pub fn process_count(&self) -> usize {
        self.processes.len()
    }

    /// True where nothing is left of any process: no name, no timer, no count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
            && self.names.is_empty()
            && self.timers.is_empty()
            && self.live.is_empty()
    }

    /// False for a process that broke the protocol: nothing that it says counts any more.
    #[must_use]
    pub fn heeds(&self, pid: Pid) -> bool {
        self.processes.get(&pid.number).is_some_and(|process| !process.is_liar())
    }

    /// The host, for whoever starts its workers.
    #[must_use]
    pub fn host(&self, id: &str) -> Option<&HostSpec> {
        self.config.hosts.get(id)
    }

    /// How many processes more the host may have now.
    #[must_use]
    pub fn room(&self, host: &str) -> u32 {
        let max = self.config.hosts.get(host).map_or(0, |host| host.max_processes);
        max.saturating_sub(self.live.get(host).copied().unwrap_or(0))
    }

    /// What was denied, and how often. What is beyond [`DENIALS_MAX`](ipc::limits::DENIALS_MAX)
    /// kinds is counted for each host, call and field together, under an empty object.
    #[must_use]
    pub fn denials(&self) -> &BTreeMap<Denial, u64> {
        &self.denials
    }

    pub(crate) fn emit(&mut self, output: Output) {
        self.out.push_back(output);
    }

    /// The number behind a PID's text or a name.
    pub(crate) fn resolve(&self, dest: &str) -> Result<Number, Refusal> {
        let Some(text) = PidText::parse(dest) else {
            let number = self.names.get(dest).copied();
            return number.ok_or_else(|| Refusal::Unresolved(dest.to_owned()));
        };
        let process = self.processes.get(&text.pid.number).ok_or(Refusal::Gone)?;
        match process.pid == text.pid && *process.host == *text.host {
            true => Ok(text.pid.number),
            false => Err(Refusal::Gone),
        }
    }

    pub(crate) fn pid_of(&self, number: Number) -> Option<Pid> {
        self.processes.get(&number).map(|process| process.pid)
    }

    /// Has a process killed. Nobody is killed twice: the first order stands.
    pub(crate) fn order(&mut self, number: Number, order: Order) {
        let Some(process) = self.processes.get_mut(&number) else { return };
        if process.order.is_some() {
            return;
        }
        process.order = Some(order);
        let pid = process.pid;
        self.emit(Output::Kill { pid });
    }

    fn frame(&mut self, from: Pid, frame: &FromWorker<'_>, charge: usize) {
        let Some(process) = self.processes.get_mut(&from.number) else { return };
        // Else a worker could break the protocol and say in the same write that its body ended well.
        if process.is_liar() {
            return;
        }
        let number = from.number;
        match (process.phase, frame) {
            (Phase::Unloaded | Phase::Ending, _) => self.violation(number, "frame after the last"),
            (Phase::Loading { .. }, FromWorker::Loaded) => self.loaded(number),
            (Phase::Loading { .. }, FromWorker::LoadFailed { fault }) => {
                self.start_failed(number, Refusal::NotLoaded(fault.clone()));
                self.set_timer(number, Timer::Exit, EXIT_MAX_NS);
            }
            (Phase::Upgrading, FromWorker::Loaded) => self.goes_on(number),
            (Phase::Upgrading, FromWorker::LoadFailed { fault }) => {
                self.cannot_go_on(number, &fault.message);
            }
            (Phase::Running, FromWorker::Upgrade { entry }) => self.upgrade(number, *entry),
            (Phase::Running, FromWorker::Done { outcome }) => self.done(number, outcome),
            (_, FromWorker::Call { call, op }) => self.call(number, *call, op, charge),
            (_, FromWorker::Send { route, topic }) => self.send(number, *route, topic, charge),
            (_, FromWorker::Release { route }) => self.release(number, *route),
            (_, FromWorker::Consumed { bytes }) => {
                process.mailbox.charged = process.mailbox.charged.saturating_sub(*bytes);
            }
            (_, FromWorker::GiveUp { call }) => self.give_up(number, *call),
            (_, FromWorker::CancelTaken) => process.cancels = process.cancels.saturating_sub(1),
            (_, FromWorker::Listening) => process.listening = true,
            (_, FromWorker::Ready) => self.ready(number),
            // Standard output and the watchdog are no affair of the node's.
            (_, FromWorker::Print | FromWorker::Pong) => {}
            _ => self.violation(number, "frame out of order"),
        }
    }

    fn call(&mut self, from: Number, call: CallId, op: &Op<'_>, charge: usize) {
        let result = match *op {
            Op::Spawn { entry, host, ties, with } => {
                let wanted = Wanted { entry, host, ties, with, purpose: Purpose::Spawn };
                return self.spawn_for_process(from, call, wanted, charge);
            }
            Op::Exec { entry, host, with } => {
                return self.exec(from, call, Exec { entry, host, with }, charge);
            }
            Op::Send { dest, topic } => self.ask(from, dest, topic, charge),
            Op::Monitor { dest } => self.monitor(from, dest),
            Op::Unmonitor { dest } => self.unmonitor(from, dest),
            Op::Link { dest } => self.link(from, dest),
            Op::Unlink { dest } => self.unlink(from, dest),
            Op::Cancel { dest, reason, deadline_ns } => {
                self.cancel(from, dest, reason, deadline_ns)
            }
            Op::Terminate { dest } => self.terminate(from, dest),
            Op::Register { name, dest } => self.register(from, name, dest),
            Op::Lookup { name } => self.lookup(from, name),
            Op::Unregister { name } => self.unregister(from, name),
            Op::TrapLinks { on } => self.trap_links(from, on),
            Op::Chaos { dest, signal } => self.chaos(from, dest, signal),
            Op::Upgradable { on } => self.upgradable(from, on),
        };
        self.reply(from, call, result);
    }

    /// Answers a call, where the caller still lives.
    pub(crate) fn reply(&mut self, to: Number, call: CallId, result: Result<Granted, Refusal>) {
        if let Some(to) = self.pid_of(to) {
            self.emit(Output::Reply { to, call, result });
        }
    }

    fn trap_links(&mut self, from: Number, on: bool) -> Result<Granted, Refusal> {
        let process = self.processes.get_mut(&from).ok_or(Refusal::Gone)?;
        process.trap_links = on;
        Ok(Granted::Done)
    }

    fn done(&mut self, number: Number, outcome: &Outcome) {
        let Some(process) = self.processes.get_mut(&number) else { return };
        process.outcome = Some(outcome.clone());
        process.phase = Phase::Ending;
        self.set_timer(number, Timer::Exit, EXIT_MAX_NS);
    }

    pub(crate) fn violation(&mut self, number: Number, what: &str) {
        let Some(process) = self.processes.get_mut(&number) else { return };
        // What a liar said of its end does not count either.
        process.outcome = None;
        // `what` may quote what the liar said, at any length.
        let message = fault::cut(format!("protocol violation: {what}"));
        self.order(number, Order::new(ExitKind::Protocol, message));
    }

    fn stuck(&mut self, number: Number, how: Stuck) {
        let Some(process) = self.processes.get(&number) else { return };
        let order = match how {
            Stuck::Silent { ns } => {
                let time = time_text(ns);
                let message = format!("did not read for {time} and used no CPU: stopped or wedged");
                Order::new(ExitKind::Watchdog, message)
            }
            Stuck::Busy { cpu_ns } => Exceeded::turn(&process.limits, cpu_ns).order(),
        };
        self.order(number, order);
    }

    fn overrun(&mut self, number: Number, limit: u64, used: u64) {
        let (limit_text, used_text) = (bytes_text(limit), bytes_text(used));
        let message = format!(
            "mailbox limit of {limit_text} exceeded (used {used_text}): the process does not read"
        );
        let mut order = Order::new(ExitKind::Mailbox, message);
        order.limit = Some(LimitUse { limit, used });
        self.order(number, order);
    }

    /// What breaks the laws in the present state: empty where all hold. For tests.
    #[must_use]
    pub fn broken_laws(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (number, process) in &self.processes {
            self.broken_ties(*number, process, &mut broken);
            self.broken_routes(*number, process, &mut broken);
            self.broken_names(*number, process, &mut broken);
            self.broken_lineage(*number, process, &mut broken);
            self.broken_execs(*number, process, &mut broken);
        }
        for (name, owner) in &self.names {
            if !self.processes.contains_key(owner) {
                broken.push(format!("name '{name}' belongs to {owner}, who is gone"));
            }
        }
        broken
    }
}
