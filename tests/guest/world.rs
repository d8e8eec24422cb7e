//! What the cases share: delegated groups, and processes forked into groups as zygotes do it.

use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Gid, Pid, Uid, chown, fork, pipe, setgid, setgroups, setuid};
use std::fs;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use supervisor::cgroup::Cgroups;

pub(crate) const CGROUPS: &str = "/sys/fs/cgroup";

/// The constant of the crate libc is an int, and so 0.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// An ordinary user.
pub(crate) const USER: u32 = 1000;

/// The first user of a block of a node's own.
pub(crate) const ZYGOTE: u32 = 1_048_576;

/// A new group in which cases delegate.
pub(crate) fn unit() -> PathBuf {
    let path = Path::new(CGROUPS).join("unit");
    fs::create_dir(&path).expect("a group can be made");
    path
}

/// Marks a group as systemd marks one that it delegates.
pub(crate) fn mark(path: &Path) {
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(path, "user.delegate", b"1", flags).expect("groups can be marked");
}

/// Gives a group to a user as systemd does.
pub(crate) fn give(path: &Path, uid: u32) {
    for file in ["", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"] {
        chown(&path.join(file), Some(Uid::from_raw(uid)), None).expect("root may chown");
    }
}

/// Puts this process into a group.
pub(crate) fn enter(path: &Path) {
    fs::write(path.join("cgroup.procs"), "0").expect("root may enter a group");
}

/// Makes this process one of an ordinary user.
pub(crate) fn become_user(uid: u32) {
    setgroups(&[]).expect("root may");
    setgid(Gid::from_raw(uid)).expect("root may");
    setuid(Uid::from_raw(uid)).expect("root may");
}

/// The group of this process.
pub(crate) fn own_group() -> String {
    let text = fs::read_to_string("/proc/self/cgroup").expect("/proc is there");
    text.trim_end().strip_prefix("0::").expect("cgroup v2").to_owned()
}

/// A file of a group, without the end of its last line.
pub(crate) fn file(path: &Path, name: &str) -> String {
    let text = fs::read_to_string(path.join(name));
    text.unwrap_or_else(|error| panic!("{name}: {error}")).trim_end().to_owned()
}

/// The groups in a group.
pub(crate) fn groups(path: &Path) -> Vec<String> {
    let list =
        fs::read_dir(path).expect("a group can be listed").map(|entry| entry.expect("entry"));
    let list = list.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = list.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Kills and removes whatever a case has left.
pub(crate) fn clear() {
    let unit = Path::new(CGROUPS).join("unit");
    if unit.is_dir() {
        fs::write(unit.join("cgroup.kill"), "1").expect("Linux 5.14");
        // All orphans are this process's children.
        while waitpid(None, None).is_ok() {}
        remove(&unit);
    }
}

fn remove(path: &Path) {
    for group in groups(path) {
        remove(&path.join(group));
    }
    fs::remove_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// A copy of this process which does something and ends; how is its parent's to wait for.
pub(crate) fn forked(body: impl FnOnce()) -> Pid {
    // SAFETY: cases have one thread.
    match unsafe { fork() }.expect("processes can be made") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            body();
            std::process::exit(0)
        }
    }
}

/// How a child ended.
pub(crate) fn end_of(child: Pid) -> WaitStatus {
    waitpid(child, Some(WaitPidFlag::__WALL)).expect("it is a child")
}

/// A worker in a group: made as wabe makes it, by a zygote that has given up everything. `Err` is
/// the errno(3) of clone3.
pub(crate) fn worker(
    cgroups: &Cgroups,
    group: &OwnedFd,
    zygote_uid: Option<u32>,
    body: fn(),
) -> Result<Pid, i32> {
    let (mut wait, mut go) = pipes();
    let (mut read, mut tell) = pipes();
    let group = group.as_raw_fd();
    let zygote = forked(|| {
        let mut byte = [0];
        wait.read_exact(&mut byte).expect("a byte");
        if let Some(uid) = zygote_uid {
            become_user(uid);
        }
        unshare(CloneFlags::CLONE_NEWUSER).expect("user namespaces");
        let made = clone_into(group);
        if made == 0 {
            close_all();
            body();
            std::process::exit(0);
        }
        tell.write_all(&made.to_le_bytes()).expect("somebody listens");
    });
    cgroups.adopt(zygote.as_raw().unsigned_abs()).expect("it can be moved");
    go.write_all(&[1]).expect("it listens");
    let mut made = [0; 4];
    read.read_exact(&mut made).expect("it answers");
    end_of(zygote);
    match i32::from_le_bytes(made) {
        errno @ ..0 => Err(-errno),
        pid => Ok(Pid::from_raw(pid)),
    }
}

fn pipes() -> (PipeReader, PipeWriter) {
    let (read, write) = pipe().expect("a pipe");
    (read.into(), write.into())
}

/// As a worker does: the lock of its supervisor must not live on in it.
fn close_all() {
    // SAFETY: whoever calls it uses no descriptor from 3 on any more.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_int::MAX, 0) };
    assert_eq!(result, 0, "close_range");
}

/// The OS pid of the new process, 0 in it, less than 0 where there is none.
fn clone_into(group: RawFd) -> i32 {
    let mut pidfd: RawFd = -1;
    // SAFETY: all fields of clone_args may be 0.
    let mut args: libc::clone_args = unsafe { std::mem::zeroed() };
    args.flags = (libc::CLONE_PARENT | libc::CLONE_PIDFD) as u64 | CLONE_INTO_CGROUP;
    args.pidfd = std::ptr::from_mut(&mut pidfd) as u64;
    args.cgroup = u64::from(group.unsigned_abs());
    let size = size_of::<libc::clone_args>();
    // SAFETY: without CLONE_VM it is fork(2), and this process has one thread.
    match unsafe { libc::syscall(libc::SYS_clone3, std::ptr::from_mut(&mut args), size) } {
        -1 => -std::io::Error::last_os_error().raw_os_error().unwrap_or(1),
        pid => i32::try_from(pid).expect("a pid"),
    }
}

/// What a worker does that takes more memory than it may have.
pub(crate) fn eat() {
    let mut bytes = vec![0_u8; 256 << 20];
    for page in bytes.chunks_mut(4096) {
        page[0] = 1;
    }
    std::hint::black_box(&bytes);
}

/// What a worker does that lives until it is killed.
pub(crate) fn stay() {
    loop {
        nix::unistd::pause();
    }
}

/// Waits for the next line of somebody's.
pub(crate) fn heard(from: BorrowedFd<'_>) {
    let mut byte = [0];
    assert_eq!(rustix::io::read(from, &mut byte), Ok(1));
}
