//! Children that exited: what they left is read, then they are reaped and the node is told.

use crate::children::ChildId;
use crate::supervisor::Supervisor;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid as peek};
use node::{ChildEnd, Input, Usage};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Signal, WaitId, WaitIdOptions, pidfd_send_signal, waitid};

impl Supervisor {
    /// Reaps every child whose pidfd is readable.
    pub(crate) fn reap(&mut self) {
        let exited = std::mem::take(&mut self.exited);
        let any = !exited.is_empty();
        for id in exited {
            self.reap_child(id);
        }
        if self.strays && any {
            self.reap_strays();
        }
    }

    fn reap_child(&mut self, id: ChildId) {
        let Some(child) = self.children.all.get(id) else { return };
        let born = child.born.as_ref();
        let cpu_ns = child.limited_cpu_ns();
        let Some(end) = born.and_then(|born| reap(born.pidfd.as_fd())) else { return };
        self.read_rest(id);
        let out_of_memory = self.was_out_of_memory(id);
        let Some(child) = self.children.all.get_mut(id) else { return };
        let os_pid = child.born.as_ref().map_or(0, |born| born.os_pid);
        self.attendants.leave(child.born.as_ref().and_then(|born| born.namespace));
        match child.process.as_ref().map(|process| process.pid) {
            Some(pid) => {
                let result = std::mem::take(&mut child.result);
                let usage = Usage { cpu_ns, out_of_memory };
                self.input_with(Input::Exited { pid, os_pid, end, usage }, "", &result);
            }
            None => self.forget_warm(id),
        }
    }

    /// A zygote may have died after it forked and before it said so. Such a worker finds its socket
    /// closed and exits; here its zombie goes.
    pub(crate) fn reap_strays(&mut self) {
        // Whoever a zygote has spoken of is no stray.
        for nest in 0..self.nests.len() {
            self.hear(nest);
        }
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) =
            peek(Id::All, flags)
        {
            let os_pid = pid.as_raw().unsigned_abs();
            if self.knows(os_pid) {
                // Its own pidfd is about to tell; what is behind it is seen after that.
                return;
            }
            let _ = peek(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG);
        }
    }

    fn knows(&self, os_pid: u32) -> bool {
        let mut born = self.children.all.iter().filter_map(|(_, child)| child.born.as_ref());
        let mut zygotes = self.nests.iter().filter_map(|nest| nest.zygote.as_ref()?.born.as_ref());
        let mut attendants = self.attendants.all.values();
        born.any(|born| born.os_pid == os_pid)
            || zygotes.any(|zygote| zygote.os_pid == os_pid)
            || attendants.any(|attendant| attendant.born.os_pid == os_pid)
    }

    /// Ends zygotes and warm workers at the end of a run, and waits until they are gone: whoever
    /// sees `wabe` end finds nothing of it left. (Had it been killed, the kernel would do it.)
    pub(crate) fn end_the_rest(&mut self) {
        let born = self.children.all.iter().filter_map(|(_, child)| child.born.as_ref());
        let zygotes = self.nests.iter().filter_map(|nest| nest.zygote.as_ref()?.born.as_ref());
        // The first process of a namespace ends after everybody in it was reaped: whoever is younger
        // lives in it, or in none.
        let attendants = self.attendants.all.values().rev().map(|attendant| &attendant.born);
        let pidfds = born.chain(zygotes).chain(attendants).map(|born| &born.pidfd);
        end_all(&pidfds.collect::<Vec<_>>(), Timespec { tv_sec: 1, tv_nsec: 0 });
    }
}

/// Kills them all, and waits for each so long at most, in this order, to reap it.
pub(crate) fn end_all(pidfds: &[&OwnedFd], each: Timespec) {
    for pidfd in pidfds {
        // It can fail only where the child is dead already and not reaped yet.
        let _ = pidfd_send_signal(pidfd, Signal::KILL);
    }
    for pidfd in pidfds {
        let _ = poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&each));
        reap(pidfd.as_fd());
    }
}

/// Takes the kernel's report, where there is one.
pub(crate) fn reap(pidfd: BorrowedFd<'_>) -> Option<ChildEnd> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
    let status = match waitid(WaitId::PidFd(pidfd), options) {
        Ok(status) => status?,
        // It was reaped as a stray before its zygote's word of it was heard: how it ended is lost.
        Err(Errno::CHILD) => return Some(ChildEnd::Signal(Signal::KILL.as_raw())),
        Err(_) => return None,
    };
    let code = status.exit_status().map(ChildEnd::Code);
    code.or_else(|| status.terminating_signal().map(ChildEnd::Signal))
}
