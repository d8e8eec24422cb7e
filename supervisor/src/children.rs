//! The workers: OS processes, each held by its pidfd, with a socket.

use crate::attendants::AttendantId;
use crate::cgroup::Group;
use crate::throttle::Printed;
use crate::watchdog::Watch;
use ipc::codec::frame_max;
use ipc::frame::ToWorker;
use ipc::limits::{MESSAGE_DEFAULT, OUTBOX_SLACK, OUTBOXES_MAX};
use ipc::{Deframer, Limits, Outbox, Pid};
use mio::net::UnixStream;
use rustix::process::{Signal, pidfd_send_signal};
use slab::Slab;
use std::collections::HashMap;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// Index of a child in its table.
pub(crate) type ChildId = usize;

/// A worker, from the moment that it is asked for until it is reaped.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) host: Rc<str>,
    /// Set once the zygote has forked it.
    pub(crate) born: Option<Born>,
    /// This side of its socket; there is none before the fork is asked for.
    pub(crate) socket: Option<UnixStream>,
    /// The process that it is or will be; none while it is warm.
    pub(crate) process: Option<Assigned>,
    pub(crate) deframer: Deframer,
    pub(crate) outbox: Outbox,
    /// Bytes in the outbox from which on it is ended.
    pub(crate) outbox_max: usize,
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
    /// It is in the list of those that have something to be written.
    pub(crate) dirty: bool,
    /// It has closed its end.
    pub(crate) silent: bool,
    /// Frames that its last read had.
    pub(crate) frames: usize,
    /// Bytes that it has said.
    pub(crate) heard: u64,
    /// What the watchdog knows of it, while it is watched.
    pub(crate) watch: Option<Watch>,
    /// What it has printed lately.
    pub(crate) printed: Printed,
    /// Its control group, where it has one.
    pub(crate) group: Option<Group>,
}

/// What is known of a child that runs.
#[derive(Debug)]
pub(crate) struct Born {
    pub(crate) pidfd: OwnedFd,
    pub(crate) os_pid: u32,
    /// The first process of the pid namespace in which it lives.
    pub(crate) namespace: Option<AttendantId>,
}

impl Born {
    pub(crate) fn new(os_pid: u32, pidfd: OwnedFd) -> Self {
        Born { pidfd, os_pid, namespace: None }
    }

    pub(crate) fn kill(&self) {
        // It can fail only where the child is dead already and not reaped yet.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
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
    pub(crate) fn new(host: Rc<str>) -> Self {
        Child {
            host,
            born: None,
            socket: None,
            process: None,
            deframer: Deframer::new(frame_max(MESSAGE_DEFAULT)),
            outbox: Outbox::new(),
            outbox_max: OUTBOX_SLACK,
            result: Vec::new(),
            condemned: false,
            doomed: false,
            readable: false,
            paused: false,
            dirty: false,
            silent: false,
            frames: 0,
            heard: 0,
            watch: None,
            printed: Printed::default(),
            group: None,
        }
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
    pub(crate) fn flush(&mut self) {
        let (Some(socket), true) = (&mut self.socket, self.born.is_some() && !self.condemned)
        else {
            return;
        };
        while !self.outbox.is_empty() {
            match socket.write(self.outbox.pending()) {
                Ok(count) => self.outbox.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.outbox.advance(self.outbox.len()),
            }
        }
    }
}

/// All children, and which process is which child.
#[derive(Debug, Default)]
pub(crate) struct Children {
    pub(crate) all: Slab<Child>,
    by_process: HashMap<u64, ChildId>,
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

    /// Queues a frame for a child.
    pub(crate) fn push(&mut self, id: ChildId, header: &ToWorker<'_>, body: &[u8]) {
        let Some(child) = self.all.get_mut(id) else { return };
        let before = child.outbox.len();
        child.outbox.push(header, body);
        self.queued += child.outbox.len() - before;
    }

    /// Writes what a child's socket takes; true where it was told something.
    pub(crate) fn flush(&mut self, id: ChildId) -> bool {
        let Some(child) = self.all.get_mut(id) else { return false };
        let before = child.outbox.len();
        child.dirty = false;
        child.flush();
        let written = before - child.outbox.len();
        self.queued -= written;
        written > 0
    }

    /// Who is to be ended because too much is queued: the child itself, where its own outbox is over
    /// its limit; where all together are, one of the host that has most. Nothing more is queued for it.
    pub(crate) fn overrun(&mut self, id: ChildId) -> Option<ChildId> {
        let too_long = |child: &Child| child.outbox.len() > child.outbox_max;
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
            *hosts.entry(&child.host).or_default() += child.outbox.len();
        }
        let (host, _) = hosts.into_iter().max_by_key(|(_, queued)| *queued)?;
        let of_host = mortal().filter(|(_, child)| *child.host == *host);
        of_host.max_by_key(|(_, child)| child.outbox.len()).map(|(id, _)| id)
    }

    /// Forgets what is queued for a child that is to be ended; returns how much that was.
    pub(crate) fn discard(&mut self, id: ChildId) -> usize {
        let Some(child) = self.all.get_mut(id) else { return 0 };
        let queued = child.outbox.len();
        child.outbox = Outbox::new();
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
        self.queued -= child.as_ref().map_or(0, |child| child.outbox.len());
        if let Some(process) = child.and_then(|child| child.process) {
            self.by_process.remove(&process.pid.number);
        }
    }
}
