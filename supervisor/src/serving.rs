//! The services of the app: what [`Services`] orders becomes inputs to the node, and what comes of
//! those becomes its events.
//!
//! [`Services`]: node::services::Services

use crate::app::App;
use crate::children::Payload;
use crate::diagnostic::Diagnostic;
use crate::supervisor::{Later, Supervisor};
use crate::task::{Task, TaskEnd};
use crate::terminal::say_line;
use ipc::quota::time_text;
use node::services::{Event, GroupSpec, Key, Notice, Order, Plan, ServiceSpec, State};
use node::{Input, Stop};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a service is told where it is to stop.
const STOP: &str = "shutdown";

/// The services of an app as the rules know them, each with a task of its own. `grace_ns` is the time
/// that those have to stop that do not say it.
///
/// # Errors
/// Where the arguments of one cannot be encoded.
pub(crate) fn plan(app: &App, tasks: &mut Vec<Task>, grace_ns: u64) -> Result<Plan, Diagnostic> {
    let known = tasks.iter().enumerate();
    let known = known.filter_map(|(key, task)| Some((task.service.clone()?, key)));
    let mut keys: HashMap<String, usize> = known.collect();
    for (id, service) in app.services() {
        let task = Task::of(id, service)?;
        match keys.get(id) {
            Some(key) => {
                let old = &mut tasks[*key];
                let (process, pid, end) = (old.process, old.pid, old.end.take());
                *old = Task { process, pid, end, ..task };
            }
            None => {
                keys.insert(id.to_owned(), tasks.len());
                tasks.push(task);
            }
        }
    }
    let key = |id: &str| keys.get(id).and_then(|key| Key::try_from(*key).ok());
    let services = app.services().filter_map(|(id, service)| {
        let spec = ServiceSpec {
            auto_start: service.auto_start,
            requires: service.requires.iter().filter_map(|(id, _)| key(id)).collect(),
            ready: service.ready,
            start_timeout_ns: service.start_timeout_ns,
            stop_timeout_ns: service.stop_timeout_ns.unwrap_or(grace_ns),
            stable_ns: service.stable_ns,
            backoff: service.backoff.clone(),
        };
        Some((key(id)?, spec))
    });
    let services: BTreeMap<_, _> = services.collect();
    let groups = app.groups().map(|(id, group)| GroupSpec {
        name: id.into(),
        members: group.services.iter().filter_map(|(id, _)| key(id)).collect(),
        strategy: group.strategy,
        intensity: group.intensity,
        period_ns: group.period_ns,
    });
    Ok(Plan { services, groups: groups.collect() })
}

impl Supervisor {
    /// Tells the rules of services of something, when the present outputs are carried out.
    pub(crate) fn tell_services(&mut self, event: Event) {
        self.later.push_back(Later::Service(event));
    }

    /// Where time alone changes something for services, it does now.
    pub(crate) fn check_services(&mut self) {
        if self.services.next_deadline().is_some_and(|at| at <= self.now()) {
            self.tell_services(Event::Time);
        }
    }

    /// Services begin, as the app plans it.
    pub(crate) fn plan_services(&mut self, plan: Plan, changed: BTreeSet<Key>) {
        self.tell_services(Event::Planned { plan, changed });
    }

    /// All services are to stop, one after the other where they require each other.
    pub(crate) fn stop_services(&mut self) {
        let keys = 0..Key::try_from(self.tasks.len()).unwrap_or(Key::MAX);
        let times = keys.filter_map(|key| Some(self.services.spec(key)?.stop_timeout_ns));
        let longest = times.fold(self.grace_ns, u64::saturating_add);
        self.give_up_after(longest);
        self.tell_services(Event::Stop);
    }

