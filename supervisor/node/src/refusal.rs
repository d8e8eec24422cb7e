//! [`Refusal`]: why the node does not do what it was asked for.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use ipc::{Fault, FaultKind};

/// Why the node does not do what a process asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No manifest defines the entry.
    UnknownEntry(String),
    /// The entry is of a kind that cannot be spawned.
    NotAProcess {
        /// The entry.
        entry: String,
        /// Its kind.
        kind: String,
    },
    /// The entry is no function and names no host on which it could be called.
    NoHost(Rc<str>),
    /// No manifest defines the host.
    UnknownHost(String),
    /// The host has as many processes as it may have.
    HostFull {
        /// The host.
        host: Rc<str>,
        /// Its limit.
        max: u32,
    },
    /// The node is stopping and starts nothing more.
    Stopping,
    /// The process could not be loaded; the worker or the host said why.
    NotLoaded(Fault),
    /// The process did not load in time.
    StartTimeout(Rc<str>),
    /// The worker ended before the process was loaded.
    StartDied {
        /// The entry.
        entry: Rc<str>,
        /// How the worker ended.
        how: String,
    },
    /// A PID that no live process has.
    Gone,
    /// Neither a PID nor a registered name.
    Unresolved(String),
    /// The caller monitors the process already.
    AlreadyMonitored,
    /// Another process has the name.
    NameTaken,
    /// Nobody has the name.
    NameUnknown(String),
    /// A name that cannot be registered.
    BadName,
    /// A topic that cannot be sent.
    BadTopic,
    /// The destination's mailbox is full.
    MailboxFull,
    /// The message is larger than the sender's host allows.
    TooLarge {
        /// The message.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// The caller, or whom it is about, has as many of something as its manifest allows.
    AtLimit {
        /// Of what.
        what: &'static str,
        /// The limit.
        max: u64,
        /// The field of a manifest that sets it.
        field: &'static str,
        /// Whose field: a host or an entry.
        of: String,
    },
    /// There are as many of something as there may ever be.
    TooMany {
        /// Of what.
        what: &'static str,
        /// The limit.
        max: usize,
    },
    /// The permissions of the caller's host do not allow it: who, what, and how to allow it.
    Denied(Rc<str>),
    /// Signals are sent in tests only.
    NoChaos,
}

impl Refusal {
    /// The refusal as a script sees it.
    #[must_use]
    pub fn fault(&self) -> Fault {
        // This cuts the text, which a worker may have made as long as it liked.
        Fault::new(self.kind(), self.text())
    }

    fn kind(&self) -> FaultKind {
        match self {
            Refusal::UnknownEntry(_)
            | Refusal::UnknownHost(_)
            | Refusal::Gone
            | Refusal::Unresolved(_)
            | Refusal::NameUnknown(_) => FaultKind::NotFound,
            Refusal::NotAProcess { .. }
            | Refusal::NoHost(_)
            | Refusal::BadName
            | Refusal::BadTopic
            | Refusal::TooLarge { .. } => FaultKind::Invalid,
            Refusal::AlreadyMonitored | Refusal::NameTaken => FaultKind::AlreadyExists,
            Refusal::HostFull { .. }
            | Refusal::MailboxFull
            | Refusal::AtLimit { .. }
            | Refusal::TooMany { .. } => FaultKind::RateLimited,
            Refusal::Denied(_) | Refusal::NoChaos => FaultKind::PermissionDenied,
            Refusal::Stopping | Refusal::StartDied { .. } => FaultKind::Unavailable,
            Refusal::StartTimeout(_) => FaultKind::Timeout,
            Refusal::NotLoaded(fault) => fault.kind,
        }
    }

    fn text(&self) -> String {
        match self {
            Refusal::UnknownEntry(id) => format!("entry '{id}' not found: no manifest defines it"),
            Refusal::NotAProcess { entry, kind } => {
                format!("entry '{entry}' is a {kind}, only process.lua can be spawned")
            }
            Refusal::NoHost(id) => format!(
                "entry '{id}' cannot be called: it is a process.lua without meta.default_host"
            ),
            Refusal::UnknownHost(id) => {
                format!("host '{id}' not found: define it as an entry of kind process.host")
            }
            Refusal::HostFull { host, max } => {
                format!("host '{host}' is at its limit of {max} processes (max_processes)")
            }
            Refusal::Stopping => "the node is stopping and starts no more processes".to_owned(),
            Refusal::NotLoaded(fault) => fault.message.clone(),
            Refusal::StartTimeout(entry) => format!(
                "entry '{entry}' did not load within {} s",
                ipc::limits::START_MAX_NS / 1_000_000_000
            ),
            Refusal::StartDied { entry, how } => {
                format!("entry '{entry}' did not load: {how}")
            }
            Refusal::Gone => "process not found".to_owned(),
            Refusal::Unresolved(dest) => {
                format!("could not resolve '{dest}' as PID or registered name")
            }
            Refusal::AlreadyMonitored => "process is already monitored".to_owned(),
            Refusal::NameTaken => "name already registered".to_owned(),
            Refusal::NameUnknown(name) => format!("name '{name}' is not registered"),
            Refusal::BadName => format!(
                "a name has 1 to {} bytes and does not begin with '{{'",
                ipc::limits::NAME_MAX
            ),
            Refusal::BadTopic => Fault::bad_topic().message,
            Refusal::MailboxFull => "mailbox full".to_owned(),
            Refusal::TooLarge { bytes, max } => {
                format!("message of {bytes} bytes is over the limit of {max}")
            }
            Refusal::AtLimit { what, max, field, of } => {
                format!("limit of {max} {what} reached ({field} of {of})")
            }
            Refusal::TooMany { what, max } => format!("limit of {max} {what} reached"),
            Refusal::Denied(text) => text.as_ref().to_owned(),
            Refusal::NoChaos => "chaos works in a test only: run it with 'wabe test'".to_owned(),
        }
    }
}
