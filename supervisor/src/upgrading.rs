//! A process that goes on in another worker: the new one gets what the old one hands back, and then what
//! has come meanwhile. Whichever of both ends before that is over, the process ends with it, once.

use crate::children::{Assigned, ChildId, Left, Postponed};
use crate::hearing::how_it_ended;
use crate::spawning::prefix_of;
use crate::supervisor::Supervisor;
use ipc::codec::frame_max;
use ipc::frame::{Birth, FromWorker, ToWorker};
use ipc::{Frame, Limits, Outbox, Pid};
use node::{ChildEnd, Input, Usage};
use std::rc::Rc;

impl Supervisor {
    /// Lets a process go on in another worker.
    pub(crate) fn upgrade(&mut self, pid: Pid, entry: Rc<str>, limits: Limits, arguments: &[u8]) {
        let Some(old) = self.children.id_of(pid) else { return };
        let spent_ns = self.children.all[old].cpu_ns();
        if is_spent(spent_ns, limits) {
            return self.end_spent(old, limits);
        }
        // The last that it is told.
        self.children.push(old, &ToWorker::HandOver, &[]);
        self.mark_dirty(old);
        let Some(process) = self.children.leave(old, Left::HandsBack(pid)) else { return };
        let Assigned { text, prefix, .. } = process;
        let prefix = prefix.map(|_| prefix_of(&entry, pid));
        let host = self.children.all[old].host.clone();
        let nest = self.nest(&host);
        let new = self.warm_worker(nest).unwrap_or_else(|| self.want(nest, Some(pid)));
        let event_result = self.event_results.get(&*host).copied().unwrap_or_default();
        let birth = Birth { event_result, goes_on: true, ..Birth::default() };
        let header = ToWorker::Become { pid: &text, entry: &entry, limits, birth };
        self.children.push(new, &header, arguments);
        let assigned = Assigned { pid, text: text.clone(), entry, prefix, limits };
        self.children.all[new].spent_ns = spent_ns;
        self.succeed(old, new);
        self.assign(new, nest, assigned);
    }

    /// True for an upgrade that has to wait until what was printed is paid for: the next worker could
    /// print as much again.
    pub(crate) fn postpones(&mut self, id: ChildId, header: &FromWorker<'_>, body: &[u8]) -> bool {
        let FromWorker::Upgrade { entry } = header else { return false };
        let Some(child) = self.children.all.get_mut(id).filter(|child| child.paused) else {
            return false;
        };
        let (entry, arguments) = (entry.map(str::to_owned), body.to_vec());
        child.postponed = Some(Postponed { entry, arguments });
        true
    }

