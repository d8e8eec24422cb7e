//! The workers: OS processes, each with a hold on it and a socket.

mod bodies;
mod handing;
mod payload;

use crate::attendants::AttendantId;
use crate::cgroup::Group;
use crate::hold::Hold;
use crate::source::Source;
use crate::throttle::Printed;
use crate::watchdog::Watch;
use ipc::codec::frame_max;
use ipc::frame::ToWorker;
use ipc::limits::{MESSAGE_DEFAULT, OUTBOX_SLACK, OUTBOXES_MAX};
use ipc::{Deframer, Limits, Outbox, Pid, hot};
use mio::net::UnixStream;
use mio::{Interest, Registry};
use node::ChildEnd;
use slab::Slab;
use std::collections::HashMap;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use bodies::Bodies;
pub(crate) use handing::{Left, Postponed};
pub(crate) use payload::Payload;

/// Index of a child in its table.
pub(crate) type ChildId = usize;

/// A worker, from the moment that it is asked for until it is reaped.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) host: Rc<str>,
    /// Who spawned the process for which it is asked; nobody where the node did, or for a warm one.
    pub(crate) spawner: Option<Pid>,
    /// Set once the zygote has forked it.
    pub(crate) born: Option<Born>,
    /// This side of its socket; there is none before the fork is asked for.
    pub(crate) socket: Option<UnixStream>,
    /// The process that it is or will be; none while it is warm.
    pub(crate) process: Option<Assigned>,
    pub(crate) deframer: Deframer,
    pub(crate) outbox: Outbox,
    /// What is for it alone when all is there that its predecessor hands back, while that does so.
    pub(crate) waiting: Option<Outbox>,
    /// The worker in which its process was until now, while that hands back.
    pub(crate) predecessor: Option<ChildId>,
    /// It is the process no more, and why it still counts.
    pub(crate) left: Option<Left>,
    /// Bytes in the outbox from which on it is ended.
    pub(crate) outbox_max: usize,
    /// Of what is queued for it, what the ends of others left.
    pub(crate) bodies: Bodies,
    /// It wants to go on elsewhere, and must not before it has paid for what it has printed.
    pub(crate) postponed: Option<Postponed>,
    /// What its body left: the result or the error.
    pub(crate) result: Vec<u8>,
    /// Its end is ordered, because it does not read.
    pub(crate) condemned: bool,
    /// It is to be killed, or has been: as soon as it is born.
    pub(crate) doomed: bool,
    /// It is in the list of those that may have something to read.
    pub(crate) readable: bool,
    /// Its text waits for standard output, or it has printed too fast; it is not read until then.
    pub(crate) paused: bool,
    /// It is in the list of those that are to be written, and of those that may wait.
    pub(crate) dirty: bool,
    pub(crate) held: bool,
    /// It is held by its number, and its socket has hung up.
    pub(crate) suspected: bool,
    /// Its socket takes nothing now.
    pub(crate) blocked: bool,
    /// It is to be told when the socket takes something again.
    awaits_room: bool,
    /// It has closed its end.
    pub(crate) silent: bool,
    /// It is read until there is nothing more, also after a read that gave less than it could: because
    /// its end is near, or it may send descriptors, at each of which a read stops.
    pub(crate) to_the_end: bool,
    /// Until when it counts as one that talks without end: it has said as much as it could at once.
    pub(crate) talks_until: u64,
    /// The last piece of it was full of short frames.
    pub(crate) short: bool,
    /// It is in the list of those that may have ended.
    pub(crate) exiting: bool,
    /// Bytes that it has said.
    pub(crate) heard: u64,
    /// What the watchdog knows of it, while it is watched.
    pub(crate) watch: Option<Watch>,
    /// What it has printed lately.
    pub(crate) printed: Printed,
    /// CPU time in nanoseconds that its process had used in other workers before.
    pub(crate) spent_ns: u64,
    /// Its control group, where it has one.
    pub(crate) group: Option<Group>,
}

/// What is known of a child that runs.
#[derive(Debug)]
pub(crate) struct Born {
    pub(crate) hold: Hold,
    pub(crate) os_pid: u32,
    /// The first process of the pid namespace in which it lives.
    pub(crate) namespace: Option<AttendantId>,
}

impl Born {
    pub(crate) fn new(os_pid: u32, pidfd: OwnedFd) -> Self {
        Born { hold: Hold::Pidfd(pidfd), os_pid, namespace: None }
    }

    pub(crate) fn kill(&self) {
        self.hold.kill();
    }

    /// Its pidfd, which all have but some workers.
    pub(crate) fn pidfd(&self) -> Option<&OwnedFd> {
        match &self.hold {
            Hold::Pidfd(pidfd) => Some(pidfd),
            Hold::Number(_) | Hold::Reaped => None,
        }
    }
}

