//! What is known of one service, and of one group.

use super::{GroupSpec, Key, Ready, ServiceSpec};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use ipc::quota::time_text;

/// Where a service is in its life, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It was never to run.
    Unknown,
    /// It waits for what it requires, or is not up yet.
    Starting,
    /// It is up.
    Running,
    /// It is to end.
    Stopping,
    /// It was stopped.
    Stopped,
    /// It ended normally.
    Exited,
    /// It failed. It may be about to be started again.
    Failed,
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Unknown => "unknown",
            State::Starting => "starting",
            State::Running => "running",
            State::Stopping => "stopping",
            State::Stopped => "stopped",
            State::Exited => "exited",
            State::Failed => "failed",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Unknown,
    /// It starts as soon as it may.
    Due,
    /// It failed, and is due at that time.
    Later {
        at: u64,
    },
    /// It has a process, which must be up by then.
    Starting {
        until: u64,
    },
    Running {
        since: u64,
    },
    /// Its process is to end; it is asked when nobody who requires it is left.
    Stopping {
        asked: bool,
        then: Then,
    },
    Stopped,
    Exited,
    Failed,
}

/// What comes after a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    Stopped,
    /// It fails with its group.
    Failed,
    /// It starts again at that time.
    Again {
        at: u64,
    },
}

impl Then {
    pub(super) fn phase(self) -> Phase {
        match self {
            Then::Stopped => Phase::Stopped,
            Then::Failed => Phase::Failed,
            Then::Again { at } => Phase::Later { at },
        }
    }
}

#[derive(Debug)]
pub(super) struct Record {
    pub(super) spec: ServiceSpec,
    pub(super) wanted: bool,
    pub(super) phase: Phase,
    /// All that it requires, also through others.
    pub(super) needs: BTreeSet<Key>,
    /// Restarts in a row.
    pub(super) attempts: u32,
    /// It had a process once.
    pub(super) started: bool,
    /// Why its process was terminated, where that was for a fault of its own.
    pub(super) fault: Option<String>,
}

impl Record {
    pub(super) fn new(spec: ServiceSpec) -> Self {
        Record {
            spec,
            wanted: false,
            phase: Phase::Unknown,
            needs: BTreeSet::new(),
            attempts: 0,
            started: false,
            fault: None,
        }
    }

    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Unknown => State::Unknown,
            Phase::Due | Phase::Starting { .. } => State::Starting,
            Phase::Running { .. } => State::Running,
            Phase::Stopping { .. } => State::Stopping,
            Phase::Stopped => State::Stopped,
            Phase::Exited => State::Exited,
            Phase::Later { .. } | Phase::Failed => State::Failed,
        }
    }

    /// When time alone changes something.
    pub(super) fn due(&self) -> Option<u64> {
        match self.phase {
            Phase::Later { at } | Phase::Starting { until: at } if at < u64::MAX => Some(at),
            _ => None,
        }
    }

    /// True for what whoever requires it can rely on.
    pub(super) fn is_up(&self) -> bool {
        matches!(self.phase, Phase::Running { .. } | Phase::Exited)
    }

    /// True where it has no process and none is to come.
    pub(super) fn is_at_rest(&self) -> bool {
        matches!(self.phase, Phase::Unknown | Phase::Stopped | Phase::Exited | Phase::Failed)
    }

    /// True where it is not there and will not come back by itself.
    pub(super) fn is_gone(&self) -> bool {
        match self.phase {
            Phase::Stopped | Phase::Failed => true,
            Phase::Stopping { then, .. } => !matches!(then, Then::Again { .. }),
            _ => false,
        }
    }

    /// Its process, if it may have one, is to end. Whoever has run well until then has not failed
    /// before.
    pub(super) fn stop(&mut self, now: u64, then: Then) {
        self.count_anew_where_stable(now);
        self.phase = match self.phase {
            Phase::Stopping { asked, .. } => Phase::Stopping { asked, then },
            Phase::Starting { .. } | Phase::Running { .. } => {
                Phase::Stopping { asked: false, then }
            }
            Phase::Due | Phase::Later { .. } => then.phase(),
            phase => phase,
        };
    }

    pub(super) fn count_anew_where_stable(&mut self, now: u64) {
        if let Phase::Running { since } = self.phase
            && now - since >= self.spec.stable_ns
        {
            self.attempts = 0;
        }
    }

    pub(super) fn late_text(&self) -> String {
        let time = time_text(self.spec.start_timeout_ns);
        match self.spec.ready {
            Ready::Said => format!("did not call process.ready() within {time} (start_timeout)"),
            Ready::Loaded => format!("was not loaded within {time} (start_timeout)"),
        }
    }
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) spec: GroupSpec,
    /// When members were started again, within the last period: as many as the intensity at most.
    restarts: VecDeque<u64>,
}

impl Group {
    pub(super) fn new(spec: GroupSpec) -> Self {
        Group { spec, restarts: VecDeque::new() }
    }

    /// Counts one restart more; false where that is one too many.
    pub(super) fn count_restart(&mut self, now: u64) -> bool {
        let period = self.spec.period_ns;
        while self.restarts.front().is_some_and(|at| at.saturating_add(period) < now) {
            self.restarts.pop_front();
        }
        if self.restarts.len() >= self.spec.intensity as usize {
            return false;
        }
        self.restarts.push_back(now);
        true
    }
}
