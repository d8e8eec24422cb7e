//! Workers for processes: taken warm, or asked from the host's zygote.

use crate::children::{Assigned, Born, Child, ChildId};
use crate::ending::reap;
use crate::supervisor::{Later, Source, Supervisor};
use crate::terminal::say;
use crate::zygote::{Nest, TRIES, Zygote};
use ipc::frame::ToWorker;
use ipc::zygote::FromZygote;
use ipc::{Fault, FaultKind, Pid, PidText};
use mio::net::UnixStream;
use mio::unix::SourceFd;
use mio::{Interest, Token};
use node::ChildEnd;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Signal, pidfd_send_signal};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;

/// Workers of each host that are forked before a process needs them.
const WARM: usize = 2;

/// Time that a zygote has for an answer, in nanoseconds, before it is ended and made anew. Half of
/// what a process has to load, so that no spawn is lost by it.
const ANSWER_MAX_NS: u64 = ipc::limits::START_MAX_NS / 2;

impl Supervisor {
    /// Finds a worker for a process, and tells it what it is to become.
    pub(crate) fn start(
        &mut self,
        pid: Pid,
        host: &Rc<str>,
        entry: &Rc<str>,
        token: Option<u32>,
        arguments: &[u8],
    ) {
        let nest = self.nest(host);
        let id = self.warm_worker(nest).unwrap_or_else(|| self.want(nest));
        while self.nests[nest].warm.len() < WARM {
            let warm = self.want(nest);
            self.nests[nest].warm.push_back(warm);
        }
        let text: Rc<str> = Rc::from(PidText { host, pid }.to_string());
        let main = token.is_some_and(|token| self.tasks[token as usize].main);
        let prefix = (!main).then(|| format!("[{entry} {:#x}] ", pid.number));
        let spec = self.node.host(host).copied().unwrap_or_default();
        let (message_max, mailbox_max) = (spec.message_max as u64, spec.mailbox_max as u64);
        let header = ToWorker::Become { pid: &text, entry, message_max, mailbox_max };
        if let Some(child) = self.children.all.get_mut(id) {
            child.outbox.push(&header, arguments);
        }
        let assigned = Assigned { pid, text: text.clone(), entry: entry.clone(), prefix };
        self.children.assign(id, assigned, spec);
        self.mark_dirty(id);
        self.say_started(pid);
        self.ask_for_workers(nest);
    }

    /// A worker that waits to become somebody, passing over those that are ending.
    fn warm_worker(&mut self, nest: usize) -> Option<ChildId> {
        while let Some(id) = self.nests[nest].warm.pop_front() {
            if self.children.all.get(id).is_some_and(|child| !child.silent && !child.doomed) {
                return Some(id);
            }
        }
        None
    }

    fn nest(&mut self, host: &Rc<str>) -> usize {
        *self.nest_of.entry(host.clone()).or_insert_with(|| {
            self.nests.push(Nest::new(host.clone()));
            self.nests.len() - 1
        })
    }

    fn want(&mut self, nest: usize) -> ChildId {
        let host = self.nests[nest].host.clone();
        let id = self.children.all.insert(Child::new(host));
        self.nests[nest].wanted.push_back(id);
        id
    }

