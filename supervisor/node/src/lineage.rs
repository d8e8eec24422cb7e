//! Who has spawned whom.
//!
//! A process that ends leaves its children to its own parent, so that whoever answers for a process
//! answers for all that came of it. A parent is always older than its children, for a number is
//! never used again.

use crate::Node;
use crate::process::{Number, Process};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl Node {
    pub(crate) fn beget(&mut self, parent: Number, child: Number) {
        if let Some(process) = self.processes.get_mut(&parent) {
            process.children.insert(child);
        }
        if let Some(process) = self.processes.get_mut(&child) {
            process.parent = Some(parent);
        }
    }

    /// The children of one who ended go to its parent, or to nobody where it has none.
    pub(crate) fn bequeath(&mut self, gone: &Process) {
        for child in &gone.children {
            if let Some(child) = self.processes.get_mut(child) {
                child.parent = gone.parent;
            }
        }
        let heir = gone.parent.and_then(|parent| self.processes.get_mut(&parent));
        if let Some(heir) = heir {
            heir.children.remove(&gone.pid.number);
            heir.children.extend(&gone.children);
        }
    }

    /// True for a process itself and for all that came of it.
    pub(crate) fn descends(&self, mut number: Number, from: Number) -> bool {
        // Whoever is older than `from` cannot have it as an ancestor.
        while number > from {
            let parent = self.processes.get(&number).and_then(|process| process.parent);
            let Some(parent) = parent else { return false };
            number = parent;
        }
        number == from
    }

    pub(crate) fn broken_lineage(&self, number: Number, process: &Process, out: &mut Vec<String>) {
        for child in &process.children {
            let known = self.processes.get(child);
            if known.and_then(|child| child.parent) != Some(number) {
                out.push(format!("{number} believes to be the parent of {child}"));
            }
        }
        let Some(parent) = process.parent else { return };
        let known = self.processes.get(&parent);
        if parent >= number || !known.is_some_and(|parent| parent.children.contains(&number)) {
            out.push(format!("{number} believes to be a child of {parent}"));
        }
    }
}
