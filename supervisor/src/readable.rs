//! Whose turn it is to be read.

use crate::children::ChildId;
use crate::reading::PIECE;
use crate::supervisor::Supervisor;
use std::collections::VecDeque;

/// Children that may have something to read; each is in one of the lists, and knows it
/// ([`readable`](crate::children::Child::readable)).
#[derive(Debug, Default)]
pub(crate) struct Readable {
    /// Those of which the kernel has told.
    told: VecDeque<ChildId>,
    /// Those that talk without end, in their order.
    talkers: VecDeque<ChildId>,
}

impl Readable {
    pub(crate) fn is_empty(&self) -> bool {
        self.told.is_empty() && self.talkers.is_empty()
    }

    /// True where nobody waits but those that talk without end.
    pub(crate) fn has_only_talkers(&self) -> bool {
        self.told.is_empty()
    }
}

impl Supervisor {
    /// A child may have something to read.
    pub(crate) fn mark_readable(&mut self, id: ChildId) {
        if let Some(child) = self.children.all.get_mut(id)
            && !std::mem::replace(&mut child.readable, true)
        {
            self.readable.told.push_back(id);
        }
    }

    /// Reads from workers that may have said something: a piece of each, but of those that talk without
    /// end, together, only one, or as much as of all others. So whoever has one word to say does not wait
    /// for all of them, and many who say little keep nobody from talking.
    pub(crate) fn read_children(&mut self) {
        let mut said = 0;
        for _ in 0..self.readable.told.len() {
            let Some(id) = self.readable.told.pop_front() else { break };
            match self.children.all.get(id) {
                Some(child) if child.talks_until > self.heard_at => {
                    self.readable.talkers.push_back(id);
                }
                Some(_) => said += self.read_in_turn(id),
                None => {}
            }
        }
        let mut left = said.max(PIECE);
        for _ in 0..self.readable.talkers.len() {
            let Some(id) = self.readable.talkers.pop_front() else { break };
            left = left.saturating_sub(self.read_in_turn(id));
            if left == 0 {
                break;
            }
        }
    }

    /// Reads a piece of one that was in a list. Returns how many bytes it has said.
    fn read_in_turn(&mut self, id: ChildId) -> usize {
        let Some(child) = self.children.all.get_mut(id) else { return 0 };
        // The id of a child that is gone is soon another's.
        if !std::mem::replace(&mut child.readable, false) {
            return 0;
        }
        if child.paused || child.silent || child.born.is_none() {
            return 0;
        }
        self.upgrade_at_last(id);
        let (said, more) = self.read_piece(id);
        if more && let Some(child) = self.children.all.get_mut(id) {
            child.readable = true;
            self.readable.talkers.push_back(id);
        }
        said
    }
}
