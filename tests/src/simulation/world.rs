//! A whole world from one seed: its epochs, each random first and then quiet, and its end.

use super::env::{Env, Mood};
use super::history::{History, NAMES};
use super::kernel::Who;
use super::random::Random;
use super::supervisor::Supervisor;
use super::witness::{Record, Seen, Sight, Witness};
use super::worker::{Habits, Phase, Worker};
use ipc::Limits;
use node::{Config, HostSpec, Input, Node, Permissions, Stop};

/// Processes that the node itself wants.
const TASKS: u32 = 4;
/// Random times, each followed by a quiet one.
const EPOCHS: usize = 2;
/// Steps of one random time.
const STEPS: usize = 200;
/// Rounds in which a quiet time must come to rest.
const QUIET_MAX: usize = 3000;

const HOSTS: [(&str, HostSpec); 3] = [
    ("app:roomy", host(16, 100_000)),
    ("app:cramped", host(6, 12_000)),
    ("app:tiny", host(4, 1_500)),
];

const fn host(max_processes: u32, mailbox: u64) -> HostSpec {
    let limits = Limits { message: 4096, mailbox, ..Limits::DEFAULT };
    HostSpec { max_processes, limits, permissions: Permissions::ALL }
}

/// What came of a world.
#[derive(Debug)]
pub struct Outcome {
    /// Hash of all that happened.
    pub hash: u64,
    /// Which kinds of events occurred.
    pub seen: Seen,
    /// Every breach of a law.
    pub breaches: Vec<String>,
    /// What happened, where it was asked for.
    pub lines: Vec<String>,
    /// Processes that lived.
    pub processes: usize,
}

/// Lives through the world of a seed.
#[must_use]
pub fn run(seed: u64, record: Record) -> Outcome {
    let mut world = World::new(seed, record);
    for _ in 0..EPOCHS {
        world.be_random(STEPS);
        world.be_quiet();
        world.probe();
    }
    world.be_random(STEPS / 4);
    world.end();
    let witness = world.env.witness;
    Outcome {
        hash: witness.hash,
        seen: witness.seen,
        breaches: witness.breaches,
        lines: witness.lines,
        processes: world.workers.len(),
    }
}

struct World {
    env: Env,
    supervisor: Supervisor,
    workers: Vec<Worker>,
}

impl World {
    fn new(seed: u64, record: Record) -> Self {
        let mut config = Config::new([7; 16]);
        for (id, spec) in HOSTS {
            config.add_host(id, spec);
        }
        config.add_entry(super::supervisor::ENTRY, "process.lua", Limits::NONE);
        config.add_entry("app:library", "library.lua", Limits::NONE);
        let env = Env {
            cells: Vec::new(),
            history: History::default(),
            witness: Witness::new(record),
            random: Random::new(seed),
            now: 0,
            mood: Mood::Random,
            calm: false,
            stopping: false,
        };
        let mut world =
            World { env, supervisor: Supervisor::new(Node::new(config)), workers: Vec::new() };
        for token in 0..TASKS {
            world.supervisor.want(&mut world.env, token);
        }
        world
    }

    /// Everything happens by chance.
    fn be_random(&mut self, steps: usize) {
        self.env.mood = Mood::Random;
        for _ in 0..steps {
            match self.env.random.below(100) {
                0..77 => self.step_somebody(),
                77..97 => self.round(),
                _ => self.let_time_pass(),
            }
        }
    }

    fn alive(&self) -> Vec<Who> {
        (0..self.workers.len()).filter(|who| self.env.cells[*who].is_alive()).collect()
    }

    fn step_somebody(&mut self) {
        let alive = self.alive();
        if let Some(who) = alive.get(self.env.random.below(alive.len())) {
            self.workers[*who].step(&mut self.env);
        }
    }

    fn round(&mut self) {
        self.supervisor.round(&mut self.env);
        while self.workers.len() < self.env.cells.len() {
            let habits = Habits::new(&mut self.env);
            self.workers.push(Worker::new(self.workers.len(), habits));
        }
    }

    /// Mostly a little; now and then until something is due.
    fn let_time_pass(&mut self) {
        self.env.now += self.env.random.below(30_000_000) as u64;
        if self.env.random.chance(60) {
            self.pass_deadline();
        }
    }

    fn pass_deadline(&mut self) -> bool {
        let deadline = self.supervisor.node.next_deadline();
        self.env.now = self.env.now.max(deadline.unwrap_or(0));
        deadline.is_some()
    }

    /// Everybody does what is to be done, until there is nothing more; then the laws are judged.
    fn be_quiet(&mut self) {
        self.rest();
        self.env.judge_all();
        let (there, alive) = (self.supervisor.node.process_count(), self.alive().len());
        self.env.witness.law(there == alive, || format!("{there} processes, {alive} workers"));
    }

    fn rest(&mut self) {
        self.env.mood = Mood::Prompt;
        for _ in 0..QUIET_MAX {
            self.round();
            for who in self.alive() {
                self.workers[who].step(&mut self.env);
            }
            if self.is_quiet() {
                return;
            }
        }
        let busy: Vec<_> = self.alive().into_iter().filter(|who| self.is_busy(*who)).collect();
        self.env.witness.breach(format!("no rest after {QUIET_MAX} rounds: {busy:?} are busy"));
    }

    fn is_quiet(&self) -> bool {
        let pending =
            self.env.cells.iter().any(|cell| cell.readable || cell.writable || cell.exited);
        !pending
            && self.supervisor.is_idle()
            && !self.alive().into_iter().any(|who| self.is_busy(who))
    }

    fn is_busy(&self, who: Who) -> bool {
        let cell = &self.env.cells[who];
        let moving = !cell.down.is_empty() || !cell.up.is_empty();
        moving || cell.killed || cell.hung_up || !self.workers[who].is_idle()
    }

    /// In the quiet, somebody looks up every name.
    fn probe(&mut self) {
        let workers = self.alive();
        let Some(who) = workers.get(self.env.random.below(workers.len())).copied() else { return };
        self.env.calm = true;
        for name in NAMES {
            self.workers[who].look_up(&mut self.env, name);
        }
        self.rest();
        self.env.calm = false;
        let all_answered =
            self.workers[who].calls.is_empty() || self.workers[who].phase != Phase::Running;
        self.env.witness.law(all_answered, || format!("#{who} waits for an answer"));
    }

    /// The node is told to stop, and does.
    fn end(&mut self) {
        let (how, sight) = self.env.random.pick(&[
            (Stop::Asked, Sight::StopAsked),
            (Stop::MainEnded, Sight::StopMainEnded),
            (Stop::Now, Sight::StopNow),
        ]);
        self.env.witness.note(sight);
        self.env.stopping = true;
        let grace_ns = self.env.random.below(3_000_000_000) as u64;
        self.supervisor.input(&mut self.env, Input::Stop { how, grace_ns });
        self.be_random(STEPS / 4);
        self.rest();
        while !self.supervisor.node.is_empty() && self.pass_deadline() {
            self.rest();
        }
        self.rest();
        self.env.judge_all();
        let empty = self.supervisor.node.is_empty() && self.supervisor.children.is_empty();
        self.env.witness.law(empty, || "the node has stopped and is not empty");
        let stopped = self.supervisor.stopped;
        self.env.witness.law(stopped == 1, || format!("the node has stopped {stopped} times"));
    }
}
