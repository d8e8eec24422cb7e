//! System calls of the sandbox that no library offers as a safe function.

use super::bpf::Program;
use rustix::thread::UnshareFlags;
use std::io;

/// prctl(2), since Linux 6.3.
const PR_SET_MDWE: libc::c_int = 65;
const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;

/// Enters new namespaces (unshare(2)).
///
/// # Errors
/// As unshare(2).
pub(crate) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: only CLONE_FILES could make descriptors of this process invalid for other threads; it
    // is not among the flags of any caller, and there is one thread.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// From here on no memory becomes executable that is not so already. A kernel before 6.3 has no
/// such promise; the filter keeps it there.
pub(crate) fn refuse_exec_gain() {
    // SAFETY: takes two numbers and touches no memory of the process.
    unsafe {
        libc::prctl(
            PR_SET_MDWE,
            PR_MDWE_REFUSE_EXEC_GAIN,
            0 as libc::c_ulong,
            0 as libc::c_ulong,
            0,
        );
    }
}

/// Puts a filter on this thread (seccomp(2)).
///
/// # Errors
/// As seccomp(2).
pub(crate) fn seccomp(program: &Program) -> io::Result<()> {
    let filter: Vec<libc::sock_filter> = program
        .instructions()
        .iter()
        .map(|i| libc::sock_filter { code: i.code, jt: i.jt, jf: i.jf, k: i.k })
        .collect();
    let len = libc::c_ushort::try_from(filter.len()).map_err(io::Error::other)?;
    let prog = libc::sock_fprog { len, filter: filter.as_ptr().cast_mut() };
    // SAFETY: `prog` points to `len` instructions that live until the call is over; the kernel
    // copies and checks them.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const prog)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The error number that getppid(2) gives: none, on any kernel without a filter.
pub(crate) fn getppid_error() -> Option<i32> {
    // SAFETY: takes no argument and touches no memory of the process.
    match unsafe { libc::syscall(libc::SYS_getppid) } {
        -1 => io::Error::last_os_error().raw_os_error(),
        _ => None,
    }
}
