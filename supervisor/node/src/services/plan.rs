//! What services are, as manifests say it; and how a new plan takes the place of an old one.

use super::record::{Group, Phase, Record, Then};
use super::{Backoff, Services};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Which service: whoever tells of it chooses the number, and keeps it.
pub type Key = u32;

/// All services of an app, and their groups.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Services. Requirements do not go round in a circle.
    pub services: BTreeMap<Key, ServiceSpec>,
    /// Groups; a service is in one at most.
    pub groups: Vec<GroupSpec>,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct ServiceSpec {
    /// It is to run also where nobody requires it.
    pub auto_start: bool,
    /// What it needs.
    pub requires: Vec<Key>,
    /// When it is up.
    pub ready: Ready,
    /// Time that it has to be up, in nanoseconds.
    pub start_timeout_ns: u64,
    /// Time that it has to end when it is asked to.
    pub stop_timeout_ns: u64,
    /// Time after which it runs well: its next failure is the first one again.
    pub stable_ns: u64,
    /// When it is started again.
    pub backoff: Backoff,
}

/// When a service is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// When it is loaded.
    Loaded,
    /// When it says so.
    Said,
}

/// Services that share their restarts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    /// Its name, for people.
    pub name: Rc<str>,
    /// Its services, in order.
    pub members: Vec<Key>,
    /// Who is started again with one that failed.
    pub strategy: Strategy,
    /// Restarts within the period, beyond which the group is given up.
    pub intensity: u32,
    /// The period, in nanoseconds.
    pub period_ns: u64,
}

/// Who is started again with a member of a group that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Nobody.
    OneForOne,
    /// All members.
    OneForAll,
    /// Those behind it in the order of the group.
    RestForOne,
}

impl Plan {
    /// Services that are to run: those that start by themselves, and what they require.
    #[must_use]
    pub fn wanted(&self) -> BTreeSet<Key> {
        let auto = self.services.iter().filter(|(_, spec)| spec.auto_start);
        self.closure(auto.map(|(key, _)| *key).collect(), |spec| &spec.requires)
    }

    fn closure<'a>(
        &'a self,
        mut left: Vec<Key>,
        next: impl Fn(&'a ServiceSpec) -> &'a [Key],
    ) -> BTreeSet<Key> {
        let mut found = BTreeSet::new();
        while let Some(key) = left.pop() {
            if let Some(spec) = self.services.get(&key)
                && found.insert(key)
            {
                left.extend(next(spec));
            }
        }
        found
    }

    /// All that a service requires, also through others.
    #[must_use]
    pub fn needs(&self, key: Key) -> BTreeSet<Key> {
        let direct = self.services.get(&key).map(|spec| spec.requires.clone());
        self.closure(direct.unwrap_or_default(), |spec| &spec.requires)
    }

    /// The changed ones, and with a member of a group that has failed the others that have: they were
    /// given up together.
    fn changed_with_groups(&self, changed: &BTreeSet<Key>, all: &Services) -> BTreeSet<Key> {
        let mut changed = changed.clone();
        for group in &self.groups {
            if group.members.iter().any(|key| changed.contains(key)) {
                let failed = |key: &&Key| {
                    all.all.get(*key).is_some_and(|record| record.phase == Phase::Failed)
                };
                changed.extend(group.members.iter().filter(failed));
            }
        }
        changed
    }
}

impl Services {
    pub(super) fn plan(&mut self, plan: Plan, changed: &BTreeSet<Key>) {
        let changed = plan.changed_with_groups(changed, self);
        let wanted = plan.wanted();
        let needs: Vec<_> = plan.services.keys().map(|key| (*key, plan.needs(*key))).collect();
        let now = self.now;
        for (key, record) in &mut self.all {
            if !wanted.contains(key) {
                record.retire(now);
            } else if changed.contains(key) || !record.wanted {
                record.begin_anew(now);
            }
        }
        for (key, spec) in plan.services {
            let record = self.all.entry(key).or_insert_with(|| Record::new(spec.clone()));
            record.spec = spec;
            record.wanted = wanted.contains(&key);
            if record.wanted && record.phase == Phase::Unknown {
                record.phase = Phase::Due;
            }
        }
        for (key, needs) in needs {
            if let Some(record) = self.all.get_mut(&key) {
                record.needs = needs;
            }
        }
        self.plan_groups(plan.groups);
        self.revive();
        if self.closing {
            self.close();
        }
        self.over = false;
    }

    /// A group that is still the same remembers its restarts.
    fn plan_groups(&mut self, specs: Vec<GroupSpec>) {
        let mut old = core::mem::take(&mut self.groups);
        for spec in specs {
            let known = old.iter().position(|group| group.spec == spec);
            self.groups.push(match known {
                Some(known) => old.swap_remove(known),
                None => Group::new(spec),
            });
        }
    }

    /// What was stopped because it lacked something is due again where it lacks that no more.
    fn revive(&mut self) {
        loop {
            let stopped = self.all.iter().filter(|(_, r)| r.wanted && r.phase == Phase::Stopped);
            let back = stopped.filter(|(key, _)| self.lacks(**key).is_none());
            let back: Vec<_> = back.map(|(key, _)| *key).collect();
            if back.is_empty() {
                return;
            }
            for key in back {
                if let Some(record) = self.all.get_mut(&key) {
                    record.phase = Phase::Due;
                }
            }
        }
    }
}

impl Record {
    /// It is not to run any more.
    fn retire(&mut self, now: u64) {
        self.wanted = false;
        self.stop(now, Then::Stopped);
    }

    /// It is another one than it was, and has not failed yet.
    fn begin_anew(&mut self, now: u64) {
        self.stop(now, Then::Again { at: now });
        self.attempts = 0;
        if !matches!(self.phase, Phase::Stopping { .. }) {
            self.phase = Phase::Due;
        }
    }
}
