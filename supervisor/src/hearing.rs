//! What zygotes answer, and what becomes of those that end.

use crate::attendants::{Attendant, AttendantId};
use crate::children::{Born, Child, ChildId};
use crate::machine::{self, no_descriptors};
use crate::source::Source;
use crate::spawning::ANSWER_MAX_NS;
use crate::supervisor::Supervisor;
use crate::terminal::say;
use crate::zygote::{TRIES, Zygote};
use ipc::sandbox::Missing;
use ipc::zygote::FromZygote;
use mio::unix::SourceFd;
use node::ChildEnd;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

impl Supervisor {
    /// Hears all that a zygote has answered.
    pub(crate) fn hear(&mut self, nest: usize) {
        while let Some(zygote) = &self.nests[nest].zygote {
            match packet::receive::<FromZygote>(&zygote.control) {
                Ok(Some((answer, mut descriptors))) => {
                    let pidfd = descriptors.pop();
                    let born = pidfd.map(|pidfd| Born::new(os_pid(pidfd.as_fd()), pidfd));
                    self.hear_one(nest, answer, born);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // It has ended, or speaks nonsense and is to end; its pidfd tells the rest.
                Ok(None) | Err(_) => {
                    self.kill_zygote(nest);
                    break;
                }
            }
        }
        self.pools_due = true;
        self.retire_stale(nest);
        self.ask_for_workers(nest);
    }

    fn hear_one(&mut self, nest: usize, answer: FromZygote, born: Option<Born>) {
        match (answer, born) {
            (_, Some(born)) if self.is_held(born.os_pid) => self.kill_zygote(nest),
            (FromZygote::Reaper, Some(born)) => self.has_namespace(nest, born),
            (FromZygote::Zygote, Some(born)) => self.zygote_born(nest, born),
            (FromZygote::Forked, Some(born)) => self.born(nest, born),
            (FromZygote::Enclosed(missing), _) => self.say_missing(nest, &missing),
            (FromZygote::NotEnclosed(missing), _) => {
                // The first word tells the cause.
                let why = format!("{missing}; {}", missing.layer.remedy());
                self.nests[nest].refused.get_or_insert(why);
            }
            (FromZygote::Ready, _) => {
                if self.nests[nest].in_flight.is_empty() {
                    self.nests[nest].deadline = None;
                }
            }
            (FromZygote::ForkFailed { errno }, _) => self.fork_failed(nest, errno),
            // Its pidfd found no place here. Nobody is to be blamed; but so it cannot be held.
            (FromZygote::Forked, None) => self.born_unheld(nest),
            (_, None) => self.kill_zygote(nest),
        }
    }

    fn has_namespace(&mut self, nest: usize, reaper: Born) {
        let id = self.attend(Attendant::new(reaper, nest));
        // The zygote is its first member.
        self.attendants.join(Some(id));
        if let Some(zygote) = &mut self.nests[nest].zygote {
            zygote.namespace = Some(id);
        }
    }

    fn zygote_born(&mut self, nest: usize, born: Born) {
        self.watch_end(&born, Source::ZygotePidfd(nest));
        if let Some(zygote) = &mut self.nests[nest].zygote {
            zygote.born = Some(born);
        }
    }

    /// Watches a child that is no worker.
    fn attend(&mut self, attendant: Attendant) -> AttendantId {
        self.watch_end(&attendant.born, Source::Attendant(self.attendants.next_id()));
        self.attendants.add(attendant)
    }

    pub(crate) fn watch_end(&self, born: &Born, source: Source) {
        let registered = born.pidfd().map(|pidfd| self.register(pidfd.as_raw_fd(), source));
        if let Some(Err(error)) = registered {
            say(&format!("cannot watch OS process {}: {error}", born.os_pid));
        }
    }

    fn say_missing(&mut self, nest: usize, missing: &[Missing]) {
        let nest = &mut self.nests[nest];
        if !std::mem::replace(&mut nest.said_missing, true) {
            for missing in missing {
                say(&format!("host '{}' goes without an optional layer: {missing}", nest.host));
            }
        }
    }

    fn answered(&mut self, nest: usize) -> Option<ChildId> {
        let deadline = self.now() + ANSWER_MAX_NS;
        let nest = &mut self.nests[nest];
        let id = nest.in_flight.pop_front();
        nest.deadline = (!nest.in_flight.is_empty()).then_some(deadline);
        id
    }

    fn born(&mut self, nest: usize, mut born: Born) {
        self.nests[nest].failures = 0;
        let Some(id) = self.answered(nest) else { return };
        born.namespace = self.nests[nest].zygote.as_ref().and_then(|zygote| zygote.namespace);
        self.attendants.join(born.namespace);
        if self.nests[nest].is_strict() {
            self.retire_zygote(nest);
        }
        let Some(child) = self.children.all.get_mut(id) else { return };
        if child.doomed {
            born.kill();
        }
        self.hold(id, born);
        self.lower_cpu(id);
        let child = &self.children.all[id];
        let pid = child.process.as_ref().map(|process| process.pid);
        self.mark_dirty(id);
        self.mark_readable(id);
        if let Some(pid) = pid {
            self.say_started(pid);
        }
    }

    /// The next worker is to come from another zygote. This one ends when its socket is closed.
    pub(crate) fn retire_zygote(&mut self, nest: usize) {
        let Some(Zygote { born: Some(born), namespace, .. }) = self.nests[nest].zygote.take()
        else {
            return;
        };
        if let Some(pidfd) = born.pidfd() {
            let _ = self.poll.registry().deregister(&mut SourceFd(&pidfd.as_raw_fd()));
        }
        self.attend(Attendant::new(Born { namespace, ..born }, nest));
    }

    /// A worker that nobody can wait for. It finds its socket closed, and exits.
    fn born_unheld(&mut self, nest: usize) {
        let Some(id) = self.answered(nest) else { return };
        if let Some(child) = self.children.all.get_mut(id) {
            child.socket = None;
            // It may still be in its group.
            child.group = None;
        }
        self.watch_for_strays();
        self.short(nest, id, &no_descriptors(self.descriptors.limit as u64));
    }

    fn fork_failed(&mut self, nest: usize, errno: i32) {
        let error = io::Error::from_raw_os_error(errno);
        let why = machine::shortage(&error).unwrap_or_else(|| error.to_string());
        let why = format!("cannot fork: {why}");
        if self.nests[nest].zygote.as_ref().is_some_and(|zygote| zygote.born.is_none()) {
            // There is no zygote to be yet. The program that should have forked it ends.
            self.nests[nest].refused.get_or_insert(why);
            return;
        }
        if let Some(id) = self.answered(nest) {
            self.short(nest, id, &why);
        }
    }

    /// Zygotes that owe an answer for too long are stopped or wedged: they are made anew.
    pub(crate) fn check_zygotes(&mut self) {
        let now = self.now();
        for nest in 0..self.nests.len() {
            if self.nests[nest].deadline.is_some_and(|at| at <= now) {
                self.nests[nest].deadline = None;
                self.kill_zygote(nest);
            }
        }
    }

    fn kill_zygote(&self, nest: usize) {
        let Some(zygote) = &self.nests[nest].zygote else { return };
        let starter = self.attendants.all.get(&zygote.starter);
        match (&zygote.born, starter) {
            (Some(born), _) => born.kill(),
            (None, Some(starter)) => starter.born.kill(),
            (None, None) => {}
        }
    }

    /// An attendant may have ended.
    pub(crate) fn lose_attendant(&mut self, id: AttendantId) {
        let Some(attendant) = self.attendants.all.get_mut(&id) else { return };
        let Some(end) = attendant.born.hold.reap() else { return };
        let (nest, namespace) = (attendant.nest, attendant.born.namespace);
        self.attendants.all.remove(&id);
        self.attendants.leave(namespace);
        self.hear(nest);
        let childless = |zygote: &Zygote| zygote.starter == id && zygote.born.is_none();
        if self.nests[nest].zygote.as_ref().is_some_and(childless) {
            self.lost(nest, end);
        }
    }

    /// A zygote may have ended.
    pub(crate) fn lose_zygote(&mut self, nest: usize) {
        let born = self.nests[nest].zygote.as_mut().and_then(|zygote| zygote.born.as_mut());
        let Some(end) = born.and_then(|born| born.hold.reap()) else { return };
        self.hear(nest);
        self.lost(nest, end);
    }

    /// A zygote is gone. What it was asked for is asked of the next one.
    fn lost(&mut self, nest: usize, end: ChildEnd) {
        let lost = &mut self.nests[nest];
        let Some(zygote) = lost.zygote.take() else { return };
        self.attendants.leave(zygote.namespace);
        lost.deadline = None;
        lost.stale = false;
        lost.failures += 1;
        let in_flight = std::mem::take(&mut lost.in_flight);
        let (failures, refused) = (lost.failures, lost.refused.take());
        if !in_flight.is_empty() {
            self.watch_for_strays();
        }
        let warm = |id: &ChildId| self.children.all.get(*id).is_some_and(Child::is_warm);
        if in_flight.iter().any(warm) {
            self.nests[nest].pool.count_lost();
        }
        for id in in_flight.into_iter().rev() {
            self.ask_again(nest, id);
        }
        match (refused, failures >= TRIES) {
            (Some(why), _) => self.give_up(nest, &why),
            (None, true) => {
                let how = how_it_ended(end);
                self.give_up(nest, &format!("its zygote {how}, {failures} times in a row"));
            }
            (None, false) => self.ask_for_workers(nest),
        }
    }

    fn ask_again(&mut self, nest: usize, id: ChildId) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        // A worker that was forked and not reported finds this end closed, and exits.
        child.socket = None;
        // It may still be in its group, which has room for one: that is removed at the end.
        child.group = None;
        if child.is_warm() {
            return self.forget_warm(id);
        }
        self.nests[nest].wanted.put_back(child.owner(), id);
        if self.children.all[id].doomed {
            self.doom(id);
        }
    }

