//! How a process begins: refused at once, or loading until the worker says that it is loaded.

use crate::process::{Caller, Mailbox, Number, Order, Phase, Process};
use crate::quota::Counted;
use crate::timers::Timer;
use crate::{Granted, Node, Output, Refusal};
use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::hash::Hasher;
use ipc::frame::{CallId, Ties};
use ipc::limits::START_MAX_NS;
use ipc::{ExitKind, ExitReason, Fault, Limits, Pid};
use siphasher::sip::SipHasher24;

impl Node {
    pub(crate) fn spawn_for_node(&mut self, token: u32, entry: &str, host: &str) {
        match self.admit(entry, host) {
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
        entry: &str,
        host: &str,
        ties: Ties,
        charge: usize,
    ) {
        let charge = charge as u64;
        let admitted = self
            .check_spawn(from, entry, host)
            .and_then(|()| self.room_for_child(from, ties, charge))
            .and_then(|()| self.admit(entry, host));
        match admitted {
            Ok((entry, host)) => {
                let caller = Caller { number: from, call, charge };
                if let Some(spawner) = self.processes.get_mut(&from) {
                    spawner.spawning += charge;
                }
                let number = self.create(entry, host, None, Some(caller), ties);
                self.beget(from, number);
                self.tie(from, number, ties);
                self.start(number);
            }
            Err(refusal) => self.reply(from, call, Err(refusal)),
        }
    }

    fn admit(&self, entry: &str, host: &str) -> Result<(Rc<str>, Rc<str>), Refusal> {
        if self.stopping.is_some() {
            return Err(Refusal::Stopping);
        }
        let unknown = || Refusal::UnknownEntry(entry.to_owned());
        let (entry, known) = self.config.entries.get_key_value(entry).ok_or_else(unknown)?;
        if known.kind != "process.lua" {
            let kind = known.kind.clone();
            return Err(Refusal::NotAProcess { entry: (**entry).to_owned(), kind });
        }
        let unknown = || Refusal::UnknownHost(host.to_owned());
        let (host, spec) = self.config.hosts.get_key_value(host).ok_or_else(unknown)?;
        let live = self.live.get(host).copied().unwrap_or(0);
        match live < spec.max_processes {
            true => Ok((entry.clone(), host.clone())),
            false => Err(Refusal::HostFull { host: host.clone(), max: spec.max_processes }),
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
            trap_links: false,
            listening: false,
            links: BTreeSet::new(),
            watchers: BTreeSet::new(),
            watching: BTreeSet::new(),
            names: BTreeSet::new(),
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
    fn limits_of(&self, entry: &str, host: &str) -> Limits {
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
        let (host, entry) = (process.host.clone(), process.entry.clone());
        self.emit(Output::Start { pid, host, entry, token, limits });
    }

    pub(crate) fn loaded(&mut self, number: Number) {
        self.clear_timer(number, Timer::Start);
        let Some(process) = self.processes.get_mut(&number) else { return };
        process.loaded_at = self.now;
        let (pid, token, wall_ns) = (process.pid, process.token, process.limits.wall_ns);
        let phase = core::mem::replace(&mut process.phase, Phase::Running);
        if wall_ns < u64::MAX {
            self.set_timer(number, Timer::Wall, wall_ns);
        }
        if let Phase::Loading { caller: Some(caller), .. } = phase {
            self.spawn_answered(caller);
            self.reply(caller.number, caller.call, Ok(Granted::Pid(pid)));
        } else if let Some(token) = token {
            self.emit(Output::NodeReply { token, result: Ok(pid) });
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
            // All ties, also those that its top level has made.
            self.untie(caller.number, number, Ties { link: true, monitor: true });
            self.reply(caller.number, caller.call, Err(refusal));
        } else if let Some(token) = token {
            self.emit(Output::NodeReply { token, result: Err(refusal) });
        }
    }

    pub(crate) fn start_timed_out(&mut self, number: Number) {
        let Some(process) = self.processes.get(&number) else { return };
        let entry = process.entry.clone();
        self.start_failed(number, Refusal::StartTimeout(entry));
        self.order(number, Order::new(ExitKind::Watchdog, "did not load in time"));
    }

    pub(crate) fn no_worker(&mut self, number: Number, fault: Fault) {
        let message = fault.message.clone();
        self.start_failed(number, Refusal::NotLoaded(fault));
        let order = self.processes.get_mut(&number).and_then(|process| process.order.take());
        let order = order.unwrap_or_else(|| Order::new(ExitKind::NodeDown, message));
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
