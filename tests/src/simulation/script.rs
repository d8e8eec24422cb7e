//! What scripts do: chosen by chance.

use super::env::{Env, Mood};
use super::history::{Fate, Letter, NAMES};
use super::kernel::Who;
use super::routes::Way;
use super::witness::Sight;
use super::worker::{Asked, Habits, Purpose, Worker};
use ipc::frame::{FromWorker, Op, Ties, ToWorker, With, charge};
use std::rc::Rc;

/// Bytes that wait to be written from which on a script waits.
const FULL: usize = 3000;
/// Workers and their hosts.
const HOSTS: [&str; 5] = ["app:roomy", "app:roomy", "app:cramped", "app:tiny", "app:nowhere"];
const ENTRIES: [&str; 10] = {
    let mut entries = ["app:worker"; 10];
    entries[8] = "app:library";
    entries[9] = "app:nothing";
    entries
};

impl Habits {
    pub(crate) fn new(env: &mut Env) -> Self {
        let random = &mut env.random;
        let odd = random.below(20);
        Habits {
            dies: random.pick(&[0, 2, 5, 15]),
            ends: random.pick(&[2, 5, 15]),
            lies: if odd == 0 { 60 } else { 0 },
            reads: random.pick(&[300, 700, 950, 950]),
            takes: random.pick(&[50, 300, 800, 900]),
            deaf: if odd < 4 { 60 } else { 3 },
            cheats: odd == 5,
        }
    }
}

impl Worker {
    /// A step of a body that runs.
    pub(crate) fn live(&mut self, env: &mut Env) {
        self.take(env);
        if env.mood == Mood::Prompt || self.outlet.len() > FULL {
            return;
        }
        if env.random.chance(self.habits.ends) {
            return self.finish(env);
        }
        if env.random.chance(self.habits.lies) {
            return self.lie(env);
        }
        if env.random.chance(self.habits.deaf) {
            self.deaf = env.random.between(5, 60);
        }
        match self.deaf {
            0 => self.act(env),
            _ => self.flood(env),
        }
    }

    /// Takes messages out of the mailbox, and reports it as the real worker does.
    fn take(&mut self, env: &mut Env) {
        while !self.mailbox.is_empty() && env.happens(self.habits.takes) {
            let Some((from, number, charge)) = self.mailbox.pop_front() else { break };
            self.consumed += charge;
            let sent = env.history.logs[from].letters[number].charge;
            env.history.logs[self.who].waiting -= sent;
        }
        if self.habits.cheats && env.mishap(500) {
            self.consumed += 500;
            env.history.logs[self.who].cheats = true;
        }
        if self.consumed >= self.report_at {
            let bytes = std::mem::take(&mut self.consumed);
            self.say(env, &FromWorker::Consumed { bytes }, &[]);
        }
    }

    /// Does one thing.
    pub(crate) fn act(&mut self, env: &mut Env) {
        match env.random.below(100) {
            0..48 => self.send_some(env),
            48..56 => self.spawn(env),
            56..66 => self.tie(env),
            66..71 => self.untie(env),
            71..75 => self.trap(env),
            75..83 => self.name(env),
            83..87 => self.cancel(env),
            87..88 => self.terminate(env),
            88..94 => self.print(env),
            94..95 => self.say(env, &FromWorker::Listening, &[]),
            _ => {}
        }
    }

    /// Sends one message or many, to a friend or to somebody.
    fn send_some(&mut self, env: &mut Env) {
        let friend = self.friend.clone().filter(|_| env.random.chance(700));
        let dest = match friend {
            Some(friend) => friend,
            None => self.dest(env),
        };
        if env.random.chance(200) {
            self.friend = Some(dest.clone());
        }
        let times = if env.random.chance(300) { env.random.between(3, 40) } else { 1 };
        let length = env.random.pick(&[8, 8, 60, 300, 1500]);
        for _ in 0..times {
            if self.outlet.len() > FULL {
                break;
            }
            let length = env.random.between(8, length);
            self.send(env, &dest, length);
        }
    }

