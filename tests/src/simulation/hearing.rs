//! What a worker is told, and the laws that it can judge by itself as it hears it.

use super::env::Env;
use super::history::Fate;
use super::kernel::Who;
use super::supervisor::parent;
use super::witness::Sight;
use super::worker::{Phase, Worker};
use ipc::Frame;
use ipc::frame::{Ended, FromWorker, RouteId, ToWorker, charge};

impl Worker {
    pub(crate) fn handle(&mut self, env: &mut Env, frame: Frame<'_>) {
        let header: ToWorker<'_> = match ipc::codec::decode(frame.header) {
            Ok(header) => header,
            Err(error) => return env.witness.breach(format!("#{} hears {error}", self.who)),
        };
        env.witness.say(|| format!("#{} hears {header:?}", self.who));
        let first = matches!(header, ToWorker::Become { .. }) == (self.phase == Phase::Blank);
        env.witness.law(first, || format!("#{} becomes somebody twice, or late", self.who));
        match header {
            ToWorker::Become { pid, limits, .. } => {
                self.report_at = limits.mailbox / 8;
                self.message_max = limits.message_max();
                let log = &env.history.logs[self.who];
                let me = *log.text == *pid && log.parent == parent(frame.body);
                env.witness.law(me, || format!("#{} becomes {pid}", self.who));
                let steps = if env.random.chance(30) { 10_000 } else { env.random.below(12) };
                self.phase = Phase::Loading(steps);
            }
            ToWorker::Reply { call, result } => self.reply(env, call, result),
            ToWorker::Deliver { from, topic } => self.deliver(env, from, topic, &frame),
            ToWorker::Closed { route } => self.closed(env, route),
            ToWorker::Returned { .. } => env.witness.breach("nobody waits for an end".to_owned()),
            ToWorker::HandOver | ToWorker::Begin => {
                env.witness.breach("nobody goes on elsewhere".to_owned());
            }
            ToWorker::Ping => env.witness.breach("the simulation has no watchdog".to_owned()),
            ToWorker::Outdated { .. } => {
                env.witness.breach(format!("#{} is told of code, and has not asked", self.who));
            }
            ToWorker::Exit(ended) => self.exit(env, &ended, frame.body),
            ToWorker::LinkDown(ended) => self.link_down(env, &ended, frame.body),
            ToWorker::Cancel { from, reason, .. } => self.cancelled(env, from, reason),
        }
    }

    fn deliver(&mut self, env: &mut Env, from: &str, topic: &str, frame: &Frame<'_>) {
        let mut words = frame.body.chunks_exact(4).map(|word| {
            let word = word.try_into().map(u32::from_le_bytes);
            word.map_or(usize::MAX, |word| word as usize)
        });
        let (Some(sender), Some(number)) = (words.next(), words.next()) else {
            return env.witness.breach(format!("#{} got a message that nobody sent", self.who));
        };
        let intact = frame.body[8..].iter().all(|byte| *byte == number as u8);
        env.witness.law(intact, || format!("#{} got a garbled message", self.who));
        env.witness.note(Sight::Message);
        if sender == self.who {
            env.witness.note(Sight::SelfMessage);
        }
        if self.letter(env, from, sender, number) {
            let charge = charge(topic, frame.body.len()) as u64;
            let alike = env.history.logs[sender].letters[number].charge == charge;
            env.witness.law(alike, || format!("#{} counts otherwise than #{sender}", self.who));
            self.mailbox.push_back((sender, number, charge));
        }
    }

    /// A letter arrived: from whom it says, in order, once, at the one to whom it was sent.
    fn letter(&mut self, env: &mut Env, from: &str, sender: Who, number: usize) -> bool {
        let me = self.who;
        let log = &env.history.logs[me];
        let broken = if env.history.who(from) != Some(sender) {
            Some("is stamped with another sender")
        } else if log.last_from.get(&sender).is_some_and(|last| *last >= number) {
            Some("is out of order or doubled")
        } else if log.exits.contains(&sender) || log.downs.contains(&sender) {
            Some("comes after the end of its sender was told")
        } else {
            None
        };
        if let Some(how) = broken {
            env.witness.breach(format!("letter {number} of #{sender} to #{me} {how}"));
            return false;
        }
        env.history.logs[me].last_from.insert(sender, number);
        let addressee = env.history.logs[sender].letters.get(number);
        let addressee = addressee.and_then(|letter| env.history.who(&letter.dest));
        let Some(letter) = env.history.logs[sender].letters.get_mut(number) else {
            env.witness.breach(format!("letter {number} of #{sender} was never sent"));
            return false;
        };
        let astray = letter.receiver.replace(me).is_some() || letter.fate == Fate::Refused;
        let astray = astray || addressee.is_some_and(|addressee| addressee != me);
        env.witness.law(!astray, || format!("letter {number} of #{sender} went astray to #{me}"));
        true
    }

    fn cancelled(&mut self, env: &mut Env, from: Option<&str>, reason: Option<&str>) {
        env.witness.note(Sight::Cancelled);
        let Some(from) = from else {
            let stopping = env.stopping && reason == Some("shutdown");
            return env.witness.law(stopping, || format!("#{} is cancelled by nobody", self.who));
        };
        let number = reason.and_then(|reason| reason.split_once(' '));
        let number =
            number.and_then(|(who, number)| Some((who.parse().ok()?, number.parse().ok()?)));
        match number {
            Some((sender, number)) => self.letter(env, from, sender, number),
            None => return env.witness.breach(format!("#{} is cancelled as {reason:?}", self.who)),
        };
        if self.phase == Phase::Running && env.random.chance(200) {
            self.finish(env);
        }
    }

    fn closed(&mut self, env: &mut Env, route: RouteId) {
        env.witness.note(Sight::Closed);
        let may_close = self.routes.may_close(route);
        env.witness.law(may_close, || format!("route {route} of #{} is closed twice", self.who));
        match self.routes.forget(route) {
            Some(dest) => self.released(env, route, &dest),
            None => env.witness.note(Sight::ClosedAfterRelease),
        }
    }

    pub(crate) fn release(&mut self, env: &mut Env, route: RouteId) {
        if let Some(dest) = self.routes.forget(route) {
            self.released(env, route, &dest);
        }
    }

    fn released(&mut self, env: &mut Env, route: RouteId, dest: &str) {
        env.history.logs[self.who].open.remove(dest);
        if self.phase != Phase::Finishing {
            self.say(env, &FromWorker::Release { route }, &[]);
        }
    }

    fn exit(&mut self, env: &mut Env, ended: &Ended<'_>, body: &[u8]) {
        let me = self.who;
        let Some(from) = self.ended(env, ended, body) else { return };
        env.witness.note(Sight::Exit);
        if !body.is_empty() {
            env.witness.note(Sight::ExitWithBody);
        }
        let log = &mut env.history.logs[me];
        let (new, watched) = (log.exits.insert(from), log.watching.remove(&from));
        let late = log.downs.contains(&from);
        env.witness.law(new, || format!("#{me} is told EXIT of #{from} twice"));
        env.witness.law(watched, || format!("#{me} is told EXIT of #{from} without a monitor"));
        env.witness.law(!late, || format!("#{me} is told EXIT of #{from} after LINK_DOWN"));
        let open = self.routes.id(ended.from).is_some();
        env.witness.law(!open, || format!("#{me} has a route to #{from} after its EXIT"));
    }

    fn link_down(&mut self, env: &mut Env, ended: &Ended<'_>, body: &[u8]) {
        let me = self.who;
        let Some(from) = self.ended(env, ended, body) else { return };
        env.witness.note(Sight::LinkDown);
        if !body.is_empty() {
            env.witness.note(Sight::LinkDownWithBody);
        }
        let wooed = env.history.logs[from].wooed.contains(&me);
        let child = env.history.logs[me].parent == Some(from);
        let log = &mut env.history.logs[me];
        let new = log.downs.insert(from);
        let linked = log.links.remove(&from) || wooed || child;
        let traps = log.traps;
        env.witness.law(new, || format!("#{me} is told LINK_DOWN of #{from} twice"));
        env.witness.law(traps, || format!("#{me} is told LINK_DOWN and does not trap links"));
        env.witness.law(linked, || format!("#{me} is told LINK_DOWN of #{from} without a link"));
        let normal = ended.reason.is_normal();
        env.witness.law(!normal, || format!("#{me} is told LINK_DOWN of a normal end"));
    }

    /// What every teller of an end must get right: who, why, and with what.
    fn ended(&mut self, env: &mut Env, ended: &Ended<'_>, body: &[u8]) -> Option<Who> {
        let me = self.who;
        let Some(from) = env.history.who(ended.from) else {
            env.witness.breach(format!("#{me} is told of the end of {}", ended.from));
            return None;
        };
        let log = &env.history.logs[from];
        let same = log.end.as_ref() == Some(&ended.reason);
        let its_own = matches!(ended.reason.kind.as_str(), "normal" | "error");
        let left = log.done.as_ref().filter(|_| its_own).map(|done| done.body.clone());
        env.witness.law(same, || format!("#{me} is told another end of #{from} than it had"));
        let whole = left.unwrap_or_default() == body;
        env.witness.law(whole, || format!("#{me} is told another result of #{from} than it left"));
        Some(from)
    }
}
