//! What workers know of their own lives: what each has sent, what it was told. The laws are judged
//! from this, not from the tables of the node.

use super::kernel::Who;
use ipc::ExitReason;
use ipc::frame::RouteId;
use node::ChildEnd;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

/// The names that processes fight for.
pub(crate) const NAMES: [&str; 5] = ["anna", "bert", "cora", "dora", "emil"];

/// What became of a message or a cancel, as its sender knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Asked, and not answered yet.
    Pending,
    Accepted,
    Refused,
    /// Sent along an open route: accepted without an answer.
    Routed,
}

/// One message, or one cancel (which travels as messages do, and in order with them).
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) dest: Rc<str>,
    /// The letter whose answer opened the route that this one went along; itself where it asked.
    /// All of one group go to the same process.
    pub(crate) group: usize,
    pub(crate) fate: Fate,
    /// Who got it.
    pub(crate) receiver: Option<Who>,
    /// Bytes of its frame as it was sent: what it costs the receiver's mailbox.
    pub(crate) charge: u64,
}

/// How a body ended, as its worker said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    /// Nothing where it returned.
    pub(crate) error: Option<String>,
    pub(crate) body: Vec<u8>,
    /// All of the frame was written before the worker ended.
    pub(crate) written: bool,
}

/// The life of one process.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) text: Rc<str>,
    /// Who spawned it; nobody where the node did.
    pub(crate) parent: Option<Who>,
    pub(crate) mailbox_max: u64,
    /// When it was wanted.
    pub(crate) begun: u64,
    pub(crate) loaded: bool,
    /// Its parent was told that it is there. Until then no tie with its parent is for certain: a
    /// spawn that fails is a refusal, and neither an EXIT nor a LINK_DOWN.
    pub(crate) announced: bool,
    pub(crate) letters: Vec<Letter>,
    /// The last letter received from each sender.
    pub(crate) last_from: BTreeMap<Who, usize>,
    /// Letters on their way to it that the supervisor has taken, in bytes of their frames.
    pub(crate) waiting: u64,
    /// Of whom it was told EXIT, and LINK_DOWN.
    pub(crate) exits: BTreeSet<Who>,
    pub(crate) downs: BTreeSet<Who>,
    pub(crate) watching: BTreeSet<Who>,
    pub(crate) links: BTreeSet<Who>,
    /// Whom it asked for a link, and for the end of one, at any time.
    pub(crate) wooed: BTreeSet<Who>,
    pub(crate) jilted: BTreeSet<Who>,
    pub(crate) traps: bool,
    pub(crate) names: BTreeSet<&'static str>,
    /// Destinations to which it has an open route, and the group of each.
    pub(crate) open: BTreeMap<Rc<str>, (RouteId, usize)>,
    pub(crate) printed: usize,
    /// Lines of it that arrived at standard output.
    pub(crate) shown: usize,
    pub(crate) done: Option<Done>,
    /// It has broken the protocol.
    pub(crate) lied: bool,
    /// It said that it took messages which it had not taken.
    pub(crate) cheats: bool,
    /// The node asked for its death.
    pub(crate) killed: bool,
    /// The supervisor found it not reading.
    pub(crate) overrun: bool,
    pub(crate) death: Option<ChildEnd>,
    /// What the node said of its end.
    pub(crate) end: Option<ExitReason>,
}

impl Log {
    pub(crate) fn is_over(&self) -> bool {
        self.end.is_some()
    }
}

/// All lives.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// By [`Who`].
    pub(crate) logs: Vec<Log>,
    by_text: HashMap<Rc<str>, Who>,
    /// For whom each name was ever asked.
    pub(crate) claims: BTreeMap<&'static str, BTreeSet<Who>>,
    /// Processes that scripts may hear of, the latest last.
    pub(crate) known: VecDeque<Who>,
}

/// More than these nobody remembers.
const KNOWN_MAX: usize = 14;

impl History {
    pub(crate) fn begin(&mut self, log: Log) {
        self.by_text.insert(log.text.clone(), self.logs.len());
        self.logs.push(log);
    }

    pub(crate) fn who(&self, text: &str) -> Option<Who> {
        self.by_text.get(text).copied()
    }

    /// A process has said something: others may hear of it from now on.
    pub(crate) fn meet(&mut self, who: Who) {
        self.known.push_back(who);
        if self.known.len() > KNOWN_MAX {
            self.known.pop_front();
        }
    }

    /// Whether it was told that it has a name which it has not given up.
    pub(crate) fn believers(&self, name: &str) -> impl Iterator<Item = Who> {
        let logs = self.logs.iter().enumerate();
        logs.filter(move |(_, log)| !log.is_over() && log.names.contains(name)).map(|(who, _)| who)
    }
}
