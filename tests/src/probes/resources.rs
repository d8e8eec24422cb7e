//! What a worker may take, and what it may change of itself.

use super::env::OWN_SOCKET;
use super::processes::{same_affinity, same_nice};
use super::stoppers::{DESCRIPTOR, FILTER, PRIVILEGE};
use super::sys::{check, sys, zeroed};
use super::tasks::prctl;
use super::{Probe, native};
use libc::{SIGALRM, SIGXCPU, c_int};

pub(super) const PROBES: &[Probe] = &[
    native("many-descriptors", |_| {
        (0..200).try_for_each(|_| sys!(libc::SYS_dup, OWN_SOCKET).map(|_| ()))
    })
    .stopped_by(DESCRIPTOR),
    native("descriptor-of-a-high-number", |_| sys!(libc::SYS_dup3, OWN_SOCKET, 500, 0).map(|_| ()))
        .stopped_by(DESCRIPTOR),
    native("raise-limit-of-descriptors", |_| {
        let wanted = [1024_u64; 2];
        sys!(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE, wanted.as_ptr(), 0)?;
        sys!(libc::SYS_dup3, OWN_SOCKET, 500, 0).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("raise-limit-of-memory", |_| {
        let unlimited = [u64::MAX; 2];
        sys!(libc::SYS_prlimit64, 0, libc::RLIMIT_AS, unlimited.as_ptr(), 0).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("raise-limit-of-processes", |_| {
        // Up to where it was before anybody lowered it.
        let wanted = [4096_u64; 2];
        sys!(libc::SYS_prlimit64, 0, libc::RLIMIT_NPROC, wanted.as_ptr(), 0).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("higher-priority", |_| {
        sys!(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, -5).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("own-priority", |_| same_nice(0)).stopped_by(FILTER),
    native("own-affinity", |_| same_affinity(0)).stopped_by(FILTER),
    native("real-time", |_| {
        let (fifo, priority, other, none) = (libc::SCHED_FIFO, 1_i32, libc::SCHED_OTHER, 0_i32);
        sys!(libc::SYS_sched_setscheduler, 0, fifo, &raw const priority)?;
        sys!(libc::SYS_sched_setscheduler, 0, other, &raw const none).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("batch-scheduling", |_| {
        let none = 0_i32;
        sys!(libc::SYS_sched_setscheduler, 0, libc::SCHED_BATCH, &raw const none).map(|_| ())
    })
    .stopped_by(FILTER),
    native("own-io-priority", |_| {
        let (process, best_effort_0) = (1, 2 << 13);
        sys!(libc::SYS_ioprio_set, process, 0, best_effort_0).map(|_| ())
    })
    .stopped_by(FILTER),
    native("yield", |_| sys!(libc::SYS_sched_yield).map(|_| ())).stopped_by(FILTER),
    native("dumpable-again", |_| {
        prctl(libc::PR_SET_DUMPABLE, 1)?;
        check(sys!(libc::SYS_prctl, libc::PR_GET_DUMPABLE, 0, 0, 0, 0)? == 1, "it stays the same")
    })
    .stopped_by(FILTER),
    native("outlive-the-supervisor", |_| {
        prctl(libc::PR_SET_PDEATHSIG, 0)?;
        let mut signal: c_int = -1;
        sys!(libc::SYS_prctl, libc::PR_GET_PDEATHSIG, &raw mut signal, 0, 0, 0)?;
        check(signal == 0, "it stays the same")
    })
    .stopped_by(FILTER),
    native("timer", |_| {
        let mut timer: c_int = 0;
        sys!(libc::SYS_timer_create, libc::CLOCK_MONOTONIC, 0, &raw mut timer)?;
        sys!(libc::SYS_timer_delete, timer).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("interval-timer", |_| {
        let never = [0_u64; 4];
        sys!(libc::SYS_setitimer, libc::ITIMER_REAL, never.as_ptr(), 0).map(|_| ())
    })
    .stopped_by(FILTER),
    native("ignore-limit-of-time", |_| ignore(SIGXCPU)).stopped_by(FILTER),
    native("ignore-alarm", |_| ignore(SIGALRM)).stopped_by(FILTER),
    native("block-all-signals", |_| {
        let all = u64::MAX;
        sys!(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, &raw const all, 0, 8).map(|_| ())
    })
    .stopped_by(FILTER),
    native("signal-itself", |_| {
        let own = sys!(libc::SYS_gettid)?;
        sys!(libc::SYS_tgkill, own, own, libc::SIGCONT).map(|_| ())
    })
    .stopped_by(FILTER),
    native("stack-for-signals", |_| {
        let mut stack: libc::stack_t = zeroed();
        stack.ss_flags = libc::SS_DISABLE;
        sys!(libc::SYS_sigaltstack, &raw const stack, 0).map(|_| ())
    })
    .stopped_by(FILTER),
    native("sleep", |_| {
        let (soon, clock) = ([0_i64, 1000], libc::CLOCK_MONOTONIC);
        sys!(libc::SYS_clock_nanosleep, clock, 0, soon.as_ptr(), 0).map(|_| ())
    })
    .stopped_by(FILTER),
    native("mask-of-new-files", |_| sys!(libc::SYS_umask, 0).map(|_| ())).stopped_by(FILTER),
    native("share-no-descriptors", |_| sys!(libc::SYS_unshare, libc::CLONE_FILES).map(|_| ()))
        .stopped_by(FILTER),
    native("memory-of-chosen-nodes", |_| sys!(libc::SYS_set_mempolicy, 0, 0, 0).map(|_| ()))
        .needs("CONFIG_NUMA")
        .stopped_by(FILTER),
];

fn ignore(signal: c_int) -> super::Reached {
    // The kernel's own struct sigaction: SIG_IGN, no flags, no restorer, no mask.
    let action = [libc::SIG_IGN as u64, 0, 0, 0];
    sys!(libc::SYS_rt_sigaction, signal, action.as_ptr(), 0, 8).map(|_| ())
}
