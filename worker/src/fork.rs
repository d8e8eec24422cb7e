//! A new process that is the supervisor's child, not the zygote's.

use libc::{c_int, c_long, pid_t};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// Who returns from [`fork_sibling`].
#[derive(Debug)]
pub(crate) enum Forked {
    /// The new process.
    Child,
    /// The zygote.
    Zygote {
        /// OS pid of the new process.
        os_pid: u32,
        /// Its pidfd (CLOEXEC by nature).
        pidfd: OwnedFd,
    },
}

/// Forks with `clone3(CLONE_PARENT | CLONE_PIDFD)`: the new process is a sibling, so the supervisor
/// is its parent and can wait for it.
///
/// # Errors
/// As clone3(2).
pub(crate) fn fork_sibling() -> io::Result<Forked> {
    let mut pidfd: RawFd = -1;
    let tid = tid_address();
    let tid_flags =
        if tid == 0 { 0 } else { libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID };
    let mut args = libc::clone_args {
        flags: (libc::CLONE_PARENT | libc::CLONE_PIDFD | tid_flags) as u64,
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
        cgroup: 0,
    };
    // SAFETY: without CLONE_VM the child has a copy of all memory and goes on from here as from
    // fork(2). The caller has one thread (`only_thread` was asked before the first fork), so no lock
    // is held by a thread that the child lacks; atfork handlers are not run, and nothing here
    // registers any.
    let result: c_long =
        unsafe { libc::syscall(libc::SYS_clone3, ptr::from_mut(&mut args), size_of_val(&args)) };
    match result {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Forked::Child),
        os_pid => {
            // SAFETY: the kernel has just stored a descriptor that nobody else owns.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            Ok(Forked::Zygote { os_pid: os_pid as pid_t as u32, pidfd })
        }
    }
}

/// Where libc keeps the thread's id: the kernel writes the child's there, or `abort` and `raise`
/// would signal the zygote. 0 on a kernel without CONFIG_CHECKPOINT_RESTORE.
fn tid_address() -> u64 {
    let mut address: u64 = 0;
    // SAFETY: PR_GET_TID_ADDRESS (prctl(2)) stores one pointer where the argument points.
    let result = unsafe { libc::prctl(libc::PR_GET_TID_ADDRESS, ptr::from_mut(&mut address)) };
    if result == 0 { address } else { 0 }
}

/// True where the process has one thread: a copy of one would hold locks of the others for ever.
pub(crate) fn only_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

/// Closes every descriptor from `first` on.
///
/// # Errors
/// As close_range(2).
pub(crate) fn close_from(first: c_int) -> io::Result<()> {
    // SAFETY: the caller has given up every descriptor from `first` on; no OwnedFd in this process
    // refers to one (the zygote's are leaked in the child, never dropped).
    match unsafe { libc::syscall(libc::SYS_close_range, first, c_int::MAX, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends the process at once: no destructor and no atexit handler of the zygote's runs in a copy.
pub(crate) fn exit_now(code: c_int) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Gives SIGSEGV and SIGBUS back to the kernel. Rust's runtime handles both to report a stack
/// overflow, and so swallows the first one that somebody sent.
///
/// # Errors
/// As signal(2).
pub(crate) fn default_fault_signals() -> io::Result<()> {
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: the default action runs no code of this process.
        if unsafe { libc::signal(signal, libc::SIG_DFL) } == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// A descriptor number as something owned, so that dup3(2) can put another file there.
pub(crate) fn descriptor_at(number: RawFd) -> OwnedFd {
    // SAFETY: whatever the number referred to in the zygote is given up in this copy; dup3
    // replaces it at once.
    unsafe { OwnedFd::from_raw_fd(number) }
}
