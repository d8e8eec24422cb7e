//! A worker of this world: it speaks the real frames, and reads and writes in pieces, late, and
//! for as long as chance lets it live.

use super::env::{Env, Mood};
use super::history::Done;
use super::kernel::Who;
use super::routes::Routes;
use super::witness::Sight;
use ipc::codec::frame_max;
use ipc::frame::{CallId, FromWorker, Op, Outcome};
use ipc::limits::MESSAGE_MAX;
use ipc::{Deframer, Fault, FaultKind, Outbox};
use node::ChildEnd;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// SIGKILL, and other signals that a worker may die of.
const SIGKILL: i32 = 9;
const SIGNALS: [i32; 4] = [SIGKILL, 6, 11, 15];

/// Where a worker is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nobody yet.
    Blank,
    /// It loads for so many steps.
    Loading(usize),
    Running,
    /// It has said its last frame and exits once that is written.
    Finishing,
}

/// What a call was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A message or a cancel, by its number.
    Letter(usize),
    Spawn {
        link: bool,
        monitor: bool,
    },
    Monitor(Who),
    Unmonitor(Who),
    Link(Who),
    Unlink(Who),
    Terminate,
    /// A name for itself, or for another.
    Register {
        name: &'static str,
        own: bool,
    },
    Unregister(&'static str),
    Lookup(&'static str),
    /// A lookup of a name that nobody can have.
    Flood,
    Trap(bool),
}

/// A call that is not answered yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) purpose: Purpose,
    /// It is about a process of whose EXIT this worker had been told before it asked.
    pub(crate) gone: bool,
}

/// What kind of worker this is; chances are of a thousand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    pub(crate) dies: usize,
    pub(crate) ends: usize,
    pub(crate) lies: usize,
    pub(crate) reads: usize,
    /// Takes messages out of its mailbox.
    pub(crate) takes: usize,
    /// Stops to read for a while, and asks all the same.
    pub(crate) deaf: usize,
    /// Says that it took messages which it has not taken.
    pub(crate) cheats: bool,
}

/// One worker.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) who: Who,
    pub(crate) phase: Phase,
    pub(crate) habits: Habits,
    pub(crate) deframer: Deframer,
    pub(crate) outlet: Outbox,
    /// Messages that nobody has taken: sender, number, bytes as they arrived.
    pub(crate) mailbox: VecDeque<(Who, usize, u64)>,
    pub(crate) consumed: u64,
    pub(crate) report_at: u64,
    pub(crate) message_max: usize,
    pub(crate) calls: BTreeMap<CallId, Asked>,
    last_call: CallId,
    pub(crate) routes: Routes,
    /// To whom it mostly writes.
    pub(crate) friend: Option<Rc<str>>,
    /// Steps for which it does not read.
    pub(crate) deaf: usize,
    /// Its last frame is queued.
    last: bool,
}

impl Worker {
    pub(crate) fn new(who: Who, habits: Habits) -> Self {
        Worker {
            who,
            phase: Phase::Blank,
            habits,
            deframer: Deframer::new(frame_max(MESSAGE_MAX)),
            outlet: Outbox::new(),
            mailbox: VecDeque::new(),
            consumed: 0,
            report_at: u64::MAX,
            message_max: 0,
            calls: BTreeMap::new(),
            last_call: 0,
            routes: Routes::default(),
            friend: None,
            deaf: 0,
            last: false,
        }
    }

    /// It has its turn: perhaps dies, reads, does something, writes.
    pub(crate) fn step(&mut self, env: &mut Env) {
        let cell = &env.cells[self.who];
        let (killed, lingers) = (cell.killed, cell.hung_up);
        if killed && env.happens(350) {
            return env.die(self.who, ChildEnd::Signal(SIGKILL));
        }
        if lingers {
            if env.mood == Mood::Prompt || env.random.chance(30) {
                env.die(self.who, ChildEnd::Code(3));
            }
            return;
        }
        if env.mishap(self.habits.dies) {
            return self.die_of_itself(env);
        }
        self.read(env);
        if !env.cells[self.who].is_alive() {
            return;
        }
        match self.phase {
            Phase::Loading(left) => self.load(env, left),
            Phase::Running => self.live(env),
            Phase::Blank | Phase::Finishing => {}
        }
        self.write(env);
        if self.phase == Phase::Finishing && self.outlet.is_empty() && env.happens(500) {
            env.die(self.who, ChildEnd::Code(0));
        }
    }