    /// Nothing can be started on this host now: everybody who waits is told why.
    pub(crate) fn give_up(&mut self, nest: usize, why: &str) {
        let host = self.nests[nest].host.clone();
        self.nests[nest].failures = 0;
        let why = format!("host '{host}' cannot start processes: {why}");
        self.nests[nest].pool.wait_for_spawn();
        for id in self.nests[nest].wanted.take_all() {
            self.no_worker(id, &why);
        }
    }
}

pub(crate) fn how_it_ended(end: ChildEnd) -> String {
    match end {
        ChildEnd::Code(code) => format!("exited with code {code}"),
        ChildEnd::Signal(signal) => format!("was killed by {}", ipc::signal_name(signal)),
    }
}

/// The OS pid of a child, as the supervisor sees it: a zygote in a pid namespace of its own knows
/// another. 0 where the kernel does not say.
fn os_pid(pidfd: BorrowedFd<'_>) -> u32 {
    // With one read, for there is one such file to be read for each birth.
    let mut info = [0; 512];
    let file = File::open(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd()));
    let len = file.and_then(|mut file| file.read(&mut info)).unwrap_or(0);
    let info = String::from_utf8_lossy(&info[..len]);
    let line = info.lines().find_map(|line| line.strip_prefix("Pid:"));
    line.and_then(|pid| pid.trim().parse().ok()).unwrap_or(0)
}
