//! The kernel's own ways between processes: System V, POSIX queues, keyrings, pipes and the like.

use super::env::text;
use super::stoppers::{DESCRIPTOR, FILTER};
use super::sys::{check, descriptor, read, sys, write};
use super::{Probe, native};
use ipc::sandbox::Layer::{Landlock, Namespaces, Rlimits, Seccomp, Uid};
use libc::IPC_RMID;

/// A keyring of this process alone, gone with it.
const PROCESS_KEYRING: i32 = -2;
/// The keyring of all processes of the user.
const USER_KEYRING: i32 = -4;

pub(super) const PROBES: &[Probe] = &[
    native("shared-memory-of-others", |env| {
        let address = sys!(libc::SYS_shmat, env.world.segment, 0, libc::SHM_RDONLY)?;
        // SAFETY: the segment is attached there, and has a page at least.
        let bytes = unsafe { std::slice::from_raw_parts(address as *const u8, 64) };
        check(bytes.starts_with(env.secret().as_bytes()), "other bytes")
    })
    .stopped_by(&[Namespaces, Uid, Seccomp]),
    native("shared-memory", |_| {
        let id = sys!(libc::SYS_shmget, libc::IPC_PRIVATE, 4096, 0o600)?;
        sys!(libc::SYS_shmctl, id, IPC_RMID, 0).map(|_| ())
    })
    .stopped_by(FILTER),
    native("semaphores", |_| {
        let id = sys!(libc::SYS_semget, libc::IPC_PRIVATE, 1, 0o600)?;
        sys!(libc::SYS_semctl, id, 0, IPC_RMID, 0).map(|_| ())
    })
    .stopped_by(FILTER),
    native("message-queue", |_| {
        let id = sys!(libc::SYS_msgget, libc::IPC_PRIVATE, 0o600)?;
        sys!(libc::SYS_msgctl, id, IPC_RMID, 0).map(|_| ())
    })
    .stopped_by(FILTER),
    native("posix-queue", |env| {
        let (name, flags) =
            (text(&format!("probe-{}", env.secret())), libc::O_CREAT | libc::O_RDWR);
        // One message of eight bytes: all queues of a user together are limited.
        let smallest = [0_i64, 1, 8, 0, 0, 0, 0, 0];
        sys!(libc::SYS_mq_open, &*name, flags, 0o600, smallest.as_ptr())?;
        sys!(libc::SYS_mq_unlink, &*name).map(|_| ())
    })
    .stopped_by(&[Landlock, Rlimits, Seccomp]),
    native("add-key", |_| {
        let (kind, name, keyring) = (c"user", c"probe", PROCESS_KEYRING);
        sys!(libc::SYS_add_key, kind, name, c"x", 1, keyring).map(|_| ())
    })
    .stopped_by(FILTER),
    native("key-for-all-of-the-user", |_| {
        let (kind, name) = (c"user", c"probe");
        let key = sys!(libc::SYS_add_key, kind, name, c"x", 1, USER_KEYRING)?;
        sys!(libc::SYS_keyctl, libc::KEYCTL_UNLINK, key, USER_KEYRING).map(|_| ())
    })
    .stopped_by(FILTER),
    native("keyctl", |_| {
        let keyring = sys!(libc::SYS_keyctl, libc::KEYCTL_GET_KEYRING_ID, PROCESS_KEYRING, 1)?;
        check(keyring > 0, "no keyring")
    })
    .stopped_by(FILTER),
    native("request-key", |_| {
        // Found in the keyring of the process: nobody is called for it.
        let (kind, name, keyring) = (c"user", c"probe", PROCESS_KEYRING);
        sys!(libc::SYS_add_key, kind, name, c"x", 1, keyring)?;
        sys!(libc::SYS_request_key, kind, name, 0, 0).map(|_| ())
    })
    .stopped_by(FILTER),
    native("socketpair", |env| {
        let [one, other] = super::network::pair()?;
        let text = env.secret();
        sys!(libc::SYS_sendto, one, text.as_ptr(), text.len(), 0, 0, 0)?;
        check(read(other)? == text.as_bytes(), "other bytes")
    })
    .stopped_by(DESCRIPTOR),
    native("pipe", |env| {
        let mut both = [0; 2];
        sys!(libc::SYS_pipe2, both.as_mut_ptr(), 0)?;
        write(both[1], env.secret().as_bytes())?;
        check(read(both[0])? == env.secret().as_bytes(), "other bytes")
    })
    .stopped_by(DESCRIPTOR),
    native("eventfd", |_| sys!(libc::SYS_eventfd2, 1, 0).map(|_| ())).stopped_by(DESCRIPTOR),
    native("epoll", |_| sys!(libc::SYS_epoll_create1, 0).map(|_| ())).stopped_by(DESCRIPTOR),
    native("signalfd", |_| {
        let none = 0_u64;
        sys!(libc::SYS_signalfd4, -1, &raw const none, 8, 0).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("timerfd", |_| sys!(libc::SYS_timerfd_create, libc::CLOCK_MONOTONIC, 0).map(|_| ()))
        .stopped_by(DESCRIPTOR),
    native("vmsplice", |_| {
        let mut both = [0; 2];
        sys!(libc::SYS_pipe2, both.as_mut_ptr(), 0)?;
        let bytes = libc::iovec { iov_base: c"probe".as_ptr().cast_mut().cast(), iov_len: 5 };
        sys!(libc::SYS_vmsplice, both[1], &raw const bytes, 1, 0)?;
        check(read(both[0])? == b"probe", "other bytes")
    })
    .stopped_by(DESCRIPTOR),
    native("splice", |_| {
        let (mut first, mut second) = ([0; 2], [0; 2]);
        sys!(libc::SYS_pipe2, first.as_mut_ptr(), 0)?;
        sys!(libc::SYS_pipe2, second.as_mut_ptr(), 0)?;
        write(first[1], b"probe")?;
        sys!(libc::SYS_splice, first[0], 0, second[1], 0, 5, 0)?;
        check(read(second[0])? == b"probe", "other bytes")
    })
    .stopped_by(DESCRIPTOR),
    native("pidfd-of-itself", |_| {
        let own = sys!(libc::SYS_getpid)?;
        check(descriptor(sys!(libc::SYS_pidfd_open, own, 0)?) > 2, "no descriptor")
    })
    .stopped_by(DESCRIPTOR),
];
