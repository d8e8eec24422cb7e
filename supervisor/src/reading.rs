//! What workers wrote, as frames.

use crate::children::{Child, ChildId};
use crate::supervisor::Supervisor;
use crate::terminal::say;
use crate::writing::BULK;
use ipc::codec::HeaderError;
use ipc::frame::FromWorker;
use ipc::limits::HEADER_MAX;
use ipc::sandbox::Missing;
use ipc::{Fault, FaultKind, Frame, Pid, hot};
use node::Input;
use rustix::io::ioctl_fionread;
use std::io::{ErrorKind, Read};

/// Bytes that one worker may say in one round.
const ROUND: usize = 256 * 1024;

/// Bytes of a frame, on average, below which a worker has less of a round: what a frame costs the
/// supervisor hardly depends on its length.
const SHORT: usize = 64;

/// Bytes that such a worker may say in one round, and each where several had more to say than they
/// could in the last one, so that whoever has one word to say does not wait for floods; and each while
/// standard output stalls: whatever a text grows to by its prefixes, it is little.
const PIECE: usize = 16 * 1024;

impl Supervisor {
    /// Reads from every worker that may have said something.
    pub(crate) fn read_children(&mut self) {
        let readable = std::mem::take(&mut self.readable);
        let is_eager = |id: &&ChildId| self.children.all.get(**id).is_some_and(|child| child.eager);
        let several = readable.iter().filter(is_eager).nth(1).is_some();
        for id in readable {
            let Some(child) = self.children.all.get_mut(id) else { continue };
            child.readable = false;
            let held_up = child.paused || child.silent || child.born.is_none();
            let most = if several || self.in_pieces(id) { PIECE } else { ROUND };
            if !held_up {
                self.upgrade_at_last(id);
            }
            let eager = !held_up && self.read(id, most, |child| !child.paused);
            if let Some(child) = self.children.all.get_mut(id) {
                child.eager = eager;
            }
            if eager {
                self.mark_readable(id);
            }
        }
    }

    /// Reads what a dead worker has left: so many bytes as lie there now, for a process that it had
    /// forked may hold the other end and write on.
    pub(crate) fn read_rest(&mut self, id: ChildId) {
        let socket = self.children.all.get(id).and_then(|child| child.socket.as_ref());
        let left = socket.and_then(|socket| ioctl_fionread(socket).ok()).unwrap_or(0);
        if let Some(child) = self.children.all.get_mut(id) {
            child.to_the_end = true;
        }
        self.read(id, usize::try_from(left).unwrap_or(usize::MAX), |_| true);
    }

    /// Reads at most so many bytes, as long as the child may go on; true where there may be more.
    fn read(&mut self, id: ChildId, most: usize, may_go_on: impl Fn(&Child) -> bool) -> bool {
        let mut scratch = std::mem::take(&mut self.scratch);
        let (mut left, mut more) = (most, true);
        while more && left > 0 && self.children.all.get(id).is_some_and(&may_go_on) {
            more = match self.read_once(id, left, &mut scratch) {
                Some((count, room)) => {
                    left -= count;
                    // A stream that gives less than it could is empty (epoll(7)), and the next byte
                    // is told.
                    count == room || self.children.all.get(id).is_none_or(|child| child.to_the_end)
                }
                None => false,
            };
        }
        self.scratch = scratch;
        more && left == 0
    }

    fn in_pieces(&self, id: ChildId) -> bool {
        self.printer.is_full() || self.children.all.get(id).is_some_and(|child| child.short)
    }

    /// Reads once and handles what came. Returns how many bytes that were, and how many it could have
    /// been; `None` where there is nothing more to read now.
    fn read_once(
        &mut self,
        id: ChildId,
        most: usize,
        scratch: &mut [u8],
    ) -> Option<(usize, usize)> {
        let Child { socket, deframer, silent, heard, .. } = self.children.all.get_mut(id)?;
        if *silent {
            return None;
        }
        let straight = deframer.lacks() > 0;
        let room = match straight {
            true => deframer.room(most),
            false => {
                let most = most.min(scratch.len());
                &mut scratch[..most]
            }
        };
        let size = room.len();
        // It does not block, so no signal interrupts it.
        let read = socket.as_mut()?.read(room);
        if straight {
            deframer.came(*read.as_ref().unwrap_or(&0));
        }
        let count = match read {
            Ok(count @ 1..) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
            Ok(0) | Err(_) => {
                self.fell_silent(id);
                return None;
            }
        };
        *heard += count as u64;
        self.heard_at = self.now();
        self.frames(id, if straight { &[] } else { &scratch[..count] });
        Some((count, size))
    }

