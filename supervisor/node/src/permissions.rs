//! [`Permissions`]: what the processes of a host may do to others.

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

/// What the processes of a host may do. A refusal is PermissionDenied, and is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Entries that they may spawn.
    pub spawn: Allowed,
    /// Hosts on which they may spawn them.
    pub hosts: Allowed,
    /// Names that they may register and resolve.
    pub names: Allowed,
    /// Whom they may link, monitor, cancel, terminate and name.
    pub control: Control,
}

/// Which of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Any.
    All,
    /// Those that one of the patterns matches.
    Only(Vec<Pattern>),
}

/// A text in which `*` stands for any characters, also none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(pub String);

/// Whose links, monitors, cancels, terminations and names are a process's own affair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Everybody's.
    Any,
    /// Its own, and those of processes that it or a descendant of it has spawned.
    Descendants,
}

impl Permissions {
    /// Everything, as a trusted host has it.
    pub const ALL: Permissions = Permissions {
        spawn: Allowed::All,
        hosts: Allowed::All,
        names: Allowed::All,
        control: Control::Any,
    };

    /// Nothing but its own descendants, as an untrusted host has it.
    pub const NONE: Permissions = Permissions {
        spawn: Allowed::Only(Vec::new()),
        hosts: Allowed::Only(Vec::new()),
        names: Allowed::Only(Vec::new()),
        control: Control::Descendants,
    };
}

impl Allowed {
    /// True for what one of the patterns matches, where there are any.
    #[must_use]
    pub fn allows(&self, text: &str) -> bool {
        match self {
            Allowed::All => true,
            Allowed::Only(patterns) => patterns.iter().any(|pattern| pattern.matches(text)),
        }
    }
}

impl Pattern {
    /// True where the whole text is what the pattern says. It takes time in proportion to both
    /// lengths, whatever they hold: each piece between two `*` may be taken where it comes first.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut pieces = self.0.split('*');
        let first = pieces.next().unwrap_or_default();
        let Some(rest) = text.strip_prefix(first) else { return false };
        let Some(last) = pieces.next_back() else { return rest.is_empty() };
        let Some(mut rest) = rest.strip_suffix(last) else { return false };
        pieces.all(|piece| match rest.split_once(piece) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    }
}

/// A kind of call that a host's permissions deny.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    /// The host whose permissions deny it.
    pub host: Rc<str>,
    /// The function that was called: `process.spawn`, `process.registry.register`, …
    pub call: &'static str,
    /// What it was called with: an entry, a host, a name; where `control` denies it, the entry of the
    /// process that it was about. Long ones are cut.
    pub object: String,
    /// The field under `permissions` that would allow it.
    pub field: &'static str,
}

impl Denial {
    /// What allows it, as in "to allow …".
    #[must_use]
    pub fn remedy(&self) -> String {
        match self.field {
            "control" => format!("set permissions.control of host {} to any", self.host),
            field => format!("add it to permissions.{field} of host {}", self.host),
        }
    }
}