    fn die_of_itself(&mut self, env: &mut Env) {
        if env.random.chance(150) {
            env.witness.say(|| format!("#{} hangs up", self.who));
            env.witness.note(Sight::HungUpAlive);
            return env.cells[self.who].hang_up();
        }
        // As if the kernel ended it in the midst of a write.
        self.write(env);
        let end = match env.random.chance(500) {
            true => ChildEnd::Signal(env.random.pick(&SIGNALS)),
            false => ChildEnd::Code(i32::try_from(env.random.below(4)).unwrap_or_default()),
        };
        env.die(self.who, end);
    }

    fn load(&mut self, env: &mut Env, left: usize) {
        if left > 0 && env.mood == Mood::Random {
            self.phase = Phase::Loading(left - 1);
            // The top level of a script may do what its body may.
            if env.random.chance(100) {
                self.act(env);
            }
        } else if env.random.chance(100) {
            let fault = Fault::new(FaultKind::Invalid, "broken script");
            self.say(env, &FromWorker::LoadFailed { fault }, &[]);
            self.phase = Phase::Finishing;
        } else {
            self.say(env, &FromWorker::Loaded, &[]);
            self.phase = Phase::Running;
            env.history.logs[self.who].loaded = true;
            env.history.meet(self.who);
        }
    }

    /// The body ends.
    pub(crate) fn finish(&mut self, env: &mut Env) {
        let error = env.random.chance(400).then(|| format!("error of #{}", self.who));
        let body = vec![self.who as u8; env.random.between(1, 300)];
        let outcome = match error.clone() {
            Some(message) => Outcome::Failed { message },
            None => Outcome::Normal,
        };
        self.say(env, &FromWorker::Done { outcome }, &body);
        env.history.logs[self.who].done = Some(Done { error, body, written: false });
        self.phase = Phase::Finishing;
    }

    fn read(&mut self, env: &mut Env) {
        if self.deaf > 0 && env.mood == Mood::Random {
            self.deaf -= 1;
            return;
        }
        if self.phase == Phase::Finishing || !env.happens(self.habits.reads) {
            return;
        }
        let cut = env.cut();
        let bytes = env.cells[self.who].hear(cut);
        let mut deframer = std::mem::replace(&mut self.deframer, Deframer::new(0));
        let mut feed = deframer.feed(&bytes);
        loop {
            match feed.next_frame() {
                Ok(Some(frame)) => self.handle(env, frame),
                Ok(None) => break,
                Err(error) => {
                    env.witness.breach(format!("#{} hears no frame: {error}", self.who));
                    break;
                }
            }
        }
        drop(feed);
        self.deframer = deframer;
    }

    /// Writes what its socket takes, or a part of that.
    fn write(&mut self, env: &mut Env) {
        while !self.outlet.is_empty() {
            let cut = env.cut();
            let count = env.cells[self.who].say(self.outlet.pending(), cut);
            self.outlet.advance(count);
            if count == 0 || env.mishap(200) {
                break;
            }
        }
        if self.last && self.outlet.is_empty() {
            let done = env.history.logs[self.who].done.as_mut();
            done.into_iter().for_each(|done| done.written = true);
        }
    }

    /// Queues a frame.
    pub(crate) fn say(&mut self, env: &mut Env, header: &FromWorker<'_>, body: &[u8]) {
        env.witness.say(|| format!("#{} says {header:?}", self.who));
        self.last |= matches!(header, FromWorker::Done { .. });
        self.outlet.push(header, body);
    }

    /// Queues a call.
    pub(crate) fn call(&mut self, env: &mut Env, op: Op<'_>, body: &[u8], asked: Asked) {
        self.last_call += 1;
        self.calls.insert(self.last_call, asked);
        self.say(env, &FromWorker::Call { call: self.last_call, op }, body);
    }

    /// Nothing is left that it would have to read, write or answer to.
    pub(crate) fn is_idle(&self) -> bool {
        self.phase == Phase::Running
            && self.outlet.is_empty()
            && !self.deframer.is_partial()
            && self.mailbox.is_empty()
    }
}
