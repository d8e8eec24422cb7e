//! The hosts and entries of the world.

use ipc::Limits;
use node::{Allowed, Control, HostSpec, Pattern, Permissions};

use super::{CRAMPED, ENTRY, JAILED, LIBRARY, OTHER, ROOMY};

pub(crate) fn hosts() -> [(&'static str, HostSpec); 3] {
    [
        (ROOMY, free(64, Limits { mailbox: 64 * 1024, ..Limits::DEFAULT })),
        (CRAMPED, free(4, Limits { mailbox: 9 * 1024, names: 1, links: 2, ..Limits::DEFAULT })),
        (JAILED, jailed()),
    ]
}

pub(crate) fn entries() -> [(&'static str, &'static str, Limits); 3] {
    let few = Limits { children: 1, ..Limits::NONE };
    [
        (ENTRY, "process.lua", Limits::NONE),
        (OTHER, "process.lua", few),
        (LIBRARY, "library.lua", Limits::NONE),
    ]
}

fn free(max_processes: u32, limits: Limits) -> HostSpec {
    let limits = Limits { message: 4096, ..limits };
    HostSpec { max_processes, limits, permissions: Permissions::ALL }
}

/// Its processes may have two of everything, a second of time, two of CPU time and 8 MiB. They may
/// spawn workers beside themselves, resolve `alpha` and `beta`, and decide what becomes of their
/// own descendants.
fn jailed() -> HostSpec {
    let limits = Limits {
        memory: 8 << 20,
        cpu_s: 2,
        turn_ns: 100_000_000,
        wall_ns: 1_000_000_000,
        message: 4096,
        mailbox: 64 * 1024,
        children: 2,
        names: 2,
        links: 2,
        ..Limits::DEFAULT
    };
    let permissions = Permissions {
        spawn: only(&["app:work*"]),
        hosts: only(&["*:j*d"]),
        names: only(&["al*", "b*t*", "w*"]),
        control: Control::Descendants,
    };
    HostSpec { max_processes: 8, limits, permissions }
}

fn only(patterns: &[&str]) -> Allowed {
    Allowed::Only(patterns.iter().map(|pattern| Pattern((*pattern).to_owned())).collect())
}
