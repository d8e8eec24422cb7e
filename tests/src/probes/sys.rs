//! System calls as attacking code makes them: by number, with nothing between it and the kernel.

use libc::{c_int, c_long, c_uint, c_void};
use nix::errno::Errno;
use std::ffi::CStr;
use std::fmt;

/// What came of a probe: it did the forbidden thing, or not.
pub type Reached = Result<(), Failed>;

/// Why a probe did not reach what it tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The kernel refused (errno(3)).
    Errno(i32),
    /// The kernel refused nothing, yet it did not happen.
    Because(&'static str),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failed::Errno(number) => match Errno::from_raw(*number) {
                Errno::UnknownErrno => write!(f, "errno {number}"),
                known => write!(f, "{known:?}"),
            },
            Failed::Because(what) => f.write_str(what),
        }
    }
}

/// One argument of a system call.
pub(super) trait Arg {
    fn raw(self) -> usize;
}

impl Arg for &CStr {
    fn raw(self) -> usize {
        self.as_ptr() as usize
    }
}

impl<T> Arg for *const T {
    fn raw(self) -> usize {
        self as usize
    }
}

impl<T> Arg for *mut T {
    fn raw(self) -> usize {
        self as usize
    }
}

macro_rules! numbers_are_arguments {
    ($($number:ty),*) => {
        $(impl Arg for $number {
            fn raw(self) -> usize {
                self as usize
            }
        })*
    };
}

numbers_are_arguments!(i32, u32, i64, u64, isize, usize);

/// `sys!(SYS_openat, AT_FDCWD, c"/", O_RDONLY)`: the call's result, or why it failed.
macro_rules! sys {
    ($number:expr $(, $argument:expr)* $(,)?) => {
        $crate::probes::sys::call($number, &[$($crate::probes::sys::Arg::raw($argument)),*])
    };
}
pub(super) use sys;

/// One system call.
pub(super) fn call(number: c_long, arguments: &[usize]) -> Result<usize, Failed> {
    let mut all = [0; 6];
    all[..arguments.len()].copy_from_slice(arguments);
    let [a, b, c, d, e, f] = all;
    // SAFETY: every pointer among the arguments points to what the call at hand reads or writes, and
    // that lives until after it; each probe sees to it. What a probe changes of its own process
    // (mappings, descriptors, signals) nothing relies on after it: the process reports and exits.
    match unsafe { libc::syscall(number, a, b, c, d, e, f) } {
        -1 => Err(last_error()),
        result => Ok(result as usize),
    }
}

/// Why the last call of libc failed.
pub(super) fn last_error() -> Failed {
    Failed::Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// Fails with the text unless it is so.
pub(super) fn check(is_so: bool, otherwise: &'static str) -> Reached {
    if is_so { Ok(()) } else { Err(Failed::Because(otherwise)) }
}

/// For what nobody does for real (a reboot, a module): it is reached where the kernel objects to the
/// arguments, not to who asks.
pub(super) fn objects_to_arguments(result: Result<usize, Failed>, errno: c_int) -> Reached {
    match result {
        Err(Failed::Errno(number)) if number == errno => Ok(()),
        Err(failed) => Err(failed),
        Ok(_) => Ok(()),
    }
}

/// Opens a file.
pub(super) fn open(path: &CStr, flags: c_int) -> Result<c_int, Failed> {
    open_at(libc::AT_FDCWD, path, flags)
}

/// Opens a file under a directory.
pub(super) fn open_at(directory: c_int, path: &CStr, flags: c_int) -> Result<c_int, Failed> {
    sys!(libc::SYS_openat, directory, path, flags, 0o600).map(descriptor)
}

/// What a call returned as a descriptor.
pub(super) fn descriptor(result: usize) -> c_int {
    c_int::try_from(result).unwrap_or(-1)
}

/// Reads what one call gives.
pub(super) fn read(descriptor: c_int) -> Result<Vec<u8>, Failed> {
    let mut bytes = vec![0; 64 * 1024];
    let len = sys!(libc::SYS_read, descriptor, bytes.as_mut_ptr(), bytes.len())?;
    bytes.truncate(len);
    Ok(bytes)
}

/// Reads a file and looks for a text in it.
pub(super) fn reads(path: &CStr, text: &str) -> Reached {
    holds(open(path, libc::O_RDONLY)?, text)
}

/// Looks for a text in what a descriptor gives.
pub(super) fn holds(descriptor: c_int, text: &str) -> Reached {
    let bytes = read(descriptor)?;
    let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
    check(found, "the text is another")
}

/// Runs a function in a process of its own (fork(2)) and returns how that ended (wait(2)).
pub(super) fn in_child(flags: u64, run: impl FnOnce() -> c_int) -> Result<c_int, Failed> {
    match sys!(libc::SYS_clone, flags | libc::SIGCHLD as u64, 0, 0, 0, 0)? {
        0 => {
            let code = run();
            end(code)
        }
        pid => wait(pid),
    }
}

/// Ends this process at once.
pub fn end(code: c_int) -> ! {
    // SAFETY: _exit(2) has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Waits for a child; returns how it ended (wait(2)).
pub(super) fn wait(pid: usize) -> Result<c_int, Failed> {
    let mut status: c_int = 0;
    sys!(libc::SYS_wait4, pid, &raw mut status, libc::__WALL, 0)?;
    Ok(status)
}

/// Fails unless a child ended with this code.
pub(super) fn exited(status: c_int, code: c_int) -> Reached {
    let so = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == code;
    check(so, "the child ended otherwise")
}

/// Maps memory (mmap(2)).
pub(super) fn map(
    len: usize,
    protection: c_int,
    flags: c_int,
    descriptor: c_int,
) -> Result<*mut c_void, Failed> {
    let address = sys!(libc::SYS_mmap, 0, len, protection, flags, descriptor, 0)?;
    Ok(address as *mut c_void)
}

/// A file in memory that has no name anywhere.
pub(super) fn memfd(flags: c_uint) -> Result<c_int, Failed> {
    sys!(libc::SYS_memfd_create, c"probe", flags).map(descriptor)
}

/// Writes everything there.
pub(super) fn write(descriptor: c_int, bytes: &[u8]) -> Reached {
    let written = sys!(libc::SYS_write, descriptor, bytes.as_ptr(), bytes.len())?;
    check(written == bytes.len(), "not all was written")
}

/// A struct of libc's, to be filled by the kernel.
pub(super) fn zeroed<T: Copy>() -> T {
    // SAFETY: the structs asked for here have numbers and pointers for fields, and no other.
    unsafe { std::mem::zeroed() }
}

/// What stat(2) says of a path.
pub(super) fn stat_at(directory: c_int, path: &CStr) -> Result<libc::stat, Failed> {
    let mut stat: libc::stat = zeroed();
    sys!(libc::SYS_newfstatat, directory, path, &raw mut stat, libc::AT_EMPTY_PATH)?;
    Ok(stat)
}