    /// Somebody, dead or alive, or a name.
    fn dest(&mut self, env: &mut Env) -> Rc<str> {
        match env.random.below(10) {
            0..3 => Rc::from(env.random.pick(&NAMES)),
            _ => {
                let somebody = self.somebody(env);
                env.history.logs[somebody].text.clone()
            }
        }
    }

    fn somebody(&mut self, env: &mut Env) -> Who {
        let known = &env.history.known;
        known.get(env.random.below(known.len())).copied().unwrap_or(self.who)
    }

    fn is_gone(&self, env: &Env, dest: &str) -> bool {
        let who = env.history.who(dest);
        who.is_some_and(|who| env.history.logs[self.who].exits.contains(&who))
    }

    /// Sends a message, along a route where there is one.
    pub(crate) fn send(&mut self, env: &mut Env, dest: &Rc<str>, length: usize) {
        let number = env.history.logs[self.who].letters.len();
        let body = self.body(number, length);
        let topic = "t";
        let charge = charge(topic, body.len()) as u64;
        if let Some(route) = self.routes.id(dest) {
            match self.routes.spend(dest, charge) {
                Ok(group) => {
                    env.witness.note(Sight::PipelinedMessage);
                    self.say(env, &FromWorker::Send { route, topic }, &body);
                    return self.write_down(env, dest, group, Fate::Routed, charge);
                }
                Err(Way::Exhausted(id)) => {
                    env.witness.note(Sight::CreditExhausted);
                    self.release(env, id);
                }
                Err(Way::Ask) => {}
            }
        }
        let asked = Asked { purpose: Purpose::Letter(number), gone: self.is_gone(env, dest) };
        self.call(env, Op::Send { dest, topic }, &body, asked);
        self.write_down(env, dest, number, Fate::Pending, charge);
    }

    /// Who sent it, its number, and what nobody else would write.
    fn body(&self, number: usize, length: usize) -> Vec<u8> {
        let head = [self.who as u32, number as u32];
        let head = head.into_iter().flat_map(u32::to_le_bytes);
        head.chain(std::iter::repeat_n(number as u8, length.saturating_sub(8))).collect()
    }

    fn write_down(&mut self, env: &mut Env, dest: &Rc<str>, group: usize, fate: Fate, charge: u64) {
        let letter = Letter { dest: dest.clone(), group, fate, receiver: None, charge };
        env.history.logs[self.who].letters.push(letter);
    }

    fn spawn(&mut self, env: &mut Env) {
        let (entry, host) = (env.random.pick(&ENTRIES), env.random.pick(&HOSTS));
        let ties = Ties { link: env.random.chance(500), monitor: env.random.chance(600) };
        let body = (self.who as u32).to_le_bytes();
        let purpose = Purpose::Spawn { link: ties.link, monitor: ties.monitor };
        self.call(
            env,
            Op::Spawn { entry, host, ties, with: With::default() },
            &body,
            Asked { purpose, gone: false },
        );
    }

    fn tie(&mut self, env: &mut Env) {
        let other = self.somebody(env);
        let dest = env.history.logs[other].text.clone();
        let gone = self.is_gone(env, &dest);
        if env.random.chance(500) {
            let purpose = Purpose::Monitor(other);
            self.call(env, Op::Monitor { dest: &dest }, &[], Asked { purpose, gone });
        } else if other != self.who {
            env.history.logs[self.who].wooed.insert(other);
            let purpose = Purpose::Link(other);
            self.call(env, Op::Link { dest: &dest }, &[], Asked { purpose, gone });
        }
    }

