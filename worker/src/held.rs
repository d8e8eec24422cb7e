//! Frames that are held back to be written together, where the tick of the CPU time finds them.
//!
//! A script that never waits must not keep what it has sent, also not inside a C function without
//! [safepoints](crate::safepoint). So the signal handler of [`turn`](crate::turn) writes what is held
//! by itself. Whoever changes the outbox takes it away from here first, and shows it again when every
//! frame in it is whole.

use rustix::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use rustix::io::Errno;
use rustix::net::{SendFlags, send};
use std::ptr;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering::Relaxed, compiler_fence};

// A worker has one thread, and a signal handler runs between two of its instructions: these are plain
// variables, and fences for the compiler are all the order that is needed.

static SOCKET: AtomicI32 = AtomicI32::new(-1);
/// Where the bytes begin.
static START: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());
/// How many they are; 0 while the outbox is being changed.
static LEFT: AtomicUsize = AtomicUsize::new(0);
/// How many bytes from the front of the outbox have been written from here.
static WRITTEN: AtomicUsize = AtomicUsize::new(0);

/// What may be written from a signal handler goes to this socket.
pub(crate) fn to(socket: &OwnedFd) {
    SOCKET.store(socket.as_raw_fd(), Relaxed);
}

/// Shows the bytes of an outbox. They stay as they are and where they are until [`take_back`].
pub(crate) fn show(bytes: &[u8]) {
    START.store(bytes.as_ptr().cast_mut(), Relaxed);
    compiler_fence(SeqCst);
    LEFT.store(bytes.len(), Relaxed);
}

/// Shows nothing any more. How many of the bytes have been written meanwhile.
pub(crate) fn take_back() -> usize {
    LEFT.store(0, Relaxed);
    compiler_fence(SeqCst);
    WRITTEN.swap(0, Relaxed)
}

/// Writes what the socket takes now of what is shown. May be called from a signal handler, and where
/// one may come.
pub(crate) fn write() {
    let socket: RawFd = SOCKET.load(Relaxed);
    write_by(|bytes| {
        // SAFETY: the socket is open as long as the process lives (`Outlet`).
        let socket = unsafe { BorrowedFd::borrow_raw(socket) };
        send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)
    });
}

/// Whoever writes has taken all that is shown: a tick between the system call and the note of what it
/// has written would else write the same once more.
fn write_by(mut send: impl FnMut(&[u8]) -> rustix::io::Result<usize>) {
    loop {
        let left = LEFT.swap(0, Relaxed);
        compiler_fence(SeqCst);
        if left == 0 {
            return;
        }
        let start = START.load(Relaxed);
        // SAFETY: `show` was given these bytes, and its caller leaves them alone until `take_back`,
        // which is not called meanwhile.
        let sent = send(unsafe { std::slice::from_raw_parts(start, left) });
        let count = *sent.as_ref().unwrap_or(&0);
        START.store(start.wrapping_add(count), Relaxed);
        WRITTEN.store(WRITTEN.load(Relaxed) + count, Relaxed);
        compiler_fence(SeqCst);
        LEFT.store(left - count, Relaxed);
        match sent {
            Ok(_) | Err(Errno::INTR) => {}
            // No room now, or the supervisor is gone: whoever writes next finds out.
            Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One test, for there is one outlet.
    #[test]
    fn what_is_held_is_written_once() {
        a_tick_while_somebody_writes_doubles_nothing();
        what_finds_no_room_stays_shown();
    }

    fn a_tick_while_somebody_writes_doubles_nothing() {
        let frames = *b"frames";
        show(&frames);
        let mut sent = Vec::new();
        write_by(|bytes| {
            let count = bytes.len().min(4);
            sent.extend_from_slice(&bytes[..count]);
            // The tick comes right after the system call.
            write_by(|again| {
                sent.extend_from_slice(again);
                Ok(again.len())
            });
            Ok(count)
        });
        assert_eq!((&sent[..], take_back()), (&b"frames"[..], 6));
    }

    fn what_finds_no_room_stays_shown() {
        let frames = *b"frames";
        show(&frames);
        write_by(|_| Err(Errno::AGAIN));
        let mut sent = Vec::new();
        let mut answers = [Err(Errno::INTR), Ok(2), Ok(4)].into_iter();
        write_by(|bytes| {
            let count = answers.next().expect("nothing is left after that")?;
            sent.extend_from_slice(&bytes[..count]);
            Ok(count)
        });
        assert_eq!((&sent[..], take_back(), take_back()), (&b"frames"[..], 6, 0));
    }
}
