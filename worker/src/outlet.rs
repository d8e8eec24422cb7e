//! The worker's side of its socket: frames out. (Frames come in at [`crate::actor`].)

use crate::held;
use ipc::frame::{FromWorker, RouteId};
use ipc::{Outbox, hot};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::io;
use std::rc::Rc;

/// Bytes in the outbox from which on a send waits for room: its coroutine does, others go on.
const FULL: usize = 256 * 1024;

/// Bytes in the outbox from which on they are written at once.
const HELD: usize = 64 * 1024;

/// Frames on their way to the supervisor.
///
/// They are held until there are many, or the scheduler's round is over, or a tick of the CPU time
/// comes: a message that was sent must not wait for the script to yield, which it may never do, but
/// a thousand messages need no thousand system calls.
#[derive(Debug)]
pub(crate) struct Outlet {
    socket: Rc<OwnedFd>,
    outbox: Outbox,
    /// Bytes from which on they are written at once: more than `HELD` where the socket has taken
    /// nothing lately.
    write_at: usize,
}

impl Outlet {
    /// The one outlet of this process.
    pub(crate) fn new(socket: Rc<OwnedFd>) -> Self {
        held::to(&socket);
        Outlet { socket, outbox: Outbox::keeping(2 * HELD), write_at: HELD }
    }

    /// Queues a frame.
    pub(crate) fn push(&mut self, header: &FromWorker<'_>, body: &[u8]) {
        self.before(body.len());
        self.change(|outbox| outbox.push(header, body));
        self.hold();
    }

    /// Queues a message along a route.
    pub(crate) fn push_send(&mut self, route: RouteId, topic: &str, body: &[u8]) {
        self.before(body.len());
        self.change(|outbox| outbox.push_with(|out| hot::write_send(out, route, topic, body)));
        self.hold();
    }

    /// Writes what is held, where the next body would be too much beside it: should there be no memory
    /// for that one, this process ends with half a frame, and what lies before it would be lost.
    fn before(&mut self, body: usize) {
        if self.outbox.len() + body >= self.write_at {
            self.flush();
        }
    }

    /// Changes the outbox out of reach of the tick.
    fn change<T>(&mut self, act: impl FnOnce(&mut Outbox) -> T) -> T {
        let written = held::take_back();
        self.outbox.advance(written);
        let result = act(&mut self.outbox);
        held::show(self.outbox.pending());
        result
    }

    fn hold(&mut self) {
        if self.outbox.len() >= self.write_at {
            self.flush();
        }
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
        if self.is_empty() {
            return;
        }
        let (socket, flags) = (&self.socket, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        let written = held::take_back();
        self.outbox.advance(written);
        while !self.outbox.is_empty() {
            match send(socket, self.outbox.pending(), flags) {
                Ok(count) => self.outbox.advance(count),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                // The supervisor is gone, and this process with it.
                Err(_) => crate::fork::exit_now(1),
            }
        }
        // A full socket is not tried again for each frame.
        self.write_at = self.outbox.len() + HELD;
        held::show(self.outbox.pending());
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
