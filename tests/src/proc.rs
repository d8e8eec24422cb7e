//! What `/proc` says of processes, and a hold on those that are not children of the test.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, PidfdGetfdFlags, Signal, pidfd_getfd, pidfd_open, pidfd_send_signal,
};
use std::fs;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// An OS process at the moment of looking (proc_pid_stat(5)).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its OS pid.
    pub os_pid: u32,
    /// Its name, at most 15 bytes: `wabe-zygote`, `wabe-warm`, or the entry.
    pub name: String,
    /// `R`, `S`, `T`, `Z` and so on.
    pub state: char,
    /// The session that it is in: that of its zygote.
    pub session: u32,
    /// When it began, in clock ticks since the machine did.
    pub started: u64,
}

impl Seen {
    /// True for a zygote: the program that it is forked from has its name too, and leads the session.
    #[must_use]
    pub fn is_zygote(&self) -> bool {
        self.name == "wabe-zygote" && self.session != self.os_pid
    }

    /// True for a worker that is no process yet.
    #[must_use]
    pub fn is_warm(&self) -> bool {
        self.name == "wabe-warm"
    }
}

/// One process, `None` where there is none with that OS pid.
#[must_use]
pub fn look(os_pid: u32) -> Option<Seen> {
    let stat = fs::read_to_string(format!("/proc/{os_pid}/stat")).ok()?;
    // The name stands in parentheses and may hold any character.
    let (head, rest) = stat.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let session = fields.nth(2)?.parse().ok()?;
    let started = fields.nth(15)?.parse().ok()?;
    Some(Seen { os_pid, name: name.to_owned(), state, session, started })
}

/// True for a process that has no memory any more: it runs nothing, and only waits to be reaped. The
/// first process of a pid namespace waits so until all others of it are reaped by whoever has
/// inherited them, which some machines' init does at its leisure.
#[must_use]
pub fn is_spent(os_pid: u32) -> bool {
    let pages = fs::read_to_string(format!("/proc/{os_pid}/statm"));
    pages.is_ok_and(|pages| pages.starts_with("0 "))
}

/// The children of a process with one thread, zombies among them.
#[must_use]
pub fn children(os_pid: u32) -> Vec<Seen> {
    let path = format!("/proc/{os_pid}/task/{os_pid}/children");
    let list = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let numbers = list.split_whitespace().filter_map(|number| number.parse().ok());
    numbers.filter_map(look).collect()
}

/// What the descriptors of a process refer to, as `readlink` shows it.
#[must_use]
pub fn descriptors(os_pid: u32) -> Vec<String> {
    let path = format!("/proc/{os_pid}/fd");
    let folder = fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let links = folder.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.map(|link| link.to_string_lossy().into_owned()).collect()
}

/// A line of `/proc/PID/status` that is a size, as `VmRSS` or `VmHWM`, in KiB.
#[must_use]
pub fn memory_kib(os_pid: u32, field: &str) -> u64 {
    let path = format!("/proc/{os_pid}/status");
    let status = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let size = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    size.unwrap_or_else(|| panic!("{path} has no {field}"))
}

/// A process that cannot be confused with a later one of the same OS pid.
#[derive(Debug)]
pub struct Hold {
    /// Its OS pid.
    pub os_pid: u32,
    pidfd: OwnedFd,
}

impl Hold {
    /// Takes hold of a process; `None` where it is gone already.
    #[must_use]
    pub fn on(os_pid: u32) -> Option<Self> {
        let pid = i32::try_from(os_pid).ok().and_then(Pid::from_raw)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        Some(Hold { os_pid, pidfd })
    }

    /// Sends it a signal; one that has ended gets none.
    pub fn signal(&self, signal: Signal) {
        match pidfd_send_signal(&self.pidfd, signal) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(error) => panic!("cannot signal {}: {error}", self.os_pid),
        }
    }

    /// A copy of one of its descriptors.
    ///
    /// # Errors
    /// As pidfd_getfd(2).
    pub fn descriptor(&self, number: i32) -> Result<OwnedFd, Errno> {
        pidfd_getfd(&self.pidfd, number, PidfdGetfdFlags::empty())
    }

    /// Waits for its end (reaped or not); false where the time is over first.
    #[must_use]
    pub fn ends_before(&self, end: Instant) -> bool {
        readable_before(&self.pidfd, end)
    }
}

/// Those that still run after that time, each as `/proc` shows it.
#[must_use]
pub fn left_after(time: Duration, holds: &[Hold]) -> Vec<Option<Seen>> {
    let end = Instant::now() + time;
    let left: Vec<_> = holds.iter().filter(|hold| !hold.ends_before(end)).collect();
    let left = left.into_iter().filter(|hold| !is_spent(hold.os_pid));
    left.map(|hold| look(hold.os_pid)).collect()
}

/// Waits until a pidfd tells of the end; false where the time is over first.
pub(crate) fn readable_before(pidfd: &OwnedFd, end: Instant) -> bool {
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).expect("deadlines are seconds, not ages");
        match poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return ready > 0,
            Err(Errno::INTR) => {}
            Err(error) => panic!("cannot wait for a pidfd: {error}"),
        }
    }
}
