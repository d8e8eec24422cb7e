//! One step of a history, and how the world takes it.

use ipc::frame::{FromWorker, Op, Outcome, RouteId, Ties};
use ipc::{Fault, FaultKind, Pid, PidText};
use node::{ChildEnd, Input, Stop};

use super::ledger::{Record, Route, Stage};
use super::{ENTRY, World};

/// A process of the history.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// By order of birth; a step of one who cannot take it is no step.
    Born(usize),
    /// One of the living that can take the step, so that few random steps are wasted.
    Living(usize),
}

/// What a call is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dest {
    To(Who),
    Name(&'static str),
    /// A PID with a wrong tag.
    Forged(Who),
}

/// What becomes of a worker that is to become a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Birth {
    Loads,
    Fails,
    Dies,
    NoWorker,
    Waits,
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Spawn(Ties, &'static str, Birth),
    Link(Dest),
    Unlink(Dest),
    Monitor(Dest),
    Unmonitor(Dest),
    Trap(bool),
    Register(&'static str, Option<Dest>),
    Unregister(&'static str),
    Lookup(&'static str),
    /// A message that asks, of so many bytes.
    Ask(Dest, usize),
    Cancel(Dest, Option<u64>),
    Terminate(Dest),
}

/// What a worker may not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Loaded,
    Done,
    UnknownRoute,
    OverCredit,
    ReservedTopic,
    TooLarge,
    ReleaseUnknown,
    Broken,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The node itself wants a process on this host.
    Want(&'static str, Birth),
    Call(Who, Act),
    /// A message along one of its routes, within its credit.
    Send(Who, usize, usize),
    Release(Who, usize),
    Consume(Who, u64),
    Listen(Who),
    /// What becomes of one that has been waiting to load.
    Load(Who, Birth),
    /// The body ended; the worker has not exited yet.
    Done(Who),
    /// The body ended and the worker exited.
    Return(Who),
    Fail(Who),
    /// The kernel's report.
    Exit(Who, ChildEnd),
    /// The kernel's report of one that was killed.
    Reap(Who),
    Lie(Who, Lie),
    /// The worker closes its socket.
    Close(Who),
    Overrun(Who),
    Time(u64),
    Stop(Stop, u64),
}

impl World {
    pub(crate) fn take(&mut self, step: &Step) {
        match *step {
            Step::Want(host, birth) => self.want(host, birth),
            Step::Call(who, act) => self.act(who, act),
            Step::Send(who, nth, bytes) => self.send(who, nth, bytes),
            Step::Release(who, nth) => {
                if let Some((from, route, _)) = self.route(who, nth) {
                    self.say(from, &FromWorker::Release { route }, 10);
                }
            }
            Step::Consume(who, bytes) => self.speak(who, &FromWorker::Consumed { bytes }),
            Step::Listen(who) => self.speak(who, &FromWorker::Listening),
            Step::Load(who, birth) => {
                let waits = |record: &Record| record.can_speak() && record.stage != Stage::Running;
                if let Some(pid) = self.find(who, waits) {
                    self.becomes(pid, birth);
                }
            }
            Step::Done(who) => self.body_ends(who, Outcome::Normal, None),
            Step::Return(who) => self.body_ends(who, Outcome::Normal, Some(ChildEnd::Code(0))),
            Step::Fail(who) => self.body_ends(who, failed(), Some(ChildEnd::Code(0))),
            Step::Exit(who, end) => self.kernel_reports(who, |_| true, end),
            Step::Reap(who) => self.kernel_reports(who, Record::is_killed, ChildEnd::Signal(9)),
            Step::Lie(who, lie) => self.lie(who, lie),
            Step::Close(who) => {
                if let Some(pid) = self.find(who, |record| !record.closed) {
                    self.feed(Input::Closed { pid });
                }
            }
            Step::Overrun(who) => {
                if let Some(pid) = self.find(who, |_| true) {
                    self.feed(Input::Overrun { pid, limit: 1, used: 2 });
                }
            }
            Step::Time(passes) => {
                self.now += passes;
                self.feed(Input::Time);
            }
            Step::Stop(how, grace_ns) => self.feed(Input::Stop { how, grace_ns }),
        }
        self.settle();
    }

    fn want(&mut self, host: &str, birth: Birth) {
        self.birth = birth;
        self.tokens += 1;
        self.feed(Input::Spawn { token: self.tokens, entry: ENTRY, host });
    }

    fn act(&mut self, who: Who, act: Act) {
        let Some(from) = self.find(who, Record::can_speak) else { return };
        let text = |dest: Dest| self.text(dest);
        let dest = match act {
            Act::Link(dest) | Act::Unlink(dest) | Act::Monitor(dest) | Act::Unmonitor(dest) => {
                text(dest)
            }
            Act::Ask(dest, _) | Act::Cancel(dest, _) | Act::Terminate(dest) => text(dest),
            Act::Register(_, dest) => dest.map_or_else(String::new, text),
            _ => String::new(),
        };
        let dest = dest.as_str();
        let charge = if let Act::Ask(_, bytes) = act { bytes } else { 10 };
        let op = match act {
            Act::Spawn(ties, host, birth) => {
                self.birth = birth;
                Op::Spawn { entry: ENTRY, host, ties }
            }
            Act::Link(_) => Op::Link { dest },
            Act::Unlink(_) => Op::Unlink { dest },
            Act::Monitor(_) => Op::Monitor { dest },
            Act::Unmonitor(_) => Op::Unmonitor { dest },
            Act::Trap(on) => Op::TrapLinks { on },
            Act::Register(name, other) => Op::Register { name, dest: other.map(|_| dest) },
            Act::Unregister(name) => Op::Unregister { name },
            Act::Lookup(name) => Op::Lookup { name },
            Act::Ask(..) => Op::Send { dest, topic: "topic" },
            Act::Cancel(_, deadline_ns) => Op::Cancel { dest, reason: None, deadline_ns },
            Act::Terminate(_) => Op::Terminate { dest },
        };
        self.call(from, op, charge);
    }

    fn speak(&mut self, who: Who, frame: &FromWorker<'_>) {
        if let Some(from) = self.find(who, Record::can_speak) {
            self.say(from, frame, 10);
        }
    }

    fn send(&mut self, who: Who, nth: usize, bytes: usize) {
        if let Some((from, route, Route { left, .. })) = self.route(who, nth)
            && left > 0
        {
            let charge = bytes.min(left as usize);
            self.say(from, &FromWorker::Send { route, topic: "topic" }, charge);
        }
    }

    /// One of the routes of somebody who has any.
    fn route(&self, who: Who, nth: usize) -> Option<(Pid, RouteId, Route)> {
        let from = self.find(who, Record::can_speak)?;
        let (id, route) = self.route_of(from, nth)?;
        Some((from, id, route))
    }

    fn route_of(&self, from: Pid, nth: usize) -> Option<(RouteId, Route)> {
        let own: Vec<_> = self.ledger.routes.range((from, 0)..=(from, RouteId::MAX)).collect();
        let ((_, id), route) = own.get(nth % own.len().max(1))?;
        Some((*id, (*route).clone()))
    }

    fn body_ends(&mut self, who: Who, outcome: Outcome, end: Option<ChildEnd>) {
        let runs = |record: &Record| record.can_speak() && record.stage == Stage::Running;
        let Some(pid) = self.find(who, runs) else { return };
        self.say(pid, &FromWorker::Done { outcome }, 10);
        if let Some(end) = end {
            self.exits(pid, end);
        }
    }

    fn kernel_reports(&mut self, who: Who, fits: impl Fn(&Record) -> bool, end: ChildEnd) {
        if let Some(pid) = self.find(who, fits) {
            self.exits(pid, end);
        }
    }

    /// What was asked of the zygote or the worker comes back.
    pub(crate) fn becomes(&mut self, pid: Pid, birth: Birth) {
        let fault = || Fault::new(FaultKind::Invalid, "main.lua:1: syntax error");
        match birth {
            Birth::Loads => self.say(pid, &FromWorker::Loaded, 10),
            Birth::Fails => self.say(pid, &FromWorker::LoadFailed { fault: fault() }, 10),
            Birth::Dies => self.exits(pid, ChildEnd::Signal(11)),
            Birth::NoWorker => self.feed(Input::NoWorker { pid, fault: fault() }),
            Birth::Waits => {}
        }
    }

    fn lie(&mut self, who: Who, lie: Lie) {
        let Some(from) = self.find(who, |record| !record.closed) else { return };
        let own = self.route_of(from, 0);
        let (route, left) = own.map_or((9999, 0), |(id, route)| (id, route.left));
        let (frame, charge) = match lie {
            Lie::Loaded => (FromWorker::Loaded, 10),
            Lie::Done => (FromWorker::Done { outcome: Outcome::Normal }, 10),
            Lie::UnknownRoute => (FromWorker::Send { route: 9999, topic: "topic" }, 10),
            Lie::OverCredit => (FromWorker::Send { route, topic: "topic" }, left as usize + 1),
            Lie::ReservedTopic => (FromWorker::Send { route, topic: "@topic" }, 1),
            Lie::TooLarge => (FromWorker::Send { route, topic: "topic" }, usize::MAX >> 1),
            Lie::ReleaseUnknown => (FromWorker::Release { route: 9999 }, 10),
            Lie::Broken => return self.feed(Input::Broken { from, what: "no frame".to_owned() }),
        };
        self.say(from, &frame, charge);
    }

    fn text(&self, dest: Dest) -> String {
        let who = match dest {
            Dest::Name(name) => return name.to_owned(),
            Dest::To(who) | Dest::Forged(who) => who,
        };
        let born = |who| match who {
            Who::Born(nth) => self.born.get(nth).copied(),
            Who::Living(_) => self.find(who, |_| true),
        };
        let text = born(who).and_then(|pid| self.ledger.texts.get(&pid));
        match (text, dest) {
            (Some(text), Dest::Forged(_)) => forged(text),
            (Some(text), _) => text.clone(),
            (None, _) => "nobody".to_owned(),
        }
    }

    fn find(&self, who: Who, fits: impl Fn(&Record) -> bool) -> Option<Pid> {
        match who {
            Who::Born(nth) => {
                let pid = self.born.get(nth)?;
                self.ledger.living.get(pid).is_some_and(fits).then_some(*pid)
            }
            Who::Living(nth) => {
                let all = self.ledger.living.iter().filter(|(_, record)| fits(record));
                let all: Vec<_> = all.map(|(pid, _)| *pid).collect();
                all.get(nth % all.len().max(1)).copied()
            }
        }
    }
}

/// Almost a PID: all but one bit of the tag.
fn forged(text: &str) -> String {
    let PidText { host, pid } = PidText::parse(text).expect("the book holds texts of PIDs");
    PidText { host, pid: Pid { tag: pid.tag ^ 1, ..pid } }.to_string()
}

fn failed() -> Outcome {
    Outcome::Failed { message: "main.lua:2: no such luck".to_owned() }
}
