//! What the node itself lays open: /proc of the supervisor, /sys, descriptors left open by whoever
//! started it.

use super::env::{LEAKED_DIRECTORY, LEAKED_FILE, LEAKED_SOCKET, OWN_SOCKET, VARIABLE};
use super::stoppers::{FILE, LEAK, PRIVILEGED_FILE};
use super::sys::{Failed, check, holds, open, open_at, read, reads, stat_at, sys, write};
use super::{Probe, native};
use ipc::sandbox::Layer::{Descriptors, Landlock, Namespaces, Rlimits, Seccomp, Uid};
use libc::{AT_FDCWD, O_DIRECTORY, O_RDONLY, O_WRONLY};

pub(super) const PROBES: &[Probe] = &[
    native("proc-own-maps", |_| reads(c"/proc/self/maps", "probe-worker")).stopped_by(FILE),
    native("proc-supervisor-status", |env| reads(&env.proc("status"), "wabe")).stopped_by(FILE),
    native("proc-supervisor-environ", |env| {
        reads(&env.proc("environ"), &format!("{VARIABLE}={}", env.secret()))
    })
    .stopped_by(PRIVILEGED_FILE),
    native("proc-supervisor-maps", |env| reads(&env.proc("maps"), "/wabe"))
        .stopped_by(PRIVILEGED_FILE),
    native("proc-supervisor-mem", |env| {
        let maps = read(open(&env.proc("maps"), O_RDONLY)?)?;
        let first = String::from_utf8_lossy(&maps);
        let first = first.split('-').next().unwrap_or_default();
        let address = u64::from_str_radix(first, 16).map_err(|_| Failed::Because("no map"))?;
        let memory = open(&env.proc("mem"), O_RDONLY)?;
        let mut bytes = [0_u8; 4];
        sys!(libc::SYS_pread64, memory, bytes.as_mut_ptr(), bytes.len(), address)?;
        check(bytes == *b"\x7fELF", "other bytes")
    })
    .stopped_by(PRIVILEGED_FILE),
    native("proc-supervisor-descriptor", |env| {
        // Its leaked file, through the link of its descriptor.
        let link = env.proc(&format!("fd/{LEAKED_FILE}"));
        sys!(libc::SYS_pread64, open(&link, O_RDONLY)?, [0_u8; 1].as_mut_ptr(), 1, 0).map(|_| ())
    })
    .stopped_by(PRIVILEGED_FILE),
    native("proc-supervisor-root", |env| {
        reads(&env.proc(&format!("root{}/open", env.world.folder)), env.secret())
    })
    .stopped_by(PRIVILEGED_FILE),
    native("sysfs", |_| {
        check(
            !read(open(c"/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY)?)?.is_empty(),
            "",
        )
    })
    .stopped_by(FILE),
    native("leave-control-group", |_| {
        let places = [
            c"/sys/fs/cgroup/cgroup.procs",
            c"/sys/fs/cgroup/unified/cgroup.procs",
            c"/sys/fs/cgroup/memory/cgroup.procs",
        ];
        let tries = places.map(|place| write(open(place, O_WRONLY)?, b"0"));
        tries.into_iter().reduce(Result::or).unwrap_or(Ok(()))
    })
    .needs("control groups at their usual place")
    .stopped_by(&[Namespaces, Uid, Landlock, Rlimits, Seccomp]),
    native("leaked-directory", |env| reads_at(LEAKED_DIRECTORY, c"stays", env.secret()))
        .stopped_by(&[Landlock, Rlimits, Descriptors, Seccomp]),
    native("leaked-directory-parent", |env| reads_at(LEAKED_DIRECTORY, c"../open", env.secret()))
        .stopped_by(&[Landlock, Rlimits, Descriptors, Seccomp]),
    native("leaked-directory-root", |_| {
        let up = c"../../../../../../../../../../../../etc/passwd";
        reads_at(LEAKED_DIRECTORY, up, "root:")
    })
    .stopped_by(&[Landlock, Rlimits, Descriptors, Seccomp]),
    native("leaked-directory-stat", |_| {
        check(stat_at(LEAKED_DIRECTORY, c"..")?.st_nlink > 0, "no folder")
    })
    .stopped_by(LEAK),
    native("leaked-directory-fchdir", |env| {
        sys!(libc::SYS_fchdir, LEAKED_DIRECTORY)?;
        reads_at(AT_FDCWD, c"stays", env.secret())
    })
    .stopped_by(&[Landlock, Rlimits, Descriptors, Seccomp]),
    native("leaked-file", |_| sys!(libc::SYS_pwrite64, LEAKED_FILE, c"x", 1, 1000).map(|_| ()))
        .stopped_by(&[Rlimits, Descriptors, Seccomp]),
    native("leaked-file-mapped", |env| {
        let (shared, readable) = (libc::MAP_SHARED, libc::PROT_READ);
        let memory = super::sys::map(4096, readable, shared, LEAKED_FILE)?;
        // SAFETY: the file has one page at least; the mapping is never undone.
        let bytes = unsafe { std::slice::from_raw_parts(memory.cast::<u8>(), 64) };
        check(bytes.windows(16).any(|part| part == env.secret().as_bytes()), "other bytes")
    })
    .stopped_by(LEAK),
    native("leaked-socket", |env| super::network::echoes(LEAKED_SOCKET, env.secret()))
        .stopped_by(LEAK),
    native("control-socket-of-zygote", |_| {
        // On descriptor 0, where the zygote has it: that it is one is seen without taking a packet.
        let (mut byte, flags) = ([0_u8; 1], libc::MSG_PEEK | libc::MSG_DONTWAIT);
        match sys!(libc::SYS_recvfrom, 0, byte.as_mut_ptr(), 1, flags, 0, 0) {
            Ok(_) | Err(Failed::Errno(libc::EAGAIN)) => Ok(()),
            Err(failed) => Err(failed),
        }
    })
    .stopped_by(LEAK),
    native("standard-error-of-supervisor", |_| {
        // A pipe of the test's, or else /dev/null.
        check(stat_at(2, c"")?.st_mode & libc::S_IFMT == libc::S_IFIFO, "another file")
    })
    .stopped_by(LEAK),
    native("descriptors-beyond-the-socket", |_| {
        let open = (OWN_SOCKET + 1..100)
            .filter(|number| sys!(libc::SYS_fcntl, *number, libc::F_GETFD).is_ok());
        check(open.count() > 0, "none is open")
    })
    .stopped_by(LEAK),
    native("supervisor-by-its-own-socket", |_| {
        // SO_PEERPIDFD: a hold on whoever made the pair, whatever the pid namespace (Linux 6.5).
        let (mut pidfd, mut len) = (0_i32, 4_u32);
        let option = 77;
        let (value, size) = (&raw mut pidfd, &raw mut len);
        sys!(libc::SYS_getsockopt, OWN_SOCKET, libc::SOL_SOCKET, option, value, size)?;
        sys!(libc::SYS_pidfd_send_signal, pidfd, libc::SIGURG, 0, 0).map(|_| ())
    })
    .needs("Linux 6.5")
    .stopped_by(&[Namespaces, Uid, Landlock, Rlimits, Seccomp]),
    native("list-supervisor-descriptors", |env| {
        let folder = open(&env.proc("fd"), O_RDONLY | O_DIRECTORY)?;
        let mut names = [0_u8; 4096];
        sys!(libc::SYS_getdents64, folder, names.as_mut_ptr(), names.len()).map(|_| ())
    })
    .stopped_by(&[Namespaces, Uid, Landlock, Rlimits, Seccomp]),
];

fn reads_at(directory: i32, path: &std::ffi::CStr, text: &str) -> super::Reached {
    holds(open_at(directory, path, O_RDONLY)?, text)
}
