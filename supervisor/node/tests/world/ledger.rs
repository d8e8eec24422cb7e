//! What the world knows of the processes: a book of its own, kept from what goes into the node and
//! what comes out. Nothing in it is read from the node, so the two can be held against each other.

use ipc::frame::{CallId, Outcome, RouteId, Ties};
use ipc::limits::START_MAX_NS;
use ipc::{ExitKind, LimitUse, Limits, Pid, PidText, fault};
use node::{Denial, Granted, HostSpec, Output, Refusal};
use std::collections::{BTreeMap, BTreeSet};

use super::due::{Due, Newborn};
use super::permits::Told;

/// Who wanted a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spawner {
    Node { token: u32 },
    Process { pid: Pid, call: CallId, ties: Ties, charge: u64, how: How },
}

/// What the spawner waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Loaded,
    /// The end is the answer.
    Ended,
    /// It goes on in another worker, and has forgotten that it waits.
    Nothing,
}

impl Spawner {
    pub(crate) fn process(self) -> Option<Pid> {
        match self {
            Spawner::Node { .. } => None,
            Spawner::Process { pid, .. } => Some(pid),
        }
    }

    pub(crate) fn token(self) -> Option<u32> {
        match self {
            Spawner::Node { token } => Some(token),
            Spawner::Process { .. } => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Loading(Spawner),
    Running,
    /// It is to go on in another worker.
    Upgrading,
    Unloaded,
    Ending,
}

/// Why a process was killed. `None` for a message that the laws leave to the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) kind: ExitKind,
    pub(crate) message: Option<String>,
    pub(crate) limit: Option<LimitUse>,
    pub(crate) cause: Option<String>,
}

/// A living process.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) host: String,
    pub(crate) entry: String,
    pub(crate) stage: Stage,
    pub(crate) token: Option<u32>,
    pub(crate) traps: bool,
    pub(crate) listens: bool,
    pub(crate) ready: bool,
    pub(crate) upgradable: bool,
    pub(crate) outdated: bool,
    /// Its worker has closed its socket.
    pub(crate) closed: bool,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) order: Option<Order>,
    pub(crate) waiting: u64,
    pub(crate) loaded_at: u64,
    pub(crate) deadlines: Deadlines,
}

impl Record {
    /// Its worker may still say something that is no lie.
    pub(crate) fn can_speak(&self) -> bool {
        let liar = self.order.as_ref().is_some_and(|order| order.kind == ExitKind::Protocol);
        let mute = liar || self.closed;
        !mute && matches!(self.stage, Stage::Loading(_) | Stage::Running | Stage::Upgrading)
    }

    pub(crate) fn is_connected(&self) -> bool {
        !self.closed
    }

    pub(crate) fn is_killed(&self) -> bool {
        self.order.is_some()
    }
}

/// By when a process has to have loaded, obeyed its CANCEL, exited.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Deadlines {
    pub(crate) start: Option<u64>,
    pub(crate) cancel: Option<u64>,
    pub(crate) exit: Option<u64>,
    pub(crate) wall: Option<u64>,
}

/// Sets a deadline; an earlier one stays.
pub(crate) fn set(deadline: &mut Option<u64>, at: u64) {
    *deadline = Some(deadline.map_or(at, |earlier| earlier.min(at)));
}

/// A way from a sender to a target, from the answer that opened it until it is released.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) target: Pid,
    pub(crate) left: u64,
    pub(crate) name: Option<String>,
    pub(crate) open: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stopping {
    pub(crate) grace: Option<u64>,
    pub(crate) told: bool,
}

/// The book.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) now: u64,
    pub(crate) hosts: BTreeMap<String, HostSpec>,
    pub(crate) entries: BTreeMap<String, Limits>,
    pub(crate) living: BTreeMap<Pid, Record>,
    /// The text of everybody who was ever born.
    pub(crate) texts: BTreeMap<Pid, String>,
    /// Each link once, the older process first: there is no way to write down half a link.
    pub(crate) links: BTreeSet<(Pid, Pid)>,
    /// Watcher and target.
    pub(crate) monitors: BTreeSet<(Pid, Pid)>,
    pub(crate) names: BTreeMap<String, Pid>,
    pub(crate) routes: BTreeMap<(Pid, RouteId), Route>,
    /// Whose end a process waits for, by its call.
    pub(crate) awaited: BTreeMap<(Pid, CallId), Pid>,
    /// Who runs with another entry than at first, and so may have more than it may get.
    pub(crate) upgraded: BTreeSet<Pid>,
    pub(crate) stopping: Option<Stopping>,
    /// Who has spawned whom, for everybody who was ever born.
    pub(crate) spawners: BTreeMap<Pid, Option<Pid>>,
    pub(crate) denials: BTreeMap<Denial, u64>,
    /// Denials of the present input that must be told.
    pub(crate) told: Vec<Told>,
}

impl Ledger {
    /// Who is meant by the text of a PID or a name.
    pub(crate) fn resolve(&self, dest: &str) -> Result<Pid, Refusal> {
        let Some(text) = PidText::parse(dest) else {
            let owner = self.names.get(dest).copied();
            return owner.ok_or_else(|| Refusal::Unresolved(dest.to_owned()));
        };
        let known = self.texts.get(&text.pid).is_some_and(|known| known == dest);
        let lives = known && self.living.contains_key(&text.pid);
        if lives { Ok(text.pid) } else { Err(Refusal::Gone) }
    }

