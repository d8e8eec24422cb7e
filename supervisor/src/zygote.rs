//! Zygotes: one for each host, from which its workers are forked.

use crate::children::ChildId;
use ipc::zygote::{Source, ToZygote};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};
use std::collections::VecDeque;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;

/// Forks that a zygote is asked for before it has answered the first.
const IN_FLIGHT_MAX: usize = 32;

/// Zygotes in a row that may end without having forked, before the host is given up.
pub(crate) const TRIES: u32 = 3;

/// The host of workers, and the zygote that makes them.
#[derive(Debug)]
pub(crate) struct Nest {
    pub(crate) host: Rc<str>,
    pub(crate) zygote: Option<Zygote>,
    /// Workers that are wanted and not asked for yet.
    pub(crate) wanted: VecDeque<ChildId>,
    /// Workers that are asked for, in order.
    pub(crate) in_flight: VecDeque<ChildId>,
    /// Workers that are not assigned to a process yet, born or not.
    pub(crate) warm: VecDeque<ChildId>,
    /// Zygotes in a row that ended without having forked.
    pub(crate) failures: u32,
    /// When the zygote must have answered.
    pub(crate) deadline: Option<u64>,
}

/// A zygote that runs.
#[derive(Debug)]
pub(crate) struct Zygote {
    pub(crate) control: OwnedFd,
    pub(crate) pidfd: OwnedFd,
    pub(crate) os_pid: u32,
}

impl Nest {
    pub(crate) fn new(host: Rc<str>) -> Self {
        Nest {
            host,
            zygote: None,
            wanted: VecDeque::new(),
            in_flight: VecDeque::new(),
            warm: VecDeque::new(),
            failures: 0,
            deadline: None,
        }
    }

    /// True where a further fork may be asked for now.
    pub(crate) fn may_ask(&self) -> bool {
        self.in_flight.len() < IN_FLIGHT_MAX
    }
}

impl Zygote {
    /// Starts the worker binary as a zygote and hands it the app's code.
    ///
    /// # Errors
    /// Where the binary cannot be started.
    pub(crate) fn start(worker: &Path, code: &OwnedFd) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        let mut child = Command::new(worker)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| {
                io::Error::new(error.kind(), format!("cannot start {}: {error}", worker.display()))
            })?;
        Self::hold(&child, ours, code).inspect_err(|_| {
            // Nobody else knows of it: it must not stay behind as a zombie.
            let _ = child.kill().and_then(|()| child.wait());
        })
    }

    fn hold(child: &Child, control: OwnedFd, code: &OwnedFd) -> io::Result<Self> {
        let os_pid = child.id();
        let pid = i32::try_from(os_pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("no such OS pid"))?;
        // It is this process's child and not waited for yet, so the number cannot be another's.
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        rustix::io::ioctl_fionbio(&control, true)?;
        let zygote = Zygote { control, pidfd, os_pid };
        zygote.say(&ToZygote::Load, code.as_fd())?;
        Ok(zygote)
    }

    /// Asks for a worker with that end of a socket; false where it is to be asked later, or the
    /// next zygote, because this one is ending: its pidfd is about to tell.
    ///
    /// # Errors
    /// As sendmsg(2).
    pub(crate) fn ask(&self, socket: BorrowedFd<'_>) -> io::Result<bool> {
        self.say(&ToZygote::Fork, socket)
    }

    fn say(&self, request: &ToZygote, descriptor: BorrowedFd<'_>) -> io::Result<bool> {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, WouldBlock};
        match packet::send(&self.control, request, Some(descriptor)) {
            Ok(()) => Ok(true),
            Err(error) if matches!(error.kind(), WouldBlock | BrokenPipe | ConnectionReset) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Kills it and takes the kernel's report, which is there at once.
    pub(crate) fn end(&self) {
        self.kill();
        let _ = waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED);
    }

    pub(crate) fn kill(&self) {
        // It can fail only where the zygote is gone already.
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
    }
}

/// The app's code in a sealed file in memory: every zygote reads the same bytes.
///
/// # Errors
/// As memfd_create(2).
pub(crate) fn code_file(sources: &[Source]) -> io::Result<OwnedFd> {
    let bytes = rmp_serde::to_vec(sources).map_err(io::Error::other)?;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = rustix::fs::memfd_create("wabe-code", flags)?;
    let mut file = std::fs::File::from(file);
    file.write_all(&bytes)?;
    let file = OwnedFd::from(file);
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file)
}
