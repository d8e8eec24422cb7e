//! What is new of an app, loaded before anything changes for anybody: each entry that can run, in a worker
//! that is nobody. Nothing that it says is heeded, and it is ended as soon as it has loaded, or goes on as
//! only somebody could.

use crate::app::App;
use crate::children::{ChildId, Left};
use crate::reading::not_enclosed;
use crate::reload::Pending;
use crate::supervisor::Supervisor;
use crate::terminal::one_line;
use crate::zygote::Nest;
use ipc::frame::{Birth, FromWorker, ToWorker};
use ipc::limits::{BROKEN_MAX, START_MAX_NS};
use ipc::payload::NO_ARGUMENTS;
use ipc::quota::time_text;
use ipc::sandbox::Layer;
use ipc::{Limits, Pid, PidText};
use std::collections::{BTreeMap, BTreeSet};

/// Entries that are loaded at the same time.
const AT_ONCE: usize = 16;

/// The host of those workers. That of a process has a namespace in its id.
const HOST: &str = "of no process";

/// Loads that are to be done, and what came of the others.
#[derive(Debug)]
pub(crate) struct Loads {
    due: Vec<String>,
    /// Which entry each worker loads, and by when.
    under_way: BTreeMap<ChildId, (String, u64)>,
    /// Entries that do not load, each with why.
    pub(crate) broken: Vec<(String, String)>,
}

impl Loads {
    /// Those of these entries that can run.
    pub(crate) fn new(app: &App, changed: &BTreeSet<String>) -> Self {
        let runs = |id: &&String| app.entries.get(*id).is_some_and(|entry| entry.runs());
        let due = changed.iter().rev().filter(runs).cloned().collect();
        Loads { due, under_way: BTreeMap::new(), broken: Vec::new() }
    }

    fn next(&mut self) -> Option<String> {
        if self.under_way.len() < AT_ONCE { self.due.pop() } else { None }
    }

    fn is_over(&self) -> bool {
        self.due.is_empty() && self.under_way.is_empty()
    }

    /// What came of one; nothing that is of any interest where it was none.
    fn ended(&mut self, id: ChildId, result: Result<(), String>) {
        let Some((entry, _)) = self.under_way.remove(&id) else { return };
        if let Err(why) = result {
            self.broken.push((entry, one_line(&why)));
        }
        if self.broken.len() >= BROKEN_MAX {
            self.due.clear();
        }
    }

    fn late(&self, now: u64) -> Vec<ChildId> {
        let late = self.under_way.iter().filter(|(_, (_, by))| *by <= now);
        late.map(|(id, _)| *id).collect()
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.under_way.values().map(|(_, by)| *by).min()
    }
}

impl Supervisor {
    /// Goes on with the loads of a new version, and takes it when all are over.
    pub(crate) fn check_loads(&mut self) {
        let Some(Pending { loads, .. }) = &self.reload.pending else { return };
        for id in loads.late(self.now()) {
            let why = format!("it did not load in {}", time_text(START_MAX_NS));
            self.end_load(id, Err(why));
        }
        while let Some(entry) = self.reload.pending.as_mut().and_then(|p| p.loads.next()) {
            self.begin_load(entry);
        }
        if self.reload.pending.as_ref().is_some_and(|pending| pending.loads.is_over()) {
            self.adopt();
        }
    }

    fn begin_load(&mut self, entry: String) {
        let nest = self.loading_nest();
        let id = self.want(nest, None);
        let nobody = PidText { host: HOST, pid: Pid { number: 0, tag: 0 } }.to_string();
        let (limits, birth) = (self.limits_of_loads(), Birth::default());
        let header = ToWorker::Become { pid: &nobody, entry: &entry, limits, birth };
        self.children.push(id, &header, NO_ARGUMENTS);
        self.children.leave(id, Left::Loads);
        let by = self.now() + START_MAX_NS;
        if let Some(pending) = &mut self.reload.pending {
            pending.loads.under_way.insert(id, (entry, by));
        }
        self.mark_dirty(id);
        self.ask_for_workers(nest);
    }

