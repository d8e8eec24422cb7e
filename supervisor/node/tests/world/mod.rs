//! A small world round a [`Node`]: workers that do what they are told, a kernel that reports their
//! ends, and a book of its own in which it writes what must follow from each input.
//!
//! After each input all outputs are drained and judged against that book, not against the node's
//! tables. What is wrong is collected as [`Breach`]es, each with the [`Law`] that it breaks, so a
//! property can be about one law only.

mod calls;
mod due;
mod ends;
mod errands;
mod foresee;
mod goes_on;
mod hosts;
mod judge;
mod law;
mod ledger;
mod permits;
mod step;
mod take;

use due::End;
use ipc::Pid;
use ipc::frame::{CallId, FromWorker, Op, Outcome};
use judge::Case;
use ledger::{Ledger, Record, Stage};
use node::{ChildEnd, Config, Denial, Input, Node, Output, Usage};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(crate) use law::{Breach, Law};
pub(crate) use step::{Act, Birth, Dest, Lie, Step, Who};

/// The entry that steps spawn where they say no other.
pub(crate) const ENTRY: &str = "app:worker";
/// An entry that lowers its host's limit of children to one.
pub(crate) const OTHER: &str = "app:other";
/// An entry that cannot be spawned.
pub(crate) const LIBRARY: &str = "app:library";
/// A host with room for all.
pub(crate) const ROOMY: &str = "app:roomy";
/// A host with little room: four processes, small mailboxes, two links, one name.
pub(crate) const CRAMPED: &str = "app:cramped";
/// A host that allows little.
pub(crate) const JAILED: &str = "app:jailed";
/// Longer than any deadline of the node.
pub(crate) const AGES: u64 = 1 << 60;

/// When the kernel reports the end of one that is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaping {
    /// Before anything else happens.
    AtOnce,
    /// When a step says so: until then the killed go on speaking and being spoken to.
    Later,
}

/// What a worker or the kernel does of itself.
#[derive(Clone, Copy, Debug)]
enum Event {
    Becomes(Pid, Birth),
    Reaped(Pid),
}

/// A node, and all there is round it.
pub(crate) struct World {
    node: Node,
    ledger: Ledger,
    reaping: Reaping,
    now: u64,
    events: VecDeque<Event>,
    /// What becomes of the worker of the next process.
    birth: Birth,
    calls: CallId,
    tokens: u32,
    killed: BTreeSet<Pid>,
    /// The law that is at stake in the answers to what the world itself asks.
    probing: Option<Law>,
    /// Everybody, in order of birth.
    pub(crate) born: Vec<Pid>,
    /// What everybody was told, in order.
    pub(crate) told: BTreeMap<Pid, Vec<Output>>,
    /// All outputs, in order.
    pub(crate) transcript: Vec<Output>,
    pub(crate) breaches: Vec<Breach>,
}

impl World {
    pub(crate) fn new(reaping: Reaping) -> Self {
        let mut config = Config::new([7; 16]);
        let mut ledger = Ledger::default();
        for (id, spec) in hosts::hosts() {
            config.add_host(id, spec.clone());
            ledger.hosts.insert(id.to_owned(), spec);
        }
        for (id, kind, limits) in hosts::entries() {
            config.add_entry(id, kind, limits);
            ledger.entries.insert(id.to_owned(), limits);
        }
        World {
            node: Node::new(config),
            ledger,
            reaping,
            now: 0,
            events: VecDeque::new(),
            birth: Birth::Loads,
            calls: 0,
            tokens: 0,
            killed: BTreeSet::new(),
            probing: None,
            born: Vec::new(),
            told: BTreeMap::new(),
            transcript: Vec::new(),
            breaches: Vec::new(),
        }
    }

    /// A world with so many processes in it, in which a whole history took place.
    pub(crate) fn after(reaping: Reaping, processes: usize, steps: &[Step]) -> Self {
        let mut world = World::new(reaping);
        for _ in 0..processes {
            world.take(&Step::Want(ROOMY, Birth::Loads));
        }
        for step in steps {
            world.take(step);
        }
        world
    }

    /// One input, all its outputs, and the judgement.
    pub(crate) fn feed(&mut self, input: Input<'_>) {
        let mut due = self.ledger.foresee(self.now, &input);
        if let Some(law) = self.probing {
            due.replies.iter_mut().for_each(|reply| reply.law = law);
        }
        self.node.handle(self.now, input);
        let outputs: Vec<_> = std::iter::from_fn(|| self.node.poll_output()).collect();
        let case = Case { ledger: &self.ledger, due: &due, outputs: &outputs };
        self.breaches.extend(case.judge());
        self.ledger.learn(&due, &outputs);
        outputs.into_iter().for_each(|output| self.carry_out(output));
        self.check_tables();
        if let Some(end) = &due.end {
            self.probe(end);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Start { pid, .. } => {
                self.born.push(pid);
                self.events.push_back(Event::Becomes(pid, self.birth));
            }
            Output::Upgrade { pid, .. } => {
                self.events.push_back(Event::Becomes(pid, self.birth));
            }
            Output::Kill { pid } => {
                if !self.killed.insert(pid) {
                    self.breach(Law::KilledOnce, format!("{pid:?} was killed before"));
                }
                if self.reaping == Reaping::AtOnce {
                    self.events.push_back(Event::Reaped(pid));
                }
            }
            _ => {}
        }
        // What the world asks for its own sake is no part of the history.
        if self.probing.is_some() {
            return;
        }
        if let Some(to) = judge::addressee(&output) {
            self.told.entry(to).or_default().push(output.clone());
        }
        self.transcript.push(output);
    }

