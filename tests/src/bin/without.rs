//! `without SYSCALL[:FIRST-ARGUMENT] PROGRAM ARGS…`: runs a program on a kernel that seems to lack a
//! system call (ENOSYS), or one use of it. For tests of what happens where a layer cannot be had.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::{env, io};

fn main() {
    let mut arguments = env::args().skip(1);
    let (Some(absent), Some(program)) = (arguments.next(), arguments.next()) else {
        panic!("without SYSCALL PROGRAM ARGS…");
    };
    let (name, first) = absent.split_once(':').unwrap_or((&absent, ""));
    let first = (!first.is_empty()).then(|| first.parse().expect("a number"));
    forbid(number(name), first).expect("a filter can be put on");
    panic!("{}", Command::new(program).args(arguments).exec());
}

fn number(name: &str) -> u32 {
    let number = match name {
        "capset" => libc::SYS_capset,
        "clone3" => libc::SYS_clone3,
        "close_range" => libc::SYS_close_range,
        "landlock_create_ruleset" => libc::SYS_landlock_create_ruleset,
        "prctl" => libc::SYS_prctl,
        "prlimit64" => libc::SYS_prlimit64,
        "seccomp" => libc::SYS_seccomp,
        "setresuid" => libc::SYS_setresuid,
        "unshare" => libc::SYS_unshare,
        _ => panic!("{name} is not known here"),
    };
    u32::try_from(number).expect("numbers of system calls are small")
}

/// Load word; jump if equal; return: linux/bpf_common.h.
const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

fn forbid(number: u32, first: Option<u32>) -> io::Result<()> {
    let op = |code, jt, jf, k| libc::sock_filter { code, jt, jf, k };
    let enosys = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    let mut program =
        vec![op(LOAD, 0, 0, 0), op(EQUAL, 0, if first.is_some() { 3 } else { 1 }, number)];
    if let Some(first) = first {
        program.extend([op(LOAD, 0, 0, 16), op(EQUAL, 0, 1, first)]);
    }
    program.extend([op(RETURN, 0, 0, enosys), op(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW)]);
    let len = u16::try_from(program.len()).map_err(io::Error::other)?;
    let filter = libc::sock_fprog { len, filter: program.as_mut_ptr() };
    // SAFETY: the filter points to `len` instructions, which the kernel copies and checks. An
    // ordinary user needs no_new_privs for it.
    let result = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