    /// Which host an entry will run on nobody knows: it may use what any of them allows, also of those
    /// that only the new version has.
    fn limits_of_loads(&self) -> Limits {
        let coming = self.reload.pending.iter().flat_map(|pending| pending.app.hosts());
        let coming = coming.filter(|(id, _)| !self.enclosures.contains_key(*id));
        let all = self.hosts().map(|(_, spec)| spec).chain(coming.map(|(_, spec)| spec));
        let most = all.map(|spec| spec.limits.memory).max();
        Limits { memory: most.unwrap_or(Limits::DEFAULT.memory), ..Limits::DEFAULT }
    }

    /// The zygote of each version is another one, and its hosts may be others.
    fn loading_nest(&mut self) -> usize {
        let limits = self.limits_of_loads();
        if let Some(nest) = self.nest_of.get(HOST) {
            self.nests[*nest].plan.limits = limits;
            return *nest;
        }
        let mut plan = self.ground.plan(Default::default(), limits, self.layers);
        plan.layers = plan.layers.without(Layer::Cgroup);
        plan.optional = Layer::MAY_BE_OPTIONAL.into_iter().collect();
        let mut nest = Nest::new(HOST.into(), plan, None, 0);
        // That layers are missing is said of the hosts.
        nest.said_missing = true;
        self.add_nest(nest)
    }

    /// True for the nest of those workers.
    pub(crate) fn is_loading_nest(&self, nest: usize) -> bool {
        *self.nests[nest].host == *HOST
    }

    /// The zygote of a version that was loaded, or is not to be loaded, goes.
    pub(crate) fn retire_loading_nest(&mut self) {
        if let Some(nest) = self.nest_of.get(HOST).copied() {
            self.nests[nest].stale = true;
            self.retire_stale(nest);
        }
    }

    /// What the worker of a load says.
    pub(crate) fn heard_loading(&mut self, id: ChildId, header: &FromWorker<'_>) {
        match header {
            FromWorker::Print | FromWorker::Pong | FromWorker::Consumed { .. } => {}
            FromWorker::LoadFailed { fault } => self.end_load(id, Err(fault.message.clone())),
            FromWorker::NotEnclosed(missing) => self.end_load(id, Err(not_enclosed(missing))),
            _ => self.end_load(id, Ok(())),
        }
    }

    /// What came of a load, where it was one: its worker has ended, or there will be none.
    pub(crate) fn load_ended(&mut self, id: ChildId, result: Result<(), String>) {
        if let Some(pending) = &mut self.reload.pending {
            pending.loads.ended(id, result);
        }
    }

    pub(crate) fn end_load(&mut self, id: ChildId, result: Result<(), String>) {
        self.load_ended(id, result);
        self.let_go(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(count: usize) -> Loads {
        let due = (0..count).rev().map(|n| n.to_string()).collect();
        Loads { due, under_way: BTreeMap::new(), broken: Vec::new() }
    }

    /// Begins as many as may be under way.
    fn begin(loads: &mut Loads, first: ChildId) -> usize {
        let before = loads.under_way.len();
        while let Some(entry) = loads.next() {
            loads.under_way.insert(first + loads.under_way.len(), (entry, 5));
        }
        loads.under_way.len() - before
    }

    #[test]
    fn however_many_there_are_each_is_loaded() {
        let mut loads = loads(AT_ONCE + 2);
        assert_eq!(begin(&mut loads, 0), AT_ONCE);
        assert_eq!((loads.next(), loads.is_over()), (None, false));
        loads.ended(0, Ok(()));
        loads.ended(1, Ok(()));
        assert_eq!(begin(&mut loads, 100), 2);
        let names = loads.under_way.values().map(|(entry, _)| entry.parse::<usize>());
        let names: BTreeSet<_> = names.map(|name| name.expect("a number")).collect();
        assert_eq!(names, (2..AT_ONCE + 2).collect());
    }

    #[test]
    fn after_enough_that_do_not_load_no_further_ones_begin() {
        let mut loads = loads(AT_ONCE + BROKEN_MAX);
        begin(&mut loads, 0);
        for id in 0..AT_ONCE {
            loads.ended(id, Err("why".to_owned()));
        }
        assert_eq!((loads.broken.len(), loads.is_over()), (BROKEN_MAX, true));
        loads.ended(0, Err("again".to_owned()));
        assert_eq!(loads.broken.len(), BROKEN_MAX, "it is over once");
    }
}
