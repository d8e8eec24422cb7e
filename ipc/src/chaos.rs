//! [`ChaosSignal`]: what the module `chaos` can do to a worker.

use serde::{Deserialize, Serialize};

/// A signal (signal(7)) that a test may send to a process: one that ends it, or halts it, or lets it go
/// on. There are no others on the wire, so no worker can ask for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of signal(7)")]
pub enum ChaosSignal {
    Abrt,
    Bus,
    Fpe,
    Hup,
    Ill,
    Int,
    Kill,
    Quit,
    Segv,
    Term,
    Stop,
    Cont,
}

impl ChaosSignal {
    /// Those that end a process, by the names that `chaos.kill` takes.
    pub const FATAL: [(&'static str, ChaosSignal); 10] = [
        ("SIGABRT", ChaosSignal::Abrt),
        ("SIGBUS", ChaosSignal::Bus),
        ("SIGFPE", ChaosSignal::Fpe),
        ("SIGHUP", ChaosSignal::Hup),
        ("SIGILL", ChaosSignal::Ill),
        ("SIGINT", ChaosSignal::Int),
        ("SIGKILL", ChaosSignal::Kill),
        ("SIGQUIT", ChaosSignal::Quit),
        ("SIGSEGV", ChaosSignal::Segv),
        ("SIGTERM", ChaosSignal::Term),
    ];

    /// The one of that name that ends a process.
    #[must_use]
    pub fn fatal(name: &str) -> Option<Self> {
        Self::FATAL.iter().find(|(known, _)| *known == name).map(|(_, signal)| *signal)
    }

    /// The function of the module that sends it, for whoever is told that it was refused.
    #[must_use]
    pub const fn call(self) -> &'static str {
        match self {
            ChaosSignal::Stop => "chaos.stop",
            ChaosSignal::Cont => "chaos.cont",
            _ => "chaos.kill",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_signals_that_end_a_process_have_names() {
        assert_eq!(ChaosSignal::fatal("SIGSEGV"), Some(ChaosSignal::Segv));
        for none in ["SIGSTOP", "SIGCONT", "SIGUSR1", "KILL", "sigkill", "9", ""] {
            assert_eq!(ChaosSignal::fatal(none), None, "{none}");
        }
    }
}
