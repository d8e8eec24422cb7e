//! A world in which services live: it answers the orders, and judges each of them.

use node::services::{Event, Key, Notice, Order, Plan, Ready, Services, State};
use std::collections::{BTreeMap, BTreeSet};

/// What may happen. What cannot happen now does not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Loaded(Key),
    Ready(Key),
    Fail(Key),
    Finish(Key),
    /// Time goes on to the next deadline.
    Due,
    Pass(u64),
    /// The service is another one from now on.
    Change(Key),
}

/// A process of a service.
#[derive(Clone, Copy, Debug, Default)]
struct Alive {
    loaded: bool,
    up: bool,
    since: u64,
    cancelled: bool,
    terminated: bool,
    /// It is to end, and was seen so.
    stopping: bool,
}

pub(crate) struct World {
    pub(crate) services: Services,
    plan: Plan,
    pub(crate) now: u64,
    random: u64,
    alive: BTreeMap<Key, Alive>,
    /// Whoever has ended normally and not changed since.
    finished: BTreeSet<Key>,
    /// Whoever was given up, of itself or with its group, and not started since.
    given_up: BTreeSet<Key>,
    /// How often in a row each was started again, and when it may start.
    attempts: BTreeMap<Key, u32>,
    not_before: BTreeMap<Key, u64>,
    /// When members of each group were started again.
    restarts: Vec<Vec<u64>>,
    closing: bool,
    over: bool,
    /// All orders, for scenarios.
    pub(crate) orders: Vec<Order>,
}

impl World {
    pub(crate) fn new(plan: Plan, random: u64) -> Self {
        let mut world = World {
            services: Services::default(),
            restarts: vec![Vec::new(); plan.groups.len()],
            plan: plan.clone(),
            now: 1,
            random,
            alive: BTreeMap::new(),
            finished: BTreeSet::new(),
            given_up: BTreeSet::new(),
            attempts: BTreeMap::new(),
            not_before: BTreeMap::new(),
            closing: false,
            over: false,
            orders: Vec::new(),
        };
        world.feed(Event::Planned { plan, changed: BTreeSet::new() });
        world
    }

    pub(crate) fn take(&mut self, step: Step) {
        match step {
            Step::Loaded(key) => {
                if let Some(alive) = self.alive.get_mut(&key).filter(|alive| !alive.loaded) {
                    alive.loaded = true;
                    self.up(key, Ready::Loaded);
                    self.feed(Event::Loaded(key));
                }
            }
            Step::Ready(key) => {
                if self.alive.get(&key).is_some_and(|alive| alive.loaded) {
                    self.up(key, Ready::Said);
                    self.feed(Event::Ready(key));
                }
            }
            Step::Fail(key) => self.end(key, Some("it failed".to_owned())),
            Step::Finish(key) => self.end(key, None),
            Step::Due => {
                if let Some(at) = self.services.next_deadline() {
                    self.now = self.now.max(at);
                    self.feed(Event::Time);
                }
            }
            Step::Pass(ns) => {
                self.now += ns;
                self.feed(Event::Time);
            }
            Step::Change(key) if self.plan.services.contains_key(&key) && !self.over => {
                let plan = self.plan.clone();
                // What was given up together is tried again together.
                self.finished.remove(&key);
                self.not_before.clear();
                self.attempts.remove(&key);
                for group in plan.groups.iter().filter(|group| group.members.contains(&key)) {
                    for other in &group.members {
                        if self.given_up.contains(other) && !self.alive.contains_key(other) {
                            self.attempts.remove(other);
                        }
                    }
                }
                self.feed(Event::Planned { plan, changed: BTreeSet::from([key]) });
            }
            Step::Change(_) => {}
        }
    }

    /// As [`Step::Loaded`], which also has it up.
    pub(crate) fn up_all(&mut self, keys: &[Key]) {
        for key in keys {
            self.take(Step::Loaded(*key));
            assert_eq!(self.services.state(*key), State::Running, "{key}");
        }
    }

    fn up(&mut self, key: Key, how: Ready) {
        let now = self.now;
        let alive = self.alive.get_mut(&key).expect("the caller has looked");
        if self.plan.services[&key].ready == how && !alive.up && !alive.terminated {
            (alive.up, alive.since) = (true, now);
        }
    }

    fn end(&mut self, key: Key, why: Option<String>) {
        let Some(alive) = self.alive.remove(&key) else { return };
        if why.is_none() && !alive.cancelled {
            self.finished.insert(key);
        }
        if alive.up && !alive.stopping && self.is_stable(key, alive) {
            self.attempts.remove(&key);
        }
        self.feed(Event::Ended { key, why });
    }

