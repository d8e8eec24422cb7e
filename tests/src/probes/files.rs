//! Files: everything that has a path.

use super::stoppers::{FILE, FILTER, NETWORK, PATH, PRIVILEGE, PRIVILEGED_FILE, TRACE, TREE};
use super::sys::{
    check, descriptor, holds, open, open_at, read, reads, stat_at, sys, write, zeroed,
};
use super::{Probe, native};
use ipc::sandbox::Layer::{Landlock, Namespaces, Rlimits, Seccomp, Uid};
use libc::{AT_FDCWD, O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY};

pub(super) const PROBES: &[Probe] = &[
    native("open-passwd", |_| reads(c"/etc/passwd", "root:")).stopped_by(FILE),
    native("open-world-readable", |env| reads(&env.file("open"), env.secret())).stopped_by(FILE),
    native("open-private-of-supervisor", |env| reads(&env.file("private"), env.secret()))
        .stopped_by(&[Namespaces, Uid, Landlock, Rlimits, Seccomp]),
    native("open-private-of-another-user", |env| reads(&env.file("foreign"), env.secret()))
        .stopped_by(PRIVILEGED_FILE),
    native("openat2", |env| {
        let how = [0_u64; 3];
        let file = sys!(libc::SYS_openat2, AT_FDCWD, &*env.file("open"), how.as_ptr(), 24)?;
        holds(descriptor(file), env.secret())
    })
    .stopped_by(FILE),
    native("stat-as-oracle", |_| {
        check(stat_at(AT_FDCWD, c"/etc/passwd")?.st_size > 0, "a file without a size")
    })
    .stopped_by(PATH),
    native("statx-as-oracle", |_| {
        let (mut stat, wanted): (libc::statx, _) = (zeroed(), libc::STATX_SIZE);
        sys!(libc::SYS_statx, AT_FDCWD, c"/etc/passwd", 0, wanted, &raw mut stat)?;
        check(stat.stx_size > 0, "a file without a size")
    })
    .stopped_by(PATH),
    native("access-as-oracle", |_| {
        sys!(libc::SYS_faccessat, AT_FDCWD, c"/etc/passwd", libc::F_OK).map(|_| ())
    })
    .stopped_by(PATH),
    native("readlink", |_| {
        let mut path = [0_u8; 256];
        let own = c"/proc/self/exe";
        let len = sys!(libc::SYS_readlinkat, AT_FDCWD, own, path.as_mut_ptr(), path.len())?;
        check(path[..len].ends_with(b"probe-worker"), "another program")
    })
    .stopped_by(PATH),
    native("list-directory", |env| {
        let folder = open(&env.file(""), O_RDONLY | O_DIRECTORY)?;
        let mut names = [0_u8; 4096];
        let len = sys!(libc::SYS_getdents64, folder, names.as_mut_ptr(), names.len())?;
        check(names[..len].windows(8).any(|name| name == b"private\0"), "it is not in it")
    })
    .stopped_by(FILE),
    native("write-world-writable", |env| write(open(&env.file("writable"), O_WRONLY)?, b"x"))
        .stopped_by(FILE),
    native("truncate", |env| sys!(libc::SYS_truncate, &*env.file("writable"), 1).map(|_| ()))
        .stopped_by(TREE),
    native("create-file", |env| {
        write(open(&env.file("rw/created"), O_CREAT | O_EXCL | O_WRONLY)?, b"x")
    })
    .stopped_by(FILE),
    native("create-in-tmp", |env| {
        let path = super::env::text(&format!("/tmp/probe-{}", env.secret()));
        open(&path, O_CREAT | O_EXCL | O_WRONLY)?;
        sys!(libc::SYS_unlinkat, AT_FDCWD, &*path, 0).map(|_| ())
    })
    .stopped_by(FILE),
    native("create-in-dev-shm", |env| {
        let path = super::env::text(&format!("/dev/shm/probe-{}", env.secret()));
        open(&path, O_CREAT | O_EXCL | O_WRONLY)?;
        sys!(libc::SYS_unlinkat, AT_FDCWD, &*path, 0).map(|_| ())
    })
    .stopped_by(FILE),
    native("create-without-name", |env| {
        write(open(&env.file("rw"), libc::O_TMPFILE | O_RDWR)?, b"x")
    })
    .stopped_by(FILE),
    native("grow-file", |env| {
        let file = open(&env.file("writable"), O_WRONLY)?;
        sys!(libc::SYS_ftruncate, file, 64 << 20).map(|_| ())
    })
    .stopped_by(FILE),
    native("rename", |env| {
        let (from, to) = (env.file("rw/old"), env.file("rw/new"));
        sys!(libc::SYS_renameat2, AT_FDCWD, &*from, AT_FDCWD, &*to, 0).map(|_| ())
    })
    .stopped_by(TREE),
    native("symlink", |env| {
        sys!(libc::SYS_symlinkat, c"/etc/passwd", AT_FDCWD, &*env.file("rw/symlink")).map(|_| ())
    })
    .stopped_by(TREE),
    native("hardlink", |env| {
        let (from, to) = (env.file("rw/stays"), env.file("rw/hardlink"));
        sys!(libc::SYS_linkat, AT_FDCWD, &*from, AT_FDCWD, &*to, 0).map(|_| ())
    })
    .stopped_by(TREE),
    native("unlink", |env| {
        sys!(libc::SYS_unlinkat, AT_FDCWD, &*env.file("rw/goes"), 0).map(|_| ())
    })
    .stopped_by(TREE),
    native("mkdir", |env| {
        sys!(libc::SYS_mkdirat, AT_FDCWD, &*env.file("rw/folder"), 0o700).map(|_| ())
    })
    .stopped_by(TREE),
    native("mknod-fifo", |env| {
        let mode = libc::S_IFIFO | 0o600;
        sys!(libc::SYS_mknodat, AT_FDCWD, &*env.file("rw/fifo"), mode, 0).map(|_| ())
    })
    .stopped_by(TREE),
    native("mknod-device", |env| {
        // /dev/zero once more.
        let (path, mode) = (env.file("rw/zero"), libc::S_IFCHR | 0o600);
        sys!(libc::SYS_mknodat, AT_FDCWD, &*path, mode, libc::makedev(1, 5))?;
        check(read(open(&path, O_RDONLY)?)?.len() > 100, "it is no device")
    })
    .stopped_by(PRIVILEGED_FILE),
    native("chmod", |env| {
        sys!(libc::SYS_fchmodat, AT_FDCWD, &*env.file("open"), 0o644).map(|_| ())
    })
    .stopped_by(&[Namespaces, Uid, Seccomp]),
    native("chown", |env| {
        sys!(libc::SYS_fchownat, AT_FDCWD, &*env.file("foreign"), 4243, 4243, 0)?;
        sys!(libc::SYS_fchownat, AT_FDCWD, &*env.file("foreign"), 4242, 4242, 0).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("utimes", |env| {
        sys!(libc::SYS_utimensat, AT_FDCWD, &*env.file("writable"), 0, 0).map(|_| ())
    })
    .stopped_by(PATH),
    native("setxattr", |env| {
        let (file, name) = (env.file("writable"), c"user.probe");
        sys!(libc::SYS_setxattr, &*file, name, c"x", 1, 0).map(|_| ())
    })
    .stopped_by(PATH),
    native("chroot", |env| {
        sys!(libc::SYS_chroot, &*env.file(""))?;
        reads(c"/open", env.secret())
    })
    .stopped_by(PRIVILEGED_FILE),
    native("mount", |env| {
        let place = env.file("mount");
        sys!(libc::SYS_mount, c"probe", &*place, c"tmpfs", 0, c"size=4k")?;
        sys!(libc::SYS_umount2, &*place, libc::MNT_DETACH).map(|_| ())
    })
    .stopped_by(TRACE),
    native("open-by-handle", |env| {
        let folder = open(&env.file(""), O_RDONLY | O_DIRECTORY | libc::O_PATH)?;
        let file = env.file("private");
        // struct file_handle: room for 128 bytes after its two fields.
        let (mut handle, mut mount) = ([0_u32; 34], 0_i32);
        handle[0] = 128;
        let place = handle.as_mut_ptr();
        sys!(libc::SYS_name_to_handle_at, AT_FDCWD, &*file, place, &raw mut mount, 0)?;
        let mounted = open_at(folder, c".", O_RDONLY | O_DIRECTORY)?;
        let opened = sys!(libc::SYS_open_by_handle_at, mounted, place, O_RDONLY)?;
        holds(descriptor(opened), env.secret())
    })
    .stopped_by(PRIVILEGED_FILE),
    native("inotify", |env| {
        let watch = sys!(libc::SYS_inotify_init1, libc::IN_NONBLOCK)?;
        let (file, mask) = (env.file("writable"), libc::IN_ATTRIB);
        sys!(libc::SYS_inotify_add_watch, watch, &*file, mask)?;
        sys!(libc::SYS_utimensat, AT_FDCWD, &*file, 0, 0)?;
        check(read(descriptor(watch))?.len() >= 16, "nothing was seen")
    })
    .stopped_by(NETWORK),
    native("fanotify", |env| {
        let flags = libc::FAN_CLASS_NOTIF | libc::FAN_REPORT_FID | libc::FAN_NONBLOCK;
        let watch = sys!(libc::SYS_fanotify_init, flags, 0)?;
        let (file, mask) = (env.file("writable"), libc::FAN_ATTRIB);
        sys!(libc::SYS_fanotify_mark, watch, libc::FAN_MARK_ADD, mask, AT_FDCWD, &*file)?;
        sys!(libc::SYS_utimensat, AT_FDCWD, &*file, 0, 0)?;
        check(read(descriptor(watch))?.len() >= 24, "nothing was seen")
    })
    .stopped_by(NETWORK),
    native("write-to-device", |_| write(open(c"/dev/null", O_WRONLY)?, b"x")).stopped_by(FILE),
    native("lock-file", |env| {
        let file = open(&env.file("open"), O_RDONLY)?;
        sys!(libc::SYS_flock, file, libc::LOCK_EX | libc::LOCK_NB).map(|_| ())
    })
    .stopped_by(FILE),
    native("statfs", |_| {
        let mut stat: libc::statfs = zeroed();
        sys!(libc::SYS_statfs, c"/", &raw mut stat)?;
        check(stat.f_bsize > 0, "a file system without blocks")
    })
    .stopped_by(FILTER),
    native("list-mounts", |_| {
        // struct mnt_id_req for the root of all mounts (listmount(2), Linux 6.8).
        let (request, mut ids) = ([24_u64, u64::MAX, 0], [0_u64; 64]);
        let count = sys!(458, request.as_ptr(), ids.as_mut_ptr(), ids.len(), 0)?;
        check(count > 1, "no more than a root")
    })
    .needs("Linux 6.8")
    .stopped_by(PATH),
];
