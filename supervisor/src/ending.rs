//! Children that exited: what they left is read, then they are reaped and the node is told.

use crate::children::{Born, Child, ChildId, Payload};
use crate::hold::Hold;
use crate::supervisor::Supervisor;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid as peek};
use node::{Input, Usage};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, OwnedFd};
use rustix::process::{
    Pid as OsPid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};

/// Children that a round reaps, at most: thousands may end at once, and the others have their turn.
const REAPED: usize = 32;

/// Time that each of them has to end, at the end of a run.
const END_MAX: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

impl Supervisor {
    /// Reaps every child whose pidfd is readable, or of which it is likely.
    pub(crate) fn reap(&mut self) {
        let any = !self.exited.is_empty();
        for _ in 0..REAPED {
            let Some(id) = self.exited.pop_front() else { break };
            if let Some(child) = self.children.all.get_mut(id) {
                child.exiting = false;
            }
            self.reap_child(id);
        }
        if self.strays && any {
            self.reap_strays();
        }
    }

    /// A child may have ended.
    pub(crate) fn mark_exited(&mut self, id: ChildId) {
        if let Some(child) = self.children.all.get_mut(id)
            && !std::mem::replace(&mut child.exiting, true)
        {
            self.exited.push_back(id);
        }
    }

    fn reap_child(&mut self, id: ChildId) {
        let Some(child) = self.children.all.get(id) else { return };
        let cpu_ns = child.limited_cpu_ns();
        let Some(end) = self.children.reap(id) else { return };
        self.read_rest(id);
        let out_of_memory = self.was_out_of_memory(id);
        if let Some(left) = self.children.all.get(id).and_then(|child| child.left) {
            return self.left_for_good(id, left, end);
        }
        let Some(child) = self.children.all.get_mut(id) else { return };
        let os_pid = child.born.as_ref().map_or(0, |born| born.os_pid);
        self.attendants.leave(child.born.as_ref().and_then(|born| born.namespace));
        match child.process.as_ref().map(|process| process.pid) {
            Some(pid) => {
                let result = std::mem::take(&mut child.result);
                let usage = Usage { cpu_ns, out_of_memory };
                self.input_with(
                    Input::Exited { pid, os_pid, end, usage },
                    "",
                    Payload::small(&result),
                );
            }
            None => self.lost_warm(id),
        }
    }

    /// A zygote may have died after it forked and before it said so. Such a worker finds its socket
    /// closed and exits; here its zombie goes, and so do workers without a pidfd that have ended. False
    /// where somebody stands in the way, and it is to be tried again.
    pub(crate) fn reap_strays(&mut self) -> bool {
        // Whoever a zygote has spoken of is no stray.
        for nest in 0..self.nests.len() {
            self.hear(nest);
        }
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..)) =
            peek(Id::All, flags)
        {
            let os_pid = pid.as_raw().unsigned_abs();
            match self.children.by_os_pid(os_pid) {
                Some(id) if self.children.all.get(id).is_some_and(Child::is_numbered) => {
                    self.reap_child(id);
                    if self.children.by_os_pid(os_pid) == Some(id) {
                        return false;
                    }
                }
                None if !self.attends(os_pid) => {
                    let _ = peek(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG);
                }
                // Its own pidfd is about to tell; what is behind it is seen after that.
                _ => return false,
            }
        }
        true
    }

    /// True for the number of a child that is no worker.
    pub(crate) fn attends(&self, os_pid: u32) -> bool {
        let mut zygotes = self.nests.iter().filter_map(|nest| nest.zygote.as_ref()?.born.as_ref());
        let mut attendants = self.attendants.all.values();
        zygotes.any(|zygote| zygote.os_pid == os_pid)
            || attendants.any(|attendant| attendant.born.os_pid == os_pid)
    }

    /// Ends zygotes and warm workers at the end of a run, and waits until they are gone: whoever
    /// sees `wabe` end finds nothing of it left. (Had it been killed, the kernel would do it.)
    pub(crate) fn end_the_rest(&mut self) {
        self.end_zygotes();
        self.end_numbered();
        let born = self.children.all.iter().filter_map(|(_, child)| child.born.as_ref());
        let zygotes = self.nests.iter().filter_map(|nest| nest.zygote.as_ref()?.born.as_ref());
        // The first process of a namespace ends after everybody in it was reaped: whoever is younger
        // lives in it, or in none.
        let attendants = self.attendants.all.values().rev().map(|attendant| &attendant.born);
        let pidfds = born.chain(zygotes).chain(attendants).filter_map(Born::pidfd);
        end_all(&pidfds.collect::<Vec<_>>(), END_MAX);
    }

    /// They go first, also those that are about to be forked, and with them those whom they have forked
    /// and not told of. Nobody else would wait for these, and the first process of their namespace would
    /// wait for that.
    fn end_zygotes(&self) {
        let zygotes = || self.nests.iter().filter_map(|nest| nest.zygote.as_ref());
        let starters = zygotes().filter_map(|zygote| self.attendants.all.get(&zygote.starter));
        let starters = starters.map(|starter| &starter.born);
        let forking = zygotes().filter_map(|zygote| zygote.born.as_ref()).chain(starters);
        end_all(&forking.filter_map(Born::pidfd).collect::<Vec<_>>(), END_MAX);
        let me = std::process::id();
        // Where the kernel does not say, the wait takes its time.
        let children = std::fs::read_to_string(format!("/proc/{me}/task/{me}/children"));
        let children = children.unwrap_or_default();
        let strays = children.split_whitespace().filter_map(|os_pid| os_pid.parse().ok());
        let strays = strays.filter(|os_pid| !self.is_held(*os_pid));
        let strays = strays.filter_map(|os_pid| OsPid::from_raw(i32::try_from(os_pid).ok()?));
        // Only who has waited for one may use its number no more, and nobody has.
        let strays = strays.filter_map(|os_pid| pidfd_open(os_pid, PidfdFlags::empty()).ok());
        let strays: Vec<_> = strays.collect();
        // The kernel lists the oldest first, and whoever lives in a namespace is younger than its first
        // process.
        end_all(&strays.iter().rev().collect::<Vec<_>>(), END_MAX);
    }

    /// The same for those without a pidfd, who get one for the wait.
    fn end_numbered(&self) {
        let all =
            self.children.all.iter().filter_map(|(_, child)| match child.born.as_ref()?.hold {
                Hold::Number(os_pid) => Some(os_pid),
                Hold::Pidfd(_) | Hold::Reaped => None,
            });
        let all: Vec<_> = all.collect();
        for os_pid in &all {
            Hold::Number(*os_pid).kill();
        }
        for os_pid in all {
            if let Ok(pidfd) = pidfd_open(os_pid, PidfdFlags::empty()) {
                end_all(&[&pidfd], END_MAX);
            }
        }
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
        let _ = waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }
}
