//! The workers: OS processes, each held by its pidfd, with a socket.

use ipc::codec::frame_max;
use ipc::limits::{MESSAGE_DEFAULT, OUTBOX_SLACK};
use ipc::{Deframer, Outbox, Pid};
use mio::net::UnixStream;
use node::HostSpec;
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
    /// Its text waits for standard output, and it is not read until there is room.
    pub(crate) paused: bool,
    /// It is in the list of those that have something to be written.
    pub(crate) dirty: bool,
    /// It has closed its end.
    pub(crate) silent: bool,
}

/// What is known of a worker that runs.
#[derive(Debug)]
pub(crate) struct Born {
    pub(crate) pidfd: OwnedFd,
    pub(crate) os_pid: u32,
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
        }
    }

    /// Makes it a process, with that host's limits.
    pub(crate) fn assign(&mut self, process: Assigned, spec: HostSpec) {
        self.deframer = Deframer::new(frame_max(spec.message_max));
        self.outbox_max = 2 * spec.mailbox_max + OUTBOX_SLACK;
        self.process = Some(process);
    }

    /// Writes what the socket takes. A worker that cannot be written to is ending: what was meant
    /// for it goes with it, and its pidfd tells the rest.
    pub(crate) fn flush(&mut self) {
        let (Some(socket), true) = (&mut self.socket, self.born.is_some()) else { return };
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
}

impl Children {
    pub(crate) fn assign(&mut self, id: ChildId, process: Assigned, spec: HostSpec) {
        self.by_process.insert(process.pid.number, id);
        if let Some(child) = self.all.get_mut(id) {
            child.assign(process, spec);
        }
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
        if let Some(process) = child.and_then(|child| child.process) {
            self.by_process.remove(&process.pid.number);
        }
    }
}
