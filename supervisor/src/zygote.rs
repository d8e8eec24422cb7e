//! Zygotes: one for each host, from which its workers are forked.

use crate::attendants::AttendantId;
use crate::cgroup::Cgroups;
use crate::children::{Born, ChildId};
use crate::machine;
use crate::pool::Pool;
use crate::turns::Turns;
use ipc::Zones;
use ipc::sandbox::{Layer, Plan, Sandbox};
use ipc::zygote::{Source, ToZygote, load_file};
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

/// Forks that a zygote is asked for before it has answered the first: enough to keep it busy, and no
/// more, for whoever's turn comes next waits for them.
const IN_FLIGHT_MAX: usize = 16;

/// Zygotes in a row that may end without having forked, before the host is given up.
pub(crate) const TRIES: u32 = 3;

/// The host of workers, and the zygote that makes them.
#[derive(Debug)]
pub(crate) struct Nest {
    pub(crate) host: Rc<str>,
    pub(crate) zygote: Option<Zygote>,
    /// Workers that are wanted for processes and not asked for yet. Spawners take turns.
    pub(crate) wanted: Turns<ChildId>,
    /// Workers that are asked for, in order.
    pub(crate) in_flight: VecDeque<ChildId>,
    pub(crate) pool: Pool,
    /// Zygotes in a row that ended without having forked.
    pub(crate) failures: u32,
    /// The zygote has old code: it is asked nothing more, and goes.
    pub(crate) stale: bool,
    /// When the zygote must have answered.
    pub(crate) deadline: Option<u64>,
    /// What its workers are enclosed in.
    pub(crate) plan: Plan,
    /// Why there can be no zygote.
    pub(crate) barred: Option<String>,
    /// Why its zygote, which is about to end, could not be enclosed.
    pub(crate) refused: Option<String>,
    /// That optional layers are missing is said once.
    pub(crate) said_missing: bool,
}

/// A zygote that runs.
#[derive(Debug)]
pub(crate) struct Zygote {
    pub(crate) control: OwnedFd,
    /// The zygote, once the program that was started has forked it.
    pub(crate) born: Option<Born>,
    /// The program that was started.
    pub(crate) starter: AttendantId,
    /// The first process of the pid namespace in which it and its workers live.
    pub(crate) namespace: Option<AttendantId>,
}

/// The program that a zygote is forked from.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) control: OwnedFd,
    pub(crate) pidfd: OwnedFd,
    pub(crate) os_pid: u32,
}

impl Nest {
    pub(crate) fn new(host: Rc<str>, plan: Plan, barred: Option<String>, warm: usize) -> Self {
        Nest {
            host,
            zygote: None,
            wanted: Turns::default(),
            in_flight: VecDeque::new(),
            pool: Pool::new(warm),
            failures: 0,
            stale: false,
            deadline: None,
            plan,
            barred,
            refused: None,
            said_missing: false,
        }
    }

    /// True where a further fork may be asked for now.
    pub(crate) fn may_ask(&self) -> bool {
        let most = if self.is_strict() { 1 } else { IN_FLIGHT_MAX };
        !self.stale && self.in_flight.len() < most
    }

    /// True where no two workers come from one zygote: each has an address-space layout of its own.
    pub(crate) fn is_strict(&self) -> bool {
        self.plan.sandbox == Sandbox::Strict
    }
}

impl Started {
    /// Starts the worker binary, which encloses itself and forks a zygote that waits to be handed code.
    ///
    /// # Errors
    /// Where the binary cannot be started.
    pub(crate) fn start(worker: &Path, plan: Plan, cgroups: Option<&Cgroups>) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        let mut child = Command::new(worker)
            .env_clear()
            // libc reads the time zone again at each use, unless this names where it is.
            .env("TZ", std::env::var_os("TZ").unwrap_or_else(|| ":/etc/localtime".into()))
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| match machine::shortage(&error) {
                Some(_) => error,
                None => {
                    let text = format!("cannot start {}: {error}", worker.display());
                    io::Error::new(error.kind(), text)
                }
            })?;
        Self::hold(&child, ours, plan, cgroups).inspect_err(|_| {
            // Nobody else knows of it: it must not stay behind as a zombie.
            let _ = child.kill().and_then(|()| child.wait());
        })
    }

    fn hold(
        child: &Child,
        control: OwnedFd,
        plan: Plan,
        cgroups: Option<&Cgroups>,
    ) -> io::Result<Self> {
        let os_pid = child.id();
        let pid = i32::try_from(os_pid).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("no such OS pid"))?;
        // It is this process's child and not waited for yet, so the number cannot be another's.
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        rustix::io::ioctl_fionbio(&control, true)?;
        if let Some(cgroups) = cgroups.filter(|_| plan.layers.has(Layer::Cgroup)) {
            cgroups.adopt(os_pid)?;
        }
        say(&control, &ToZygote::Enclose(plan), &[])?;
        Ok(Started { control, pidfd, os_pid })
    }

    /// Hands it the app's code.
    ///
    /// # Errors
    /// As sendmsg(2).
    pub(crate) fn hand_over(&self, code: &OwnedFd) -> io::Result<()> {
        say(&self.control, &ToZygote::Load, &[code.as_fd()]).map(drop)
    }

    /// Kills it and takes the kernel's report, which is there at once.
    pub(crate) fn end(&self) {
        let _ = pidfd_send_signal(&self.pidfd, Signal::KILL);
        let _ = waitid(WaitId::PidFd(self.pidfd.as_fd()), WaitIdOptions::EXITED);
    }
}

impl Zygote {
    /// Asks for a worker with that end of a socket, and in that control group; false where it is to be
    /// asked later, or the next zygote, because this one is ending: its pidfd is about to tell.
    ///
    /// # Errors
    /// As sendmsg(2).
    pub(crate) fn ask(&self, uid: u32, descriptors: &[BorrowedFd<'_>]) -> io::Result<bool> {
        say(&self.control, &ToZygote::Fork { uid }, descriptors)
    }
}

/// False where the socket takes nothing now, or nobody is at its other end.
fn say(control: &OwnedFd, request: &ToZygote, descriptors: &[BorrowedFd<'_>]) -> io::Result<bool> {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, WouldBlock};
    match packet::send(control, request, descriptors) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), WouldBlock | BrokenPipe | ConnectionReset) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// The app's code and the time zones in a sealed file in memory: every zygote reads the same bytes.
///
/// # Errors
/// As memfd_create(2).
pub(crate) fn code_file(sources: &[Source], zones: &Zones) -> io::Result<OwnedFd> {
    let bytes = load_file(sources, zones).map_err(io::Error::other)?;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let file = rustix::fs::memfd_create("wabe-code", flags)?;
    let mut file = std::fs::File::from(file);
    file.write_all(&bytes)?;
    let file = OwnedFd::from(file);
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file)
}
