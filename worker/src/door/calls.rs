//! The system calls that go through the door, as safe functions. Their list, with the reason of each,
//! is in `sandbox/filter.rs`.

use super::{Descriptor, call};
use libc::{c_int, c_long, c_ulong};
use std::ffi::CStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;

/// `_LINUX_CAPABILITY_VERSION_3` of linux/capability.h.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// Makes a call whose arguments are numbers, or pointers to values of the caller's.
macro_rules! through {
    ($number:ident $(, $argument:expr)*) => {{
        let given = [$($argument as usize),*];
        let mut arguments = [0; 6];
        arguments[..given.len()].copy_from_slice(&given);
        // SAFETY: numbers, and pointers to values that outlive the call, as long as the call says
        // that they are; it touches nothing else.
        unsafe { call(libc::$number as c_long, arguments) }
    }};
}

/// clone3(2), without CLONE_VM: in the child it returns 0.
///
/// # Safety
/// One thread, and valid pointers in the arguments.
pub(crate) unsafe fn clone3(arguments: &mut libc::clone_args) -> io::Result<usize> {
    through!(SYS_clone3, ptr::from_mut(arguments), size_of::<libc::clone_args>())
}

/// The same by clone(2). With CLONE_PIDFD the pidfd is stored where CLONE_PARENT_SETTID would store
/// the pid.
///
/// # Safety
/// As for [`clone3`].
pub(crate) unsafe fn clone(flags: u64, pidfd: &mut RawFd, tid: u64) -> io::Result<usize> {
    let (stack, tls) = (0, 0);
    #[cfg(target_arch = "x86_64")]
    return through!(SYS_clone, flags, stack, ptr::from_mut(pidfd), tid, tls);
    #[cfg(not(target_arch = "x86_64"))]
    return through!(SYS_clone, flags, stack, ptr::from_mut(pidfd), tls, tid);
}

/// setgroups(2) to none, setresgid(2), setresuid(2).
pub(crate) fn set_groups_none() -> io::Result<()> {
    through!(SYS_setgroups, 0, ptr::null::<u32>()).map(drop)
}

pub(crate) fn set_gid(id: u32) -> io::Result<()> {
    through!(SYS_setresgid, id, id, id).map(drop)
}

pub(crate) fn set_uid(id: u32) -> io::Result<()> {
    through!(SYS_setresuid, id, id, id).map(drop)
}

/// Real, effective and saved user ids.
pub(crate) fn uids() -> io::Result<[u32; 3]> {
    let mut ids = [u32::MAX; 3];
    let [real, effective, saved] = ids.each_mut().map(ptr::from_mut);
    through!(SYS_getresuid, real, effective, saved)?;
    Ok(ids)
}

/// Real, effective and saved group ids.
pub(crate) fn gids() -> io::Result<[u32; 3]> {
    let mut ids = [u32::MAX; 3];
    let [real, effective, saved] = ids.each_mut().map(ptr::from_mut);
    through!(SYS_getresgid, real, effective, saved)?;
    Ok(ids)
}

/// How many other groups (getgroups(2)).
pub(crate) fn group_count() -> io::Result<usize> {
    through!(SYS_getgroups, 0, ptr::null::<u32>())
}

/// Effective, permitted and inheritable sets, in two words each (capset(2)): none.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    let (header, none) = ([CAPABILITY_VERSION, 0], [0u32; 6]);
    through!(SYS_capset, header.as_ptr(), none.as_ptr()).map(drop)
}

/// True where all three sets are empty (capget(2)).
pub(crate) fn has_no_capabilities() -> io::Result<bool> {
    let (mut header, mut sets) = ([CAPABILITY_VERSION, 0], [u32::MAX; 6]);
    through!(SYS_capget, header.as_mut_ptr(), sets.as_mut_ptr())?;
    Ok(sets == [0; 6])
}

/// Where libc keeps the thread's id: the kernel writes a child's there, or `abort` and `raise` would
/// signal the zygote. 0 on a kernel without CONFIG_CHECKPOINT_RESTORE.
pub(crate) fn tid_address() -> u64 {
    let mut address: u64 = 0;
    match prctl(libc::PR_GET_TID_ADDRESS, ptr::from_mut(&mut address) as c_ulong) {
        Ok(_) => address,
        Err(_) => 0,
    }
}

/// prctl(2) with one argument.
fn prctl(option: c_int, argument: c_ulong) -> io::Result<usize> {
    through!(SYS_prctl, option, argument, 0, 0, 0)
}

/// The process is killed when its parent ends.
pub(crate) fn die_with_parent() -> io::Result<()> {
    prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as c_ulong).map(drop)
}

/// No core files, and no ptrace by others of the same user.
pub(crate) fn not_dumpable() -> io::Result<()> {
    prctl(libc::PR_SET_DUMPABLE, 0).map(drop)
}

/// True where no_new_privs is set.
pub(crate) fn gains_no_privileges() -> io::Result<bool> {
    prctl(libc::PR_GET_NO_NEW_PRIVS, 0).map(|is_set| is_set == 1)
}

/// Nests this thread into one more Landlock domain with that ruleset (landlock_restrict_self(2)).
pub(crate) fn landlock_restrict_self(ruleset: BorrowedFd<'_>) -> io::Result<()> {
    through!(SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0).map(drop)
}

/// Opens a folder for reading.
pub(crate) fn open_folder(path: &CStr) -> io::Result<Descriptor> {
    let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
    let opened = through!(SYS_openat, libc::AT_FDCWD, path.as_ptr(), flags, 0)?;
    Ok(Descriptor::fresh(opened as RawFd))
}

/// Puts the file of one descriptor at another number as well (dup3(2)).
pub(crate) fn duplicate_at(file: RawFd, number: RawFd, flags: c_int) -> io::Result<()> {
    through!(SYS_dup3, file, number, flags).map(drop)
}

/// Closes every descriptor from `first` on (close_range(2)). No owner of one of them may be used or
/// dropped afterwards.
pub(crate) fn close_from(first: RawFd) -> io::Result<()> {
    through!(SYS_close_range, first, c_int::MAX, 0).map(drop)
}

/// Closes a descriptor that its owner gives up.
pub(super) fn close(number: RawFd) {
    // The number is free afterwards, whatever close(2) returns.
    let _ = through!(SYS_close, number);
}

/// True where that number is an open descriptor.
pub(crate) fn is_open(number: RawFd) -> bool {
    through!(SYS_fcntl, number, libc::F_GETFD).is_ok()
}

/// Sets a resource limit of this process, where one is given, and returns the one before
/// (prlimit(2)).
pub(crate) fn resource_limit(
    resource: c_int,
    new: Option<libc::rlimit>,
) -> io::Result<libc::rlimit> {
    let new = new.as_ref().map_or(ptr::null(), ptr::from_ref);
    let mut old = MaybeUninit::<libc::rlimit>::uninit();
    through!(SYS_prlimit64, 0, resource, new, old.as_mut_ptr())?;
    // SAFETY: the call has succeeded, so it has filled it in.
    Ok(unsafe { old.assume_init() })
}

/// Sends SIGPROF each time that the process has used so much CPU time (setitimer(2)).
pub(crate) fn tick_every(period: libc::timeval) -> io::Result<()> {
    let timer = libc::itimerval { it_interval: period, it_value: period };
    through!(SYS_setitimer, libc::ITIMER_PROF, &raw const timer, ptr::null::<u8>()).map(drop)
}
