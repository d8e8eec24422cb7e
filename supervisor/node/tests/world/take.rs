//! How the world takes the steps of a history.

use ipc::frame::{CallId, EXIT_MEMORY, FromWorker, Outcome, RouteId};
use ipc::{Fault, FaultKind, Pid, PidText};
use node::{ChildEnd, Input};

use super::ledger::{Record, Route, Stage};
use super::step::{Act, Birth, Dest, Lie, Step, Who};
use super::{ENTRY, World};

impl World {
    pub(crate) fn take(&mut self, step: &Step) {
        self.step(*step);
        self.settle();
    }

    fn step(&mut self, step: Step) {
        let loading = |record: &Record| record.can_speak() && record.stage != Stage::Running;
        match step {
            Step::Want(host, birth) => self.want(host, birth),
            Step::Call(who, act) => self.act(who, act),
            Step::Send(who, nth, bytes) => self.send(who, nth, bytes),
            Step::Release(who, nth) => self.release(who, nth),
            Step::Consume(who, bytes) => self.speak(who, &FromWorker::Consumed { bytes }),
            Step::Listen(who) => self.speak(who, &FromWorker::Listening),
            Step::Ready(who) => self.speak(who, &FromWorker::Ready),
            Step::Ask(who, deadline_ns) => self.with(
                who,
                |_| true,
                |world, pid| {
                    world.feed(Input::Cancel { pid, reason: "stop", deadline_ns });
                },
            ),
            Step::Outdated => {
                let entries = std::collections::BTreeSet::from([ENTRY.to_owned()]);
                self.feed(Input::Outdated { entries: &entries });
            }
            Step::Terminate(who) => self.with(
                who,
                |_| true,
                |world, pid| {
                    world.feed(Input::Terminate { pid, why: "late".to_owned() });
                },
            ),
            Step::Load(who, birth) => {
                self.with(who, loading, |world, pid| world.becomes(pid, birth));
            }
            Step::Upgrade(who, entry, birth) => {
                self.birth = birth;
                let runs = |record: &Record| record.can_speak() && record.stage == Stage::Running;
                self.with(who, runs, |world, pid| {
                    world.say(pid, &FromWorker::Upgrade { entry }, 10);
                });
            }
            Step::GiveUp(who, nth) => self.give_up(who, nth),
            Step::Done(who) => self.body_ends(who, Outcome::Normal, None),
            Step::Return(who) => self.body_ends(who, Outcome::Normal, Some(ChildEnd::Code(0))),
            Step::Fail(who) => self.body_ends(who, failed(), Some(ChildEnd::Code(0))),
            Step::Exit(who, end) => self.with(who, |_| true, |world, pid| world.exits(pid, end)),
            Step::Used(who, end, usage) => {
                self.with(who, |_| true, |world, pid| world.exits_with(pid, end, usage));
            }
            Step::Over(who, limit, used) => {
                let at = "main.lua:3".to_owned();
                let outcome = Outcome::Over { limit, used, at };
                self.body_ends(who, outcome, Some(ChildEnd::Code(EXIT_MEMORY)));
            }
            Step::Stuck(who, how) => {
                self.with(who, |_| true, |world, pid| world.feed(Input::Stuck { pid, how }));
            }
            Step::Reap(who) => self.with(who, Record::is_killed, |world, pid| {
                world.exits(pid, ChildEnd::Signal(9));
            }),
            Step::Lie(who, lie) => self.lie(who, lie),
            Step::Close(who) => self.with(who, Record::is_connected, |world, pid| {
                world.feed(Input::Closed { pid });
            }),
            Step::Overrun(who) => self.with(
                who,
                |_| true,
                |world, pid| {
                    world.feed(Input::Overrun { pid, limit: 1, used: 2 });
                },
            ),
            Step::Time(passes) => {
                self.now += passes;
                self.feed(Input::Time);
            }
            Step::Stop(how, grace_ns) => self.feed(Input::Stop { how, grace_ns }),
        }
    }

    /// Does something to somebody, if there is one whom it fits.
    fn with(&mut self, who: Who, fits: impl Fn(&Record) -> bool, what: impl Fn(&mut Self, Pid)) {
        if let Some(pid) = self.find(who, fits) {
            what(self, pid);
        }
    }

    fn want(&mut self, host: &str, birth: Birth) {
        self.birth = birth;
        self.tokens += 1;
        self.feed(Input::Spawn { token: self.tokens, entry: ENTRY, host });
    }

    fn act(&mut self, who: Who, act: Act) {
        let Some(from) = self.find(who, Record::can_speak) else { return };
        if let Act::Spawn(_, _, birth, _) | Act::Exec(_, birth) = act {
            self.birth = birth;
        }
        let dest = act.dest().map_or_else(String::new, |dest| self.text(dest));
        self.call(from, act.op(&dest), act.charge());
    }

    fn speak(&mut self, who: Who, frame: &FromWorker<'_>) {
        self.with(who, Record::can_speak, |world, from| world.say(from, frame, 10));
    }

    fn send(&mut self, who: Who, nth: usize, bytes: usize) {
        if let Some((from, route, Route { left, .. })) = self.route(who, nth)
            && left > 0
        {
            let charge = bytes.min(left as usize);
            self.say(from, &FromWorker::Send { route, topic: "topic" }, charge);
        }
    }

    fn release(&mut self, who: Who, nth: usize) {
        if let Some((from, route, _)) = self.route(who, nth) {
            self.say(from, &FromWorker::Release { route }, 10);
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

    fn give_up(&mut self, who: Who, nth: usize) {
        let Some(from) = self.find(who, Record::can_speak) else { return };
        let waits = self.ledger.awaited.range((from, 0)..=(from, CallId::MAX));
        let calls: Vec<_> = waits.map(|((_, call), _)| *call).collect();
        // A call that is over, or never was, is given up in vain.
        let call = calls.get(nth % calls.len().max(1)).copied().unwrap_or(9999);
        self.say(from, &FromWorker::GiveUp { call }, 10);
    }

    fn body_ends(&mut self, who: Who, outcome: Outcome, end: Option<ChildEnd>) {
        let runs = |record: &Record| record.can_speak() && record.stage == Stage::Running;
        let Some(pid) = self.find(who, runs) else { return };
        self.say(pid, &FromWorker::Done { outcome }, 10);
        if let Some(end) = end {
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
        let Some(from) = self.find(who, Record::is_connected) else { return };
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