    fn fell_silent(&mut self, id: ChildId) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        child.silent = true;
        let pid = child.process.as_ref().map(|process| process.pid);
        self.hung_up(id);
        if let Some(pid) = pid {
            self.input(Input::Closed { pid });
        }
    }

    fn frames(&mut self, id: ChildId, bytes: &[u8]) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        let Some(pid) = child.process.as_ref().map(|process| process.pid) else {
            return match child.left {
                Some(_) => self.heard_leaving(id, bytes),
                None => self.heard_warm(id, bytes),
            };
        };
        let has_begun = child.predecessor.is_none();
        self.writing.bulk = bytes.len() >= BULK;
        // The look behind the last one is worth as much as a frame.
        let (mut frames, mut left) = (1, false);
        let heard = self.each_frame(id, bytes, |this, frame| {
            frames += 1;
            if left {
                return Err("frame after an upgrade".to_owned());
            }
            left = this.heed(id, pid, has_begun, frame)?;
            Ok(true)
        });
        self.writing.bulk = false;
        if let Some(child) = self.children.all.get_mut(id) {
            // The same of a piece as of more: who is held to pieces for it must not be let go by the first.
            child.short = bytes.len() >= PIECE && is_short(frames, bytes.len());
        }
        if left {
            self.expect_hand_back(id);
        }
        if let Err(what) = heard {
            self.broken(id, pid, what);
        }
    }

    /// Takes what a child says frame by frame, until one leaves nothing more to be heeded (`false`).
    ///
    /// # Errors
    /// What is wrong with a frame.
    pub(crate) fn each_frame(
        &mut self,
        id: ChildId,
        bytes: &[u8],
        mut heed: impl FnMut(&mut Self, Frame<'_>) -> Result<bool, String>,
    ) -> Result<(), String> {
        let Some(child) = self.children.all.get_mut(id) else { return Ok(()) };
        let mut deframer = std::mem::replace(&mut child.deframer, ipc::Deframer::new(0));
        let mut feed = deframer.feed(bytes);
        let ended = loop {
            match feed.next_frame() {
                Ok(Some(frame)) => match heed(self, frame) {
                    Ok(true) => {}
                    Ok(false) => break Ok(()),
                    Err(what) => break Err(what),
                },
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.to_string()),
            }
        };
        drop(feed);
        if let Some(child) = self.children.all.get_mut(id) {
            child.deframer = deframer;
        }
        ended
    }

    /// Heeds a frame of a process; true where its worker is to be the process no more.
    fn heed(
        &mut self,
        id: ChildId,
        pid: Pid,
        has_begun: bool,
        frame: Frame<'_>,
    ) -> Result<bool, String> {
        match header_of(frame.header).map_err(|error| error.to_string())? {
            FromWorker::NotEnclosed(missing) => {
                let fault = Fault::new(FaultKind::Unavailable, not_enclosed(&missing));
                self.frame(pid, &FromWorker::LoadFailed { fault }, frame);
                Ok(false)
            }
            header if !has_begun && !may_precede(&header) => {
                Err("frame before all was handed over".to_owned())
            }
            header => {
                let left = matches!(header, FromWorker::Upgrade { .. });
                if !(left && self.postpones(id, &header, frame.body)) {
                    self.frame(pid, &header, frame);
                }
                Ok(left)
            }
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

    pub(crate) fn broken(&mut self, id: ChildId, from: Pid, what: String) {
        if let Some(child) = self.children.all.get_mut(id) {
            child.silent = true;
        }
        self.input(Input::Broken { from, what });
    }
}

/// True for what a worker may say before its predecessor has handed all back: it has not loaded then. One
/// that could go on already could be followed by any number of others, of which nobody has a hold.
fn may_precede(header: &FromWorker<'_>) -> bool {
    matches!(
        header,
        FromWorker::Print
            | FromWorker::Pong
            | FromWorker::Consumed { .. }
            | FromWorker::LoadFailed { .. }
    )
}

/// True where so many frames in so many bytes are short ones.
fn is_short(frames: usize, bytes: usize) -> bool {
    frames.saturating_mul(SHORT) > bytes
}

/// The header of a frame; those of messages have a quicker way.
fn header_of(header: &[u8]) -> Result<FromWorker<'_>, HeaderError> {
    if let Some((route, topic)) = hot::read_send(header) {
        return Ok(FromWorker::Send { route, topic });
    }
    match hot::read_consumed(header) {
        Some(bytes) => Ok(FromWorker::Consumed { bytes }),
        None => ipc::codec::decode(header),
    }
}

pub(crate) fn not_enclosed(missing: &Missing) -> String {
    format!("cannot enclose a worker: {missing}; {}", missing.layer.remedy())
}
