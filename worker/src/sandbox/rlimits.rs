//! Resource limits of the kernel (getrlimit(2)).

use super::{Layered, holds, of};
use crate::door;
use crate::hygiene::SOCKET;
use ipc::Limits;
use ipc::sandbox::Layer;
use libc::c_int;
use std::io;

/// Address space beyond the limits of memory and mailbox: frames that are being read or written,
/// what the allocators keep, and the stack.
const SLACK: u64 = 64 << 20;

/// Seconds between SIGXCPU, which says that the limit is reached, and SIGKILL.
const CPU_GRACE_S: u64 = 1;

/// Bytes of address space of this process.
pub(super) fn address_space() -> Layered<u64> {
    let statm =
        of(Layer::Rlimits, "/proc/self/statm", std::fs::read_to_string("/proc/self/statm"))?;
    let pages = statm.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or_else(|| io::Error::other("it has no number of pages"));
    Ok(of(Layer::Rlimits, "/proc/self/statm", pages)? * rustix::param::page_size() as u64)
}

/// A resource, its soft and its hard limit.
type Bound = (c_int, u64, u64);

const fn same(resource: u32, limit: u64) -> Bound {
    (resource as c_int, limit, limit)
}

/// Those that do not hinder the zygote: set once, and inherited.
const COMMON: [Bound; 8] = [
    same(libc::RLIMIT_FSIZE, 0),
    same(libc::RLIMIT_CORE, 0),
    same(libc::RLIMIT_MEMLOCK, 0),
    same(libc::RLIMIT_MSGQUEUE, 0),
    same(libc::RLIMIT_SIGPENDING, 0),
    same(libc::RLIMIT_LOCKS, 0),
    same(libc::RLIMIT_RTPRIO, 0),
    same(libc::RLIMIT_NICE, 0),
];

/// Those that each worker sets.
fn own(limits: &Limits, base: u64) -> [Bound; 4] {
    // A worker holds its mail in full, and one message more on its way in and one on its way out.
    let messages =
        limits.mailbox.saturating_mul(2).saturating_add(limits.message.saturating_mul(4));
    let memory = base.saturating_add(SLACK).saturating_add(limits.memory).saturating_add(messages);
    [
        same(libc::RLIMIT_AS, memory),
        (libc::RLIMIT_CPU as c_int, limits.cpu_s, limits.cpu_s.saturating_add(CPU_GRACE_S)),
        same(libc::RLIMIT_NPROC, 0),
        same(libc::RLIMIT_NOFILE, SOCKET as u64 + 1),
    ]
}

/// None of the numbers may be above the hard limit that the supervisor itself is under. It may lower
/// that of the CPU time while this runs, for an entry that may use less than its host: then once more.
fn set((resource, soft, hard): Bound) -> Layered<()> {
    let once = || {
        let now = door::resource_limit(resource, None)?;
        let is_cpu = resource == libc::RLIMIT_CPU as c_int;
        let soft = if is_cpu { soft.min(now.rlim_cur) } else { soft };
        let new =
            libc::rlimit { rlim_cur: soft.min(now.rlim_max), rlim_max: hard.min(now.rlim_max) };
        door::resource_limit(resource, Some(new)).map(drop)
    };
    let done = match once() {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => once(),
        result => result,
    };
    of(Layer::Rlimits, &format!("prlimit {resource}"), done)
}

pub(super) fn zygote() -> Layered<()> {
    COMMON.into_iter().try_for_each(set)
}

pub(super) fn worker(host: &Limits, base: u64) -> Layered<()> {
    own(host, base).into_iter().try_for_each(set)
}

pub(super) fn hold(host: &Limits, base: u64) -> Layered<()> {
    let kept = |(resource, soft, _): Bound| {
        door::resource_limit(resource, None).is_ok_and(|now| now.rlim_cur <= soft)
    };
    let all = COMMON.into_iter().chain(own(host, base)).all(kept);
    holds(Layer::Rlimits, "a resource limit is higher", all)
}
