//! What a node is made of before its first input: hosts, entries and the key of the PID tags.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use ipc::limits::{MAILBOX_DEFAULT, MESSAGE_DEFAULT, PROCESSES_DEFAULT};

/// Hosts, entries and the key of the PID tags.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) tag_key: [u8; 16],
    pub(crate) hosts: BTreeMap<Rc<str>, HostSpec>,
    /// Entries by id, each with its kind as the manifest names it.
    pub(crate) entries: BTreeMap<Rc<str>, String>,
}

/// The limits of a host that the node enforces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostSpec {
    /// Processes at a time.
    pub max_processes: u32,
    /// Bytes of one encoded message, result or argument list.
    pub message_max: usize,
    /// Bytes that may wait for one process before sends to it fail.
    pub mailbox_max: usize,
}

impl Default for HostSpec {
    fn default() -> Self {
        HostSpec {
            max_processes: PROCESSES_DEFAULT,
            message_max: MESSAGE_DEFAULT,
            mailbox_max: MAILBOX_DEFAULT,
        }
    }
}

impl Config {
    /// No hosts and no entries yet. The key must be secret and random: whoever knows it can make
    /// the PID of any process.
    #[must_use]
    pub fn new(tag_key: [u8; 16]) -> Self {
        Config { tag_key, hosts: BTreeMap::new(), entries: BTreeMap::new() }
    }

    /// Adds a host, or replaces the one with that id.
    pub fn add_host(&mut self, id: &str, spec: HostSpec) {
        self.hosts.insert(Rc::from(id), spec);
    }

    /// Adds an entry with its kind. Only `process.lua` can be spawned.
    pub fn add_entry(&mut self, id: &str, kind: &str) {
        self.entries.insert(Rc::from(id), kind.to_owned());
    }
}