    /// Asks the zygote for what is wanted, as far as it may be asked now.
    fn ask_for_workers(&mut self, nest: usize) {
        while !self.nests[nest].wanted.is_empty() && self.nests[nest].may_ask() {
            match self.ask_for_one(nest) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return self.give_up(nest, &error.to_string()),
            }
        }
    }

    /// Asks for one worker; false where the zygote cannot be asked now.
    fn ask_for_one(&mut self, nest: usize) -> io::Result<bool> {
        if self.nests[nest].zygote.is_none() {
            self.start_zygote(nest)?;
        }
        // It stays in the list until it is asked for: an error leaves it where `give_up` looks.
        let Some(id) = self.nests[nest].wanted.front().copied() else { return Ok(false) };
        let theirs = self.open_socket(id)?;
        let deadline = self.now() + ANSWER_MAX_NS;
        let nest = &mut self.nests[nest];
        if let Some(zygote) = &nest.zygote
            && !zygote.ask(theirs.as_fd())?
        {
            self.children.all[id].socket = None;
            return Ok(false);
        }
        nest.wanted.pop_front();
        nest.in_flight.push_back(id);
        nest.deadline.get_or_insert(deadline);
        Ok(true)
    }

    fn start_zygote(&mut self, nest: usize) -> io::Result<()> {
        let zygote = Zygote::start(&self.worker, &self.code)?;
        let control = self.register(zygote.control.as_raw_fd(), Source::Control(nest));
        let pidfd = self.register(zygote.pidfd.as_raw_fd(), Source::ZygotePidfd(nest));
        if let Err(error) = control.and(pidfd) {
            zygote.end();
            return Err(error);
        }
        self.nests[nest].zygote = Some(zygote);
        Ok(())
    }

    /// Gives a child its socket and returns the worker's end.
    fn open_socket(&mut self, id: ChildId) -> io::Result<OwnedFd> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        // Only this end: the worker waits for its supervisor by blocking.
        rustix::io::ioctl_fionbio(&ours, true)?;
        let mut socket = UnixStream::from_std(ours.into());
        let interest = Interest::READABLE | Interest::WRITABLE;
        let token = Source::Socket(id).token();
        self.poll.registry().register(&mut socket, token, interest)?;
        self.children.all[id].socket = Some(socket);
        Ok(theirs)
    }

    fn register(&self, descriptor: RawFd, source: Source) -> io::Result<()> {
        let token: Token = source.token();
        self.poll.registry().register(&mut SourceFd(&descriptor), token, Interest::READABLE)
    }

    /// Hears all that a zygote has answered.
    pub(crate) fn hear(&mut self, nest: usize) {
        loop {
            let Some(zygote) = &self.nests[nest].zygote else { return };
            match packet::receive::<FromZygote>(&zygote.control) {
                Ok(Some((FromZygote::Ready, _))) => {}
                Ok(Some((FromZygote::Forked { os_pid }, Some(pidfd)))) => {
                    self.born(nest, Born { pidfd, os_pid });
                }
                Ok(Some((FromZygote::ForkFailed { errno }, _))) => self.fork_failed(nest, errno),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // It has ended, or speaks nonsense and is to end; its pidfd tells the rest.
                Ok(_) | Err(_) => {
                    zygote.kill();
                    break;
                }
            }
        }
        self.ask_for_workers(nest);
    }

    fn answered(&mut self, nest: usize) -> Option<ChildId> {
        let deadline = self.now() + ANSWER_MAX_NS;
        let nest = &mut self.nests[nest];
        let id = nest.in_flight.pop_front();
        nest.deadline = (!nest.in_flight.is_empty()).then_some(deadline);
        id
    }

    fn born(&mut self, nest: usize, born: Born) {
        self.nests[nest].failures = 0;
        let Some(id) = self.answered(nest) else { return };
        if let Err(error) = self.register(born.pidfd.as_raw_fd(), Source::Pidfd(id)) {
            say(&format!("cannot watch OS process {}: {error}", born.os_pid));
        }
        let Some(child) = self.children.all.get_mut(id) else { return };
        if child.doomed {
            let _ = pidfd_send_signal(&born.pidfd, Signal::KILL);
        }
        child.born = Some(born);
        let pid = child.process.as_ref().map(|process| process.pid);
        self.mark_dirty(id);
        self.mark_readable(id);
        if let Some(pid) = pid {
            self.say_started(pid);
        }
    }

    fn fork_failed(&mut self, nest: usize, errno: i32) {
        let Some(id) = self.answered(nest) else { return };
        let error = io::Error::from_raw_os_error(errno);
        self.no_worker(id, &format!("cannot fork a worker: {error}"));
    }

    /// A child that there will be no worker for.
    fn no_worker(&mut self, id: ChildId, why: &str) {
        let process = self.children.all.get(id).and_then(|child| child.process.as_ref());
        match process.map(|process| process.pid) {
            Some(pid) => {
                let fault = Fault::new(FaultKind::Unavailable, why);
                self.later.push_back(Later::NoWorker(pid, fault));
            }
            None => self.forget_warm(id),
        }
    }

    /// A warm worker is gone; the next spawn replaces it.
    pub(crate) fn forget_warm(&mut self, id: ChildId) {
        let host = self.children.all.get(id).map(|child| child.host.clone());
        if let Some(nest) = host.and_then(|host| self.nest_of.get(&host).copied()) {
            self.nests[nest].warm.retain(|warm| *warm != id);
            self.nests[nest].wanted.retain(|wanted| *wanted != id);
        }
        self.children.remove(id);
    }

    /// Ends a worker, at once or as soon as it is born.
    pub(crate) fn doom(&mut self, id: ChildId) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        child.doomed = true;
        if let Some(born) = &child.born {
            // It can fail only where the worker is dead already and not reaped yet.
            let _ = pidfd_send_signal(&born.pidfd, Signal::KILL);
            return;
        }
        let nest = self.nest_of.get(&child.host).copied();
        let Some(nest) = nest.map(|nest| &mut self.nests[nest]) else { return };
        // One that is asked for already will be born, and killed then.
        if nest.wanted.contains(&id) {
            nest.wanted.retain(|wanted| *wanted != id);
            self.no_worker(id, "terminated before it had a worker");
        }
    }

    /// Zygotes that owe an answer for too long are stopped or wedged: they are made anew.
    pub(crate) fn check_zygotes(&mut self) {
        let now = self.now();
        for nest in &mut self.nests {
            if nest.deadline.is_some_and(|at| at <= now) {
                nest.deadline = None;
                if let Some(zygote) = &nest.zygote {
                    zygote.kill();
                }
            }
        }
    }

    /// A zygote has ended. What it was asked for is asked of the next one.
    pub(crate) fn lose_zygote(&mut self, nest: usize) {
        let reaped = self.nests[nest].zygote.as_ref().map(|zygote| reap(zygote.pidfd.as_fd()));
        let Some(Some(end)) = reaped else { return };
        self.hear(nest);
        let lost = &mut self.nests[nest];
        lost.zygote = None;
        lost.deadline = None;
        lost.failures += 1;
        let in_flight = std::mem::take(&mut lost.in_flight);
        let failures = lost.failures;
        if !in_flight.is_empty() {
            self.watch_for_strays();
        }
        for id in in_flight.into_iter().rev() {
            self.ask_again(nest, id);
        }
        if failures >= TRIES {
            let how = match end {
                ChildEnd::Code(code) => format!("exited with code {code}"),
                ChildEnd::Signal(signal) => format!("was killed by {}", ipc::signal_name(signal)),
            };
            return self.give_up(nest, &format!("its zygote {how}, {failures} times in a row"));
        }
        self.ask_for_workers(nest);
    }

    fn ask_again(&mut self, nest: usize, id: ChildId) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        // A worker that was forked and not reported finds this end closed, and exits.
        child.socket = None;
        self.nests[nest].wanted.push_front(id);
        if self.children.all[id].doomed {
            self.doom(id);
        }
    }

    /// Nothing can be started on this host now: everybody who waits is told why.
    fn give_up(&mut self, nest: usize, why: &str) {
        let host = self.nests[nest].host.clone();
        self.nests[nest].failures = 0;
        let why = format!("host '{host}' cannot start processes: {why}");
        for id in std::mem::take(&mut self.nests[nest].wanted) {
            self.no_worker(id, &why);
        }
    }
}
