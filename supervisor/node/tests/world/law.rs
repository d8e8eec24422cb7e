//! The laws, by name and text.

use std::fmt;

/// What must hold in every history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Law {
    Silence,
    OneExit,
    Links,
    LinkDown,
    FirstCause,
    Reasons,
    KilledOnce,
    Orders,
    Names,
    Messages,
    ExitLast,
    Mailbox,
    Answers,
    Empty,
    Stopped,
    Limits,
    Permissions,
    Tables,
}

impl Law {
    const fn text(self) -> &'static str {
        match self {
            Law::Silence => "nobody is told anything after its end",
            Law::OneExit => "every monitor gets exactly one EXIT, a failed spawn is never one",
            Law::Links => "a link is symmetric: whichever fails, the other learns it or dies of it",
            Law::LinkDown => "only an abnormal end touches linked processes",
            Law::FirstCause => "whoever dies of a link names the first cause",
            Law::Reasons => "everybody is told the same reason, and the true one",
            Law::KilledOnce => "nobody is killed twice",
            Law::Orders => "who is to end is told so, and nobody else is",
            Law::Names => "a name has at most one owner, and none that is gone",
            Law::Messages => {
                "messages from A to B keep their order, and none is lost or doubled while both live"
            }
            Law::ExitLast => {
                "EXIT comes after the last message of the one that ended, after its PID and names \
                 stopped resolving, and after every open route to it was closed"
            }
            Law::Mailbox => "bytes waiting for a process never exceed twice its mailbox limit",
            Law::Answers => "every call of a living process is answered exactly once",
            Law::Empty => "when all have exited the node is empty",
            Law::Stopped => "a node that was to stop ends up stopped exactly once",
            Law::Limits => {
                "nobody holds more than its limits allow, and each refusal names the limit"
            }
            Law::Permissions => {
                "what permissions deny is refused, counted, and told once, and nothing else is"
            }
            Law::Tables => "the node's own tables agree with each other",
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// A law that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Breach {
    pub(crate) law: Law,
    pub(crate) how: String,
}

impl Breach {
    pub(crate) fn new(law: Law, how: impl Into<String>) -> Self {
        Breach { law, how: how.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "broken law \"{}\": {}", self.law, self.how)
    }
}
