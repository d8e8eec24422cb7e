//! What a node is made of before its first input: hosts, entries and the key of the PID tags.

use crate::Permissions;
use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use ipc::Limits;
use ipc::limits::PROCESSES_DEFAULT;

/// Hosts, entries and the key of the PID tags.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) tag_key: [u8; 16],
    /// Processes may have signals sent to each other.
    pub(crate) chaos: bool,
    pub(crate) hosts: BTreeMap<Rc<str>, HostSpec>,
    pub(crate) entries: BTreeMap<Rc<str>, EntrySpec>,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EntrySpec {
    /// Kind as the manifest names it.
    pub(crate) kind: String,
    /// What it lowers of its host's limits.
    pub(crate) limits: Limits,
    /// Where it runs when it is called as a function.
    pub(crate) default_host: Option<Rc<str>>,
}

/// A host: how much its processes may use, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSpec {
    /// Processes at a time.
    pub max_processes: u32,
    /// What each may use.
    pub limits: Limits,
    /// What each may do.
    pub permissions: Permissions,
}

impl HostSpec {
    /// A host that says nothing.
    pub const DEFAULT: HostSpec = HostSpec {
        max_processes: PROCESSES_DEFAULT,
        limits: Limits::DEFAULT,
        permissions: Permissions::ALL,
    };
}

impl Config {
    /// No hosts and no entries yet. The key must be secret and random: whoever knows it can make
    /// the PID of any process.
    #[must_use]
    pub fn new(tag_key: [u8; 16]) -> Self {
        Config { tag_key, chaos: false, hosts: BTreeMap::new(), entries: BTreeMap::new() }
    }

    /// Lets processes have signals sent to each other, as far as they may decide each other's fate: for
    /// tests.
    pub fn allow_chaos(&mut self) {
        self.chaos = true;
    }

    /// Adds a host, or replaces the one with that id.
    pub fn add_host(&mut self, id: &str, spec: HostSpec) {
        self.hosts.insert(Rc::from(id), spec);
    }

    /// Adds an entry with its kind and what it lowers of its host's limits. Only `process.lua` can
    /// be spawned; the node itself starts `function.lua` as well.
    pub fn add_entry(&mut self, id: &str, kind: &str, limits: Limits) {
        let spec = EntrySpec { kind: kind.to_owned(), limits, default_host: None };
        self.entries.insert(Rc::from(id), spec);
    }

    /// Says on which host an entry runs when it is called as a function.
    pub fn set_default_host(&mut self, id: &str, host: &str) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.default_host = Some(Rc::from(host));
        }
    }
}
