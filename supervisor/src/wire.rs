//! What the node says, as frames to workers. Pure: the simulation uses it as the supervisor does.

use ipc::frame::{Answer, Ended, ToWorker};
use ipc::{ExitKind, ExitReason, Pid};
use node::{Granted, Output};

/// A frame to a worker.
#[derive(Debug)]
pub struct Told<'a> {
    /// The process that is told.
    pub to: Pid,
    /// The header.
    pub header: ToWorker<'a>,
    /// True where the payload of the present input goes with it.
    pub with_body: bool,
}

/// The frame for an output, `None` for one that is no frame.
///
/// `text` gives the text of a PID, `topic` is that of the message that is the present input, `at`
/// is the present time in nanoseconds since 1970.
pub fn told<'a>(
    output: &'a Output,
    text: impl Fn(Pid) -> Option<&'a str>,
    topic: &'a str,
    at: i64,
) -> Option<Told<'a>> {
    let (to, header, with_body) = match output {
        Output::Deliver { to, from } => (to, ToWorker::Deliver { from: text(*from)?, topic }, true),
        Output::Closed { to, route } => (to, ToWorker::Closed { route: *route }, false),
        Output::Exit { to, from, reason } => {
            let ended = Ended { from: text(*from)?, at, reason: ExitReason::clone(reason) };
            (to, ToWorker::Exit(ended), has_body(reason))
        }
        Output::LinkDown { to, from, reason } => {
            let ended = Ended { from: text(*from)?, at, reason: ExitReason::clone(reason) };
            (to, ToWorker::LinkDown(ended), has_body(reason))
        }
        Output::Returned { to, call, reason } => {
            let header = ToWorker::Returned { call: *call, reason: ExitReason::clone(reason) };
            (to, header, has_body(reason))
        }
        Output::Outdated { to } => (to, ToWorker::Outdated { at }, false),
        Output::Cancel { to, from, reason, deadline_ns } => {
            let (from, reason) = (from.and_then(text), reason.as_deref());
            (to, ToWorker::Cancel { from, at, reason, deadline_ns: *deadline_ns }, false)
        }
        Output::Reply { to, call, result } => {
            let result = match result {
                Ok(granted) => Ok(answer(*granted, text)?),
                Err(refusal) => Err(refusal.fault()),
            };
            (to, ToWorker::Reply { call: *call, result }, false)
        }
        Output::Start { .. }
        | Output::Upgrade { .. }
        | Output::Kill { .. }
        | Output::Signal { .. }
        | Output::NodeReply { .. }
        | Output::Ready { .. }
        | Output::Ended { .. }
        | Output::Denied { .. }
        | Output::Stopped => return None,
    };
    Some(Told { to: *to, header, with_body })
}

/// Only a body that ended by itself left a result or an error of its own.
fn has_body(reason: &ExitReason) -> bool {
    matches!(reason.kind, ExitKind::Normal | ExitKind::Error)
}

fn answer<'a>(granted: Granted, text: impl Fn(Pid) -> Option<&'a str>) -> Option<Answer<'a>> {
    Some(match granted {
        Granted::Done => Answer::Done,
        Granted::Flag(flag) => Answer::Flag(flag),
        Granted::Pid(pid) => Answer::Pid(text(pid)?),
        Granted::Route { route, credit } => Answer::Route { route, credit },
    })
}
