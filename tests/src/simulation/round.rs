//! One round of the supervisor's loop, in the fixed order of `supervisor/src/supervisor.rs`: what
//! workers wrote, births, exits, timers, then the writing.

use super::env::Env;
use super::kernel::{Life, Who};
use super::supervisor::{ENTRY, NOBODY, Supervisor};
use super::witness::Sight;
use ipc::Pid;
use ipc::frame::FromWorker;
use node::Input;

/// Bytes that one worker may say in one round before the others have their turn.
const ROUND: usize = 3000;
/// More than any pipe holds.
const REST: usize = 1 << 20;
/// Forks that are asked for before the first is answered. The real zygote is asked for more.
const IN_FLIGHT_MAX: usize = 2;
/// The host of what the node itself wants.
const HOST: &str = "app:roomy";

impl Supervisor {
    pub(crate) fn round(&mut self, env: &mut Env) {
        self.stdout_full = env.mishap(150);
        self.collect(env);
        self.read_children(env);
        self.hear_zygote(env);
        self.reap(env);
        if self.node.next_deadline().is_some_and(|at| at <= env.now) {
            self.input(env, Input::Time);
        }
        self.start_tasks(env);
        self.settle(env);
        self.write(env);
    }

    /// Takes what is ready, in any order. Some of it is seen only in a later round.
    fn collect(&mut self, env: &mut Env) {
        let mut ready: Vec<Who> = (0..env.cells.len()).collect();
        ready.retain(|who| {
            let cell = &env.cells[*who];
            cell.readable || cell.writable || cell.exited
        });
        env.random.shuffle(&mut ready);
        for id in ready {
            if (env.cells[id].readable || env.cells[id].writable) && env.happens(800) {
                self.mark_readable(id);
                env.cells[id].readable = false;
                if std::mem::take(&mut env.cells[id].writable) {
                    self.mark_dirty(id);
                }
            }
            if env.cells[id].exited && env.happens(600) {
                env.cells[id].exited = false;
                self.exited.push(id);
            }
        }
    }

    fn read_children(&mut self, env: &mut Env) {
        for id in std::mem::take(&mut self.readable) {
            let Some(child) = self.children.get_mut(&id) else { continue };
            child.readable = false;
            let held_up = child.paused || child.silent || !child.born;
            if !held_up && self.read(env, id, ROUND) {
                self.mark_readable(id);
            }
        }
    }

    /// Reads about so many bytes; true where there may be more.
    fn read(&mut self, env: &mut Env, id: Who, most: usize) -> bool {
        let mut left = most;
        while left > 0 {
            match self.read_once(env, id) {
                Some(count) => left = left.saturating_sub(count),
                None => return false,
            }
        }
        true
    }

    fn read_once(&mut self, env: &mut Env, id: Who) -> Option<usize> {
        let child = self.children.get_mut(&id)?;
        if child.silent {
            return None;
        }
        let bytes = env.cells[id].up.take(env.random.between(1, 2000));
        if bytes.is_empty() {
            if env.cells[id].up.ended {
                child.silent = true;
                let pid = child.pid;
                self.input(env, Input::Closed { pid });
            }
            return None;
        }
        env.witness.mark(b'r', id, &bytes);
        self.frames(env, id, &bytes);
        Some(bytes.len())
    }

    fn frames(&mut self, env: &mut Env, id: Who, bytes: &[u8]) {
        let Some(child) = self.children.get_mut(&id) else { return };
        let pid = child.pid;
        let mut deframer = std::mem::replace(&mut child.deframer, ipc::Deframer::new(0));
        let mut feed = deframer.feed(bytes);
        let broken = loop {
            match feed.next_frame() {
                Ok(Some(frame)) => match ipc::codec::decode::<FromWorker<'_>>(frame.header) {
                    Ok(header) => self.frame(env, pid, &header, frame),
                    Err(error) => break Some(error.to_string()),
                },
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        drop(feed);
        if let Some(child) = self.children.get_mut(&id) {
            child.deframer = deframer;
        }
        if let Some(what) = broken {
            self.broken(env, id, pid, what);
        }
    }

    fn broken(&mut self, env: &mut Env, id: Who, from: Pid, what: String) {
        if let Some(child) = self.children.get_mut(&id) {
            child.silent = true;
        }
        self.input(env, Input::Broken { from, what });
    }

    /// Forks are answered in the order in which they were asked for.
    fn hear_zygote(&mut self, env: &mut Env) {
        while let Some(id) = self.in_flight.front().copied() {
            if !env.happens(700) {
                break;
            }
            self.in_flight.pop_front();
            if env.mishap(20) {
                self.no_worker(env, id, "cannot fork a worker");
            } else {
                self.born(env, id);
            }
        }
        while self.in_flight.len() < IN_FLIGHT_MAX
            && let Some(id) = self.wanted.pop_front()
        {
            self.in_flight.push_back(id);
        }
    }

    fn born(&mut self, env: &mut Env, id: Who) {
        let Some(child) = self.children.get_mut(&id) else { return };
        child.born = true;
        env.cells[id].life = Life::Alive;
        env.cells[id].killed = child.doomed;
        self.mark_dirty(id);
        self.mark_readable(id);
    }

    /// What a dead worker has left is read, then the node is told.
    fn reap(&mut self, env: &mut Env) {
        for id in std::mem::take(&mut self.exited) {
            let Life::Dead(end) = env.cells[id].life else { continue };
            if !env.cells[id].up.is_empty() {
                env.witness.note(Sight::RestAfterDeath);
            }
            self.read(env, id, REST);
            let Some(child) = self.children.get_mut(&id) else { continue };
            if child.deframer.is_partial() {
                env.witness.note(Sight::HalfFrameDeath);
            }
            let (pid, result) = (child.pid, std::mem::take(&mut child.result));
            let os_pid = 1000 + u32::try_from(id).unwrap_or_default();
            self.input_with(
                env,
                Input::Exited { pid, os_pid, end, usage: node::Usage::default() },
                "",
                &result,
            );
        }
    }

    /// A node wants its services again: so there is always somebody.
    fn start_tasks(&mut self, env: &mut Env) {
        for token in std::mem::take(&mut self.ended_tasks) {
            self.want(env, token);
        }
    }

    /// The node itself wants a process.
    pub(crate) fn want(&mut self, env: &mut Env, token: u32) {
        if self.stopped == 0 && !env.stopping {
            self.input_with(env, Input::Spawn { token, entry: ENTRY, host: HOST }, "", &NOBODY);
        }
    }

    /// Writes every outbox once.
    fn write(&mut self, env: &mut Env) {
        for id in std::mem::take(&mut self.dirty) {
            let cut = env.cut();
            if let Some(child) = self.children.get_mut(&id) {
                child.dirty = false;
                child.flush(id, &mut env.cells[id], cut, &mut env.witness);
            }
        }
        if !self.stdout_full {
            for id in std::mem::take(&mut self.paused) {
                if let Some(child) = self.children.get_mut(&id) {
                    child.paused = false;
                    self.mark_readable(id);
                }
            }
        }
    }
}

impl Supervisor {
    /// Nothing is left for it to do.
    pub(crate) fn is_idle(&self) -> bool {
        let lists =
            [&self.readable.is_empty(), &self.wanted.is_empty(), &self.in_flight.is_empty()];
        let more = [&self.dirty.is_empty(), &self.exited.is_empty(), &self.paused.is_empty()];
        let written = self.children.values().all(|child| child.outbox.is_empty());
        lists.into_iter().chain(more).all(|empty| *empty) && self.ended_tasks.is_empty() && written
    }
}
