//! [`Held`]: a trial as its runner holds it: a pidfd, the pipe of all that it prints, the socket of what
//! it says, and a deadline.

use super::plan::Test;
use super::record::{RECORD_MAX, Record};
use super::verdict::{Cut, Seen};
use crate::hold::end_of;
use crate::run::NoSandbox;
use node::ChildEnd;
use rustix::event::PollFlags;
use rustix::io::Errno;
use rustix::process::{Pid as OsPid, PidfdFlags, Signal, WaitId, pidfd_open, pidfd_send_signal};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Bytes of what a trial prints that are kept: the last ones.
const OUTPUT_MAX: usize = 1 << 20;

/// Time that a trial has to end after it was told to, before it is killed: more than it gives to
/// workers that hang in the kernel.
const END_MAX: Duration = Duration::from_secs(10);

/// A trial that runs.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) test: Test,
    pidfd: OwnedFd,
    output: Stream<io::PipeReader>,
    record: Stream<UnixStream>,
    started: Instant,
    limit: Duration,
    /// When it is to be told to end, or killed where it was told.
    pub(crate) deadline: Instant,
    cut: Option<Cut>,
    killed: bool,
}

/// How trials are started.
#[derive(Debug)]
pub(crate) struct Starter<'a> {
    pub(crate) app: &'a Path,
    pub(crate) worker: &'a Path,
    pub(crate) no_sandbox: NoSandbox,
    pub(crate) limit: Duration,
}

impl Starter<'_> {
    /// Starts the trial of a test.
    ///
    /// # Errors
    /// Where this program cannot be started once more.
    pub(crate) fn start(&self, test: Test) -> io::Result<Held> {
        let (ours, theirs) = UnixStream::pair()?;
        let (output, printed) = io::pipe()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("trial").arg(self.app).arg(&test.id).arg("--worker").arg(self.worker);
        if self.no_sandbox == NoSandbox::Allowed {
            command.arg("--allow-no-sandbox");
        }
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        command.stdout(printed.try_clone()?).stderr(printed);
        // Ctrl-C at the terminal is for the runner to translate.
        let child = command.process_group(0).spawn()?;
        let pidfd = pidfd_open(OsPid::from_child(&child), PidfdFlags::empty())?;
        let started = Instant::now();
        let (limit, deadline) = (self.limit, started + self.limit);
        let (output, record) = (Stream::of(output, OUTPUT_MAX)?, Stream::of(ours, RECORD_MAX)?);
        let (cut, killed) = (None, false);
        Ok(Held { test, pidfd, output, record, started, limit, deadline, cut, killed })
    }
}

impl Held {
    /// What is to be waited for: its end, and what it prints and says.
    pub(crate) fn waits_for(&self) -> Vec<(rustix::fd::BorrowedFd<'_>, PollFlags)> {
        let streams = [self.output.open(), self.record.open()].into_iter().flatten();
        let all = [self.pidfd.as_fd()].into_iter().chain(streams);
        all.map(|descriptor| (descriptor, PollFlags::IN)).collect()
    }

    /// Reads what there is.
    pub(crate) fn read(&mut self) {
        self.output.read();
        self.record.read();
    }

    /// The deadline has passed.
    pub(crate) fn is_late(&mut self, now: Instant) {
        if self.deadline <= now {
            match self.cut {
                None => self.cut(Cut::Late(self.limit), now),
                Some(_) => self.kill(now),
            }
        }
    }

    /// Tells it to end.
    pub(crate) fn cut(&mut self, cut: Cut, now: Instant) {
        if self.cut.is_none() {
            self.cut = Some(cut);
            self.deadline = now + END_MAX;
            self.signal(Signal::TERM);
        }
    }

