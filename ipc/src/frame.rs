//! The frames: what a worker may say to the supervisor and what the supervisor says to a worker.
//!
//! A frame is a header (these types, as MessagePack) and a body. The body is a payload that the
//! supervisor never looks into: it only moves its bytes.
//!
//! The first frame of a connection is [`ToWorker::Become`]; the answer to it is
//! [`FromWorker::Loaded`] or [`FromWorker::LoadFailed`]; the last is [`FromWorker::Done`]. After
//! that the worker exits, and only the kernel's report of that exit ends the process.

use crate::limits::{MESSAGE_OVERHEAD, TOPIC_MAX};
use crate::sandbox::Missing;
use crate::{ExitReason, Fault, Limits};
use serde::{Deserialize, Serialize};

/// Number by which a worker recognises the answer to a call. The worker chooses it.
pub type CallId = u32;

/// A way to one destination that the supervisor has opened for one sender. See `docs/protocol.md`.
pub type RouteId = u32;

/// What a worker says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromWorker<'a> {
    /// The script is loaded and its body about to run.
    Loaded,
    /// The worker could not be enclosed as planned, and exits. It is no process yet.
    NotEnclosed(Missing),
    /// The process cannot start; the worker exits.
    LoadFailed {
        /// Why, with file and line where there is one.
        fault: Fault,
    },
    /// A request that [`ToWorker::Reply`] answers. Body: see [`Op`].
    Call {
        /// Comes back in the reply.
        call: CallId,
        /// What is asked for.
        #[serde(borrow)]
        op: Op<'a>,
    },
    /// A message along an open route; never answered. Body: the value.
    Send {
        /// From [`Answer::Route`].
        route: RouteId,
        /// Topic of the message.
        topic: &'a str,
    },
    /// The sender uses a route no more, of itself or because it was closed.
    Release {
        /// From [`Answer::Route`].
        route: RouteId,
    },
    /// So many bytes of messages (whole frames) were taken out of the mailbox.
    Consumed {
        /// Bytes since the last such frame.
        bytes: u64,
    },
    /// The script took a CANCEL out of its events.
    CancelTaken,
    /// The script asked for its events, so a CANCEL will be seen.
    Listening,
    /// Yes, it lives: the answer to [`ToWorker::Ping`].
    Pong,
    /// Text for standard output. Body: the text, without a newline at its end.
    Print,
    /// The body ended; the worker exits. Body: the result, or the Error where it failed.
    Done {
        /// How it ended.
        outcome: Outcome,
    },
}

/// True for what may be the topic of a message. Those that begin with `@` are reserved.
#[must_use]
pub fn is_topic(topic: &str) -> bool {
    !topic.is_empty() && topic.len() <= TOPIC_MAX && !topic.starts_with('@')
}

/// What a message is charged to its receiver's mailbox and to its sender's route, in bytes. Both
/// sides count alike: the supervisor when it is sent, the receiver when it is taken.
#[must_use]
pub const fn charge(topic: &str, body: usize) -> usize {
    topic.len() + body + MESSAGE_OVERHEAD
}

impl FromWorker<'_> {
    /// The topic of a message; empty for any other frame.
    #[must_use]
    pub fn topic(&self) -> &str {
        match self {
            FromWorker::Send { topic, .. } => topic,
            FromWorker::Call { op: Op::Send { topic, .. }, .. } => topic,
            _ => "",
        }
    }

    /// What the frame is charged, with a payload of so many bytes.
    #[must_use]
    pub fn charge(&self, body: usize) -> usize {
        charge(self.topic(), body)
    }
}

/// How a body ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It returned.
    Normal,
    /// It failed, with the text of its error.
    Failed {
        /// At most [`TEXT_MAX`](crate::limits::TEXT_MAX) bytes.
        message: String,
    },
    /// It used more than it may.
    Over {
        /// Which limit.
        limit: OwnLimit,
        /// What it used, and wanted to use, in the limit's unit.
        used: u64,
        /// Where its script was, as a traceback; empty where that cannot be told.
        at: String,
    },
}

/// The limits that a worker watches itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwnLimit {
    /// [`Limits::memory`].
    Memory,
    /// [`Limits::turn_ns`].
    Turn,
}

/// Exit code of a worker that is over its memory limit and cannot say so any more.
pub const EXIT_MEMORY: i32 = 71;

/// Exit code of a worker whose turn is over, in code that nothing can interrupt.
pub const EXIT_TURN: i32 = 72;

