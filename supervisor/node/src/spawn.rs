//! How a process begins: refused at once, or loading until the worker says that it is loaded.

use crate::process::{Caller, Mailbox, Number, Order, Phase, Process};
use crate::quota::Counted;
use crate::timers::Timer;
use crate::{Granted, Node, Output, Refusal};
use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::hash::Hasher;
use ipc::frame::{CallId, Ties, With};
use ipc::limits::START_MAX_NS;
use ipc::{ExitKind, ExitReason, Fault, Limits, Pid};
use siphasher::sip::SipHasher24;

/// A process that another one wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) entry: &'a str,
    pub(crate) host: &'a str,
    pub(crate) ties: Ties,
    pub(crate) with: With<'a>,
    pub(crate) purpose: Purpose,
}

/// What it is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To live: its spawner is answered when it has loaded.
    Spawn,
    /// For its result: its spawner is answered at its end.
    Exec,
    /// The same, and it may be a function.
    Call,
}

impl Node {
    pub(crate) fn spawn_for_node(&mut self, token: u32, entry: &str, host: &str) {
        match self.admit(entry, host, Purpose::Call) {
            Ok((entry, host)) => {
                let number = self.create(entry, host, Some(token), None, Ties::default());
                self.start(number);
            }
            Err(refusal) => self.emit(Output::NodeReply { token, result: Err(refusal) }),
        }
    }

    pub(crate) fn spawn_for_process(
        &mut self,
        from: Number,
        call: CallId,
        wanted: Wanted<'_>,
        charge: usize,
    ) {
        let Wanted { entry, host, ties, with, purpose } = wanted;
        let charge = charge as u64;
        let admitted = self
            .check_spawn(from, entry, host)
            .and_then(|()| self.room_for_child(from, ties, charge))
            .and_then(|()| self.admit(entry, host, purpose))
            .and_then(|(entry, host)| {
                self.room_with(from, &entry, &host, with)?;
                Ok((entry, host))
            });
        match admitted {
            Ok((entry, host)) => {
                let caller = Caller { number: from, call: Some(call), charge };
                if let Some(spawner) = self.processes.get_mut(&from) {
                    spawner.spawning += charge;
                }
                let number = self.create(entry, host, None, Some(caller), ties);
                self.beget(from, number);
                self.tie(from, number, ties);
                self.equip(number, with);
                if purpose != Purpose::Spawn {
                    self.wait_for(from, call, number);
                }
                self.start(number);
            }
            Err(refusal) => self.reply(from, call, Err(refusal)),
        }
    }

    fn admit(
        &self,
        entry: &str,
        host: &str,
        purpose: Purpose,
    ) -> Result<(Rc<str>, Rc<str>), Refusal> {
        if self.stopping.is_some() {
            return Err(Refusal::Stopping);
        }
        let entry = self.body(entry, purpose)?;
        let unknown = || Refusal::UnknownHost(host.to_owned());
        let (host, spec) = self.config.hosts.get_key_value(host).ok_or_else(unknown)?;
        let live = self.live.get(host).copied().unwrap_or(0);
        match live < spec.max_processes {
            true => Ok((entry, host.clone())),
            false => Err(Refusal::HostFull { host: host.clone(), max: spec.max_processes }),
        }
    }

    /// The entry, where it has a body for that purpose.
    pub(crate) fn body(&self, entry: &str, purpose: Purpose) -> Result<Rc<str>, Refusal> {
        let unknown = || Refusal::UnknownEntry(entry.to_owned());
        let (entry, known) = self.config.entries.get_key_value(entry).ok_or_else(unknown)?;
        match (known.kind.as_str(), purpose) {
            ("process.lua", _) | ("function.lua", Purpose::Call) => Ok(entry.clone()),
            (kind, _) => {
                let (entry, kind) = ((**entry).to_owned(), kind.to_owned());
                Err(Refusal::NotAProcess { entry, kind })
            }
        }
    }