    /// Ends it at once. Its workers die with it: the kernel sees to that.
    pub(crate) fn kill(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.killed, true) {
            self.deadline = now + END_MAX;
            self.signal(Signal::KILL);
        }
    }

    /// How one is taken to have ended that was killed long ago: it hangs in the kernel, which may take
    /// for ever.
    pub(crate) fn given_up(&self, now: Instant) -> Option<ChildEnd> {
        (self.killed && self.deadline <= now).then_some(ChildEnd::Signal(Signal::KILL.as_raw()))
    }

    fn signal(&self, signal: Signal) {
        // It can fail only where the trial has ended already and is not reaped yet.
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }

    /// How it ended, where it has.
    pub(crate) fn reap(&self) -> Option<ChildEnd> {
        end_of(WaitId::PidFd(self.pidfd.as_fd()))
    }

    /// The test, and what was seen of it, once it has ended so.
    pub(crate) fn seen(mut self, end: ChildEnd) -> (Test, Seen) {
        // It has written all that it will, and whoever else could has died with it, or is about to.
        self.read();
        let took = self.started.elapsed();
        let record: Option<Record> = serde_json::from_slice(&self.record.kept).ok();
        let output = self.output.into_lines();
        (self.test, Seen { record, end, cut: self.cut, output, took })
    }
}

/// A stream that is read without waiting, and its last bytes.
#[derive(Debug)]
struct Stream<S> {
    stream: S,
    kept: Vec<u8>,
    most: usize,
    /// Bytes that were dropped.
    dropped: usize,
    closed: bool,
}

impl<S: Read + AsFd> Stream<S> {
    fn of(stream: S, most: usize) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&stream, true)?;
        Ok(Stream { stream, kept: Vec::new(), most, dropped: 0, closed: false })
    }

    /// Its descriptor, until it is closed.
    fn open(&self) -> Option<rustix::fd::BorrowedFd<'_>> {
        (!self.closed).then(|| self.stream.as_fd())
    }

    /// Reads what lies there: no more than once the limit, for somebody may write without end.
    fn read(&mut self) {
        let (mut left, mut buffer) = (self.most, [0; 16 * 1024]);
        while left > 0 && !self.closed {
            match self.stream.read(&mut buffer) {
                Ok(0) => self.closed = true,
                Ok(count) => {
                    left = left.saturating_sub(count);
                    self.keep(&buffer[..count]);
                }
                Err(error) if error.raw_os_error() == Some(Errno::INTR.raw_os_error()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => self.closed = true,
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        // Not at each read: what is moved is at most what has come since.
        if self.kept.len() > 2 * self.most {
            self.trim();
        }
    }

    fn trim(&mut self) {
        let over = self.kept.len().saturating_sub(self.most);
        self.kept.drain(..over);
        self.dropped += over;
    }

    /// The whole lines of what was kept, and how much was not.
    fn into_lines(mut self) -> Vec<u8> {
        self.trim();
        if self.dropped == 0 {
            return self.kept;
        }
        let line = self.kept.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let mut lines = format!("({} bytes before this)\n", self.dropped + line).into_bytes();
        lines.extend_from_slice(&self.kept[line..]);
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn written(text: &[u8], most: usize) -> Stream<UnixStream> {
        let (ours, mut theirs) = UnixStream::pair().expect("a pair of sockets");
        let mut stream = Stream::of(ours, most).expect("it can be non-blocking");
        for part in text.chunks(7) {
            theirs.write_all(part).expect("there is room");
            stream.read();
        }
        assert!(stream.open().is_some());
        drop(theirs);
        stream.read();
        assert!(stream.open().is_none());
        stream
    }

    #[test]
    fn what_is_little_is_kept() {
        assert_eq!(written(b"one\ntwo\n", 8).into_lines(), b"one\ntwo\n");
    }

    #[test]
    fn of_much_the_last_lines_are_kept() {
        let text: String = (0..100).map(|n| format!("line {n}\n")).collect();
        let kept = written(text.as_bytes(), 20).into_lines();
        let expected = format!("({} bytes before this)\nline 98\nline 99\n", text.len() - 16);
        assert_eq!(String::from_utf8_lossy(&kept), expected);
    }
}
