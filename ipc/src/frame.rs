//! The frames: what a worker may say to the supervisor and what the supervisor says to a worker.
//!
//! A frame is a header (these types, as MessagePack) and a body. The body is a payload that the
//! supervisor never looks into: it only moves its bytes.
//!
//! The first frame of a connection is [`ToWorker::Become`]; the answer to it is
//! [`FromWorker::Loaded`] or [`FromWorker::LoadFailed`]; the last is [`FromWorker::Done`]. After
//! that the worker exits, and only the kernel's report of that exit ends the process.

pub use crate::op::{Op, Ties, With};

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
    /// Nobody waits for the result of this [`Op::Exec`] any more: its process is to be terminated. The
    /// answer comes all the same.
    GiveUp {
        /// From the call.
        call: CallId,
    },
    /// The script took a CANCEL out of its events.
    CancelTaken,
    /// The script asked for its events, so a CANCEL will be seen.
    Listening,
    /// The script says that what it serves can be used now (`process.ready()`).
    Ready,
    /// Yes, it lives: the answer to [`ToWorker::Ping`].
    Pong,
    /// Text for standard output. Body: the text, without a newline at its end.
    Print,
    /// The process goes on in another worker, with this entry or the one that it has. Body: as of a
    /// spawn. Nothing but what answers [`ToWorker::HandOver`] follows.
    Upgrade {
        /// Entry, `ns:name`.
        entry: Option<&'a str>,
    },
    /// A message or an event that nobody has read. Body: its own.
    HandBack(#[serde(borrow)] ToWorker<'a>),
    /// There is nothing more to be handed back; the worker exits.
    HandedOver,
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

/// What the supervisor says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToWorker<'a> {
    /// Be this process. Body: what it is given (`docs/protocol.md`).
    Become {
        /// Its PID.
        pid: &'a str,
        /// Its entry.
        entry: &'a str,
        /// What it may use.
        limits: Limits,
        /// How it begins.
        #[serde(borrow)]
        birth: Birth<'a>,
    },
    /// The answer to a call.
    Reply {
        /// From the call.
        call: CallId,
        /// What came of it.
        #[serde(borrow)]
        result: Result<Answer<'a>, Fault>,
    },
    /// The answer to an [`Op::Exec`] whose process has ended. Body: as that of [`Ended`].
    Returned {
        /// From the call.
        call: CallId,
        /// Why it ended.
        reason: ExitReason,
    },
    /// The process goes on elsewhere, and this worker is told nothing more. Answer: what it has not
    /// read as [`FromWorker::HandBack`], in order, and [`FromWorker::HandedOver`].
    HandOver,
    /// To a worker that goes on with a process: it has all that was not read, and runs from here on.
    Begin,
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
    /// The code of its entry has changed.
    Outdated {
        /// When it was read again, in nanoseconds since 1970 (UTC).
        at: i64,
    },
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

/// How a process begins, beside its arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birth<'a> {
    /// Who has spawned it; nobody where the node itself has.
    pub spawner: Option<&'a str>,
    /// It traps links from its first instruction on.
    pub trap_links: bool,
    /// How its events show results.
    pub event_result: EventResult,
    /// It goes on in this worker. What was not read follows, and then [`ToWorker::Begin`].
    pub goes_on: bool,
}

/// How EXIT and LINK_DOWN show the result of a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventResult {
    /// `result` is the value.
    #[default]
    Raw,
    /// `result` is `{value=…, error=…}`.
    Record,
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
