//! Workers whose process goes on in another one, and that other one until it has all.

use super::{Assigned, Child, ChildId, Children};
use ipc::Pid;
use ipc::frame::ToWorker;

/// What a worker that is no process still has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It hands back what it has not read: without that the process cannot go on.
    HandsBack(Pid),
    /// It never was a process: it loads an entry of a new version, to see whether that can be done.
    Loads,
    /// Nothing. It is to end, and nobody is told.
    Nothing,
}

/// An upgrade that has to wait.
#[derive(Debug)]
pub(crate) struct Postponed {
    /// The entry, and the arguments.
    pub(crate) entry: Option<String>,
    pub(crate) arguments: Vec<u8>,
}

impl Child {
    /// True for one that is nobody, and may become anybody.
    pub(crate) fn is_warm(&self) -> bool {
        self.process.is_none() && self.left.is_none()
    }
}

impl Children {
    /// Queues a frame ahead of what waits until its predecessor has handed all back.
    pub(crate) fn push_ahead(&mut self, id: ChildId, header: &ToWorker<'_>, body: &[u8]) {
        let Some(child) = self.all.get_mut(id).filter(|child| !child.condemned) else { return };
        let before = child.outbox.len();
        child.outbox.push(header, body);
        self.queued += child.outbox.len() - before;
    }

    /// All is handed back: what has come meanwhile follows.
    pub(crate) fn all_is_there(&mut self, id: ChildId) {
        self.push_ahead(id, &ToWorker::Begin, &[]);
        let Some(child) = self.all.get_mut(id) else { return };
        child.predecessor = None;
        if let Some(waiting) = child.waiting.take() {
            child.outbox.append(waiting);
        }
    }

    /// A worker that is the process no more. Returns what it was.
    pub(crate) fn leave(&mut self, id: ChildId, left: Left) -> Option<Assigned> {
        let child = self.all.get_mut(id)?;
        child.left = Some(left);
        child.watch = None;
        let process = child.process.take()?;
        if self.by_process.get(&process.pid.number) == Some(&id) {
            self.by_process.remove(&process.pid.number);
        }
        Some(process)
    }
}
