//! What every worker is made to be, with or without a sandbox: gone when the supervisor is gone,
//! nobody's debugger target, in no terminal's session.

use crate::door::{self, Descriptor};
use crate::fork::default_signals;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::{process, thread};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// The descriptor of a worker's socket.
pub(crate) const SOCKET: i32 = 3;

/// Once, in the program that becomes a zygote. `nice`: how far it and its copies stand back.
pub(crate) fn begin(nice: u8) -> io::Result<()> {
    name_process("wabe-zygote");
    // A session of its own: Ctrl-C at the terminal is for the supervisor to translate.
    process::setsid()?;
    default_signals()?;
    // `os.date` wants it, and later there are no files.
    crate::fork::read_time_zone();
    crate::fork::one_arena();
    // Where the machine runs out of memory the kernel is to take a worker, and neither the supervisor
    // nor anybody else. It is a wish: a kernel that has it not does no harm.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    stand_back(nice)
}

/// Where the kernel shares the CPU out between sessions first (sched(7), autogroup), the session has to
/// stand back, and everybody in it; where it does not, each process by itself.
fn stand_back(nice: u8) -> io::Result<()> {
    if nice == 0 {
        return Ok(());
    }
    process::setpriority_process(None, nice.into())?;
    // Not every kernel has it.
    let _ = std::fs::write("/proc/self/autogroup", nice.to_string());
    Ok(())
}

/// In the zygote and in each of its copies, after their last change of user: the kernel clears both
/// then, and the first also when it forks.
pub(crate) fn worker(socket: &impl AsFd) -> io::Result<()> {
    door::die_with_parent()?;
    door::not_dumpable()?;
    match hung_up(socket)? {
        false => Ok(()),
        true => Err(io::Error::other("the supervisor is gone")),
    }
}

/// Where the supervisor has died before this process asked to be told, its end of the socket is
/// closed. (The pid of the parent tells nothing: in a pid namespace of its own it is always 0.)
fn hung_up(socket: &impl AsFd) -> io::Result<bool> {
    let mut wanted = [PollFd::new(socket, PollFlags::empty())];
    poll(&mut wanted, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    Ok(wanted[0].revents().contains(PollFlags::HUP))
}

/// 0 was the zygote's control socket, 2 the supervisor's standard error; 1 is /dev/null.
pub(crate) fn null_streams() -> io::Result<()> {
    door::duplicate_at(1, 0, 0)?;
    door::duplicate_at(1, 2, 0)
}

/// Moves the socket to its place, 3.
pub(crate) fn at_its_place(socket: Descriptor) -> OwnedFd {
    let number = socket.as_fd().as_raw_fd();
    if number == SOCKET {
        return socket.into_owned();
    }
    match door::duplicate_at(number, SOCKET, libc::O_CLOEXEC) {
        Ok(()) => Descriptor::fresh(SOCKET).into_owned(),
        // The number is below every limit of descriptors.
        Err(_) => crate::fork::exit_now(1),
    }
}

/// Names the worker, after its entry once it has one, as `ps` and `top` show it (at most 15 bytes).
pub(crate) fn name_process(name: &str) {
    if let Ok(name) = CString::new(name) {
        // A name is for people: that it could not be set is no reason to fail.
        let _ = thread::set_name(&name);
    }
}

/// A random number for this process alone: copies of one zygote would else draw the same.
pub(crate) fn fresh_seed() -> io::Result<u32> {
    let mut seed = [0; 4];
    let filled = rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    match filled == seed.len() {
        true => Ok(u32::from_ne_bytes(seed)),
        false => Err(io::Error::other("getrandom gave too few bytes")),
    }
}