/// The requests of [`FromWorker::Call`]. `dest` is the text of a PID or a registered name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op<'a> {
    /// Start a process. Body: the array of its arguments. Answer: [`Answer::Pid`].
    Spawn {
        /// Entry, `ns:name`.
        entry: &'a str,
        /// Host, `ns:name`.
        host: &'a str,
        /// Ties that exist before its first instruction.
        ties: Ties,
    },
    /// A message. Body: the value. Answer: [`Answer::Route`].
    Send {
        /// To whom.
        dest: &'a str,
        /// Topic of the message.
        topic: &'a str,
    },
    /// Be told of its end. Answer: [`Answer::Done`].
    Monitor {
        /// Of whom.
        dest: &'a str,
    },
    /// No longer be told. Answer: [`Answer::Done`].
    Unmonitor {
        /// Of whom.
        dest: &'a str,
    },
    /// Share its fate. Answer: [`Answer::Done`].
    Link {
        /// With whom.
        dest: &'a str,
    },
    /// No longer share it. Answer: [`Answer::Done`].
    Unlink {
        /// With whom.
        dest: &'a str,
    },
    /// Ask it to end. Answer: [`Answer::Done`].
    Cancel {
        /// Whom.
        dest: &'a str,
        /// Text for it to read.
        reason: Option<&'a str>,
        /// Time it has, after which it is terminated.
        deadline_ns: Option<u64>,
    },
    /// End it. Answer: [`Answer::Done`].
    Terminate {
        /// Whom.
        dest: &'a str,
    },
    /// Give a name to a process. Answer: [`Answer::Done`].
    Register {
        /// The name.
        name: &'a str,
        /// The process; the caller where absent.
        dest: Option<&'a str>,
    },
    /// Who has the name. Answer: [`Answer::Pid`].
    Lookup {
        /// The name.
        name: &'a str,
    },
    /// Give the name up. Answer: [`Answer::Flag`], false where it was not the caller's.
    Unregister {
        /// The name.
        name: &'a str,
    },
    /// Receive LINK_DOWN instead of dying with linked processes. Answer: [`Answer::Done`].
    TrapLinks {
        /// On or off.
        on: bool,
    },
}

/// Ties between a process and the one that spawns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ties {
    /// A link, both ways.
    pub link: bool,
    /// The spawner monitors the new process.
    pub monitor: bool,
}

/// What the supervisor says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker<'a> {
    /// Be this process. Body: the array of its arguments.
    Become {
        /// Its PID.
        pid: &'a str,
        /// Its entry.
        entry: &'a str,
        /// What it may use.
        limits: Limits,
    },
    /// The answer to a call.
    Reply {
        /// From the call.
        call: CallId,
        /// What came of it.
        #[serde(borrow)]
        result: Result<Answer<'a>, Fault>,
    },
    /// Does it live? Answer: [`FromWorker::Pong`].
    Ping,
    /// A message. Body: the value.
    Deliver {
        /// The sender, stamped by the supervisor.
        from: &'a str,
        /// Its topic.
        topic: &'a str,
    },
    /// A route is closed: the destination is gone, or full, or its name has moved.
    Closed {
        /// From [`Answer::Route`].
        route: RouteId,
    },
    /// A monitored process ended. Body: see [`Ended`].
    Exit(#[serde(borrow)] Ended<'a>),
    /// A linked process ended abnormally. Body: see [`Ended`].
    LinkDown(#[serde(borrow)] Ended<'a>),
    /// Someone asks this process to end.
    Cancel {
        /// Who; nobody where the node itself stops.
        from: Option<&'a str>,
        /// When, in nanoseconds since 1970 (UTC).
        at: i64,
        /// Why.
        reason: Option<&'a str>,
        /// Time it has from now on.
        deadline_ns: Option<u64>,
    },
}

/// The end of a process, as a watcher or a linked process is told of it. Body: the result where the
/// end was normal, the Error where a body failed, else empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended<'a> {
    /// Who ended.
    pub from: &'a str,
    /// When, in nanoseconds since 1970 (UTC).
    pub at: i64,
    /// Why.
    pub reason: ExitReason,
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer<'a> {
    /// It is done.
    Done,
    /// Yes or no.
    Flag(bool),
    /// The text of a PID.
    Pid(&'a str),
    /// The message was accepted; further ones may go along this route without asking, until their
    /// [charges](charge) add up to more than `credit`.
    Route {
        /// Where a route was opened.
        route: Option<RouteId>,
        /// Bytes.
        credit: u64,
    },
}
