//! The door: one page of code with one instruction in it, from which the zygote and its fresh copies
//! make the system calls that no process may make.
//!
//! All workers of a host share one filter, which the zygote puts on before it forks: a filter of its
//! own for each worker is the dearest layer of all, and thousands that are freed at once have
//! locked up a kernel (Linux 6.18: each is freed by a work item that waits for another one). But a
//! filter that is inherited has to let the zygote fork, and its copies give up what they hold. It
//! does so for calls that come from this page, which it knows by its address; and the last thing
//! that a copy does before it becomes a process is to unmap the page ([`shut`]).
//!
//! Nothing can ever be executed at that address again: the filter leaves no call that maps a file,
//! makes memory executable or moves a mapping (so there is no mremap(2) for anybody). So what
//! takes a worker over finds no door, and no secret that would open one.

mod calls;
mod packets;

pub(crate) use calls::*;
pub(crate) use packets::{Descriptor, receive, send};

use std::arch::{asm, global_asm};
use std::io;

// A whole page, also where pages are of 64 KiB: whatever else lay in it would go with it. Its section is
// not one of `.text`, which is moved to large pages (`mapping.rs`): it would break one up.
#[cfg(target_arch = "x86_64")]
global_asm!(
    ".pushsection .wabe_door, \"ax\", @progbits",
    ".balign 4096, 0xcc",
    ".globl wabe_door",
    ".hidden wabe_door",
    "wabe_door:",
    "syscall",
    "ret",
    ".balign 4096, 0xcc",
    ".popsection",
);
#[cfg(target_arch = "aarch64")]
global_asm!(
    ".pushsection .wabe_door, \"ax\", @progbits",
    ".balign 65536",
    ".globl wabe_door",
    ".hidden wabe_door",
    "wabe_door:",
    "svc #0",
    "ret",
    ".balign 65536",
    ".popsection",
);

unsafe extern "C" {
    fn wabe_door();
}

/// Bytes of the instruction that enters the kernel.
#[cfg(target_arch = "x86_64")]
const INSTRUCTION: u64 = 2;
#[cfg(target_arch = "aarch64")]
const INSTRUCTION: u64 = 4;

/// Largest error number that a system call returns (negated).
const ERRNO_MAX: isize = 4095;

/// Where a call through the door says that it comes from (`instruction_pointer` of seccomp(2)).
pub(crate) fn address() -> u64 {
    wabe_door as *const () as u64 + INSTRUCTION
}

/// Makes a system call through the door. After [`shut`] it ends the process (SIGSEGV).
///
/// # Errors
/// As the call.
///
/// # Safety
/// As the call: what its arguments point to must be valid for what it does with that.
pub(crate) unsafe fn call(number: libc::c_long, arguments: [usize; 6]) -> io::Result<usize> {
    let [a, b, c, d, e, f] = arguments;
    let result: isize;
    // SAFETY: the code is that above: it enters the kernel, which keeps all registers but these, and
    // returns. The rest the caller promises.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "call {door}",
            door = sym wabe_door,
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "bl {door}",
            door = sym wabe_door,
            in("x8") number as usize,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f,
            lateout("x30") _,
        );
    }
    match result {
        // An errno is small.
        failed if (-ERRNO_MAX..0).contains(&failed) => {
            Err(io::Error::from_raw_os_error(-failed as i32))
        }
        done => Ok(done.cast_unsigned()),
    }
}

/// Unmaps the door, for good.
///
/// # Errors
/// As munmap(2).
pub(crate) fn shut() -> io::Result<()> {
    let page = rustix::param::page_size();
    // SAFETY: nothing but the door is in its page, and whoever calls this calls nothing through it
    // afterwards.
    match unsafe { libc::munmap(wabe_door as *mut libc::c_void, page) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_door_has_its_page_to_itself() {
        let page = rustix::param::page_size() as u64;
        assert_eq!((address() - INSTRUCTION) % page, 0);
        // SAFETY: the page is code of this program, which can be read.
        let bytes = unsafe { std::slice::from_raw_parts(wabe_door as *const u8, 4) };
        if cfg!(target_arch = "x86_64") {
            assert_eq!(bytes, [0x0f, 0x05, 0xc3, 0xcc]);
        }
    }

    #[test]
    fn calls_come_back_with_results_and_errors() {
        // SAFETY: getpid(2) takes nothing; close(2) of a number that is no descriptor does nothing.
        let (pid, closed) = unsafe {
            (call(libc::SYS_getpid, [0; 6]), call(libc::SYS_close, [usize::MAX, 0, 0, 0, 0, 0]))
        };
        assert_eq!(pid.expect("a pid") as u32, std::process::id());
        assert_eq!(closed.expect_err("no descriptor").raw_os_error(), Some(libc::EBADF));
    }
}
