//! What a node wants done.

use crate::{Denial, Refusal};
use alloc::rc::Rc;
use alloc::string::String;
use ipc::chaos::ChaosSignal;
use ipc::frame::{CallId, RouteId};
use ipc::{ExitReason, Limits, Pid};

/// One thing to do. Outputs are to be carried out in order, each before the next input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Find a worker and let it become this process. Payload: the arguments.
    Start {
        /// The new process.
        pid: Pid,
        /// Its host.
        host: Rc<str>,
        /// Its entry.
        entry: Rc<str>,
        /// The token, where the node itself wants it.
        token: Option<u32>,
        /// Who spawned it; nobody where the node itself did.
        spawner: Option<Pid>,
        /// What it may use.
        limits: Limits,
        /// It traps links from its first instruction on.
        trap_links: bool,
    },
    /// Find another worker of the same host and let the process go on in it: what its present worker
    /// hands back comes first, then whatever it is told from here on. Payload: the arguments.
    Upgrade {
        /// The process.
        pid: Pid,
        /// Its entry from here on.
        entry: Rc<str>,
        /// What it may use.
        limits: Limits,
    },
    /// A call was denied. Further ones of the same kind are only counted: see
    /// [`Node::denials`](crate::Node::denials).
    Denied {
        /// Who called.
        pid: Pid,
        /// Its entry.
        entry: Rc<str>,
        /// What was denied.
        denial: Denial,
        /// What the caller is told: who, what, and how to allow it.
        text: Rc<str>,
    },
    /// End the worker of this process (or give up finding one): its end will be an input.
    Kill {
        /// The process.
        pid: Pid,
    },
    /// Send the worker of this process a signal. The reply to whoever asked for it comes after.
    Signal {
        /// The process.
        pid: Pid,
        /// Which.
        signal: ChaosSignal,
    },
    /// Answer a call.
    Reply {
        /// The process that called.
        to: Pid,
        /// Its number for the call.
        call: CallId,
        /// What came of it.
        result: Result<Granted, Refusal>,
    },
    /// Answer a call that waited for the end of a process. Payload: as for `Exit`.
    Returned {
        /// The process that called.
        to: Pid,
        /// Its number for the call.
        call: CallId,
        /// Why the other one ended.
        reason: Rc<ExitReason>,
    },
    /// Answer to [`Input::Spawn`](crate::Input::Spawn).
    NodeReply {
        /// From the input.
        token: u32,
        /// The new process, or why there is none.
        result: Result<Pid, Refusal>,
    },
    /// A process that the node itself wanted is loaded and says that it is ready: once.
    Ready {
        /// From the input.
        token: u32,
    },
    /// Deliver the message that is the present input. Payload: its own.
    Deliver {
        /// To whom.
        to: Pid,
        /// From whom.
        from: Pid,
    },
    /// Tell a sender that a route is closed.
    Closed {
        /// The sender.
        to: Pid,
        /// Its route.
        route: RouteId,
    },
    /// Tell a watcher that a process ended. Payload: the result or the error of that process.
    Exit {
        /// The watcher.
        to: Pid,
        /// Who ended.
        from: Pid,
        /// Why.
        reason: Rc<ExitReason>,
    },
    /// Tell a process that traps links that a linked one failed. Payload as for `Exit`.
    LinkDown {
        /// The process that traps links.
        to: Pid,
        /// Who ended.
        from: Pid,
        /// Why.
        reason: Rc<ExitReason>,
    },
    /// Tell a process that the code of its entry has changed.
    Outdated {
        /// Whom.
        to: Pid,
    },
    /// Ask a process to end.
    Cancel {
        /// Whom.
        to: Pid,
        /// Who asks; nobody where the node stops.
        from: Option<Pid>,
        /// Why.
        reason: Option<String>,
        /// Time it has, in nanoseconds.
        deadline_ns: Option<u64>,
    },
    /// A process is over and everybody was told: forget it.
    Ended {
        /// Who.
        pid: Pid,
        /// Why.
        reason: Rc<ExitReason>,
        /// The token, where the node itself had wanted it and it had started.
        token: Option<u32>,
    },
    /// The node was to stop, and its last process is over.
    Stopped,
}

/// A call that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// It is done.
    Done,
    /// Yes or no.
    Flag(bool),
    /// A process.
    Pid(Pid),
    /// The message was accepted.
    Route {
        /// The way for further messages, where one was opened.
        route: Option<RouteId>,
        /// Bytes that may go along it.
        credit: u64,
    },
}
