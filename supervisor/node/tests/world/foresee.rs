//! What must follow from each input: which rule is asked, and births. The calls are in `calls.rs`,
//! the ends in `ends.rs`.

use ipc::frame::{FromWorker, Ties};
use ipc::limits::EXIT_MAX_NS;
use ipc::{ExitKind, Pid};
use node::{Granted, Input, Refusal};

use super::due::{Answer, Due, Newborn, Reply};
use super::law::Law;
use super::ledger::{How, Ledger, Spawner, Stage, set};

impl Ledger {
    /// Writes the input into the book and says what must come out.
    pub(crate) fn foresee(&mut self, now: u64, input: &Input<'_>) -> Due {
        self.now = self.now.max(now);
        let due = self.follows(input);
        Due { denied: std::mem::take(&mut self.told), ..due }
    }

    fn follows(&mut self, input: &Input<'_>) -> Due {
        match input {
            Input::Spawn { token, entry, host } => {
                self.spawn(Spawner::Node { token: *token }, entry, host)
            }
            Input::Frame { from, frame, charge } => self.frame(*from, frame, *charge as u64),
            Input::Broken { from, .. } => self.violation(*from),
            Input::Overrun { pid, limit, used } => self.overrun(*pid, *limit, *used),
            Input::Closed { pid } => self.hung_up(*pid),
            Input::NoWorker { pid, fault } => self.no_worker(*pid, fault),
            Input::Exited { pid, os_pid, end, usage } => self.exited(*pid, *os_pid, *end, *usage),
            Input::Cancel { pid, deadline_ns, .. } => self.cancelled_by_node(*pid, *deadline_ns),
            Input::Terminate { pid, .. } => self.ended_by_node(*pid),
            Input::Outdated { entries } => self.outdated(entries),
            Input::Stop { how, grace_ns } => self.stop(*how, *grace_ns),
            Input::Stuck { pid, how } => self.stuck(*pid, *how),
            Input::Time => self.time(),
        }
    }

    fn frame(&mut self, from: Pid, frame: &FromWorker<'_>, charge: u64) -> Due {
        let Some(record) = self.living.get_mut(&from) else { return Due::default() };
        // Whoever broke the protocol has said its last word.
        if record.order.as_ref().is_some_and(|order| order.kind == ExitKind::Protocol) {
            return Due::default();
        }
        match (record.stage, frame) {
            (Stage::Unloaded | Stage::Ending, _) => self.violation(from),
            (Stage::Loading(_), FromWorker::Loaded) => self.loaded(from),
            (Stage::Loading(_), FromWorker::LoadFailed { fault }) => {
                set(&mut record.deadlines.exit, self.now + EXIT_MAX_NS);
                self.unload(from, Answer::Exactly(Err(Refusal::NotLoaded(fault.clone()))))
            }
            (Stage::Upgrading, FromWorker::Loaded) => {
                record.deadlines.start = None;
                record.stage = Stage::Running;
                Due::default()
            }
            (Stage::Upgrading, FromWorker::LoadFailed { fault }) => {
                self.cannot_go_on(from, &fault.message)
            }
            (Stage::Running, FromWorker::Upgrade { entry }) => self.upgrades(from, *entry),
            (_, FromWorker::GiveUp { call }) => self.gives_up(from, *call),
            (Stage::Running, FromWorker::Done { outcome }) => {
                record.outcome = Some(outcome.clone());
                record.stage = Stage::Ending;
                set(&mut record.deadlines.exit, self.now + EXIT_MAX_NS);
                Due::default()
            }
            (_, FromWorker::Call { call, op }) => self.call(from, *call, op, charge),
            (_, FromWorker::Send { route, topic }) => self.routed(from, *route, topic, charge),
            (_, FromWorker::Release { route }) => self.released(from, *route),
            (_, FromWorker::Consumed { bytes }) => {
                record.waiting = record.waiting.saturating_sub(*bytes);
                Due::default()
            }
            (_, FromWorker::Listening) => {
                record.listens = true;
                Due::default()
            }
            (_, FromWorker::Ready) => self.ready(from),
            (_, FromWorker::Print) => Due::default(),
            _ => self.violation(from),
        }
    }

