//! What workers wrote, as frames.

use crate::children::{Child, ChildId};
use crate::supervisor::Supervisor;
use crate::terminal::say;
use ipc::frame::FromWorker;
use ipc::limits::HEADER_MAX;
use ipc::sandbox::Missing;
use ipc::{Fault, FaultKind, Pid};
use node::Input;
use rustix::io::ioctl_fionread;
use std::io::{ErrorKind, Read};

/// Bytes that one worker may say in one round before the others have their turn.
const ROUND: usize = 256 * 1024;

/// Frames of one read from which on a worker has less of a round: what a frame costs the supervisor
/// hardly depends on its length.
const FRAMES_MAX: usize = 1024;

/// Bytes that such a worker may say in one round, and each while standard output stalls: whatever a
/// text grows to by its prefixes, it is little.
const PIECE: usize = 16 * 1024;

impl Supervisor {
    /// Reads from every worker that may have said something.
    pub(crate) fn read_children(&mut self) {
        for id in std::mem::take(&mut self.readable) {
            let Some(child) = self.children.all.get_mut(id) else { continue };
            child.readable = false;
            let held_up = child.paused || child.silent || child.born.is_none();
            let most = if self.in_pieces(id) { PIECE } else { ROUND };
            if !held_up && self.read(id, most, |child| !child.paused) {
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
            let now = left.min(scratch.len());
            match self.read_once(id, &mut scratch[..now]) {
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

    fn in_pieces(&self, id: ChildId) -> bool {
        let many = self.children.all.get(id).is_some_and(|child| child.frames > FRAMES_MAX);
        many || self.printer.is_full()
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
        child.heard += count as u64;
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
            return self.heard_warm(id, bytes);
        };
        let idle = ipc::Deframer::new(0);
        let mut deframer = std::mem::replace(&mut child.deframer, idle);
        let mut feed = deframer.feed(bytes);
        let mut frames = 0;
        let broken = loop {
            frames += 1;
            match feed.next_frame() {
                Ok(Some(frame)) => match ipc::codec::decode::<FromWorker<'_>>(frame.header) {
                    Ok(FromWorker::NotEnclosed(missing)) => {
                        let fault = Fault::new(FaultKind::Unavailable, not_enclosed(&missing));
                        self.frame(pid, &FromWorker::LoadFailed { fault }, frame);
                    }
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
            child.frames = frames;
        }
        if let Some(what) = broken {
            self.broken(id, pid, what);
        }
    }

    /// A warm worker has nothing to say but that it could not be enclosed.
    fn heard_warm(&mut self, id: ChildId, bytes: &[u8]) {
        let mut deframer = ipc::Deframer::new(HEADER_MAX);
        let mut feed = deframer.feed(bytes);
        if let Ok(Some(frame)) = feed.next_frame()
            && let Ok(FromWorker::NotEnclosed(missing)) = ipc::codec::decode(frame.header)
        {
            say(&not_enclosed(&missing));
        }
        self.doom(id);
    }

    fn broken(&mut self, id: ChildId, from: Pid, what: String) {
        if let Some(child) = self.children.all.get_mut(id) {
            child.silent = true;
        }
        self.input(Input::Broken { from, what });
    }
}

fn not_enclosed(missing: &Missing) -> String {
    format!("cannot enclose a worker: {missing}; {}", missing.layer.remedy())
}
