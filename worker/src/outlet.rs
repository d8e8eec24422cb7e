//! The worker's side of its socket: frames out. (Frames come in at [`crate::actor`].)

use ipc::Outbox;
use ipc::frame::FromWorker;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::io;
use std::rc::Rc;

/// Bytes in the outbox from which on a send waits for room: its coroutine does, others go on.
const FULL: usize = 256 * 1024;

/// Frames on their way to the supervisor.
///
/// Every frame is written as soon as it is pushed, where the socket takes it: a message that was
/// sent must not wait for the script to yield, which it may never do.
#[derive(Debug)]
pub(crate) struct Outlet {
    socket: Rc<OwnedFd>,
    outbox: Outbox,
}

impl Outlet {
    pub(crate) fn new(socket: Rc<OwnedFd>) -> Self {
        Outlet { socket, outbox: Outbox::new() }
    }

    /// Queues a frame and writes what the socket takes.
    pub(crate) fn push(&mut self, header: &FromWorker<'_>, body: &[u8]) {
        self.outbox.push(header, body);
        self.flush();
    }

    /// True where further messages should wait.
    pub(crate) fn is_full(&self) -> bool {
        self.outbox.len() >= FULL
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.outbox.is_empty()
    }

    /// Writes what the socket takes now.
    pub(crate) fn flush(&mut self) {
        while !self.outbox.is_empty() {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            match send(&self.socket, self.outbox.pending(), flags) {
                Ok(count) => self.outbox.advance(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // The supervisor is gone, and this process with it.
                Err(_) => crate::fork::exit_now(1),
            }
        }
    }

    /// Writes everything. It waits for nobody but the supervisor, whose death ends this process.
    pub(crate) fn flush_all(&mut self) -> io::Result<()> {
        loop {
            self.flush();
            if self.outbox.is_empty() {
                return Ok(());
            }
            match poll(&mut [PollFd::new(&self.socket, PollFlags::OUT)], None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