    pub(crate) fn spawn(&mut self, spawner: Spawner, entry: &str, host: &str) -> Due {
        let refused = self.no_leave(spawner, entry, host).err();
        match refused.or_else(|| self.not_admitted(entry, host)) {
            Some(refusal) => {
                let mut due = Due::default();
                self.answer(spawner, Answer::Exactly(Err(refusal)), &mut due);
                due
            }
            None => {
                Due { start: Some(Newborn { host: host.to_owned(), spawner }), ..Due::default() }
            }
        }
    }

    /// What permissions and limits say. The node itself may always; one spawn at a time always has
    /// room for its arguments.
    fn no_leave(&mut self, spawner: Spawner, entry: &str, host: &str) -> Result<(), Refusal> {
        let Spawner::Process { pid, charge, ties, .. } = spawner else { return Ok(()) };
        self.may_spawn(pid, entry, host)?;
        self.room(pid, "children")?;
        if ties.link {
            self.room(pid, "links")?;
        }
        if ties.monitor {
            self.room(pid, "monitors")?;
        }
        let (under_way, max) = (self.spawning(pid), self.limits(pid).mailbox);
        let what = "bytes in arguments of spawns under way";
        match under_way > 0 && under_way + charge > max {
            true => Err(self.at_limit(pid, what, "mailbox", max)),
            false => Ok(()),
        }
    }

    fn not_admitted(&self, entry: &str, host: &str) -> Option<Refusal> {
        if self.stopping.is_some() {
            return Some(Refusal::Stopping);
        }
        if let Err(refusal) = self.has_body(entry) {
            return Some(refusal);
        }
        let Some(spec) = self.hosts.get(host) else {
            return Some(Refusal::UnknownHost(host.to_owned()));
        };
        let max = spec.max_processes;
        let there = self.living.values().filter(|record| record.host == host).count();
        (there >= max as usize).then(|| Refusal::HostFull { host: host.into(), max })
    }

    pub(crate) fn has_body(&self, entry: &str) -> Result<(), Refusal> {
        match entry {
            super::ENTRY | super::OTHER => Ok(()),
            super::LIBRARY => {
                let kind = "library.lua".to_owned();
                Err(Refusal::NotAProcess { entry: entry.to_owned(), kind })
            }
            _ => Err(Refusal::UnknownEntry(entry.to_owned())),
        }
    }

    fn answer(&self, spawner: Spawner, answer: Answer, due: &mut Due) {
        match spawner {
            Spawner::Node { token } => due.node_replies.push((token, answer)),
            Spawner::Process { how: How::Nothing, .. } => {}
            Spawner::Process { pid: to, call, .. } if self.living.contains_key(&to) => {
                let law = answer.law(Law::Answers);
                due.replies.push(Reply { to, call, answer, law });
            }
            Spawner::Process { .. } => {}
        }
    }

    fn loaded(&mut self, pid: Pid) -> Due {
        let mut due = Due::default();
        let wall_ns = self.limits(pid).wall_ns;
        let Some(record) = self.living.get_mut(&pid) else { return due };
        record.deadlines.start = None;
        record.loaded_at = self.now;
        // The largest number says that there is no limit.
        if wall_ns < u64::MAX {
            set(&mut record.deadlines.wall, self.now.saturating_add(wall_ns));
        }
        let stage = std::mem::replace(&mut record.stage, Stage::Running);
        due.ready = record.token.filter(|_| record.ready);
        if let Stage::Loading(spawner) = stage
            && !self.awaited.values().any(|child| *child == pid)
        {
            self.answer(spawner, Answer::Exactly(Ok(Granted::Pid(pid))), &mut due);
        }
        due
    }

    /// The spawn fails: the spawner learns it by the answer only, so its ties go.
    pub(crate) fn unload(&mut self, pid: Pid, answer: Answer) -> Due {
        let mut due = Due::default();
        let Some(record) = self.living.get_mut(&pid) else { return due };
        let Stage::Loading(spawner) = record.stage else { return due };
        record.stage = Stage::Unloaded;
        record.token = None;
        record.deadlines.start = None;
        if let Spawner::Process { pid: spawner, .. } = spawner {
            // Those too that the newborn, or the spawner while it waited, had made beside.
            self.untie(spawner, pid, Ties { link: true, monitor: true });
            self.awaited.retain(|_, child| *child != pid);
        }
        self.answer(spawner, answer, &mut due);
        due
    }
}