    pub(crate) fn limits(&self, pid: Pid) -> Limits {
        let Some(record) = self.living.get(&pid) else { return Limits::DEFAULT };
        let (host, entry) = (self.hosts.get(&record.host), self.entries.get(&record.entry));
        let host = host.map_or(Limits::DEFAULT, |host| host.limits);
        host.lowered_by(entry.copied().unwrap_or(Limits::NONE))
    }

    pub(crate) fn mailbox_max(&self, pid: Pid) -> u64 {
        self.limits(pid).mailbox
    }

    /// Bytes of the arguments of its spawns that are under way.
    pub(crate) fn spawning(&self, by: Pid) -> u64 {
        let charge = |record: &Record| match record.stage {
            Stage::Loading(Spawner::Process { pid, charge, .. }) if pid == by => charge,
            _ => 0,
        };
        self.living.values().map(charge).sum()
    }

    /// Bytes that may still come along all routes to a process.
    pub(crate) fn promised(&self, to: Pid) -> u64 {
        self.routes.values().filter(|route| route.target == to).map(|route| route.left).sum()
    }

    pub(crate) fn tie(&mut self, from: Pid, to: Pid, ties: Ties) {
        if ties.link && from != to {
            self.links.insert((from.min(to), from.max(to)));
        }
        if ties.monitor {
            self.monitors.insert((from, to));
        }
    }

    pub(crate) fn untie(&mut self, from: Pid, to: Pid, ties: Ties) {
        if ties.link {
            self.links.remove(&(from.min(to), from.max(to)));
        }
        if ties.monitor {
            self.monitors.remove(&(from, to));
        }
    }

    pub(crate) fn peers(&self, pid: Pid) -> Vec<Pid> {
        let other = |&(a, b): &(Pid, Pid)| match pid {
            _ if pid == a => Some(b),
            _ if pid == b => Some(a),
            _ => None,
        };
        self.links.iter().filter_map(other).collect()
    }

    pub(crate) fn watchers(&self, pid: Pid) -> BTreeSet<Pid> {
        let watching = self.monitors.iter().filter(|(_, target)| *target == pid);
        watching.map(|(watcher, _)| *watcher).collect()
    }

    /// Open routes to a process that fit, by holder.
    pub(crate) fn close(&mut self, to: Pid, fits: impl Fn(&Route) -> bool) -> Due {
        let mut due = Due::default();
        for (holder, route) in &mut self.routes {
            if route.target == to && route.open && fits(route) {
                route.open = false;
                due.closed.insert(*holder);
            }
        }
        due
    }

    /// Takes a process out of every table.
    pub(crate) fn forget(&mut self, pid: Pid) {
        self.living.remove(&pid);
        self.links.retain(|(a, b)| *a != pid && *b != pid);
        self.monitors.retain(|(watcher, target)| *watcher != pid && *target != pid);
        self.names.retain(|_, owner| *owner != pid);
        self.routes.retain(|(sender, _), _| *sender != pid);
        self.awaited.retain(|_, child| *child != pid);
    }

    /// Takes from the outputs what only the node can decide: PIDs, routes, wording.
    pub(crate) fn learn(&mut self, due: &Due, outputs: &[Output]) {
        for output in outputs {
            match output {
                Output::Start { pid, host, entry, .. } => {
                    if let Some(newborn) = &due.start {
                        self.is_born(*pid, host, entry, newborn);
                    }
                }
                Output::Reply { to, result: Ok(Granted::Route { route, credit }), .. } => {
                    self.granted(*to, *route, *credit, due);
                }
                Output::Deliver { to, .. } => {
                    if let Some(record) = self.living.get_mut(to) {
                        record.waiting += due.charge;
                    }
                }
                Output::Ended { reason, .. } => self.learn_cause(due, reason),
                _ => {}
            }
        }
    }

    fn is_born(&mut self, pid: Pid, host: &str, entry: &str, newborn: &Newborn) {
        let start = Some(self.now + START_MAX_NS);
        let token = newborn.spawner.token();
        let record = Record {
            host: host.to_owned(),
            entry: entry.to_owned(),
            stage: Stage::Loading(newborn.spawner),
            token,
            traps: false,
            listens: false,
            ready: false,
            upgradable: false,
            outdated: false,
            closed: false,
            outcome: None,
            order: None,
            waiting: 0,
            loaded_at: 0,
            deadlines: Deadlines { start, ..Deadlines::default() },
        };
        self.texts.insert(pid, PidText { host, pid }.to_string());
        self.living.insert(pid, record);
        let spawner = newborn.spawner.process();
        self.spawners.insert(pid, spawner);
        if let Spawner::Process { pid: spawner, call, ties, how, .. } = newborn.spawner {
            self.tie(spawner, pid, ties);
            if how == How::Ended {
                self.awaited.insert((spawner, call), pid);
            }
        }
    }

    fn granted(&mut self, to: Pid, route: Option<RouteId>, credit: u64, due: &Due) {
        if let (Some(id), Some((target, name))) = (route, &due.asked) {
            let route = Route { target: *target, left: credit, name: name.clone(), open: true };
            self.routes.insert((to, id), route);
        }
    }

    /// Those who die of this end will have to name its first cause.
    fn learn_cause(&mut self, due: &Due, reason: &ipc::ExitReason) {
        let Some(end) = &due.end else { return };
        let cause = end.cause.clone().or_else(|| reason.message.clone()).unwrap_or_default();
        for pid in &end.dragged {
            if let Some(record) = self.living.get_mut(pid) {
                let message = Some(fault::cut(format!("linked process failed: {cause}")));
                let (limit, cause) = (None, Some(cause.clone()));
                record.order = Some(Order { kind: ExitKind::Link, message, limit, cause });
            }
        }
    }
}