/// The process that a worker is.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub(crate) pid: Pid,
    /// Its PID as scripts see it.
    pub(crate) text: Rc<str>,
    pub(crate) entry: Rc<str>,
    /// What its lines on standard output begin with; nothing for the main process.
    pub(crate) prefix: Option<String>,
    /// What it may use.
    pub(crate) limits: Limits,
}

impl Child {
    pub(crate) fn new(host: Rc<str>, spawner: Option<Pid>) -> Self {
        Child {
            host,
            spawner,
            born: None,
            socket: None,
            process: None,
            deframer: Deframer::new(frame_max(MESSAGE_DEFAULT)),
            outbox: Outbox::new(),
            waiting: None,
            predecessor: None,
            left: None,
            outbox_max: OUTBOX_SLACK,
            bodies: Bodies::default(),
            postponed: None,
            result: Vec::new(),
            condemned: false,
            doomed: false,
            readable: false,
            paused: false,
            dirty: false,
            held: false,
            suspected: false,
            blocked: false,
            awaits_room: false,
            silent: false,
            to_the_end: false,
            talks_until: 0,
            short: false,
            exiting: false,
            heard: 0,
            watch: None,
            printed: Printed::default(),
            spent_ns: 0,
            group: None,
        }
    }

    /// True where nothing but its number is there to hold it by.
    pub(crate) fn is_numbered(&self) -> bool {
        self.born.as_ref().is_some_and(|born| matches!(born.hold, Hold::Number(_)))
    }

    /// Whose turn it is among those that wait for workers, when it is this one's.
    pub(crate) fn owner(&self) -> u64 {
        self.spawner.map_or(0, |spawner| spawner.number)
    }

    /// Bytes that are queued for it.
    pub(crate) fn queued(&self) -> usize {
        self.outbox.len() + self.waiting.as_ref().map_or(0, Outbox::len)
    }

    /// True for a process that is not yet to be ended.
    fn is_mortal(&self) -> bool {
        !self.condemned && self.process.is_some()
    }

    /// Makes it a process.
    pub(crate) fn assign(&mut self, process: Assigned) {
        let limits = &process.limits;
        self.deframer = Deframer::new(frame_max(limits.message_max()));
        self.outbox_max = 2 * limits.mailbox_max() + OUTBOX_SLACK;
        self.process = Some(process);
    }

    /// Writes what the socket takes. A worker that cannot be written to is ending: what was meant
    /// for it goes with it, and its pidfd tells the rest.
    fn flush(&mut self) {
        let (Some(socket), true) = (&mut self.socket, self.born.is_some() && !self.condemned)
        else {
            return;
        };
        while !self.outbox.is_empty() && !self.blocked {
            match socket.write(self.outbox.pending()) {
                Ok(count) => self.outbox.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.outbox.advance(self.outbox.len()),
            }
        }
    }

    /// Waits for room where there is none, and only then: else a worker would wake the supervisor each
    /// time that it reads. An error leaves it as it was, and the next flush tries again.
    fn watch_for_room(&mut self, id: ChildId, registry: &Registry) -> io::Result<()> {
        if self.blocked == self.awaits_room {
            return Ok(());
        }
        let Some(socket) = &mut self.socket else { return Ok(()) };
        let interest = match self.blocked {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::READABLE,
        };
        registry.reregister(socket, Source::Socket(id).token(), interest)?;
        self.awaits_room = self.blocked;
        Ok(())
    }
}

/// All children, and which process is which child.
#[derive(Debug, Default)]
pub(crate) struct Children {
    pub(crate) all: Slab<Child>,
    by_process: HashMap<u64, ChildId>,
    by_os_pid: HashMap<u32, ChildId>,
    /// How many have no pidfd.
    numbered: usize,
    /// Bytes in all outboxes together.
    queued: usize,
}

impl Children {
    pub(crate) fn assign(&mut self, id: ChildId, process: Assigned) {
        self.by_process.insert(process.pid.number, id);
        if let Some(child) = self.all.get_mut(id) {
            child.assign(process);
        }
    }

    /// It runs.
    pub(crate) fn bear(&mut self, id: ChildId, born: Born) {
        let Some(child) = self.all.get_mut(id) else { return };
        self.by_os_pid.insert(born.os_pid, id);
        child.born = Some(born);
        self.numbered += usize::from(child.is_numbered());
    }

    pub(crate) fn numbered(&self) -> usize {
        self.numbered
    }

    /// Takes the kernel's report of a child, where there is one.
    pub(crate) fn reap(&mut self, id: ChildId) -> Option<ChildEnd> {
        let child = self.all.get_mut(id)?;
        let was_numbered = child.is_numbered();
        let born = child.born.as_mut()?;
        let end = born.hold.reap()?;
        self.numbered -= usize::from(was_numbered);
        // The number is free now.
        if self.by_os_pid.get(&born.os_pid) == Some(&id) {
            self.by_os_pid.remove(&born.os_pid);
        }
        Some(end)
    }