    /// One event, and all that the rules want done for it.
    pub(crate) fn serve(&mut self, event: Event) {
        self.services.handle(self.now(), random(), event);
        while let Some(order) = self.services.poll_order() {
            self.obey(order);
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Start(key) => self.start_service(key),
            Order::Cancel { key, timeout_ns: deadline_ns } => {
                if let Some(pid) = self.tasks[key as usize].process {
                    self.pass(Input::Cancel { pid, reason: STOP, deadline_ns });
                }
            }
            Order::Terminate { key, why } => {
                if let Some(pid) = self.tasks[key as usize].process {
                    self.pass(Input::Terminate { pid, why });
                }
            }
            Order::Say(notice) => say_line(&self.notice_text(&notice)),
            Order::Over => self.stop(Stop::MainEnded),
        }
    }

    fn start_service(&mut self, key: Key) {
        let task = &self.tasks[key as usize];
        let (entry, host) = (task.entry.clone(), task.host.clone());
        let arguments = task.arguments.clone();
        let input = Input::Spawn { token: key, entry: &entry, host: &host };
        self.pass_with(input, Payload::small(&arguments));
    }

    /// A process that the node wanted has ended, or there is none.
    pub(crate) fn task_ended(&mut self, token: u32, end: TaskEnd) {
        let task = &mut self.tasks[token as usize];
        task.process = None;
        let (why, is_main) = (end.why(), task.is_main());
        let not_started = matches!(end, TaskEnd::NotStarted(_));
        task.end = Some(end);
        match is_main {
            true if self.trial.is_some() => self.body_has_ended(),
            true => self.stop(if not_started { Stop::Now } else { Stop::MainEnded }),
            false => self.tell_services(Event::Ended { key: token, why }),
        }
    }

    /// The services that were to run, where each is, and how often in a row it was started again.
    pub(crate) fn wanted_services(&self) -> impl Iterator<Item = (&Task, State, u32)> {
        let services = &self.services;
        let all = (0..).zip(&self.tasks).filter(|(key, _)| services.is_wanted(*key));
        all.map(|(key, task)| (task, services.state(key), services.attempts(key)))
    }

    fn notice_text(&self, notice: &Notice) -> String {
        let name = |key: &Key| {
            self.tasks[*key as usize]
                .service
                .as_deref()
                .map_or_else(String::new, |id| format!("'{id}'"))
        };
        let names = |keys: &[Key]| keys.iter().map(name).collect::<Vec<_>>().join(", ");
        match notice {
            Notice::Restarts { key, why, attempt, after_ns, with } => {
                let max = self.services.spec(*key).and_then(|spec| spec.backoff.max_attempts);
                let of = max.map_or_else(String::new, |max| format!(" of {max}"));
                let with = match with.is_empty() {
                    true => String::new(),
                    false => format!(", together with {}", names(with)),
                };
                let (name, after) = (name(key), time_text(*after_ns));
                format!(
                    "service {name} failed: {why}; it starts again in {after} (attempt {attempt}{of}){with}"
                )
            }
            Notice::GaveUp { key, why, attempts, group, with } => {
                let entry = &self.tasks[*key as usize].entry;
                let plural = if *attempts == 1 { "" } else { "s" };
                let what = match group {
                    Some(group) => format!(
                        "its group '{group}' has restarted as often as it may and is given up: correct \
                         {entry}, or raise intensity"
                    ),
                    None => format!(
                        "given up after {attempts} attempt{plural}: correct {entry}, or raise max_attempts"
                    ),
                };
                let with = match with.is_empty() {
                    true => String::new(),
                    false => format!("; {} fail with it", names(with)),
                };
                format!("service {} failed: {why}; {what}{with}", name(key))
            }
            Notice::Lacks { key, required } => {
                let state = self.services.state(*required).as_str();
                format!(
                    "service {} is stopped: it requires {}, which is {state}",
                    name(key),
                    name(required)
                )
            }
        }
    }
}

/// Any number: it makes services that failed together come back apart.
fn random() -> u64 {
    let mut bytes = [0; 8];
    // Where the kernel has none, they come back together.
    let _ = rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty());
    u64::from_ne_bytes(bytes)
}