    /// Whether there is room for what it is to have from the beginning.
    fn room_with(
        &mut self,
        from: Number,
        entry: &str,
        host: &str,
        with: With<'_>,
    ) -> Result<(), Refusal> {
        if with.mail > self.limits_of(entry, host).mailbox {
            return Err(Refusal::MailboxFull);
        }
        let Some(name) = with.name else { return Ok(()) };
        if self.limits_of(entry, host).names == 0 {
            let of = format!("entry '{entry}' on host '{host}'");
            return Err(Refusal::AtLimit { what: "names", max: 0, field: "names", of });
        }
        self.check_new_name(from, "process.with_name", name)?;
        match self.names.contains_key(name) {
            true => Err(Refusal::NameTaken),
            false => Ok(()),
        }
    }

    fn equip(&mut self, number: Number, with: With<'_>) {
        let Some(process) = self.processes.get_mut(&number) else { return };
        process.trap_links = with.trap_links;
        process.mailbox.charged = with.mail;
        if let Some(name) = with.name {
            let name: Rc<str> = Rc::from(name);
            process.names.insert(name.clone());
            process.given_name = Some(name.clone());
            self.names.insert(name, number);
        }
    }

    fn room_for_child(&self, from: Number, ties: Ties, charge: u64) -> Result<(), Refusal> {
        self.room_for(from, Counted::Children)?;
        if ties.link {
            self.room_for(from, Counted::Links)?;
        }
        if ties.monitor {
            self.room_for(from, Counted::Monitors)?;
        }
        self.room_for_spawn(from, charge)
    }

    fn spawn_answered(&mut self, caller: Caller) {
        if let Some(spawner) = self.processes.get_mut(&caller.number) {
            spawner.spawning -= caller.charge;
        }
    }

    /// Whoever is told that a spawn has failed finds the name free.
    fn take_name_back(&mut self, number: Number) {
        let Some(process) = self.processes.get_mut(&number) else { return };
        let Some(name) = process.given_name.take() else { return };
        if process.names.remove(&name) {
            self.names.remove(&name);
            self.close_routes_by_name(number, &name);
        }
    }

    /// Answers a spawn, unless who has made it has forgotten it with all else.
    fn answer(&mut self, caller: Caller, result: Result<Granted, Refusal>) {
        if let Some(call) = caller.call {
            self.reply(caller.number, call, result);
        }
    }

    fn create(
        &mut self,
        entry: Rc<str>,
        host: Rc<str>,
        token: Option<u32>,
        caller: Option<Caller>,
        ties: Ties,
    ) -> Number {
        self.last_number += 1;
        let number = self.last_number;
        *self.live.entry(host.clone()).or_insert(0) += 1;
        let limits = self.limits_of(&entry, &host);
        let process = Process {
            pid: Pid { number, tag: self.tag(number) },
            host,
            entry,
            token,
            phase: Phase::Loading { caller, ties },
            limits,
            loaded_at: 0,
            parent: None,
            children: BTreeSet::new(),
            awaited: None,
            execs: BTreeMap::new(),
            trap_links: false,
            listening: false,
            upgradable: false,
            outdated: false,
            ready: false,
            links: BTreeSet::new(),
            watchers: BTreeSet::new(),
            watching: BTreeSet::new(),
            names: BTreeSet::new(),
            given_name: None,
            order: None,
            outcome: None,
            mailbox: Mailbox::default(),
            spawning: 0,
            routes: Vec::new(),
            free_routes: Vec::new(),
            routes_in: BTreeSet::new(),
            routes_closing: BTreeSet::new(),
            cancels: 0,
            timers: [None; 4],
        };
        self.processes.insert(number, process);
        number
    }

