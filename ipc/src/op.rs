//! [`Op`]: what a worker can ask for.

use crate::chaos::ChaosSignal;
#[cfg(doc)]
use crate::frame::{Answer, FromWorker, ToWorker, charge};
use serde::{Deserialize, Serialize};

/// The requests of [`FromWorker::Call`]. `dest` is the text of a PID or a registered name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op<'a> {
    /// Start a process. Body: what it is given (`docs/protocol.md`). Answer: [`Answer::Pid`].
    Spawn {
        /// Entry, `ns:name`.
        entry: &'a str,
        /// Host, `ns:name`.
        host: &'a str,
        /// Ties that exist before its first instruction.
        ties: Ties,
        /// What else does.
        #[serde(borrow)]
        with: With<'a>,
    },
    /// Start a process and wait for its end. Body: as of a spawn. Answer: [`ToWorker::Returned`], or
    /// an error where it did not start.
    Exec {
        /// Entry, `ns:name`.
        entry: &'a str,
        /// Host, `ns:name`; where absent the entry is called as a function, on the host that it names
        /// or that of the caller.
        host: Option<&'a str>,
        /// What exists before its first instruction.
        #[serde(borrow)]
        with: With<'a>,
    },
    /// A message. Body: the value. Answer: [`Answer::Route`].
    Send {
        /// To whom.
        dest: &'a str,
        /// Topic of the message.
        topic: &'a str,
    },
    /// Be told of its end. Answer: [`Answer::Done`].
    Monitor {
        /// Of whom.
        dest: &'a str,
    },
    /// No longer be told. Answer: [`Answer::Done`].
    Unmonitor {
        /// Of whom.
        dest: &'a str,
    },
    /// Share its fate. Answer: [`Answer::Done`].
    Link {
        /// With whom.
        dest: &'a str,
    },
    /// No longer share it. Answer: [`Answer::Done`].
    Unlink {
        /// With whom.
        dest: &'a str,
    },
    /// Ask it to end. Answer: [`Answer::Done`].
    Cancel {
        /// Whom.
        dest: &'a str,
        /// Text for it to read.
        reason: Option<&'a str>,
        /// Time it has, after which it is terminated.
        deadline_ns: Option<u64>,
    },
    /// End it. Answer: [`Answer::Done`].
    Terminate {
        /// Whom.
        dest: &'a str,
    },
    /// Give a name to a process. Answer: [`Answer::Done`].
    Register {
        /// The name.
        name: &'a str,
        /// The process; the caller where absent.
        dest: Option<&'a str>,
    },
    /// Who has the name. Answer: [`Answer::Pid`].
    Lookup {
        /// The name.
        name: &'a str,
    },
    /// Give the name up. Answer: [`Answer::Flag`], false where it was not the caller's.
    Unregister {
        /// The name.
        name: &'a str,
    },
    /// Receive LINK_DOWN instead of dying with linked processes. Answer: [`Answer::Done`].
    TrapLinks {
        /// On or off.
        on: bool,
    },
    /// Send its worker a signal; in a test only. Answer: [`Answer::Done`], once it is sent.
    Chaos {
        /// To whom.
        dest: &'a str,
        /// Which.
        signal: ChaosSignal,
    },
    /// Be told where the code of its entry has changed. Answer: [`Answer::Done`].
    Upgradable {
        /// On or off.
        on: bool,
    },
}

/// Ties between a process and the one that spawns it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ties {
    /// A link, both ways.
    pub link: bool,
    /// The spawner monitors the new process.
    pub monitor: bool,
}

/// What a process has before its first instruction, beside ties and arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct With<'a> {
    /// A registered name.
    pub name: Option<&'a str>,
    /// It traps links.
    pub trap_links: bool,
    /// The [charges](charge) of the messages that lie in its mailbox; they are in the body.
    pub mail: u64,
}
