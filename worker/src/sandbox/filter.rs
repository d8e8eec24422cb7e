//! The system calls of a worker: this table, and nothing else.

use super::bpf::{Decision, Program};
use super::{Layered, holds, of, sys};
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

/// The system calls that are carried out, beside `tgkill` (see [`rules`]).
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
    (
        libc::SYS_mremap,
        "mremap",
        &[(3, Within(libc::MREMAP_MAYMOVE as u64))],
        "large buffers that grow",
    ),
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

/// The table for a worker with that pid in its namespace.
#[must_use]
pub fn rules(pid: i32) -> Vec<Rule> {
    let allowed = ALLOWED.iter().map(|(number, name, arguments, why)| Rule {
        number: number_of(*number),
        name,
        arguments: arguments.to_vec(),
        decision: Decision::Allow,
        why,
    });
    let abort = Rule {
        number: number_of(libc::SYS_tgkill),
        name: "tgkill",
        arguments: vec![(0, IsInt(pid)), (2, IsInt(libc::SIGABRT))],
        decision: Decision::Allow,
        why: "abort(3): itself only, SIGABRT only",
    };
    let canary = Rule {
        number: number_of(libc::SYS_getppid),
        name: "getppid",
        arguments: Vec::new(),
        decision: Decision::Errno(CANARY),
        why: "answered with an error that no kernel gives: so a worker sees that this filter is on",
    };
    allowed.chain([abort, canary]).collect()
}

fn number_of(number: libc::c_long) -> u32 {
    u32::try_from(number).expect("numbers of system calls are small")
}

/// The filter of this process.
#[must_use]
pub fn program() -> Program {
    Program::new(&rules(rustix::process::getpid().as_raw_nonzero().get()))
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
