//! Other processes: the supervisor, and a sibling of the same host (the victim).

use super::env::{Env, KEPT, number_of};
use super::stoppers::{DESCRIPTOR, FILTER, NETWORK, PRIVILEGE, PRIVILEGED_FILE, SIGNAL, TRACE};
use super::sys::{Failed, Reached, check, descriptor, sys, wait, zeroed};
use super::{Probe, native};
use ipc::sandbox::Layer::{Capabilities, Landlock, Namespaces, Rlimits, Seccomp, Uid};
use libc::{SIGURG, c_int};

pub(super) const PROBES: &[Probe] = &[
    // The kernel says yes also where it has reached nobody.
    native("kill-all", |_| sys!(libc::SYS_kill, -1, 0).map(|_| ())).stopped_by(FILTER),
    native("continue-sibling", |env| {
        // Allowed to anybody in the same session, whoever the other one is (kill(2)).
        env.victim_feels(|| sys!(libc::SYS_kill, env.victim, libc::SIGCONT))
    })
    .stopped_by(&[Landlock, Seccomp]),
    native("kill-group", |env| env.victim_feels(|| sys!(libc::SYS_kill, 0, SIGURG)))
        .stopped_by(SIGNAL),
    native("kill-sibling", |env| env.victim_feels(|| sys!(libc::SYS_kill, env.victim, SIGURG)))
        .stopped_by(SIGNAL),
    native("kill-supervisor", |env| sys!(libc::SYS_kill, env.supervisor, SIGURG).map(|_| ()))
        .stopped_by(&[Namespaces, Uid, Landlock, Seccomp]),
    native("kill-first-process", |_| sys!(libc::SYS_kill, 1, 0).map(|_| ())).stopped_by(SIGNAL),
    native("tgkill-sibling", |env| {
        env.victim_feels(|| sys!(libc::SYS_tgkill, env.victim, env.victim, SIGURG))
    })
    .stopped_by(SIGNAL),
    native("tkill-sibling", |env| env.victim_feels(|| sys!(libc::SYS_tkill, env.victim, SIGURG)))
        .stopped_by(SIGNAL),
    native("sigqueue-sibling", |env| {
        // struct siginfo: number, errno, code SI_QUEUE.
        let info: [c_int; 32] = std::array::from_fn(|i| [SIGURG, 0, -1].get(i).map_or(0, |n| *n));
        env.victim_feels(|| sys!(libc::SYS_rt_sigqueueinfo, env.victim, SIGURG, info.as_ptr()))
    })
    .stopped_by(SIGNAL),
    native("pidfd-of-sibling", |env| hold(env.victim).map(|_| ())).stopped_by(DESCRIPTOR),
    native("pidfd-of-supervisor", |env| hold(env.supervisor).map(|_| ())).stopped_by(NETWORK),
    native("pidfd-signal-sibling", |env| {
        let pidfd = hold(env.victim)?;
        env.victim_feels(|| sys!(libc::SYS_pidfd_send_signal, pidfd, SIGURG, 0, 0))
    })
    .stopped_by(&[Uid, Landlock, Rlimits, Seccomp]),
    native("pidfd-getfd-sibling", |env| socket_of(hold(env.victim)?)).stopped_by(PRIVILEGED_FILE),
    native("signal-by-owner-of-file", |env| {
        let mut pair = [0; 2];
        let (kind, flags) = (libc::SOCK_STREAM, libc::O_ASYNC);
        sys!(libc::SYS_socketpair, libc::AF_UNIX, kind, 0, pair.as_mut_ptr())?;
        sys!(libc::SYS_fcntl, pair[0], libc::F_SETOWN, env.victim)?;
        sys!(libc::SYS_fcntl, pair[0], 10 /* F_SETSIG */, SIGURG)?;
        sys!(libc::SYS_fcntl, pair[0], libc::F_SETFL, flags)?;
        env.victim_feels(|| sys!(libc::SYS_sendto, pair[1], c"x", 1, 0, 0, 0))
    })
    .stopped_by(&[Uid, Landlock, Rlimits, Seccomp]),
    native("ptrace-sibling", |env| {
        sys!(libc::SYS_ptrace, libc::PTRACE_SEIZE, env.victim, 0, 0)?;
        sys!(libc::SYS_ptrace, libc::PTRACE_INTERRUPT, env.victim, 0, 0)?;
        wait(env.victim as usize)?;
        let mut word = 0_u64;
        let (peek, place) = (libc::PTRACE_PEEKDATA, &raw mut word);
        sys!(libc::SYS_ptrace, peek, env.victim, KEPT.as_ptr(), place)?;
        sys!(libc::SYS_ptrace, libc::PTRACE_DETACH, env.victim, 0, 0)?;
        check(word == number_of(env.secret()), "other bytes")
    })
    .stopped_by(TRACE),
    native("ptrace-supervisor", |env| {
        // Undone by the end of this process; until then the supervisor goes on.
        sys!(libc::SYS_ptrace, libc::PTRACE_SEIZE, env.supervisor, 0, 0).map(|_| ())
    })
    .stopped_by(TRACE),
    native("read-memory-of-sibling", |env| {
        check(memory_of_victim(env)? == number_of(env.secret()), "other bytes")
    })
    .stopped_by(TRACE),
    native("write-memory-of-sibling", |env| {
        let word = number_of(env.secret()) ^ 1;
        transfer(libc::SYS_process_vm_writev, env.victim, word)?;
        let read = memory_of_victim(env)?;
        transfer(libc::SYS_process_vm_writev, env.victim, word ^ 1)?;
        check(read == word, "nothing was written")
    })
    .stopped_by(TRACE),
    native("process-madvise-sibling", |env| {
        let pidfd = hold(env.victim)?;
        let page =
            libc::iovec { iov_base: (KEPT.as_ptr() as usize & !0xfff) as *mut _, iov_len: 4096 };
        let advice = 20; // MADV_COLD
        sys!(libc::SYS_process_madvise, pidfd, &raw const page, 1, advice, 0).map(|_| ())
    })
    .stopped_by(&[Namespaces, Uid, Capabilities, Rlimits, Seccomp]),
    native("kcmp-sibling", |env| {
        let own = sys!(libc::SYS_getpid)?;
        sys!(libc::SYS_kcmp, env.victim, own, 0, 3, 3).map(|_| ())
    })
    .stopped_by(TRACE),
    native("robust-list-of-sibling", |env| {
        let (mut head, mut len) = (0_usize, 0_usize);
        sys!(libc::SYS_get_robust_list, env.victim, &raw mut head, &raw mut len).map(|_| ())
    })
    .stopped_by(TRACE),
    native("prlimit-sibling", |env| same_limit(env.victim)).stopped_by(&[Uid, Seccomp]),
    native("prlimit-supervisor", |env| same_limit(env.supervisor))
        .stopped_by(&[Namespaces, Uid, Seccomp]),
    native("affinity-of-sibling", |env| same_affinity(env.victim)).stopped_by(&[Uid, Seccomp]),
    native("affinity-of-supervisor", |env| same_affinity(env.supervisor)).stopped_by(PRIVILEGE),
    native("nice-of-sibling", |env| same_nice(env.victim)).stopped_by(&[Uid, Seccomp]),
    native("nice-of-supervisor", |env| same_nice(env.supervisor)).stopped_by(PRIVILEGE),
    native("scheduler-of-supervisor", |env| {
        let priority = 0_i32;
        let policy = sys!(libc::SYS_sched_getscheduler, env.supervisor)?;
        sys!(libc::SYS_sched_setscheduler, env.supervisor, policy, &raw const priority).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("ioprio-of-supervisor", |env| {
        let same = sys!(libc::SYS_ioprio_get, 1, env.supervisor)?;
        sys!(libc::SYS_ioprio_set, 1, env.supervisor, same).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("clock-of-sibling", |env| {
        // The CPU time of another process is a clock like any other (clock_getcpuclockid(3)).
        let (clock, mut time) = ((!env.victim << 3) | 2, [0_i64; 2]);
        sys!(libc::SYS_clock_gettime, clock, time.as_mut_ptr())?;
        check(time[1] > 0, "no time")
    })
    .stopped_by(&[Seccomp]),
    native("rejoin-namespaces", |env| {
        sys!(libc::SYS_setns, hold(env.supervisor)?, libc::CLONE_NEWUTS | libc::CLONE_NEWNET)
            .map(|_| ())
    })
    .stopped_by(PRIVILEGED_FILE),
];

fn hold(pid: i32) -> Result<c_int, Failed> {
    sys!(libc::SYS_pidfd_open, pid, 0).map(descriptor)
}

/// Takes the socket of another worker.
fn socket_of(pidfd: c_int) -> Reached {
    let socket = sys!(libc::SYS_pidfd_getfd, pidfd, super::env::OWN_SOCKET, 0)?;
    let (mut kind, mut len) = (0_i32, 4_u32);
    let (level, option) = (libc::SOL_SOCKET, libc::SO_TYPE);
    sys!(libc::SYS_getsockopt, socket, level, option, &raw mut kind, &raw mut len)?;
    check(kind == libc::SOCK_STREAM, "it is no socket")
}

fn memory_of_victim(env: &Env) -> Result<u64, Failed> {
    transfer(libc::SYS_process_vm_readv, env.victim, 0)
}

/// Moves eight bytes between this process and what the victim keeps; returns those here.
fn transfer(call: libc::c_long, victim: i32, mut word: u64) -> Result<u64, Failed> {
    let here = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: 8 };
    let there = libc::iovec { iov_base: KEPT.as_ptr().cast(), iov_len: 8 };
    sys!(call, victim, &raw const here, 1, &raw const there, 1, 0)?;
    Ok(word)
}

/// Sets a limit of a process to what it is.
fn same_limit(pid: i32) -> Reached {
    let mut limit: libc::rlimit64 = zeroed();
    sys!(libc::SYS_prlimit64, pid, libc::RLIMIT_NOFILE, 0, &raw mut limit)?;
    sys!(libc::SYS_prlimit64, pid, libc::RLIMIT_NOFILE, &raw const limit, 0).map(|_| ())
}

/// Pins a process to the CPUs that it has.
pub(super) fn same_affinity(pid: i32) -> Reached {
    let mut cpus = [0_u64; 128];
    let len = sys!(libc::SYS_sched_getaffinity, pid, size_of_val(&cpus), cpus.as_mut_ptr())?;
    sys!(libc::SYS_sched_setaffinity, pid, len, cpus.as_ptr()).map(|_| ())
}

/// Gives a process the priority that it has.
pub(super) fn same_nice(pid: i32) -> Reached {
    // The call itself returns 20 - nice.
    let nice = 20 - sys!(libc::SYS_getpriority, libc::PRIO_PROCESS, pid)? as i32;
    sys!(libc::SYS_setpriority, libc::PRIO_PROCESS, pid, nice).map(|_| ())
}
