//! What every worker is made to be, with or without a sandbox: gone when the supervisor is gone,
//! nobody's debugger target, in no terminal's session.

use crate::fork::{default_signals, descriptor_at};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{DumpableBehavior, Signal};
use rustix::{process, stdio, thread};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// The descriptor of a worker's socket.
pub(crate) const SOCKET: i32 = 3;

/// Once, in the program that becomes a zygote.
pub(crate) fn begin() -> io::Result<()> {
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
    Ok(())
}

/// In the zygote and in each of its copies, after their last change of user: the kernel clears both
/// then, and the first also when it forks.
pub(crate) fn worker(socket: &impl AsFd) -> io::Result<()> {
    process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // No core files, and no ptrace by others of the same user (prctl(2)).
    process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
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
    stdio::dup2_stdin(stdio::stdout())?;
    Ok(stdio::dup2_stderr(stdio::stdout())?)
}

/// Moves the socket to its place, 3.
pub(crate) fn at_its_place(socket: OwnedFd) -> OwnedFd {
    if socket.as_raw_fd() == SOCKET {
        return socket;
    }
    let mut place = descriptor_at(SOCKET);
    match rustix::io::dup3(&socket, &mut place, rustix::io::DupFlags::CLOEXEC) {
        Ok(()) => place,
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
