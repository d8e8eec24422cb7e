//! The laws that are judged as things happen, where a worker alone cannot.

use super::env::Env;
use super::history::{Log, NAMES};
use super::kernel::{Cell, Who};
use super::witness::Sight;
use ipc::limits::START_MAX_NS;
use ipc::{ExitKind, ExitReason};
use node::ChildEnd;

/// SIGKILL: whoever dies of it may have been killed by the supervisor.
const SIGKILL: i32 = 9;

impl Env {
    /// A process is wanted: it gets its cell and its log.
    pub(crate) fn begin(&mut self, log: Log) -> Who {
        let capacities = [100, 700, 2000, 6000];
        let (down, up) = (self.random.pick(&capacities), self.random.pick(&capacities));
        self.cells.push(Cell::new(down, up));
        self.history.begin(Log { begun: self.now, ..log });
        self.cells.len() - 1
    }

    /// A message was accepted: what waits for one process has its limit, unless that process lies
    /// about what it has taken.
    pub(crate) fn is_on_its_way(&mut self, to: Who, charge: u64) {
        let log = &mut self.history.logs[to];
        log.waiting += charge;
        let (waiting, max, cheats) = (log.waiting, 2 * log.mailbox_max, log.cheats);
        self.witness.law(waiting <= max || cheats, || {
            format!("{waiting} bytes wait for #{to}, more than {max}")
        });
    }

    /// A line arrived at standard output: each once, and in order.
    pub(crate) fn is_shown(&mut self, who: Who, text: &[u8]) {
        let log = &mut self.history.logs[who];
        let next = log.shown.to_string().as_bytes() == text;
        log.shown += 1;
        self.witness.law(next, || format!("a line of #{who} is out of order"));
    }

    /// A name belongs to one for whom it was asked, and who has not ended.
    pub(crate) fn looked_up(&mut self, me: Who, name: &str, pid: &str) {
        let owner = self.history.who(pid).unwrap_or(usize::MAX);
        let claimed = self.history.claims.get(name).is_some_and(|all| all.contains(&owner));
        let told = self.history.logs[me].exits.contains(&owner);
        self.witness.law(claimed, || format!("{name} is #{owner}, for whom nobody asked it"));
        self.witness.law(!told, || format!("{name} is #{owner}, of whom #{me} was told EXIT"));
        if self.calm {
            let over = self.history.logs.get(owner).is_none_or(Log::is_over);
            let other = self.history.believers(name).find(|other| *other != owner);
            self.witness.law(!over, || format!("{name} is #{owner}, who is gone"));
            self.witness.law(other.is_none(), || format!("{name} is #{owner} and {other:?}"));
        }
    }

    /// The node says why a process ended, which must fit what its worker and the kernel did.
    pub(crate) fn check_end(&mut self, who: Who, reason: &ExitReason) {
        let now = self.now;
        let log = &mut self.history.logs[who];
        let first = log.end.replace(reason.clone()).is_none();
        let log = &self.history.logs[who];
        let fits = fits(log, reason, now);
        let (done, death, killed) = (log.done.clone(), log.death, log.killed);
        self.witness.law(first, || format!("#{who} ends twice"));
        self.witness.law(fits, || {
            format!("#{who} ended by {reason:?}, after {done:?} and {death:?}, killed: {killed}")
        });
        let sight = match reason.kind {
            ExitKind::Normal | ExitKind::Error if killed => Sight::ResultKeptUnderKill,
            ExitKind::Link => Sight::LinkKill,
            ExitKind::Protocol => Sight::Protocol,
            ExitKind::Watchdog => Sight::Watchdog,
            ExitKind::Signal => Sight::Signalled,
            ExitKind::Code => Sight::ExitCode,
            ExitKind::Terminated if reason.message.as_deref() == Some("terminated") => {
                Sight::Terminated
            }
            ExitKind::Terminated => Sight::CancelDeadline,
            _ => return,
        };
        self.witness.note(sight);
    }

    /// Names that two live processes believe to have: none, once everything said was heard.
    pub(crate) fn check_names(&mut self) {
        for name in NAMES {
            let owners: Vec<_> = self.history.believers(name).collect();
            self.witness.law(owners.len() < 2, || format!("{name} belongs to {owners:?}"));
        }
    }
}

fn fits(log: &Log, reason: &ExitReason, now: u64) -> bool {
    let done = log.done.as_ref().filter(|done| done.written);
    // Nothing that it says counts once it was given up for not having loaded in time.
    let heard = !log.lied && now - log.begun < START_MAX_NS;
    match reason.kind {
        ExitKind::Normal => done.is_some_and(|done| done.error.is_none()),
        ExitKind::Error => done.is_some_and(|done| done.error == reason.message),
        _ if done.is_some() && heard => false,
        ExitKind::Signal => match log.death {
            Some(ChildEnd::Signal(SIGKILL)) if log.killed => false,
            Some(ChildEnd::Signal(signal)) => reason.signal == Some(signal),
            _ => false,
        },
        ExitKind::Code => matches!(log.death, Some(ChildEnd::Code(c)) if reason.code == Some(c)),
        ExitKind::Protocol => log.killed && log.lied,
        ExitKind::Mailbox => log.killed && log.overrun,
        ExitKind::NodeDown => log.death.is_none(),
        ExitKind::Link | ExitKind::Terminated | ExitKind::Watchdog | ExitKind::Shutdown => {
            log.killed
        }
        _ => false,
    }
}
