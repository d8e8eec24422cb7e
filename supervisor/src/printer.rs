//! Standard output: what processes print, line by line, without ever holding up the loop.

use crate::terminal::{harmless, say};
use nix::errno::Errno;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::IsTerminal;

/// Bytes that may wait for standard output before workers that print are no longer read.
const WAITING_MAX: usize = 1 << 20;

/// Bytes that may wait at most. Those who print wait long before, but those who end leave what lies
/// in their sockets, and anybody may be started and end again and again.
const HELD_MAX: usize = 16 << 20;

/// PIPE_BUF (pipe(7)): so much fits wherever poll(2) says that something does.
const ATOMIC: usize = 4096;

/// Lines on their way to standard output.
#[derive(Debug)]
pub(crate) struct Printer {
    waiting: Vec<u8>,
    written: usize,
    terminal: bool,
    /// Nobody reads any more.
    broken: bool,
    /// It was said that lines are lost.
    losing: bool,
}

impl Printer {
    pub(crate) fn new() -> Self {
        let terminal = std::io::stdout().is_terminal();
        Printer { waiting: Vec::new(), written: 0, terminal, broken: false, losing: false }
    }

    /// Queues a text as lines, each with the prefix.
    pub(crate) fn lines(&mut self, prefix: Option<&str>, text: &[u8]) {
        if self.broken {
            return;
        }
        for line in text.split(|byte| *byte == b'\n') {
            if self.waiting.len() - self.written >= HELD_MAX {
                return self.lose();
            }
            if let Some(prefix) = prefix {
                self.waiting.extend_from_slice(prefix.as_bytes());
            }
            match self.terminal {
                true => self.waiting.extend_from_slice(&harmless(line)),
                false => self.waiting.extend_from_slice(line),
            }
            self.waiting.push(b'\n');
        }
    }

    fn lose(&mut self) {
        if !std::mem::replace(&mut self.losing, true) {
            let most = ipc::quota::bytes_text(HELD_MAX as u64);
            say(&format!("{most} wait for standard output, which is not read: lines are lost"));
        }
    }

    /// True where workers that print should wait.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() - self.written >= WAITING_MAX
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.len() == self.written
    }

    /// Writes what standard output takes without waiting.
    pub(crate) fn flush(&mut self) {
        while !self.is_empty() && !self.broken && takes_more() {
            let rest = &self.waiting[self.written..];
            let chunk = &rest[..rest.len().min(ATOMIC)];
            match nix::unistd::write(std::io::stdout(), chunk) {
                Ok(count) => self.written += count,
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(_) => self.broken = true,
            }
        }
        if self.is_empty() || self.broken {
            self.waiting.clear();
            self.written = 0;
        } else if self.written > WAITING_MAX {
            self.waiting.drain(..self.written);
            self.written = 0;
        }
    }
}

/// Standard output is shared with others, so it is asked each time and never made non-blocking.
fn takes_more() -> bool {
    let stdout = std::io::stdout();
    let mut wanted = [PollFd::new(&stdout, PollFlags::OUT)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let ready = poll(&mut wanted, Some(&now)).is_ok_and(|count| count > 0);
    ready && wanted[0].revents().intersects(PollFlags::OUT | PollFlags::ERR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_may_be() {
        let mut printer = Printer::new();
        for _ in 0..100 {
            printer.lines(Some("[app:worker 0x7] "), &[b'\n'; 60_000]);
        }
        assert!((HELD_MAX..HELD_MAX + 100).contains(&printer.waiting.len()));
    }
}