    pub(crate) fn feed(&mut self, event: Event) {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        self.services.handle(self.now, self.random, event);
        while let Some(order) = self.services.poll_order() {
            self.judge(&order);
            self.orders.push(order);
        }
        self.see_who_stops();
    }

    fn is_stable(&self, key: Key, alive: Alive) -> bool {
        self.now - alive.since >= self.plan.services[&key].stable_ns
    }

    /// Whoever has run well until it was to end has not failed before.
    fn see_who_stops(&mut self) {
        for (key, alive) in self.alive.clone() {
            if !alive.stopping && self.services.state(key) == State::Stopping {
                if alive.up && self.is_stable(key, alive) {
                    self.attempts.remove(&key);
                }
                self.alive.insert(key, Alive { stopping: true, ..alive });
            }
        }
    }

    fn judge(&mut self, order: &Order) {
        assert!(!self.over || matches!(order, Order::Over), "{order:?} after all was over");
        match order {
            Order::Start(key) => self.judge_start(*key),
            Order::Cancel { key, .. } => self.judge_cancel(*key),
            Order::Terminate { key, .. } => {
                let alive = self.alive.get_mut(key).expect("only who lives is terminated");
                assert!(!alive.up && !alive.terminated, "{key}");
                alive.terminated = true;
            }
            Order::Say(Notice::Restarts { key, attempt, after_ns, .. }) => {
                self.judge_restart(*key, *attempt, *after_ns);
            }
            Order::Say(Notice::GaveUp { key, attempts, group, with, .. }) => {
                self.given_up.extend(with.iter().chain([key]));
                let max = self.plan.services[key].backoff.max_attempts;
                assert!(group.is_some() || max == Some(*attempts), "{key} gave up early");
            }
            Order::Say(Notice::Lacks { required, .. }) => {
                let state = self.services.state(*required);
                assert!(matches!(state, State::Failed | State::Stopped | State::Stopping));
            }
            Order::Over => {
                assert!(self.alive.is_empty() && self.services.next_deadline().is_none());
                self.over = true;
            }
        }
    }

    fn judge_start(&mut self, key: Key) {
        assert!(!self.closing, "{key} started though all is to stop");
        assert!(!self.finished.contains(&key), "{key} started again after a normal end");
        assert!(self.plan.wanted().contains(&key), "{key} is not wanted");
        assert!(self.not_before.get(&key).is_none_or(|at| *at <= self.now), "{key} came early");
        for required in &self.plan.services[&key].requires {
            let up = self.alive.get(required).is_some_and(|alive| alive.up);
            assert!(up || self.finished.contains(required), "{key} started before {required}");
        }
        self.given_up.remove(&key);
        let since = self.now;
        let alive = Alive { since, ..Alive::default() };
        assert!(self.alive.insert(key, alive).is_none(), "{key} has two processes");
    }

    fn judge_cancel(&mut self, key: Key) {
        for (other, _) in self.alive.iter().filter(|(other, _)| **other != key) {
            let stopping = self.closing || self.services.state(*other) == State::Stopping;
            let relies = self.plan.needs(*other).contains(&key);
            assert!(!(stopping && relies), "{key} is asked to end before {other}, who needs it");
        }
        let alive = self.alive.get_mut(&key).expect("only who lives is cancelled");
        assert!(!std::mem::replace(&mut alive.cancelled, true), "{key} cancelled twice");
    }

    fn judge_restart(&mut self, key: Key, attempt: u32, after_ns: u64) {
        let before = self.attempts.insert(key, attempt).unwrap_or(0);
        assert_eq!(attempt, before + 1, "{key}");
        let backoff = &self.plan.services[&key].backoff;
        assert!(backoff.max_attempts.is_none_or(|max| attempt <= max), "{key}: {attempt}");
        assert!(after_ns <= backoff.longest(attempt));
        self.not_before.insert(key, self.now + after_ns);
        for (group, restarts) in self.plan.groups.iter().zip(&mut self.restarts) {
            if group.members.contains(&key) {
                restarts.push(self.now);
                let within = |at: &&u64| **at + group.period_ns >= self.now;
                let count = restarts.iter().filter(within).count();
                assert!(count <= group.intensity as usize, "{count} restarts in a period");
            }
        }
    }

    /// Stops everything: whoever is asked ends, in order, and nothing is left.
    pub(crate) fn ends_in_order(&mut self) {
        self.closing = true;
        self.feed(Event::Stop);
        while let Some(key) = self.alive.iter().find(|(_, a)| a.cancelled).map(|(key, _)| *key) {
            self.end(key, None);
        }
        assert!(self.over && self.alive.is_empty(), "left: {:?}", self.alive);
    }
}
