//! The record of one process.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use ipc::frame::{CallId, Outcome, RouteId, Ties};
use ipc::{ExitKind, LimitUse, Limits, Pid};

/// The number of a process: its key in every table. 0 is nobody.
pub(crate) type Number = u64;

#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: Pid,
    pub(crate) host: Rc<str>,
    pub(crate) entry: Rc<str>,
    /// Set where the node itself wanted the process.
    pub(crate) token: Option<u32>,
    pub(crate) phase: Phase,
    /// What it may use.
    pub(crate) limits: Limits,
    /// When it was loaded, where it was.
    pub(crate) loaded_at: u64,
    /// Who has spawned it, or adopted it since: somebody alive, or nobody.
    pub(crate) parent: Option<Number>,
    pub(crate) children: BTreeSet<Number>,
    /// Who waits for its end, and by which call.
    pub(crate) awaited: Option<(Number, CallId)>,
    /// For whose ends it waits, by call.
    pub(crate) execs: BTreeMap<CallId, Number>,
    pub(crate) trap_links: bool,
    pub(crate) listening: bool,
    /// It wants to be told where its code has changed.
    pub(crate) upgradable: bool,
    /// Its code has changed, and it has not been told because it had not asked for that.
    pub(crate) outdated: bool,
    /// It said that it is ready.
    pub(crate) ready: bool,
    pub(crate) links: BTreeSet<Number>,
    /// Who monitors it.
    pub(crate) watchers: BTreeSet<Number>,
    /// Whom it monitors.
    pub(crate) watching: BTreeSet<Number>,
    pub(crate) names: BTreeSet<Rc<str>>,
    /// The one that its spawner has given it.
    pub(crate) given_name: Option<Rc<str>>,
    /// Why the node had it killed. The first order stands.
    pub(crate) order: Option<Order>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) mailbox: Mailbox,
    /// Bytes of the arguments of its spawns that are under way.
    pub(crate) spawning: u64,
    /// Its ways to others, by [`RouteId`].
    pub(crate) routes: Vec<Option<Route>>,
    pub(crate) free_routes: Vec<RouteId>,
    /// The open ways of others to it.
    pub(crate) routes_in: BTreeSet<(Number, RouteId)>,
    /// Ways to it that are closed. Each stays until its sender releases it, for messages may be on
    /// their way.
    pub(crate) routes_closing: BTreeSet<(Number, RouteId)>,
    /// CANCELs that it has not taken yet.
    pub(crate) cancels: u32,
    /// When each of its timers fires, by [`crate::timers::Timer`].
    pub(crate) timers: [Option<u64>; 4],
}

impl Process {
    /// True where it was killed for breaking the protocol: nothing it says counts any more.
    pub(crate) fn is_liar(&self) -> bool {
        self.order.as_ref().is_some_and(|order| order.kind == ExitKind::Protocol)
    }
}

/// Where a process is in its life. The kernel's report ends any of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It is not loaded yet, and its spawner waits.
    Loading {
        caller: Option<Caller>,
        ties: Ties,
    },
    Running,
    /// It goes on in another worker, which is not loaded yet.
    Upgrading,
    /// It failed to load, and its spawner was told.
    Unloaded,
    /// It said that its body ended; nothing it says further counts.
    Ending,
}

/// Who waits for a process to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) number: Number,
    /// None where the caller goes on in another worker, which knows of no call.
    pub(crate) call: Option<CallId>,
    /// Bytes of the arguments, which the supervisor holds until the worker has read them.
    pub(crate) charge: u64,
}

/// Why the node had a process killed.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) kind: ExitKind,
    pub(crate) message: String,
    pub(crate) limit: Option<LimitUse>,
    /// The first cause, where a linked process failed.
    pub(crate) cause: Option<Rc<str>>,
}

impl Order {
    pub(crate) fn new(kind: ExitKind, message: impl Into<String>) -> Self {
        Order { kind, message: message.into(), limit: None, cause: None }
    }
}

/// Bytes that wait for a process.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    /// Accepted and not yet consumed.
    pub(crate) charged: u64,
    /// Promised to senders: the sum of what is left on the routes to it.
    pub(crate) granted: u64,
}

/// A way from a sender to one destination.
#[derive(Debug)]
pub(crate) struct Route {
    /// 0 where the destination is gone: what is still on its way is dropped.
    pub(crate) target: Number,
    pub(crate) left: u64,
    /// The name by which the sender asked for it.
    pub(crate) name: Option<Rc<str>>,
}
