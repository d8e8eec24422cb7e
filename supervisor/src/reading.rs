//! What workers wrote, as frames.

use crate::children::{Child, ChildId};
use crate::supervisor::Supervisor;
use crate::terminal::say;
use ipc::codec::HeaderError;
use ipc::frame::FromWorker;
use ipc::limits::HEADER_MAX;
use ipc::sandbox::Missing;
use ipc::{Fault, FaultKind, Frame, LARGE, Pid, hot};
use node::Input;
use rustix::io::ioctl_fionread;
use std::io::{ErrorKind, Read};

/// Bytes that a worker may say at once. What a message costs hardly depends on its length, so this is a
/// measure of time: some hundred messages, a tenth of a millisecond.
pub(crate) const PIECE: usize = 16 * 1024;

/// The same where its frames are short.
const SHORT_PIECE: usize = 4 * 1024;

/// Bytes of a frame, on average, below which it is short.
const SHORT: usize = 64;

/// Bytes of a long frame that are read at once: they are only copied.
const LONG_PIECE: usize = 256 * 1024;

/// Time after a full piece for which a worker counts as one that talks without end.
const TALKS_NS: u64 = 10_000_000;

impl Supervisor {
    /// Reads what a dead worker has left: so many bytes as lie there now, for a process that it had
    /// forked may hold the other end and write on.
    pub(crate) fn read_rest(&mut self, id: ChildId) {
        let socket = self.children.all.get(id).and_then(|child| child.socket.as_ref());
        let left = socket.and_then(|socket| ioctl_fionread(socket).ok()).unwrap_or(0);
        if let Some(child) = self.children.all.get_mut(id) {
            child.to_the_end = true;
        }
        let mut left = usize::try_from(left).unwrap_or(usize::MAX);
        while left > 0
            && let Some((count, _)) = self.read_once(id, left)
        {
            left -= count;
        }
    }

    /// Reads a piece, and what a long frame lacks that has begun in it, up to a long piece. Returns how many
    /// bytes that were, and whether there may be more.
    pub(crate) fn read_piece(&mut self, id: ChildId) -> (usize, bool) {
        let (mut said, mut most) = (0, LONG_PIECE);
        while let Some((count, room)) = self.read_once(id, most) {
            said += count;
            let Some(child) = self.children.all.get(id) else { break };
            // A stream that gives less than it could is empty (epoll(7)), and the next byte is told.
            let is_empty = count < room;
            if child.paused || (is_empty && !child.to_the_end) {
                break;
            }
            // What comes behind the frame has to wait for the next turn.
            most = if is_empty { LONG_PIECE } else { child.deframer.lacks(PIECE) };
            most = most.min(LONG_PIECE - said);
            if most == 0 {
                return (said, true);
            }
        }
        (said, false)
    }

    /// Reads once and handles what came. Returns how many bytes that were, and how many it could have
    /// been; `None` where there is nothing more to read now.
    fn read_once(&mut self, id: ChildId, most: usize) -> Option<(usize, usize)> {
        let Child { socket, deframer, silent, heard, short, talks_until, .. } =
            self.children.all.get_mut(id)?;
        if *silent {
            return None;
        }
        let straight = deframer.lacks(LARGE) > 0;
        let room = match straight {
            true => deframer.room(most),
            false => {
                let piece = if *short { SHORT_PIECE } else { PIECE };
                &mut self.scratch[..piece.min(most)]
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
        let is_full = count >= PIECE || (count == size && count >= SHORT_PIECE);
        if is_full {
            *talks_until = self.heard_at + TALKS_NS;
        }
        self.writing.bulk = is_full && !straight;
        self.writing.heard += count;
        self.heard_at = self.now();
        let scratch = std::mem::take(&mut self.scratch);
        self.frames(id, if straight { &[] } else { &scratch[..count] });
        self.scratch = scratch;
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
        if let Some(child) = self.children.all.get_mut(id)
            && bytes.len() >= SHORT_PIECE
        {
            child.short = is_short(frames, bytes.len());
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