    /// Unties itself from one whom it knows to be tied to.
    fn untie(&mut self, env: &mut Env) {
        let log = &env.history.logs[self.who];
        let tied = if env.random.chance(500) { &log.watching } else { &log.links };
        let Some(other) = tied.iter().nth(env.random.below(tied.len())).copied() else { return };
        let watched = std::ptr::eq(tied, &log.watching);
        let dest = env.history.logs[other].text.clone();
        let (op, purpose) = match watched {
            true => (Op::Unmonitor { dest: &dest }, Purpose::Unmonitor(other)),
            false => (Op::Unlink { dest: &dest }, Purpose::Unlink(other)),
        };
        if !watched {
            env.history.logs[self.who].jilted.insert(other);
        }
        self.call(env, op, &[], Asked { purpose, gone: false });
    }

    fn trap(&mut self, env: &mut Env) {
        let on = env.random.chance(800);
        let purpose = Purpose::Trap(on);
        self.call(env, Op::TrapLinks { on }, &[], Asked { purpose, gone: false });
    }

    fn name(&mut self, env: &mut Env) {
        let name = env.random.pick(&NAMES);
        let (op, purpose, dest);
        match env.random.below(10) {
            0..5 => {
                let other = if env.random.chance(300) { self.somebody(env) } else { self.who };
                env.history.claims.entry(name).or_default().insert(other);
                dest = (other != self.who).then(|| env.history.logs[other].text.clone());
                op = Op::Register { name, dest: dest.as_deref() };
                purpose = Purpose::Register { name, own: other == self.who };
            }
            5..8 => (op, purpose) = (Op::Unregister { name }, Purpose::Unregister(name)),
            _ => return self.look_up(env, name),
        }
        self.call(env, op, &[], Asked { purpose, gone: false });
    }

    pub(crate) fn look_up(&mut self, env: &mut Env, name: &'static str) {
        let asked = Asked { purpose: Purpose::Lookup(name), gone: false };
        self.call(env, Op::Lookup { name }, &[], asked);
    }

    fn cancel(&mut self, env: &mut Env) {
        let dest = self.dest(env);
        let number = env.history.logs[self.who].letters.len();
        let reason = format!("{} {number}", self.who);
        let deadline_ns = env.random.chance(300).then(|| env.random.below(2_000_000_000) as u64);
        let asked = Asked { purpose: Purpose::Letter(number), gone: self.is_gone(env, &dest) };
        let op = Op::Cancel { dest: &dest, reason: Some(&reason), deadline_ns };
        self.call(env, op, &[], asked);
        self.write_down(env, &dest, number, Fate::Pending, 0);
    }

    fn terminate(&mut self, env: &mut Env) {
        let dest = self.dest(env);
        let asked = Asked { purpose: Purpose::Terminate, gone: self.is_gone(env, &dest) };
        self.call(env, Op::Terminate { dest: &dest }, &[], asked);
    }

    fn print(&mut self, env: &mut Env) {
        let log = &mut env.history.logs[self.who];
        let line = log.printed.to_string();
        log.printed += 1;
        self.say(env, &FromWorker::Print, line.as_bytes());
    }

    /// Asks for much and reads nothing: the answers pile up in the supervisor.
    fn flood(&mut self, env: &mut Env) {
        let name = "x".repeat(200);
        for _ in 0..6 {
            let asked = Asked { purpose: Purpose::Flood, gone: false };
            self.call(env, Op::Lookup { name: &name }, &[], asked);
        }
    }

    /// Says what no worker may say.
    fn lie(&mut self, env: &mut Env) {
        env.history.logs[self.who].lied = true;
        match env.random.below(6) {
            0 => self.outlet.push(&ToWorker::Deliver { from: "x", topic: "t" }, b"false"),
            1 => self.outlet.push_encoded(&u32::MAX.to_le_bytes()),
            2 => self.say(env, &FromWorker::Send { route: 9999, topic: "t" }, b"false"),
            3 => self.say(env, &FromWorker::Release { route: 9999 }, &[]),
            4 => self.say(env, &FromWorker::Loaded, &[]),
            _ => self.outlet.push_encoded(&[1, 0, 0, 0, 0, 0]),
        }
    }
}
