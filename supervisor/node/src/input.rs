//! What a node is told.

use alloc::collections::BTreeSet;
use alloc::string::String;
use ipc::frame::FromWorker;
use ipc::{Fault, Pid};

/// One thing that happened. The payload that came with it, if any, stays with the caller.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The node itself wants a process (the main one, a service). Answer:
    /// [`Output::NodeReply`](crate::Output::NodeReply) with the same token.
    Spawn {
        /// Comes back in the answer and at the end.
        token: u32,
        /// Entry, `ns:name`.
        entry: &'a str,
        /// Host, `ns:name`.
        host: &'a str,
    },
    /// A worker said something.
    Frame {
        /// The process that the worker is.
        from: Pid,
        /// What it said.
        frame: &'a FromWorker<'a>,
        /// What it is charged, as [`FromWorker::charge`] counts it.
        charge: usize,
    },
    /// A worker sent what is no frame.
    Broken {
        /// The process that the worker is.
        from: Pid,
        /// What was wrong.
        what: String,
    },
    /// Too many bytes lie in a worker's outbox: it does not read.
    Overrun {
        /// The process that the worker is.
        pid: Pid,
        /// The limit in bytes.
        limit: u64,
        /// The bytes that lie there.
        used: u64,
    },
    /// A worker has closed its socket: it is ending, or to be ended.
    Closed {
        /// The process that the worker is.
        pid: Pid,
    },
    /// No worker could be had for a process that was to start.
    NoWorker {
        /// The process.
        pid: Pid,
        /// Why.
        fault: Fault,
    },
    /// The kernel reported the end of a worker, and all that it had written was handled before.
    Exited {
        /// The process that the worker was.
        pid: Pid,
        /// Its OS pid.
        os_pid: u32,
        /// How it ended.
        end: ChildEnd,
        /// What it had used.
        usage: Usage,
    },
    /// A worker does not take what it was told, and is to be ended.
    Stuck {
        /// The process that the worker is.
        pid: Pid,
        /// Why.
        how: Stuck,
    },
    /// The node itself asks a process to end.
    Cancel {
        /// Whom.
        pid: Pid,
        /// Text for it to read.
        reason: &'a str,
        /// Time that it has, in nanoseconds, after which it is terminated.
        deadline_ns: u64,
    },
    /// The node itself terminates a process.
    Terminate {
        /// Whom.
        pid: Pid,
        /// Why.
        why: String,
    },
    /// The code of these entries has changed.
    Outdated {
        /// Entries, `ns:name`.
        entries: &'a BTreeSet<String>,
    },
    /// The node is to stop.
    Stop {
        /// How.
        how: Stop,
        /// Time that processes have after their CANCEL, in nanoseconds.
        grace_ns: u64,
    },
    /// Time passed.
    Time,
}

/// How a child ended (waitid(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildEnd {
    /// It exited with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

/// What a worker had used when it ended, as far as the kernel tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time in nanoseconds.
    pub cpu_ns: u64,
    /// The kernel killed it because its control group was out of memory.
    pub out_of_memory: bool,
}

/// Why a worker does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// It uses no CPU: it is stopped, or waits for what never comes.
    Silent {
        /// For so many nanoseconds.
        ns: u64,
    },
    /// It computes, and has used so many nanoseconds of CPU time without yielding.
    Busy {
        /// CPU time.
        cpu_ns: u64,
    },
}

/// How a node stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The main process ended: those that cannot see a CANCEL are terminated, the others asked.
    MainEnded,
    /// Somebody outside asked: every process gets its CANCEL and the time.
    Asked,
    /// At once.
    Now,
}