    /// Lets one go on elsewhere that had to wait.
    pub(crate) fn upgrade_at_last(&mut self, id: ChildId) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        let Some(Postponed { entry, arguments }) = child.postponed.take() else { return };
        let Some(pid) = child.process.as_ref().map(|process| process.pid) else { return };
        let header = FromWorker::Upgrade { entry: entry.as_deref() };
        self.frame(pid, &header, Frame { header: &[], body: &arguments, large: None });
        self.expect_hand_back(id);
    }

    /// Ends a process that has no CPU time left to go on with. The kernel counts for each worker anew, in
    /// seconds: with one more for each upgrade it would live for ever.
    fn end_spent(&mut self, id: ChildId, limits: Limits) {
        if let Some(process) = self.children.all.get_mut(id).and_then(|c| c.process.as_mut()) {
            process.limits = limits;
        }
        self.doom(id);
    }

    fn succeed(&mut self, old: ChildId, new: ChildId) {
        // It has printed as much as its process has.
        let printed = std::mem::take(&mut self.children.all[old].printed);
        let new = &mut self.children.all[new];
        new.printed = printed;
        new.predecessor = Some(old);
        new.waiting = Some(Outbox::new());
    }

    /// What it hands back may be larger than what it may send: others have sent it.
    pub(crate) fn expect_hand_back(&mut self, id: ChildId) {
        let largest = self.hosts().map(|(_, spec)| spec.limits.message_max()).max();
        let Some(child) = self.children.all.get_mut(id) else { return };
        if matches!(child.left, Some(Left::HandsBack(_))) {
            let max = largest.unwrap_or(0).min(child.outbox_max);
            child.deframer = ipc::Deframer::new(frame_max(max));
        }
    }

    /// What a worker says that is its process no more, or never was one.
    pub(crate) fn heard_leaving(&mut self, id: ChildId, bytes: &[u8]) {
        let heard = self.each_frame(id, bytes, |this, frame| {
            let header = ipc::codec::decode(frame.header).map_err(|error| error.to_string())?;
            this.heed_leaving(id, &header, frame.body).map_err(str::to_owned)
        });
        let left = self.children.all.get(id).and_then(|child| child.left);
        match (left, heard) {
            (Some(Left::HandsBack(pid)), Err(what)) => self.broken(id, pid, what),
            (Some(Left::Loads), Err(what)) => self.end_load(id, Err(what)),
            _ => {}
        }
    }

    /// False where nothing that follows counts any more.
    fn heed_leaving(
        &mut self,
        id: ChildId,
        header: &FromWorker<'_>,
        body: &[u8],
    ) -> Result<bool, &'static str> {
        match self.children.all.get(id).and_then(|child| child.left) {
            Some(Left::HandsBack(pid)) => self.handed(pid, header, body)?,
            Some(Left::Loads) => self.heard_loading(id, header),
            Some(Left::Nothing) | None => {}
        }
        let left = self.children.all.get(id).and_then(|child| child.left);
        Ok(left.is_some_and(|left| left != Left::Nothing))
    }

    fn handed(
        &mut self,
        pid: Pid,
        header: &FromWorker<'_>,
        body: &[u8],
    ) -> Result<(), &'static str> {
        let Some(heir) = self.children.id_of(pid) else { return Ok(()) };
        match header {
            FromWorker::HandBack(
                told @ (ToWorker::Deliver { .. }
                | ToWorker::Exit(_)
                | ToWorker::LinkDown(_)
                | ToWorker::Cancel { .. }),
            ) => {
                // It is encoded anew, and not every encoding is as short as its own.
                if !ipc::codec::is_fit(told) {
                    return Err("handed back with a header that is too long");
                }
                self.children.push_ahead(heir, told, body);
                self.check_overrun(heir);
                self.mark_dirty(heir);
            }
            FromWorker::HandedOver => {
                let old = self.children.all[heir].predecessor;
                self.children.all_is_there(heir);
                self.mark_dirty(heir);
                if let Some(old) = old {
                    self.charge_parting(old, heir);
                    self.let_go(old);
                }
            }
            // Answered when it was a process.
            FromWorker::Pong => {}
            _ => return Err("frame after an upgrade"),
        }
        Ok(())
    }

    /// What a worker has used since its process was to go on is used by that process.
    fn charge_parting(&mut self, old: ChildId, heir: ChildId) {
        let spent_ns = self.children.all[old].cpu_ns();
        let child = &mut self.children.all[heir];
        child.spent_ns = spent_ns;
        let limits = child.process.as_ref().map(|process| process.limits);
        if limits.is_some_and(|limits| is_spent(spent_ns, limits)) {
            return self.doom(heir);
        }
        self.lower_cpu(heir);
    }

    /// A worker is needed no more.
    pub(crate) fn let_go(&mut self, id: ChildId) {
        self.children.leave(id, Left::Nothing);
        self.children.discard(id);
        self.doom(id);
    }

    /// Ends the worker of a process, and the one in which it was until now.
    pub(crate) fn kill(&mut self, pid: Pid) {
        let Some(id) = self.children.id_of(pid) else { return };
        if let Some(old) = self.children.all.get(id).and_then(|child| child.predecessor) {
            self.doom(old);
        }
        self.doom(id);
    }

    /// The process is over: its worker is forgotten, or ends where it has outlived it.
    pub(crate) fn over(&mut self, id: ChildId) {
        let Some(child) = self.children.all.get(id) else { return };
        let owner = child.owner();
        if let Some(old) = child.predecessor {
            self.let_go(old);
        }
        if self.children.lives(id) || self.is_coming(id) {
            return self.let_go(id);
        }
        let child = self.children.all.get(id).filter(|child| child.born.is_none());
        if let Some(nest) = child.and_then(|child| self.nest_of.get(&child.host)) {
            self.nests[*nest].wanted.remove(owner, id);
        }
        self.forget(id);
    }

    /// True for one that a zygote was asked for and has not forked yet.
    fn is_coming(&self, id: ChildId) -> bool {
        let Some(child) = self.children.all.get(id).filter(|child| child.born.is_none()) else {
            return false;
        };
        let nest = self.nest_of.get(&child.host);
        nest.is_some_and(|nest| self.nests[*nest].in_flight.contains(&id))
    }

    /// A worker that was its process no more is reaped.
    pub(crate) fn left_for_good(&mut self, id: ChildId, left: Left, end: ChildEnd) {
        let Some(child) = self.children.all.get(id) else { return };
        let born = child.born.as_ref();
        let os_pid = born.map_or(0, |born| born.os_pid);
        self.attendants.leave(born.and_then(|born| born.namespace));
        let out_of_memory = self.was_out_of_memory(id);
        match left {
            Left::HandsBack(pid) => {
                let usage = Usage { cpu_ns: 0, out_of_memory };
                self.input(Input::Exited { pid, os_pid, end, usage });
            }
            Left::Loads => self.load_ended(id, Err(format!("its worker {}", how_it_ended(end)))),
            Left::Nothing => {}
        }
        self.forget(id);
    }
}

/// True where no CPU time is left.
fn is_spent(spent_ns: u64, limits: Limits) -> bool {
    spent_ns / 1_000_000_000 >= limits.cpu_s
}
