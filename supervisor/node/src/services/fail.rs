//! What becomes of a service that failed, and of its group.

use super::record::{Phase, Then};
use super::{Key, Notice, Order, Services, Strategy};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

impl Services {
    /// A process that was to run has ended abnormally, or could not be started.
    pub(super) fn failed(&mut self, key: Key, why: String) {
        let now = self.now;
        let group = self.groups.iter().position(|group| group.spec.members.contains(&key));
        let Some(record) = self.all.get_mut(&key) else { return };
        record.count_anew_where_stable(now);
        let why = record.fault.take().unwrap_or(why);
        if record.spec.backoff.max_attempts.is_some_and(|max| record.attempts >= max) {
            return self.give_up(key, why, group, None);
        }
        if let Some(index) = group
            && !self.groups[index].count_restart(now)
        {
            let name = self.groups[index].spec.name.clone();
            return self.give_up(key, why, group, Some(name));
        }
        record.attempts += 1;
        let attempt = record.attempts;
        let after_ns = record.spec.backoff.delay(attempt, self.random);
        let at = now.saturating_add(after_ns);
        record.phase = Phase::Later { at };
        let with = group.map(|group| self.start_again_with(key, group, at)).unwrap_or_default();
        self.say(Notice::Restarts { key, why, attempt, after_ns, with });
    }

    /// Stops the members that are to be started again with one that failed.
    fn start_again_with(&mut self, key: Key, group: usize, at: u64) -> Vec<Key> {
        let spec = &self.groups[group].spec;
        let place = spec.members.iter().position(|member| *member == key).unwrap_or(0);
        let others = match spec.strategy {
            Strategy::OneForOne => Vec::new(),
            Strategy::OneForAll => spec.members.clone(),
            Strategy::RestForOne => spec.members[place..].to_vec(),
        };
        let mut stopped = Vec::new();
        for other in others {
            let Some(record) = self.all.get_mut(&other) else { continue };
            if let Phase::Starting { .. } | Phase::Running { .. } = record.phase {
                record.stop(self.now, Then::Again { at });
                stopped.push(other);
            }
        }
        stopped
    }

    fn give_up(&mut self, key: Key, why: String, group: Option<usize>, reason: Option<Rc<str>>) {
        let mut with = Vec::new();
        let members = group.map(|group| self.groups[group].spec.members.clone());
        for other in members.unwrap_or_default() {
            let Some(record) = self.all.get_mut(&other).filter(|_| other != key) else { continue };
            if record.is_at_rest() {
                continue;
            }
            record.stop(self.now, Then::Failed);
            with.push(other);
        }
        let Some(record) = self.all.get_mut(&key) else { return };
        record.phase = Phase::Failed;
        let attempts = record.attempts;
        self.say(Notice::GaveUp { key, why, attempts, group: reason, with });
    }

    pub(super) fn say(&mut self, notice: Notice) {
        self.out.push_back(Order::Say(notice));
    }
}
