//! Signals to `wabe`: how a run is stopped, and the app read again.

use crate::supervisor::{Later, Supervisor};
use crate::terminal::say;
use node::Stop;
use signal_hook::consts::{SIGCHLD, SIGHUP};

/// Time that killed workers have to be reported before the supervisor goes without them: one can
/// hang in the kernel for as long as a broken disk or network file system likes.
const GIVE_UP_NS: u64 = 5_000_000_000;

impl Supervisor {
    /// Does what the signals that have come ask for.
    pub(crate) fn heed_signals(&mut self) {
        if !std::mem::take(&mut self.signals_due) {
            return;
        }
        let (children, stops): (Vec<_>, Vec<_>) =
            self.signals.pending().partition(|signal| *signal == SIGCHLD);
        if !children.is_empty() {
            self.child_has_ended();
        }
        for signal in stops {
            let reloads = signal == SIGHUP && !self.is_stopping() && self.trial.is_none();
            if reloads && !self.reload.has_hung_up() {
                self.reload();
                continue;
            }
            self.signals_seen += 1;
            // Also the first one is a second word where the main process has ended.
            let stopping = self.signals_seen > 1 || self.is_stopping() || self.trial.is_some();
            self.note_leaks();
            match (stopping, self.services.is_empty()) {
                (true, _) => self.stop(Stop::Now),
                (false, true) => self.stop(Stop::Asked),
                (false, false) => self.stop_services(),
            }
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.give_up_at.is_some()
    }

    pub(crate) fn stop(&mut self, how: Stop) {
        self.give_up_after(if how == Stop::Now { 0 } else { self.grace_ns });
        self.later.push_back(Later::Stop(how));
    }

    /// All are to be dead after that time.
    pub(crate) fn give_up_after(&mut self, ns: u64) {
        let at = self.now().saturating_add(ns).saturating_add(GIVE_UP_NS);
        self.give_up_at = Some(self.give_up_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Reports of ended children that nobody knows are wanted from now on.
    pub(crate) fn watch_for_strays(&mut self) {
        self.strays = true;
        self.heed_children();
    }

    pub(crate) fn watch_for_children(&mut self) {
        if let Err(error) = self.signals.add_signal(SIGCHLD) {
            say(&format!("cannot watch for SIGCHLD: {error}"));
        }
    }
}
