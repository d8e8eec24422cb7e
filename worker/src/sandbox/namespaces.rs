//! Namespaces of the workers' own, with nothing in them: no other process, no network, no file.

use super::{Layered, holds, of, sys};
use crate::door::close_from;
use crate::fork::{exit_now, fork_child, pause};
use crate::hygiene;
use ipc::sandbox::{Layer, Plan, UIDS};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, mount_remount, unmount,
};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    Gid, Pid, Uid, WaitOptions, chdir, getegid, geteuid, getpid, pivot_root, wait, waitpid,
};
use rustix::system::{sethostname, uname};
use rustix::thread::{UnshareFlags, set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::fs;
use std::io;

/// Where the empty root is mounted before it becomes the root: a folder that every machine has.
const PLACE: &str = "/proc";

/// What a worker sees as the machine's name.
const HOST_NAME: &[u8] = b"wabe";

/// Enters all namespaces. Further forks of this process are in the new pid namespace, the first of
/// them as its pid 1; this process itself never is.
pub(crate) fn enter(plan: &Plan) -> Layered<()> {
    let layer = Layer::Namespaces;
    user_namespace(plan)?;
    let of_its_own = UnshareFlags::NEWNS
        | UnshareFlags::NEWNET
        | UnshareFlags::NEWIPC
        | UnshareFlags::NEWUTS
        // A worker's control group lies outside of what such a namespace would show, and could then
        // not be entered (cgroups(7), nsdelegate). Without /proc nobody can look at paths anyway.
        | if plan.layers.has(Layer::Cgroup) { UnshareFlags::empty() } else { UnshareFlags::NEWCGROUP };
    of(layer, "unshare (mount, net, ipc, uts, cgroup)", sys::unshare(of_its_own))?;
    of(layer, "sethostname", sethostname(HOST_NAME))?;
    // Whoever finds a way to unshare(2) finds no user namespace to be had.
    let none = fs::write("/proc/sys/user/max_user_namespaces", "0");
    of(layer, "writing 0 to /proc/sys/user/max_user_namespaces", none)?;
    // The last, so that whoever is in a pid namespace of its own has the others as well.
    of(layer, "unshare (pid)", sys::unshare(UnshareFlags::NEWPID))
}

/// Where workers get users of their own, ids 0 and up inside are `first_uid` and up outside;
/// otherwise there is one user inside, who is the supervisor's outside.
fn user_namespace(plan: &Plan) -> Layered<()> {
    let layer = Layer::Namespaces;
    match plan.layers.has(Layer::Uid) {
        true => {
            let mapper = of(Layer::Uid, "mapping users", Mapper::start(plan.first_uid))?;
            of(layer, "unshare (user)", sys::unshare(UnshareFlags::NEWUSER))?;
            of(Layer::Uid, "mapping users", mapper.map())?;
            of(Layer::Uid, "becoming user 0 of the namespace", be_first_user())
        }
        false => {
            let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
            of(layer, "unshare (user)", sys::unshare(UnshareFlags::NEWUSER))?;
            of(layer, "mapping users", map_self(uid, gid))
        }
    }
}

fn map_self(uid: u32, gid: u32) -> io::Result<()> {
    // user_namespaces(7): without it an ordinary user may not map groups.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

fn be_first_user() -> io::Result<()> {
    let (uid, gid) = (Uid::ROOT, Gid::ROOT);
    set_thread_groups(&[])?;
    set_thread_res_gid(gid, gid, gid)?;
    Ok(set_thread_res_uid(uid, uid, uid)?)
}

/// A child that stays in the old user namespace: only from there many users can be mapped.
struct Mapper {
    child: Pid,
    go: OwnedFd,
}

impl Mapper {
    fn start(first_uid: u32) -> io::Result<Self> {
        let me = getpid();
        let (wait, go) = pipe_with(PipeFlags::CLOEXEC)?;
        match fork_child()? {
            Some(child) => Ok(Mapper { child, go }),
            None => {
                drop(go);
                let mapped = map(&wait, me, first_uid);
                exit_now(i32::from(mapped.is_err()))
            }
        }
    }

    fn map(self) -> io::Result<()> {
        rustix::io::write(&self.go, &[1])?;
        let status = waitpid(Some(self.child), WaitOptions::empty())?;
        match status.and_then(|(_, status)| status.exit_status()) {
            Some(0) => Ok(()),
            _ => Err(io::Error::other("uid_map and gid_map cannot be written")),
        }
    }
}

fn map(wait: &OwnedFd, whom: Pid, first_uid: u32) -> io::Result<()> {
    let mut told = [0];
    if rustix::io::read(wait, &mut told)? == 0 {
        return Err(io::Error::other("there is no namespace to be mapped"));
    }
    let whom = whom.as_raw_nonzero();
    let map = format!("0 {first_uid} {UIDS}");
    fs::write(format!("/proc/{whom}/gid_map"), &map)?;
    fs::write(format!("/proc/{whom}/uid_map"), &map)
}

/// In the zygote: a root without anything in it, read-only, and no way back.
pub(super) fn empty_root() -> Layered<()> {
    let layer = Layer::Namespaces;
    of(layer, "an empty root", switch_root())?;
    let empty = fs::read_dir("/").is_ok_and(|mut entries| entries.next().is_none());
    holds(layer, "the root is not empty", empty)?;
    let second = getpid().as_raw_nonzero().get() == 2;
    holds(layer, "the zygote is not pid 2 of its namespace", second)?;
    holds(layer, "the machine's name can be seen", uname().nodename().to_bytes() == HOST_NAME)
}

fn switch_root() -> io::Result<()> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private)?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("wabe", PLACE, "tmpfs", flags, Some(c"size=4k,nr_inodes=2,mode=555"))?;
    chdir(PLACE)?;
    // pivot_root(2), "pivot_root(".", ".")": the old root lies on the new one, and is taken off.
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    mount_remount("/", flags | MountFlags::RDONLY, c"")?;
    Ok(chdir("/")?)
}

/// Makes this process, pid 1 of the namespace, one that ends with the supervisor, and everybody in
/// the namespace with it.
pub(crate) fn become_reaper(control: BorrowedFd<'_>, plan: &Plan) -> Layered<()> {
    hygiene::name_process("wabe-reaper");
    if plan.layers.has(Layer::NoNewPrivs) {
        super::privileges::no_new_privs()?;
    }
    if plan.layers.has(Layer::Capabilities) {
        super::privileges::keep_only_ids(false)?;
    }
    let mortal = hygiene::worker(&control);
    of(Layer::Namespaces, "parent-death signal of the reaper", mortal)
}

/// What a reaper does. Nobody in the namespace has children; should one come here all the same, it
/// is reaped.
pub(crate) fn serve_as_reaper() -> ! {
    if close_from(0).is_err() {
        exit_now(1);
    }
    loop {
        if wait(WaitOptions::empty()).is_err() {
            // Nobody has ever come; whoever does later is left as it is: it costs one entry of a table.
            pause();
        }
    }
}
