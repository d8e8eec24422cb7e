//! New processes: siblings, which are the supervisor's children and not the zygote's; and what a
//! fresh copy does to itself that no library offers as a safe function.

use crate::door::{self, Descriptor};
use libc::c_int;
use rustix::process::Pid;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::ptr;

/// linux/sched.h. (The constant of the crate libc is too narrow for it.)
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// SIGSYS, the last that is no real-time signal.
const LAST_SIGNAL: c_int = 31;

/// Who returns from [`fork_sibling`].
#[derive(Debug)]
pub(crate) enum Forked {
    /// The new process.
    Child,
    /// The zygote.
    Zygote {
        /// Pidfd of the new process (CLOEXEC by nature).
        pidfd: Descriptor,
    },
}

/// Forks with `clone3(CLONE_PARENT | CLONE_PIDFD)`, or clone(2) where that is missing: the new
/// process is a sibling, so the supervisor is its parent and can wait for it. With a directory of a
/// control group it is born there.
///
/// # Errors
/// As clone3(2).
pub(crate) fn fork_sibling(cgroup: Option<&Descriptor>) -> io::Result<Forked> {
    let mut pidfd: RawFd = -1;
    let tid = door::tid_address();
    let tid_flags =
        if tid == 0 { 0 } else { libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID };
    let into = if cgroup.is_some() { CLONE_INTO_CGROUP } else { 0 };
    let mut args = libc::clone_args {
        flags: (libc::CLONE_PARENT | libc::CLONE_PIDFD | tid_flags) as u64 | into,
        pidfd: ptr::from_mut(&mut pidfd) as u64,
        child_tid: tid,
        parent_tid: 0,
        // clone3(2): must be 0 with CLONE_PARENT, the zygote's own (SIGCHLD) is taken.
        exit_signal: 0,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: cgroup.map_or(0, |directory| directory.as_fd().as_raw_fd() as u64),
    };
    // SAFETY: without CLONE_VM the child has a copy of all memory and goes on from here as from
    // fork(2). The caller has one thread (`only_thread` was asked before the first fork), so no lock
    // is held by a thread that the child lacks; atfork handlers are not run, and nothing here
    // registers any.
    let forked = unsafe { door::clone3(&mut args) };
    let absent = |error: &io::Error| error.raw_os_error() == Some(libc::ENOSYS);
    let forked = match forked {
        // Containers often answer so, for their filters cannot look into clone3's arguments.
        // (It takes no control group.)
        // SAFETY: as for clone3.
        Err(error) if cgroup.is_none() && absent(&error) => unsafe {
            door::clone(args.flags, &mut pidfd, tid)
        },
        forked => forked,
    };
    match forked? {
        0 => Ok(Forked::Child),
        // The kernel has just stored a descriptor that nobody else owns.
        _ => Ok(Forked::Zygote { pidfd: Descriptor::fresh(pidfd) }),
    }
}

/// Forks an ordinary child; `None` in it.
///
/// # Errors
/// As fork(2).
pub(crate) fn fork_child() -> io::Result<Option<Pid>> {
    // SAFETY: as above: there is one thread.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        pid => Ok(Pid::from_raw(pid)),
    }
}

/// True where the process has one thread: a copy of one would hold locks of the others for ever.
pub(crate) fn only_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// Ends the process at once: no destructor and no atexit handler of the zygote's runs in a copy.
pub(crate) fn exit_now(code: c_int) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Waits for ever, or for a signal.
pub(crate) fn pause() {
    // SAFETY: pause(2) has no preconditions.
    unsafe {
        libc::pause();
    }
}

unsafe extern "C" {
    fn tzset();
}

/// Has libc read the system's time zone (tzset(3)).
pub(crate) fn read_time_zone() {
    // SAFETY: there is one thread, so nobody changes the environment meanwhile.
    unsafe { tzset() }
}

/// Keeps malloc(3) from trying a second arena where the first has no more memory: it would need
/// system calls that the filter does not leave, and one thread needs no second one.
#[cfg(target_env = "gnu")]
pub(crate) fn one_arena() {
    // SAFETY: sets a number of the allocator's; there is one thread.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Has malloc(3) put together what is free, as it would else do in every copy.
#[cfg(target_env = "gnu")]
pub(crate) fn join_free_blocks() {
    // SAFETY: gives back what is free at the end, and touches nothing in use; there is one thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other libcs have no such thing.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn join_free_blocks() {}

/// Other libcs have no arenas.
#[cfg(not(target_env = "gnu"))]
pub(crate) fn one_arena() {}

/// Gives all signals their default action, and blocks none. Whoever started the supervisor may have
/// had some ignored or blocked, which a program inherits; and Rust's runtime handles SIGSEGV and
/// SIGBUS to report a stack overflow, and so swallows the first one that somebody sent.
///
/// # Errors
/// As sigprocmask(2).
pub(crate) fn default_signals() -> io::Result<()> {
    for signal in 1..=LAST_SIGNAL {
        // SAFETY: the default action runs no code of this process. (SIGKILL and SIGSTOP refuse.)
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigemptyset(3) fills the set in before it is read.
    let unblocked = unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut())
    };
    if unblocked == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
