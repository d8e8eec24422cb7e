//! What a worker can learn of the machine and of others without opening anything.

use super::stoppers::{FILTER, PATH};
use super::sys::{check, sys, zeroed};
use super::{Probe, native};

pub(super) const PROBES: &[Probe] = &[
    native("release-of-kernel", |_| {
        let mut names: libc::utsname = zeroed();
        sys!(libc::SYS_uname, &raw mut names)?;
        check(names.release[0] != 0, "no text")
    })
    .stopped_by(FILTER),
    native("memory-of-machine", |_| {
        let mut info: libc::sysinfo = zeroed();
        sys!(libc::SYS_sysinfo, &raw mut info)?;
        check(info.totalram > 0, "no number")
    })
    .stopped_by(FILTER),
    native("own-usage", |_| {
        let mut usage: libc::rusage = zeroed();
        sys!(libc::SYS_getrusage, libc::RUSAGE_SELF, &raw mut usage)?;
        check(usage.ru_maxrss > 0, "no number")
    })
    .stopped_by(FILTER),
    native("own-times", |_| {
        let mut times: libc::tms = zeroed();
        check(sys!(libc::SYS_times, &raw mut times)? > 0, "no number")
    })
    .stopped_by(FILTER),
    native("own-cpu", |_| {
        let mut cpu = u32::MAX;
        sys!(libc::SYS_getcpu, &raw mut cpu, 0, 0)?;
        check(cpu != u32::MAX, "no number")
    })
    .stopped_by(FILTER),
    native("own-user", |_| sys!(libc::SYS_getuid).map(|_| ())).stopped_by(FILTER),
    native("own-groups", |_| sys!(libc::SYS_getgroups, 0, 0).map(|_| ())).stopped_by(FILTER),
    native("number-of-supervisor", |env| {
        check(sys!(libc::SYS_getppid)? == env.supervisor as usize, "another number")
    })
    .stopped_by(PATH)
    .with_all("failed: errno 4000"),
    native("group-of-supervisor", |env| sys!(libc::SYS_getpgid, env.supervisor).map(|_| ()))
        .stopped_by(PATH),
    native("session-of-sibling", |env| sys!(libc::SYS_getsid, env.victim).map(|_| ()))
        .stopped_by(FILTER),
    native("who-is-at-the-other-end", |env| {
        let (mut peer, mut len) = ([0_u32; 3], 12_u32);
        let (level, option) = (libc::SOL_SOCKET, libc::SO_PEERCRED);
        let socket = super::env::OWN_SOCKET;
        sys!(libc::SYS_getsockopt, socket, level, option, peer.as_mut_ptr(), &raw mut len)?;
        check(peer[0] == env.supervisor as u32, "another number")
    })
    .stopped_by(PATH),
    native("security-modules", |_| {
        let (mut ids, mut size) = ([0_u64; 64], 512_u32);
        sys!(461, ids.as_mut_ptr(), &raw mut size, 0).map(|_| ())
    })
    .needs("Linux 6.8")
    .stopped_by(FILTER),
];
