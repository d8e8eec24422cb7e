//! What follows from where the services are: who lacks what it requires, who may be asked to end, who
//! may start, and whether all is over.

use super::record::{Phase, Record, Then};
use super::{Key, Notice, Order, Services};
use alloc::vec::Vec;

impl Services {
    pub(super) fn settle(&mut self) {
        if !self.closing {
            while self.stop_who_lack() {}
        }
        self.ask_who_may_end();
        if !self.closing {
            self.start_who_may();
        }
        if !self.over && self.all.values().all(Record::is_at_rest) {
            self.over = true;
            self.out.push_back(Order::Over);
        }
    }

    /// What a service requires that is gone for good.
    pub(super) fn lacks(&self, key: Key) -> Option<Key> {
        let record = self.all.get(&key)?;
        let gone = |key: &&Key| self.all.get(*key).is_none_or(|record| record.is_gone());
        record.spec.requires.iter().find(gone).copied()
    }

    /// True where somebody was found who lacks something: others may require that one.
    fn stop_who_lack(&mut self) -> bool {
        let hopeful = |phase: Phase| match phase {
            Phase::Stopping { then, .. } => matches!(then, Then::Again { .. }),
            Phase::Due | Phase::Later { .. } | Phase::Starting { .. } | Phase::Running { .. } => {
                true
            }
            _ => false,
        };
        let all = self.all.iter().filter(|(_, record)| hopeful(record.phase));
        let lacking = all.filter_map(|(key, _)| Some((*key, self.lacks(*key)?)));
        let lacking: Vec<_> = lacking.collect();
        for (key, required) in &lacking {
            let Some(record) = self.all.get_mut(key) else { continue };
            record.stop(self.now, Then::Stopped);
            self.say(Notice::Lacks { key: *key, required: *required });
        }
        !lacking.is_empty()
    }

    /// Nobody is asked to end before those that rely on it and are to end as well.
    fn ask_who_may_end(&mut self) {
        let stopping = |phase: Phase| matches!(phase, Phase::Stopping { .. });
        let relied_on = |key: Key| {
            self.all.values().any(|other| stopping(other.phase) && other.needs.contains(&key))
        };
        let unasked = |phase: Phase| matches!(phase, Phase::Stopping { asked: false, .. });
        let all = self.all.iter().filter(|(_, record)| unasked(record.phase));
        let may: Vec<_> = all.map(|(key, _)| *key).filter(|key| !relied_on(*key)).collect();
        for key in may {
            let Some(record) = self.all.get_mut(&key) else { continue };
            if let Phase::Stopping { asked, .. } = &mut record.phase {
                *asked = true;
            }
            let timeout_ns = record.spec.stop_timeout_ns;
            self.out.push_back(Order::Cancel { key, timeout_ns });
        }
    }

    fn start_who_may(&mut self) {
        let due = self.all.iter().filter(|(_, record)| record.phase == Phase::Due);
        let may: Vec<_> = due.map(|(key, _)| *key).filter(|key| self.may_start(*key)).collect();
        for key in may {
            let Some(record) = self.all.get_mut(&key) else { continue };
            let until = self.now.saturating_add(record.spec.start_timeout_ns);
            record.phase = Phase::Starting { until };
            record.started = true;
            record.fault = None;
            self.out.push_back(Order::Start(key));
        }
    }

    /// All that it requires are up, and no member of its group is still to end.
    fn may_start(&self, key: Key) -> bool {
        let up = |key: &Key| self.all.get(key).is_some_and(|record| record.is_up());
        let ending = |key: &Key| {
            self.all.get(key).is_some_and(|r| matches!(r.phase, Phase::Stopping { .. }))
        };
        let mut groups = self.groups.iter().filter(|group| group.spec.members.contains(&key));
        self.all.get(&key).is_some_and(|record| record.spec.requires.iter().all(up))
            && !groups.any(|group| group.spec.members.iter().any(ending))
    }
}
