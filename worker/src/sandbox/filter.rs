//! The system calls of a worker: [`ALLOWED`], and nothing else. Those of the zygote, and of its copies
//! until they are workers: [`THROUGH_THE_DOOR`] beside it.

use super::bpf::{Decision, Program};
use super::{Layered, holds, of, sys};
use crate::door;
use crate::hygiene::SOCKET;
use ipc::sandbox::Layer;

/// A system call that is answered.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// What its arguments must be, by their indices. Others may be anything.
    pub arguments: Vec<(u32, Argument)>,
    /// What is done if they are.
    pub decision: Decision,
    /// Why a worker needs it.
    pub why: &'static str,
}

/// What an argument must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// This value, in all 64 bits.
    Is(u64),
    /// No bit but these.
    Within(u64),
    /// This C int.
    IsInt(i32),
    /// A C int with no bit but these.
    IntWithin(i32),
}

use Argument::{IntWithin, Is, IsInt, Within};

/// One line of [`ALLOWED`].
type Line = (libc::c_long, &'static str, &'static [(u32, Argument)], &'static str);

/// What the canary is answered: an error number that no kernel gives.
const CANARY: u16 = 4000;

/// The system calls that are carried out, wherever they come from.
pub const ALLOWED: &[Line] = &[
    (
        libc::SYS_recvfrom,
        "recvfrom",
        &[(0, IsInt(SOCKET)), (3, IntWithin(libc::MSG_DONTWAIT | libc::MSG_PEEK)), (4, Is(0))],
        "frames in, from its own socket",
    ),
    (
        libc::SYS_sendto,
        "sendto",
        &[(0, IsInt(SOCKET)), (3, IntWithin(libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)), (4, Is(0))],
        "frames out, to its own socket; never out of band, never to an address",
    ),
    (libc::SYS_ppoll, "ppoll", &[], "waiting for frames, for room, for the next timer"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_poll, "poll", &[], "the same"),
    (libc::SYS_brk, "brk", &[], "memory"),
    (
        libc::SYS_mmap,
        "mmap",
        &[
            (2, Within((libc::PROT_READ | libc::PROT_WRITE) as u64)),
            (3, Is((libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64)),
            (4, IsInt(-1)),
        ],
        "memory: private, of no file, never executable",
    ),
    (libc::SYS_munmap, "munmap", &[], "memory given back"),
    (libc::SYS_madvise, "madvise", &[(2, IsInt(libc::MADV_DONTNEED))], "memory given back"),
    (
        libc::SYS_futex,
        "futex",
        &[(1, IntWithin(libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG))],
        "locks of libc and of Rust, private to the process: wait and wake only",
    ),
    (libc::SYS_getrandom, "getrandom", &[], "seeds of hash tables"),
    (
        libc::SYS_clock_gettime,
        "clock_gettime",
        // The others are clocks of processes: how much time a neighbour has used is its own affair.
        &[(0, IntWithin(15))],
        "clocks, where the kernel has no quick way",
    ),
    (libc::SYS_rt_sigreturn, "rt_sigreturn", &[], "end of the handler that watches the turn"),
    (
        libc::SYS_restart_syscall,
        "restart_syscall",
        &[],
        "a wait that SIGSTOP and SIGCONT interrupted",
    ),
    (
        libc::SYS_rt_sigprocmask,
        "rt_sigprocmask",
        // Nobody blocks the signals that limits send.
        &[(0, IsInt(libc::SIG_UNBLOCK))],
        "abort(3)",
    ),
    (libc::SYS_getpid, "getpid", &[], "abort(3)"),
    (libc::SYS_gettid, "gettid", &[], "abort(3)"),
    (
        libc::SYS_prctl,
        "prctl",
        &[(0, IsInt(libc::PR_SET_NAME))],
        "its name in ps, after the entry that it becomes",
    ),
    (libc::SYS_exit_group, "exit_group", &[], "its end"),
];

/// The system calls that are carried out where they come from the [door], which no process has: what
/// the zygote does for the supervisor, and its copies to themselves.
pub const THROUGH_THE_DOOR: &[Line] = &[
    (libc::SYS_recvmsg, "recvmsg", &[], "zygote: requests, and the sockets of workers"),
    (libc::SYS_sendmsg, "sendmsg", &[], "zygote: answers, and the pidfds of workers"),
    (libc::SYS_clone3, "clone3", &[], "zygote: forks"),
    (libc::SYS_clone, "clone", &[], "zygote: forks, where containers have no clone3"),
    (libc::SYS_close, "close", &[], "zygote: what it has passed on"),
    (libc::SYS_setgroups, "setgroups", &[], "copy: no other groups"),
    (libc::SYS_setresgid, "setresgid", &[], "copy: a group of its own"),
    (libc::SYS_setresuid, "setresuid", &[], "copy: a user of its own"),
    (libc::SYS_capset, "capset", &[], "copy: no capability"),
    (
        libc::SYS_prctl,
        "prctl",
        &[],
        "copy: parent-death signal, not dumpable; a look at no_new_privs",
    ),
    (
        libc::SYS_landlock_restrict_self,
        "landlock_restrict_self",
        &[],
        "copy: a Landlock domain of its own",
    ),
    (libc::SYS_openat, "openat", &[], "copy: a look at that domain, which must refuse it"),
    (libc::SYS_dup3, "dup3", &[], "copy: its socket at its place, /dev/null as 0 and 2"),
    (libc::SYS_close_range, "close_range", &[], "copy: no other descriptor"),
    (libc::SYS_fcntl, "fcntl", &[], "copy: a look at that"),
    (libc::SYS_prlimit64, "prlimit64", &[], "copy: resource limits, and a look at them"),
    (libc::SYS_getresuid, "getresuid", &[], "copy: a look at its user"),
    (libc::SYS_getresgid, "getresgid", &[], "copy: a look at its group"),
    (libc::SYS_getgroups, "getgroups", &[], "copy: a look at its groups"),
    (libc::SYS_capget, "capget", &[], "copy: a look at its capabilities"),
    (libc::SYS_setitimer, "setitimer", &[], "copy: the timer that watches the turn"),
];

fn allow((number, name, arguments, why): &Line) -> Rule {
    let decision = Decision::Allow;
    Rule { number: number_of(*number), name, arguments: arguments.to_vec(), decision, why }
}

/// The table for calls from anywhere.
#[must_use]
pub fn rules() -> Vec<Rule> {
    let refused = |number, name, why| Rule {
        number: number_of(number),
        name,
        arguments: vec![],
        decision: Decision::Errno(libc::EPERM as u16),
        why,
    };
    let moves = Rule {
        decision: Decision::Errno(libc::ENOSYS as u16),
        ..refused(
            libc::SYS_mremap,
            "mremap",
            "refused, and realloc(3) copies: code that is moved to where the door was would open it",
        )
    };
    let aborts =
        "refused: abort(3) then ends in an instruction that the processor refuses (SIGSEGV)";
    let abort = Rule {
        arguments: vec![(2, IsInt(libc::SIGABRT))],
        ..refused(libc::SYS_tgkill, "tgkill", aborts)
    };
    let default = Rule {
        arguments: vec![(0, IsInt(libc::SIGABRT))],
        ..refused(libc::SYS_rt_sigaction, "rt_sigaction", aborts)
    };
    let canary = Rule {
        decision: Decision::Errno(CANARY),
        ..refused(
            libc::SYS_getppid,
            "getppid",
            "answered with an error that no kernel gives: so a worker sees that this filter is on",
        )
    };
    ALLOWED.iter().map(allow).chain([moves, abort, default, canary]).collect()
}

/// The table for calls through the door.
#[must_use]
pub fn rules_of_the_door() -> Vec<Rule> {
    THROUGH_THE_DOOR.iter().map(allow).collect()
}

fn number_of(number: libc::c_long) -> u32 {
    u32::try_from(number).expect("numbers of system calls are small")
}

/// The filter of this program.
#[must_use]
pub fn program() -> Program {
    Program::new(&rules(), door::address(), &rules_of_the_door())
}

/// True where the filter is on.
#[must_use]
pub fn canary() -> bool {
    sys::getppid_error() == Some(CANARY.into())
}

/// Puts the filter on, and asks the canary.
pub(super) fn install() -> Layered<()> {
    of(Layer::Seccomp, "seccomp", sys::seccomp(&program()))?;
    holds(Layer::Seccomp, "the filter does not answer", canary())
}
