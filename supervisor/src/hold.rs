//! [`Hold`]: how the supervisor holds a child: by a pidfd, or, where descriptors are not plentiful any
//! more, by its OS pid.
//!
//! The number of a child is its own until its parent has waited for it. The supervisor is the parent, it
//! has one thread, and whoever is waited for becomes [`Hold::Reaped`] in the same step: so no number is
//! ever used that could be another's.
//!
//! A pidfd tells of the end by itself. Without one the end shows twice: the worker's socket hangs up,
//! shortly before the kernel's report is there, and SIGCHLD comes, shortly after. Whose socket has hung up
//! is looked at then. Somebody else may hold the socket of a dead worker; so after a SIGCHLD, and a pause
//! in which more of them may come, the kernel is asked for anybody who has ended.

use crate::children::{Born, ChildId};
use crate::source::Source;
use crate::supervisor::Supervisor;
use node::ChildEnd;
use rustix::io::Errno;
use rustix::process::{
    Pid as OsPid, Signal, WaitId, WaitIdOptions, kill_process, pidfd_send_signal, waitid,
};
use std::os::fd::{AsFd, OwnedFd};

/// Time after a SIGCHLD until the kernel is asked for anybody who has ended.
const LOOK_NS: u64 = 50_000_000;

/// The same for each child without a pidfd: the kernel looks through all children for the answer (a fifth of
/// a microsecond for each was measured), and nodes with thousands should hardly notice.
const LOOK_EACH_NS: u64 = 50_000;

/// How a child is held.
#[derive(Debug)]
pub(crate) enum Hold {
    Pidfd(OwnedFd),
    /// It is a child that nobody has waited for, and only who has this may.
    Number(OsPid),
    /// Its number may be another's.
    Reaped,
}

impl Hold {
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        // It can fail only where the child is dead already and not reaped yet.
        let _ = match self {
            Hold::Pidfd(pidfd) => pidfd_send_signal(pidfd, signal),
            Hold::Number(os_pid) => kill_process(*os_pid, signal),
            Hold::Reaped => Ok(()),
        };
    }

    /// Takes the kernel's report, where there is one.
    pub(crate) fn reap(&mut self) -> Option<ChildEnd> {
        match self {
            Hold::Pidfd(pidfd) => end_of(WaitId::PidFd(pidfd.as_fd())),
            Hold::Number(os_pid) => {
                let end = end_of(WaitId::Pid(*os_pid))?;
                *self = Hold::Reaped;
                Some(end)
            }
            Hold::Reaped => None,
        }
    }
}

/// How a child has ended, where it has: it is reaped.
pub(crate) fn end_of(id: WaitId<'_>) -> Option<ChildEnd> {
    let status = match waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
        Ok(status) => status?,
        // It was reaped as a stray before its zygote's word of it was heard: how it ended is lost.
        Err(Errno::CHILD) => return Some(ChildEnd::Signal(Signal::KILL.as_raw())),
        Err(_) => return None,
    };
    let code = status.exit_status().map(ChildEnd::Code);
    code.or_else(|| status.terminating_signal().map(ChildEnd::Signal))
}

/// The number of a child that may be held by it: the kernel has said it, and knows it as a child's.
fn number_of(os_pid: u32) -> Option<OsPid> {
    let os_pid = i32::try_from(os_pid).ok().and_then(OsPid::from_raw)?;
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(os_pid), options).is_ok().then_some(os_pid)
}

impl Supervisor {
    /// Holds a new worker, and sees to it that its end is told.
    pub(crate) fn hold(&mut self, id: ChildId, mut born: Born) {
        let save = self.must_save_descriptors();
        let number = if save { number_of(born.os_pid) } else { None };
        match number {
            Some(number) => {
                born.hold = Hold::Number(number);
                self.heed_children();
            }
            None => self.watch_end(&born, Source::Pidfd(id)),
        }
        self.children.bear(id, born);
    }

    /// True where somebody has that number already. A zygote that was taken over may send a pidfd twice,
    /// or its own; but who is held by a number must be the only one to wait for it.
    pub(crate) fn is_held(&self, os_pid: u32) -> bool {
        let is_said = os_pid != 0;
        is_said && (self.children.by_os_pid(os_pid).is_some() || self.attends(os_pid))
    }

    /// SIGCHLD is wanted from now on.
    pub(crate) fn heed_children(&mut self) {
        if !std::mem::replace(&mut self.heeds_children, true) {
            self.watch_for_children();
            // Somebody may have ended before.
            self.look_later();
        }
    }

    /// The socket of a worker has hung up: it may have ended.
    pub(crate) fn hung_up(&mut self, id: ChildId) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        child.to_the_end = true;
        if child.is_numbered() && !std::mem::replace(&mut child.suspected, true) {
            self.suspects.push(id);
            self.mark_exited(id);
        }
    }

    /// A child has ended. It can be one whose socket has hung up, or anybody.
    pub(crate) fn child_has_ended(&mut self) {
        self.suspects.retain(|id| {
            let child = self.children.all.get(*id);
            child.is_some_and(|child| child.suspected && child.is_numbered())
        });
        for place in 0..self.suspects.len() {
            self.mark_exited(self.suspects[place]);
        }
        if self.strays {
            self.reap_strays();
        } else if self.children.numbered() > 0 {
            self.look_later();
        }
    }

    fn look_later(&mut self) {
        let pause = LOOK_NS + LOOK_EACH_NS * self.children.numbered() as u64;
        let at = self.now() + pause;
        self.look_at.get_or_insert(at);
    }

    /// Asks the kernel for anybody who has ended, where that is due.
    pub(crate) fn look_for_ends(&mut self) {
        if self.look_at.is_some_and(|at| at <= self.now()) {
            self.look_at = None;
            if !self.reap_strays() {
                self.look_later();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{PidfdFlags, pidfd_open};
    use std::process::{Child, Command};

    fn child() -> (Child, OsPid) {
        let child = Command::new("sleep").arg("1000").spawn().expect("sleep is there");
        let os_pid = OsPid::from_child(&child);
        (child, os_pid)
    }

    #[test]
    fn a_child_is_killed_and_reaped_once_by_its_number() {
        let (child, os_pid) = child();
        assert_eq!(number_of(child.id()), Some(os_pid));
        let mut hold = Hold::Number(os_pid);
        assert_eq!(hold.reap(), None);
        hold.kill();
        // It is there for whoever looks, until it is waited for.
        let seen = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(os_pid), seen).expect("it ends");
        assert_eq!(number_of(child.id()), Some(os_pid));
        assert_eq!(hold.reap(), Some(ChildEnd::Signal(Signal::KILL.as_raw())));
        assert!(matches!(hold, Hold::Reaped));
        assert_eq!((hold.reap(), number_of(child.id())), (None, None));
        hold.kill();
    }

    #[test]
    fn a_pidfd_does_the_same() {
        let (_child, os_pid) = child();
        let pidfd = pidfd_open(os_pid, PidfdFlags::empty()).expect("it lives");
        let mut hold = Hold::Pidfd(pidfd);
        assert_eq!(hold.reap(), None);
        hold.kill();
        let seen = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(os_pid), seen).expect("it ends");
        assert_eq!(hold.reap(), Some(ChildEnd::Signal(Signal::KILL.as_raw())));
    }

    #[test]
    fn whoever_is_no_child_is_not_held_by_a_number() {
        assert_eq!(number_of(0), None);
        assert_eq!(number_of(std::process::id()), None);
        assert_eq!(number_of(u32::MAX), None);
    }
}