    /// The host's limits, lowered by the entry's.
    pub(crate) fn limits_of(&self, entry: &str, host: &str) -> Limits {
        let host = self.config.hosts.get(host).map_or(Limits::DEFAULT, |host| host.limits);
        let entry = self.config.entries.get(entry).map_or(Limits::NONE, |entry| entry.limits);
        host.lowered_by(entry)
    }

    /// A keyed hash: who sees any number of PIDs still cannot guess the next.
    fn tag(&self, number: Number) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.config.tag_key);
        hasher.write_u64(number);
        hasher.finish()
    }

    fn start(&mut self, number: Number) {
        self.set_timer(number, Timer::Start, START_MAX_NS);
        let Some(process) = self.processes.get(&number) else { return };
        let (pid, token, limits) = (process.pid, process.token, process.limits);
        let trap_links = process.trap_links;
        let (host, entry) = (process.host.clone(), process.entry.clone());
        let spawner = process.parent.and_then(|parent| self.pid_of(parent));
        self.emit(Output::Start { pid, host, entry, token, spawner, limits, trap_links });
    }

    pub(crate) fn loaded(&mut self, number: Number) {
        self.clear_timer(number, Timer::Start);
        let Some(process) = self.processes.get_mut(&number) else { return };
        process.loaded_at = self.now;
        let (pid, token, wall_ns) = (process.pid, process.token, process.limits.wall_ns);
        let is_awaited = process.awaited.is_some();
        let phase = core::mem::replace(&mut process.phase, Phase::Running);
        if wall_ns < u64::MAX {
            self.set_timer(number, Timer::Wall, wall_ns);
        }
        if let Phase::Loading { caller: Some(caller), .. } = phase {
            self.spawn_answered(caller);
            if !is_awaited {
                self.answer(caller, Ok(Granted::Pid(pid)));
            }
        } else if let Some(token) = token {
            self.emit(Output::NodeReply { token, result: Ok(pid) });
            self.tell_ready(number);
        }
    }

    /// The spawner learns why; its ties go first, for a spawn that fails is never an EXIT.
    pub(crate) fn start_failed(&mut self, number: Number, refusal: Refusal) {
        self.clear_timer(number, Timer::Start);
        let Some(process) = self.processes.get_mut(&number) else { return };
        let phase = core::mem::replace(&mut process.phase, Phase::Unloaded);
        let Phase::Loading { caller, .. } = phase else { return };
        let token = process.token.take();
        if let Some(caller) = caller {
            self.spawn_answered(caller);
            self.wait_no_more(number);
            self.take_name_back(number);
            // All ties, also those that its top level has made.
            self.untie(caller.number, number, Ties { link: true, monitor: true });
            self.answer(caller, Err(refusal));
        } else if let Some(token) = token {
            self.emit(Output::NodeReply { token, result: Err(refusal) });
        }
    }

    pub(crate) fn start_timed_out(&mut self, number: Number) {
        let Some(process) = self.processes.get(&number) else { return };
        if process.phase == Phase::Upgrading {
            return self.upgrade_timed_out(number);
        }
        let entry = process.entry.clone();
        self.start_failed(number, Refusal::StartTimeout(entry));
        self.order(number, Order::new(ExitKind::Watchdog, "did not load in time"));
    }

    pub(crate) fn no_worker(&mut self, number: Number, fault: Fault) {
        let message = fault.message.clone();
        let goes_on = self.processes.get(&number).is_some_and(|p| p.phase == Phase::Upgrading);
        self.start_failed(number, Refusal::NotLoaded(fault));
        let order = self.processes.get_mut(&number).and_then(|process| process.order.take());
        // Only of one that was to go on does anybody hear.
        let kind = if goes_on { ExitKind::Error } else { ExitKind::NodeDown };
        let order = order.unwrap_or_else(|| Order::new(kind, message));
        let reason = ExitReason {
            kind: order.kind,
            signal: None,
            code: None,
            limit: order.limit,
            os_pid: 0,
            message: Some(order.message),
        };
        self.end(number, reason, order.cause);
    }
}
