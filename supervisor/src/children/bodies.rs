//! What the ends of other processes leave for one: results and errors, each as large as a message of
//! who ended may be. They wait beside its messages, and however many there are they never end it: what
//! would be too much is left out.

use super::{ChildId, Children};
use ipc::limits::OUTBOXES_MAX;
use std::collections::VecDeque;

/// Results and errors that are queued for a child.
#[derive(Debug, Default)]
pub(crate) struct Bodies {
    /// Each with its length, and where it ends: after so many bytes that the child was ever told.
    waiting: VecDeque<(u64, usize)>,
    /// Bytes of all of them.
    bytes: usize,
    /// Bytes that the child was told.
    told: u64,
}

impl Bodies {
    /// The last of all that is queued, `queued` bytes, is one.
    fn add(&mut self, queued: usize, len: usize) {
        self.waiting.push_back((self.told + queued as u64, len));
        self.bytes += len;
    }

    pub(crate) fn written(&mut self, count: usize) {
        self.told += count as u64;
        while let Some((end, len)) = self.waiting.front().copied()
            && end <= self.told
        {
            self.waiting.pop_front();
            self.bytes -= len;
        }
    }

    /// Bytes of them that are not written yet.
    pub(crate) fn bytes(&self) -> usize {
        let first = self.waiting.front();
        let begun = first.map_or(0, |(end, len)| (*len as u64).saturating_sub(end - self.told));
        self.bytes - begun as usize
    }
}

impl Children {
    /// True where a result or an error of so many bytes may be queued for a child. Half of all outboxes
    /// is for messages, whatever ends.
    pub(crate) fn takes_body(&self, id: ChildId, len: usize) -> bool {
        let own = |child: &super::Child| child.bodies.bytes() + len <= child.outbox_max;
        self.all.get(id).is_some_and(own) && self.queued + len <= OUTBOXES_MAX / 2
    }

    /// The last frame that was queued for a child has such a body.
    pub(crate) fn count_body(&mut self, id: ChildId, len: usize) {
        if let Some(child) = self.all.get_mut(id).filter(|child| !child.condemned) {
            let queued = child.queued();
            child.bodies.add(queued, len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_counts_as_far_as_it_is_not_written() {
        let mut bodies = Bodies::default();
        bodies.written(5);
        bodies.add(30, 20);
        bodies.add(80, 40);
        assert_eq!(bodies.bytes(), 60);
        bodies.written(10);
        assert_eq!(bodies.bytes(), 60);
        bodies.written(19);
        assert_eq!(bodies.bytes(), 41);
        bodies.written(1);
        assert_eq!(bodies.bytes(), 40);
        bodies.written(50);
        assert_eq!((bodies.bytes(), bodies.waiting.len()), (0, 0));
    }
}
