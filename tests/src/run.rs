//! A program that runs against a deadline. Everything here waits for a condition (a line, an end)
//! and for the deadline at once; nothing sleeps or polls.

use crate::proc::readable_before;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Time that the pipes of an ended program may stay open. Longer means that a child of it lives.
const PIPES_CLOSE: Duration = Duration::from_secs(5);

/// What came of a program.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The deadline passed first, and the program was killed.
    pub late: bool,
    /// Somebody held its output open long after its end: it left a child behind.
    pub leaked: bool,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

/// Runs a program to its end, or kills it at the deadline.
///
/// # Panics
/// Where the program cannot be started.
#[must_use]
pub fn run(command: &mut Command, deadline: Duration) -> Ran {
    Running::start(command).wait(deadline)
}

/// A program under way. Dropped, it is killed.
#[derive(Debug)]
pub struct Running {
    child: Child,
    pidfd: OwnedFd,
    stdout: Output,
    stderr: Output,
}

impl Running {
    /// Starts a program with an empty standard input.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        let (mut running, stdout) = Self::start_piped(command.stdout(Stdio::piped()));
        running.stdout = Output::of(stdout.expect("stdout is a pipe"));
        running
    }

    /// Starts a program whose standard output is what the command says, and not read here.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn start_unread(command: &mut Command) -> Self {
        Self::start_piped(command).0
    }

    fn start_piped(command: &mut Command) -> (Self, Option<ChildStdout>) {
        let started = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).expect("a child has a pidfd");
        let stderr = Output::of(child.stderr.take().expect("stderr is a pipe"));
        let stdout = child.stdout.take();
        (Running { child, pidfd, stdout: Output::of(io::empty()), stderr }, stdout)
    }

    /// Its OS pid.
    #[must_use]
    pub fn os_pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal; one that has ended gets none.
    pub fn signal(&self, signal: Signal) {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => panic!("cannot signal {}: {error}", self.os_pid()),
        }
    }

    /// The next line of its standard output, without its end; `None` at the end of all output or
    /// when the deadline has passed.
    pub fn stdout_line(&mut self, deadline: Duration) -> Option<String> {
        self.stdout.line(deadline)
    }

    /// The next line of its standard error, likewise.
    pub fn stderr_line(&mut self, deadline: Duration) -> Option<String> {
        self.stderr.line(deadline)
    }

    /// Waits for its end, or kills it at the deadline.
    ///
    /// # Panics
    /// Where the kernel refuses to wait.
    #[must_use]
    pub fn wait(mut self, deadline: Duration) -> Ran {
        let late = !readable_before(&self.pidfd, Instant::now() + deadline);
        if late {
            self.signal(Signal::KILL);
        }
        let status = self.child.wait().expect("a child can be waited for");
        let pipes = Instant::now() + PIPES_CLOSE;
        let leaked = !self.stdout.drain(pipes) | !self.stderr.drain(pipes);
        Ran {
            code: status.code(),
            signal: status.signal(),
            late,
            leaked,
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `wait` both do nothing: the child is reaped, its pidfd signals nobody.
        self.signal(Signal::KILL);
        drop(self.child.wait());
    }
}

/// One stream of a program, read by a thread of its own, so that no pipe ever fills up.
struct Output {
    lines: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Output {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            loop {
                let mut line = Vec::new();
                match stream.read_until(b'\n', &mut line) {
                    Ok(1..) if sender.send(line).is_ok() => {}
                    _ => break,
                }
            }
        });
        Output { lines, seen: Vec::new() }
    }

    fn line(&mut self, deadline: Duration) -> Option<String> {
        let line = self.lines.recv_timeout(deadline).ok()?;
        self.seen.extend_from_slice(&line);
        Some(String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned())
    }

    /// Takes all that is left; false where the stream was still open at `end`.
    fn drain(&mut self, end: Instant) -> bool {
        use std::sync::mpsc::RecvTimeoutError::Disconnected;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.extend_from_slice(&line),
                Err(error) => return error == Disconnected,
            }
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command
    }

    #[test]
    fn output_and_code_come_back() {
        let ran = run(&mut shell("echo out; printf err >&2; exit 3"), SOON);
        assert_eq!((ran.code, ran.late, ran.leaked), (Some(3), false, false));
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("out\n", "err"));
    }

    #[test]
    fn a_late_program_is_killed_and_its_output_kept() {
        let ran = run(&mut shell("echo out; exec sleep 1000"), Duration::from_millis(500));
        assert!(ran.late);
        assert_eq!((ran.signal, ran.stdout.as_str()), (Some(9), "out\n"));
    }

    #[test]
    fn lines_can_be_waited_for() {
        let mut running = Running::start(&mut shell(
            "trap 'echo got; exit 0' TERM
            echo ready; while :; do sleep 0.01; done",
        ));
        assert_eq!(running.stdout_line(SOON).as_deref(), Some("ready"));
        running.signal(Signal::TERM);
        assert_eq!(running.stdout_line(SOON).as_deref(), Some("got"));
        assert_eq!(running.stdout_line(SOON), None);
        let ran = running.wait(SOON);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "ready\ngot\n"));
    }
}
