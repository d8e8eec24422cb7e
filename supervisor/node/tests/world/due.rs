//! What the laws demand of one input.

use ipc::frame::{CallId, RouteId};
use ipc::{ExitKind, LimitUse, Pid};
use node::{ChildEnd, Granted, Refusal};
use std::collections::BTreeSet;

use super::law::Law;
use super::ledger::Spawner;
use super::permits::Told;

/// What must come out, by kind of output. What is not named here must not come out.
#[derive(Debug, Default)]
pub(crate) struct Due {
    pub(crate) start: Option<Newborn>,
    pub(crate) replies: Vec<Reply>,
    pub(crate) node_replies: Vec<(u32, Answer)>,
    /// To whom and from whom.
    pub(crate) delivers: Vec<(Pid, Pid)>,
    pub(crate) closed: BTreeSet<(Pid, RouteId)>,
    /// To whom and from whom.
    pub(crate) cancels: Vec<(Pid, Option<Pid>)>,
    pub(crate) kills: BTreeSet<Pid>,
    pub(crate) outdated: BTreeSet<Pid>,
    /// Who goes on with which entry.
    pub(crate) upgrades: Vec<(Pid, String)>,
    /// Whose call is answered by the end.
    pub(crate) returned: Option<(Pid, CallId)>,
    /// The token of one that is ready.
    pub(crate) ready: Option<u32>,
    pub(crate) end: Option<End>,
    pub(crate) stopped: bool,
    pub(crate) denied: Vec<Told>,
    /// Bytes of the frame that is the input.
    pub(crate) charge: u64,
    /// Target of an accepted message that asked, and the name by which it was found.
    pub(crate) asked: Option<(Pid, Option<String>)>,
}

/// A process that must be started.
#[derive(Debug)]
pub(crate) struct Newborn {
    pub(crate) host: String,
    pub(crate) spawner: Spawner,
}

/// The answer to a call.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) to: Pid,
    pub(crate) call: CallId,
    pub(crate) answer: Answer,
    /// The law that a wrong answer breaks.
    pub(crate) law: Law,
}

#[derive(Debug)]
pub(crate) enum Answer {
    Exactly(Result<Granted, Refusal>),
    /// The message was accepted; whether a route is opened is the node's affair.
    Accepted,
    /// The worker died before it had loaded; how the node puts it is its own affair.
    DiedLoading,
}

impl Answer {
    /// The law that a wrong answer breaks, where it is not the usual one.
    pub(crate) fn law(&self, usual: Law) -> Law {
        match self {
            Answer::Exactly(Err(Refusal::Denied(_))) => Law::Permissions,
            Answer::Exactly(Err(Refusal::AtLimit { .. })) => Law::Limits,
            _ => usual,
        }
    }

    pub(crate) fn fits(&self, result: &Result<Granted, Refusal>) -> bool {
        match self {
            Answer::Exactly(exactly) => exactly == result,
            Answer::Accepted => matches!(result, Ok(Granted::Route { .. })),
            Answer::DiedLoading => matches!(result, Err(Refusal::StartDied { .. })),
        }
    }
}

/// The end of a process.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) pid: Pid,
    pub(crate) kind: ExitKind,
    /// `None` where the wording is the node's own affair.
    pub(crate) message: Option<String>,
    pub(crate) limit: Option<LimitUse>,
    /// The first cause, where it died of a link.
    pub(crate) cause: Option<String>,
    pub(crate) os_pid: u32,
    /// `None` where no worker was ever had.
    pub(crate) how: Option<ChildEnd>,
    pub(crate) token: Option<u32>,
    pub(crate) exits: BTreeSet<Pid>,
    pub(crate) link_downs: BTreeSet<Pid>,
    /// Who is killed because of it.
    pub(crate) dragged: BTreeSet<Pid>,
    /// Names that it had.
    pub(crate) names: Vec<String>,
}

impl Due {
    pub(crate) fn answer(to: Pid, call: CallId, law: Law, answer: Answer) -> Self {
        let law = answer.law(law);
        Due { replies: vec![Reply { to, call, answer, law }], ..Due::default() }
    }
}