    /// True for one that was born and is not reaped.
    pub(crate) fn lives(&self, id: ChildId) -> bool {
        let born = self.all.get(id).and_then(|child| child.born.as_ref());
        born.is_some_and(|born| self.by_os_pid(born.os_pid) == Some(id))
    }

    /// Who has that number and is not reaped.
    pub(crate) fn by_os_pid(&self, os_pid: u32) -> Option<ChildId> {
        self.by_os_pid.get(&os_pid).copied()
    }

    /// Queues a frame for a child.
    pub(crate) fn push(&mut self, id: ChildId, header: &ToWorker<'_>, body: &[u8]) {
        self.queue(id, |outbox| outbox.push(header, body));
    }

    /// Queues a message for a child: a large one without a copy.
    pub(crate) fn push_deliver(&mut self, id: ChildId, from: &str, topic: &str, body: Payload<'_>) {
        let Payload { bytes, large } = body;
        self.queue(id, |outbox| match large {
            None => outbox.push_with(|out| hot::write_deliver(out, from, topic, bytes)),
            Some(whole) => {
                outbox.push_with(|out| hot::begin_deliver(out, from, topic, bytes.len()));
                outbox.push_body(whole.clone(), bytes.len());
            }
        });
    }

    fn queue(&mut self, id: ChildId, queue: impl FnOnce(&mut Outbox)) {
        // What a condemned one will not read need not pile up until it is gone.
        let Some(child) = self.all.get_mut(id).filter(|child| !child.condemned) else { return };
        let outbox = child.waiting.as_mut().unwrap_or(&mut child.outbox);
        let before = outbox.len();
        queue(outbox);
        self.queued += outbox.len() - before;
    }

    /// Writes what a child's socket takes; true where it was told something.
    pub(crate) fn flush(&mut self, id: ChildId, registry: &Registry) -> bool {
        let Some(child) = self.all.get_mut(id) else { return false };
        let before = child.outbox.len();
        child.dirty = false;
        child.flush();
        if child.watch_for_room(id, registry).is_err() {
            child.blocked = false;
        }
        let written = before - child.outbox.len();
        child.bodies.written(written);
        self.queued -= written;
        written > 0
    }

    /// Who is to be ended because too much is queued: the child itself, where its own outbox is over
    /// its limit; where all together are, one of the host that has most. Nothing more is queued for it.
    pub(crate) fn overrun(&mut self, id: ChildId) -> Option<ChildId> {
        // What the ends of others left has a measure of its own: who has ended is no fault of this one.
        let too_long =
            |child: &Child| child.queued().saturating_sub(child.bodies.bytes()) > child.outbox_max;
        let id = match self.all.get(id).is_some_and(too_long) {
            true => id,
            false if self.queued > OUTBOXES_MAX => self.longest()?,
            false => return None,
        };
        let child = self.all.get_mut(id)?;
        (!std::mem::replace(&mut child.condemned, true)).then_some(id)
    }

    /// The longest outbox of the host for which most is queued: no host suffers for another.
    fn longest(&self) -> Option<ChildId> {
        let mortal = || self.all.iter().filter(|(_, child)| child.is_mortal());
        let mut hosts: HashMap<&str, usize> = HashMap::new();
        for (_, child) in mortal() {
            *hosts.entry(&child.host).or_default() += child.queued();
        }
        let (host, _) = hosts.into_iter().max_by_key(|(_, queued)| *queued)?;
        let of_host = mortal().filter(|(_, child)| *child.host == *host);
        of_host.max_by_key(|(_, child)| child.queued()).map(|(id, _)| id)
    }

    /// Forgets what is queued for a child that is to be ended; returns how much that was.
    pub(crate) fn discard(&mut self, id: ChildId) -> usize {
        let Some(child) = self.all.get_mut(id) else { return 0 };
        let queued = child.queued();
        child.outbox = Outbox::new();
        if let Some(waiting) = &mut child.waiting {
            *waiting = Outbox::new();
        }
        self.queued -= queued;
        queued
    }

    pub(crate) fn id_of(&self, pid: Pid) -> Option<ChildId> {
        self.by_process.get(&pid.number).copied()
    }

    pub(crate) fn of(&self, pid: Pid) -> Option<&Child> {
        self.id_of(pid).and_then(|id| self.all.get(id))
    }

    /// The text of a PID whose process is not forgotten yet.
    pub(crate) fn text(&self, pid: Pid) -> Option<Rc<str>> {
        self.of(pid)?.process.as_ref().map(|process| process.text.clone())
    }

    pub(crate) fn remove(&mut self, id: ChildId) {
        let child = self.all.try_remove(id);
        self.queued -= child.as_ref().map_or(0, Child::queued);
        if let Some(process) = child.and_then(|child| child.process) {
            self.by_process.remove(&process.pid.number);
        }
    }
}
