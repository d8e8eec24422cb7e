//! The services of an app: which of them are to run, in which order they start and stop, and what
//! becomes of one that fails.
//!
//! [`Services`] knows nothing of processes: it is told what came of those that it has asked for
//! ([`Event`]), and says what is to be done ([`Order`]). Time and randomness are arguments.
//!
//! - A service starts when all that it requires are up, or have ended normally: they have done their
//!   work. What does not depend on each other starts at the same time.
//! - It stops when all that require it, also through others, and are to stop have stopped.
//! - One that ends normally is never started again. One that fails is, after a delay that grows, until
//!   it has failed too often in a row ([`Backoff`]) or its group has ([`GroupSpec`]); then it is given
//!   up, and so is its group. What requires a service that is given up is stopped.
//! - When nothing runs and nothing is to be started, the services are over.

mod backoff;
mod fail;
mod plan;
mod record;
mod settle;

pub use backoff::Backoff;
pub use plan::{GroupSpec, Key, Plan, Ready, ServiceSpec, Strategy};
pub use record::State;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use record::{Group, Phase, Record, Then};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// These are the services from now on. Of those known before, the ones in `changed` are to start
    /// anew; one that is no more is to stop.
    Planned {
        /// All services.
        plan: Plan,
        /// Those that are not what they were.
        changed: BTreeSet<Key>,
    },
    /// The process of a service is loaded.
    Loaded(Key),
    /// It says that it is ready.
    Ready(Key),
    /// It has ended, or could not be started.
    Ended {
        /// Whose process that was.
        key: Key,
        /// Why, where that was no normal end.
        why: Option<String>,
    },
    /// All are to stop.
    Stop,
    /// Time passed.
    Time,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start the process of a service.
    Start(Key),
    /// Ask it to end, and terminate it when so many nanoseconds are over.
    Cancel {
        /// Whose.
        key: Key,
        /// Time that it has.
        timeout_ns: u64,
    },
    /// Terminate it now.
    Terminate {
        /// Whose.
        key: Key,
        /// Why.
        why: String,
    },
    /// Tell a person.
    Say(Notice),
    /// Nothing runs, and nothing is to be started.
    Over,
}

/// What a person is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A service failed and will be started again.
    Restarts {
        /// Which.
        key: Key,
        /// How it failed.
        why: String,
        /// Which attempt in a row that will be, from 1.
        attempt: u32,
        /// In how many nanoseconds.
        after_ns: u64,
        /// Members of its group that are stopped and started again with it.
        with: Vec<Key>,
    },
    /// A service failed and will not be started again.
    GaveUp {
        /// Which.
        key: Key,
        /// How it failed.
        why: String,
        /// How often in a row it was started again.
        attempts: u32,
        /// The group that has failed too often, where that is the reason.
        group: Option<Rc<str>>,
        /// Members of its group, which fail with it.
        with: Vec<Key>,
    },
    /// A service is stopped, or not started, because one that it requires is not to be had.
    Lacks {
        /// Which.
        key: Key,
        /// What it requires.
        required: Key,
    },
}

/// The services of an app.
#[derive(Debug, Default)]
pub struct Services {
    all: BTreeMap<Key, Record>,
    groups: Vec<Group>,
    now: u64,
    random: u64,
    /// All are to stop.
    closing: bool,
    over: bool,
    next: Option<u64>,
    out: VecDeque<Order>,
}

impl Services {
    /// Takes one event at a time (`now`, nanoseconds of any clock that never goes back; `random`, any
    /// number, another one each time). Drain [`Services::poll_order`] before the next.
    pub fn handle(&mut self, now: u64, random: u64, event: Event) {
        self.now = self.now.max(now);
        self.random = random;
        match event {
            Event::Planned { plan, changed } => self.plan(plan, &changed),
            Event::Loaded(key) => self.is_up(key, Ready::Loaded),
            Event::Ready(key) => self.is_up(key, Ready::Said),
            Event::Ended { key, why } => self.ended(key, why),
            Event::Stop => self.close(),
            Event::Time => self.pass_time(),
        }
        self.settle();
        self.next = self.all.values().filter_map(Record::due).min();
    }

    /// The next thing to do.
    pub fn poll_order(&mut self) -> Option<Order> {
        self.out.pop_front()
    }

    /// When [`Event::Time`] is due next.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.next
    }

    /// True where there never was any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Where a service is in its life.
    #[must_use]
    pub fn state(&self, key: Key) -> State {
        self.all.get(&key).map_or(State::Unknown, Record::state)
    }

    /// How often in a row it was started again after it had failed.
    #[must_use]
    pub fn attempts(&self, key: Key) -> u32 {
        self.all.get(&key).map_or(0, |record| record.attempts)
    }

    /// True where it is to run, because it starts by itself or another one requires it.
    #[must_use]
    pub fn is_wanted(&self, key: Key) -> bool {
        self.all.get(&key).is_some_and(|record| record.wanted)
    }

    /// What a service is, as far as it is known here.
    #[must_use]
    pub fn spec(&self, key: Key) -> Option<&ServiceSpec> {
        self.all.get(&key).map(|record| &record.spec)
    }

    fn is_up(&mut self, key: Key, how: Ready) {
        let now = self.now;
        if let Some(record) = self.all.get_mut(&key)
            && matches!(record.phase, Phase::Starting { .. })
            && record.spec.ready == how
            && record.fault.is_none()
        {
            record.phase = Phase::Running { since: now };
        }
    }

    fn ended(&mut self, key: Key, why: Option<String>) {
        let Some(record) = self.all.get_mut(&key) else { return };
        match (record.phase, why) {
            (Phase::Starting { .. } | Phase::Running { .. }, Some(why)) => self.failed(key, why),
            // Of itself, before it was asked: it has done its work.
            (Phase::Starting { .. } | Phase::Running { .. }, None)
            | (Phase::Stopping { asked: false, .. }, None) => record.phase = Phase::Exited,
            (Phase::Stopping { then, .. }, _) => record.phase = then.phase(),
            // Nobody's process.
            _ => {}
        }
    }

    fn close(&mut self) {
        self.closing = true;
        for record in self.all.values_mut() {
            match record.phase {
                // It was never to be seen.
                Phase::Due if !record.started => record.phase = Phase::Unknown,
                Phase::Later { .. } => record.phase = Phase::Failed,
                Phase::Stopping { then: Then::Failed, .. } => {}
                _ => record.stop(self.now, Then::Stopped),
            }
        }
    }

    fn pass_time(&mut self) {
        for (key, record) in &mut self.all {
            if record.due().is_none_or(|at| at > self.now) {
                continue;
            }
            match record.phase {
                Phase::Later { .. } => record.phase = Phase::Due,
                Phase::Starting { .. } => {
                    let why = record.late_text();
                    record.phase = Phase::Starting { until: u64::MAX };
                    record.fault = Some(why.clone());
                    self.out.push_back(Order::Terminate { key: *key, why });
                }
                _ => {}
            }
        }
    }
}
