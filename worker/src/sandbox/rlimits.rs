//! Resource limits of the kernel (getrlimit(2)).

use super::{Layered, holds, of};
use crate::hygiene::SOCKET;
use ipc::Limits;
use ipc::sandbox::Layer;
use nix::errno::Errno;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
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

fn limits(limits: &Limits, base: u64) -> [(Resource, u64, u64); 12] {
    // A worker holds its mail in full, and one message more on its way in and one on its way out.
    let messages =
        limits.mailbox.saturating_mul(2).saturating_add(limits.message.saturating_mul(4));
    let memory = base.saturating_add(SLACK).saturating_add(limits.memory).saturating_add(messages);
    let descriptors = SOCKET as u64 + 1;
    let same = |resource, limit| (resource, limit, limit);
    [
        same(Resource::RLIMIT_AS, memory),
        (Resource::RLIMIT_CPU, limits.cpu_s, limits.cpu_s.saturating_add(CPU_GRACE_S)),
        same(Resource::RLIMIT_NPROC, 0),
        same(Resource::RLIMIT_NOFILE, descriptors),
        same(Resource::RLIMIT_FSIZE, 0),
        same(Resource::RLIMIT_CORE, 0),
        same(Resource::RLIMIT_MEMLOCK, 0),
        same(Resource::RLIMIT_MSGQUEUE, 0),
        same(Resource::RLIMIT_SIGPENDING, 0),
        same(Resource::RLIMIT_LOCKS, 0),
        same(Resource::RLIMIT_RTPRIO, 0),
        same(Resource::RLIMIT_NICE, 0),
    ]
}

/// None of the numbers may be above the hard limit that the supervisor itself is under. It may lower
/// that of the CPU time while this runs, for an entry that may use less than its host: then once more.
fn set(resource: Resource, soft: u64, hard: u64) -> Result<(), Errno> {
    let once = || {
        let (own, most) = getrlimit(resource)?;
        let soft = if resource == Resource::RLIMIT_CPU { soft.min(own) } else { soft };
        setrlimit(resource, soft.min(most), hard.min(most))
    };
    match once() {
        Err(Errno::EPERM) => once(),
        result => result,
    }
}

pub(super) fn worker(host: &Limits, base: u64) -> Layered<()> {
    for (resource, soft, hard) in limits(host, base) {
        of(Layer::Rlimits, &format!("setrlimit {resource:?}"), set(resource, soft, hard))?;
    }
    Ok(())
}

pub(super) fn hold(host: &Limits, base: u64) -> Layered<()> {
    let mut all = limits(host, base).into_iter();
    let kept = all.all(|(resource, soft, _)| getrlimit(resource).is_ok_and(|(own, _)| own <= soft));
    holds(Layer::Rlimits, "a resource limit is higher", kept)
}
