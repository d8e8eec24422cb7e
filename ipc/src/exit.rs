//! Why a process ended: what scripts see as `exit` and `error` of EXIT and LINK_DOWN.

use serde::{Deserialize, Serialize};

/// The kinds of an end, by the names that scripts see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the spec's own words, section Events")]
pub enum ExitKind {
    Normal,
    Error,
    Signal,
    Code,
    Memory,
    Cpu,
    Turn,
    Wall,
    Mailbox,
    Sandbox,
    Protocol,
    Link,
    Terminated,
    Watchdog,
    Shutdown,
    NodeDown,
}

impl ExitKind {
    /// The kind as `exit.kind` gives it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ExitKind::Normal => "normal",
            ExitKind::Error => "error",
            ExitKind::Signal => "signal",
            ExitKind::Code => "code",
            ExitKind::Memory => "memory",
            ExitKind::Cpu => "cpu",
            ExitKind::Turn => "turn",
            ExitKind::Wall => "wall",
            ExitKind::Mailbox => "mailbox",
            ExitKind::Sandbox => "sandbox",
            ExitKind::Protocol => "protocol",
            ExitKind::Link => "link",
            ExitKind::Terminated => "terminated",
            ExitKind::Watchdog => "watchdog",
            ExitKind::Shutdown => "shutdown",
            ExitKind::NodeDown => "node_down",
        }
    }
}

/// A limit that was exceeded, and by how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitUse {
    /// The limit, in its unit (bytes, nanoseconds).
    pub limit: u64,
    /// What was used, in the same unit.
    pub used: u64,
}

/// Why a process ended, as the operating system and the supervisor saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitReason {
    /// The kind of the end.
    pub kind: ExitKind,
    /// The signal that killed the worker, where one did (signal(7)).
    pub signal: Option<i32>,
    /// The worker's exit code, where it exited.
    pub code: Option<i32>,
    /// Limit and usage, where one was exceeded.
    pub limit: Option<LimitUse>,
    /// The worker's OS pid, 0 where no worker was ever had.
    pub os_pid: u32,
    /// What a person reads; `None` for a normal end.
    pub message: Option<String>,
}

impl ExitReason {
    /// True where the end is one that links ignore.
    #[must_use]
    pub fn is_normal(&self) -> bool {
        self.kind == ExitKind::Normal
    }
}

/// The name of a signal on Linux (signal(7)), `SIG` and the number for one without a name.
#[must_use]
pub fn signal_name(signal: i32) -> String {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let name = usize::try_from(signal - 1).ok().and_then(|i| NAMES.get(i));
    name.map_or_else(|| format!("SIG{signal}"), |name| format!("SIG{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_their_names() {
        let named = [(1, "SIGHUP"), (9, "SIGKILL"), (11, "SIGSEGV"), (31, "SIGSYS")];
        for (number, name) in named {
            assert_eq!(signal_name(number), name);
        }
        assert_eq!(signal_name(34), "SIG34");
        assert_eq!(signal_name(0), "SIG0");
        assert_eq!(signal_name(i32::MIN + 1), format!("SIG{}", i32::MIN + 1));
    }
}