    /// Whoever has seen an EXIT asks at once for all that must be gone with that process.
    fn probe(&mut self, end: &End) {
        let speaks = |pid: &&Pid| self.ledger.living.get(pid).is_some_and(Record::can_speak);
        let told = end.exits.iter().find(speaks);
        let Some(from) = told.or_else(|| self.ledger.living.keys().find(speaks)).copied() else {
            return;
        };
        let text = self.ledger.texts.get(&end.pid).cloned().unwrap_or_default();
        self.probing = Some(Law::ExitLast);
        self.call(from, Op::Send { dest: &text, topic: "topic" }, 10);
        for name in &end.names {
            self.call(from, Op::Lookup { name }, 10);
        }
        self.probing = None;
    }

    fn check_tables(&mut self) {
        for how in self.node.broken_laws() {
            self.breach(Law::Tables, how);
        }
        for how in self.ledger.over_limits() {
            self.breach(Law::Limits, how);
        }
        if *self.denials() != self.ledger.denials {
            let how = format!("{:?}, not {:?}", self.denials(), self.ledger.denials);
            self.breach(Law::Permissions, how);
        }
        let (there, due) = (self.node.process_count(), self.ledger.living.len());
        if there != due {
            self.breach(Law::Empty, format!("{there} processes, not {due}"));
        }
        let full = self.ledger.living.iter().filter(|(pid, record)| {
            let max = self.ledger.mailbox_max(**pid);
            record.waiting > 2 * max || self.ledger.promised(**pid) > max
        });
        let full: Vec<_> = full.map(|(pid, record)| format!("{pid:?}: {record:?}")).collect();
        full.into_iter().for_each(|how| self.breach(Law::Mailbox, how));
    }

    fn breach(&mut self, law: Law, how: impl Into<String>) {
        self.breaches.push(Breach::new(law, how));
    }

    pub(crate) fn denials(&self) -> &BTreeMap<Denial, u64> {
        self.node.denials()
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.node.next_deadline()
    }

    /// Lets workers and kernel do what they do of themselves.
    fn settle(&mut self) {
        while let Some(event) = self.events.pop_front() {
            match event {
                Event::Becomes(pid, birth) => self.becomes(pid, birth),
                Event::Reaped(pid) => self.exits(pid, ChildEnd::Signal(9)),
            }
        }
    }

    pub(crate) fn say(&mut self, from: Pid, frame: &FromWorker<'_>, charge: usize) {
        self.feed(Input::Frame { from, frame, charge });
    }

    pub(crate) fn call(&mut self, from: Pid, op: Op<'_>, charge: usize) {
        self.calls += 1;
        self.say(from, &FromWorker::Call { call: self.calls, op }, charge);
    }

    /// The kernel reports each end once.
    fn exits(&mut self, pid: Pid, end: ChildEnd) {
        self.exits_with(pid, end, Usage::default());
    }

    pub(crate) fn exits_with(&mut self, pid: Pid, end: ChildEnd, usage: Usage) {
        if self.ledger.living.contains_key(&pid) {
            let os_pid = 1000 + pid.number as u32;
            self.feed(Input::Exited { pid, os_pid, end, usage });
        }
    }

    /// Ends whatever still lives, the killed first, and sees that nothing is left.
    pub(crate) fn close(&mut self) {
        while let Some((pid, record)) = self.next_to_end() {
            if record.is_killed() {
                self.exits(pid, ChildEnd::Signal(9));
                continue;
            }
            if record.can_speak() && record.stage == Stage::Running {
                self.say(pid, &FromWorker::Done { outcome: Outcome::Normal }, 10);
            }
            self.exits(pid, ChildEnd::Code(0));
        }
        if !self.node.is_empty() || self.next_deadline().is_some() {
            self.breach(Law::Empty, format!("{:?}", self.node));
        }
        self.expect_stopped();
        // Nothing is left that time could wake.
        self.now += AGES;
        self.feed(Input::Time);
    }

    fn next_to_end(&self) -> Option<(Pid, Record)> {
        let mut all = self.ledger.living.iter();
        let next = all.clone().find(|(_, record)| record.is_killed()).or_else(|| all.next());
        next.map(|(pid, record)| (*pid, record.clone()))
    }

    fn expect_stopped(&mut self) {
        let told = self.transcript.iter().filter(|output| **output == Output::Stopped).count();
        let due = usize::from(self.ledger.stopping.is_some());
        if told != due {
            self.breach(Law::Stopped, format!("Stopped came {told} times, not {due}"));
        }
    }
}
