//! What workers wrote, as frames.

use crate::children::{Child, ChildId};
use crate::supervisor::Supervisor;
use ipc::Pid;
use ipc::frame::FromWorker;
use node::Input;
use rustix::io::ioctl_fionread;
use std::io::{ErrorKind, Read};

/// Bytes that one worker may say in one round before the others have their turn.
const ROUND: usize = 256 * 1024;

impl Supervisor {
    /// Reads from every worker that may have said something.
    pub(crate) fn read_children(&mut self) {
        for id in std::mem::take(&mut self.readable) {
            let Some(child) = self.children.all.get_mut(id) else { continue };
            child.readable = false;
            let held_up = child.paused || child.silent || child.born.is_none();
            if !held_up && self.read(id, ROUND, |child| !child.paused) {
                self.mark_readable(id);
            }
        }
    }

    /// Reads what a dead worker has left: so many bytes as lie there now, for a process that it had
    /// forked may hold the other end and write on.
    pub(crate) fn read_rest(&mut self, id: ChildId) {
        let socket = self.children.all.get(id).and_then(|child| child.socket.as_ref());
        let left = socket.and_then(|socket| ioctl_fionread(socket).ok()).unwrap_or(0);
        self.read(id, usize::try_from(left).unwrap_or(usize::MAX), |_| true);
    }

    /// Reads at most so many bytes, as long as the child may go on; true where there may be more.
    fn read(&mut self, id: ChildId, most: usize, may_go_on: impl Fn(&Child) -> bool) -> bool {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut left = most;
        while left > 0 && self.children.all.get(id).is_some_and(&may_go_on) {
            match self.read_once(id, &mut scratch) {
                Some(count) => left = left.saturating_sub(count),
                None => {
                    self.scratch = scratch;
                    return false;
                }
            }
        }
        self.scratch = scratch;
        left == 0
    }

    /// Reads once and handles what came; `None` where there is nothing more to read now.
    fn read_once(&mut self, id: ChildId, scratch: &mut [u8]) -> Option<usize> {
        let child = self.children.all.get_mut(id)?;
        if child.silent {
            return None;
        }
        let count = match child.socket.as_mut()?.read(scratch) {
            Ok(0) => {
                self.fell_silent(id);
                return None;
            }
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Err(_) => {
                self.fell_silent(id);
                return None;
            }
        };
        self.frames(id, &scratch[..count]);
        Some(count)
    }

    fn fell_silent(&mut self, id: ChildId) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        child.silent = true;
        if let Some(pid) = child.process.as_ref().map(|process| process.pid) {
            self.input(Input::Closed { pid });
        }
    }

    fn frames(&mut self, id: ChildId, bytes: &[u8]) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        let Some(pid) = child.process.as_ref().map(|process| process.pid) else {
            // A warm worker has nothing to say.
            return self.doom(id);
        };
        let idle = ipc::Deframer::new(0);
        let mut deframer = std::mem::replace(&mut child.deframer, idle);
        let mut feed = deframer.feed(bytes);
        let broken = loop {
            match feed.next_frame() {
                Ok(Some(frame)) => match ipc::codec::decode::<FromWorker<'_>>(frame.header) {
                    Ok(header) => self.frame(pid, &header, frame),
                    Err(error) => break Some(error.to_string()),
                },
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        drop(feed);
        if let Some(child) = self.children.all.get_mut(id) {
            child.deframer = deframer;
        }
        if let Some(what) = broken {
            self.broken(id, pid, what);
        }
    }

    fn broken(&mut self, id: ChildId, from: Pid, what: String) {
        if let Some(child) = self.children.all.get_mut(id) {
            child.silent = true;
        }
        self.input(Input::Broken { from, what });
    }
}
