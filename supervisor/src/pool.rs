//! The warm pool: workers of each host that are forked, enclosed and waiting before a process needs
//! them. It is filled when nothing else is to be done and no spawn was just made, so none ever waits for it.

use crate::children::{Child, ChildId};
use crate::descriptors::Purpose;
use crate::supervisor::Supervisor;
use crate::zygote::Nest;
use std::collections::VecDeque;

/// Warm workers of one host that are asked for and not born yet: whoever needs a worker of its own
/// meanwhile waits for so many forks at most.
const IN_FLIGHT_MAX: usize = 4;

/// Warm workers of one host in a row that may end as such. After that only a spawn, which tells
/// somebody, has further ones made: a machine that lets none live is not to be kept busy with it.
const LOST_MAX: u32 = 2;

/// Time after a warm worker became a process until the pool is filled, unless it is low: a fork takes
/// longer than most scripts take to load, and whoever spawned that one waits.
const QUIET_NS: u64 = 1_000_000;

/// The warm workers of a host.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Workers that are not assigned to a process yet, born or not; the oldest first.
    pub(crate) warm: VecDeque<ChildId>,
    /// How many there are to be.
    size: usize,
    /// How many in a row have ended as such.
    lost: u32,
    /// When one became a process.
    taken_at: u64,
}

impl Pool {
    pub(crate) fn new(size: usize) -> Self {
        Pool { warm: VecDeque::new(), size, lost: 0, taken_at: 0 }
    }

    /// When it may be filled: at once where so few are left that somebody may have to wait soon.
    fn fill_at(&self) -> u64 {
        if self.warm.len() < self.size / 2 { 0 } else { self.taken_at + QUIET_NS }
    }

    /// One was lost.
    pub(crate) fn count_lost(&mut self) {
        self.lost = self.lost.saturating_add(1);
    }

    /// None can be had now: the next spawn finds out whether that has changed.
    pub(crate) fn wait_for_spawn(&mut self) {
        self.lost = LOST_MAX;
    }
}

impl Supervisor {
    /// A worker that waits to become somebody, passing over those that are ending.
    pub(crate) fn warm_worker(&mut self, nest: usize) -> Option<ChildId> {
        let pool = &mut self.nests[nest].pool;
        pool.lost = 0;
        self.pools_due = true;
        while let Some(id) = pool.warm.pop_front() {
            if self.children.all.get(id).is_some_and(|child| !child.silent && !child.doomed) {
                self.nests[nest].pool.taken_at = self.heard_at;
                return Some(id);
            }
        }
        None
    }

    /// Asks for the warm workers that are missing, at the end of a round that has left nothing to do.
    pub(crate) fn fill_pools(&mut self) {
        if !self.readable.has_only_talkers() || !self.exited.is_empty() {
            return;
        }
        self.start_hosts();
        if !std::mem::take(&mut self.pools_due) {
            return;
        }
        self.pools_at = None;
        let now = self.now();
        for nest in 0..self.nests.len() {
            let at = self.nests[nest].pool.fill_at();
            if at > now {
                self.pools_due = true;
                self.pools_at = Some(self.pools_at.map_or(at, |earlier| earlier.min(at)));
                continue;
            }
            while self.lacks_warm(nest) && self.ask_for_warm(nest) {}
        }
    }

    /// Starts the zygote of a host that is to have one before anybody needs it: one in a round, and
    /// none while a process waits for its worker. That or what the new zygote says makes the next round.
    fn start_hosts(&mut self) {
        if self.hosts_due.is_empty() {
            return;
        }
        let warm = |id: &ChildId| self.children.all.get(*id).is_some_and(Child::is_warm);
        let nobody_waits = |nest: &Nest| nest.wanted.is_empty() && nest.in_flight.iter().all(warm);
        if self.is_stopping() || !self.nests.iter().all(nobody_waits) {
            return;
        }
        while let Some(host) = self.hosts_due.pop_front() {
            let nest = self.nest(&host);
            if self.start_host(nest) {
                return;
            }
        }
    }

    /// False where there is nothing to wait for. Why it cannot be started the next spawn finds out, and
    /// tells somebody.
    fn start_host(&mut self, nest: usize) -> bool {
        let of = &self.nests[nest];
        let may = of.zygote.is_none()
            && of.barred.is_none()
            && self.room_for_descriptors(nest, Purpose::Warm).is_ok();
        let started = may && self.start_zygote(nest).is_ok();
        self.pools_due |= started;
        started
    }

    fn lacks_warm(&self, nest: usize) -> bool {
        let nest = &self.nests[nest];
        let pool = &nest.pool;
        // Whoever is wanted for a process comes first.
        let idle = nest.wanted.is_empty() && nest.in_flight.len() < IN_FLIGHT_MAX && nest.may_ask();
        let lacks = pool.warm.len() < pool.size && pool.lost < LOST_MAX;
        let room = || usize::try_from(self.node.room(&nest.host)).unwrap_or(usize::MAX);
        idle && lacks && !self.is_stopping() && pool.warm.len() < room()
    }

    /// Asks for one; false where it cannot be had now.
    fn ask_for_warm(&mut self, nest: usize) -> bool {
        let host = self.nests[nest].host.clone();
        let id = self.children.all.insert(Child::new(host, None));
        match self.ask_for(nest, id, Purpose::Warm) {
            Ok(true) => self.nests[nest].pool.warm.push_back(id),
            Ok(false) => self.forget(id),
            Err(_) => {
                self.forget(id);
                self.nests[nest].pool.wait_for_spawn();
            }
        }
        self.children.all.contains(id)
    }

    /// A warm worker has ended.
    pub(crate) fn lost_warm(&mut self, id: ChildId) {
        // One of old code is no sign of a machine that lets none live.
        let lost = self.children.all.get(id).filter(|child| !child.doomed);
        let host = lost.map(|child| child.host.clone());
        if let Some(nest) = host.and_then(|host| self.nest_of.get(&host).copied()) {
            self.nests[nest].pool.count_lost();
        }
        self.forget_warm(id);
    }

    /// There is no such warm worker any more, or never will be.
    pub(crate) fn forget_warm(&mut self, id: ChildId) {
        let host = self.children.all.get(id).map(|child| child.host.clone());
        if let Some(nest) = host.and_then(|host| self.nest_of.get(&host).copied()) {
            self.nests[nest].pool.warm.retain(|warm| *warm != id);
        }
        self.forget(id);
    }
}
