//! When outboxes are written.
//!
//! What was said in a few words is written in the round in which it came. What came in bulk, from a
//! worker that has much to say, may wait while others have more to say: a receiver
//! that is woken for a handful of messages pays for the wake and not for the messages.

use crate::children::ChildId;
use crate::supervisor::Supervisor;
use std::collections::VecDeque;

/// Bytes of a message from which on it is worth a wake of its own.
const LONG: usize = 1024;

/// Bytes in an outbox from which on nothing is gained by waiting: a worker reads so many at once.
const FULL: usize = 64 * 1024;

/// Time for which bulk waits at most before the next round writes it.
const HELD_NS: u64 = 20_000_000;

/// Bytes that are read for each outbox with nothing but bulk that is written, as long as there are any:
/// whoever is woken takes processor time from the one who speaks, and finds little.
const HEARD: usize = 256 * 1024;

/// Children with something in their outboxes.
#[derive(Debug, Default)]
pub(crate) struct Writing {
    /// Those to be written at the end of this round.
    dirty: Vec<ChildId>,
    /// Those that may wait, and since when. One that was written meanwhile stays in its place.
    held: VecDeque<(ChildId, u64)>,
    /// What is queued at present came in bulk.
    pub(crate) bulk: bool,
    /// Bytes that were read since the last of the held was written.
    pub(crate) heard: usize,
}

impl Writing {
    /// True where the next round has something to write.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.held.is_empty()
    }

    /// Takes out the next held one that is to be written at `now`.
    fn take_held(&mut self, now: u64) -> Option<ChildId> {
        let (id, since) = *self.held.front()?;
        if self.heard < HEARD && since + HELD_NS > now {
            return None;
        }
        self.held.pop_front();
        Some(id)
    }
}

impl Supervisor {
    /// What is in a child's outbox is to be written in this round.
    pub(crate) fn mark_dirty(&mut self, id: ChildId) {
        if let Some(child) = self.children.all.get_mut(id)
            && !std::mem::replace(&mut child.dirty, true)
        {
            self.writing.dirty.push(id);
        }
    }

    /// The same for a message of so many bytes that was queued: where it came in bulk it may wait.
    pub(crate) fn mark_delivered(&mut self, id: ChildId, bytes: usize) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        if !self.writing.bulk || bytes >= LONG || child.outbox.len() >= FULL {
            self.mark_dirty(id);
        } else if !std::mem::replace(&mut child.held, true) {
            self.writing.held.push_back((id, self.heard_at));
        }
    }

    /// Writes outboxes: a busy round moves many frames with one write for each socket.
    pub(crate) fn write(&mut self) {
        for id in std::mem::take(&mut self.writing.dirty) {
            self.flush(id);
        }
        self.write_held();
        self.printer.flush();
        if !self.printer.is_full() {
            self.read_on();
        }
    }

    fn write_held(&mut self) {
        if self.readable.is_empty() {
            self.writing.heard = HEARD;
        }
        while let Some(id) = self.writing.take_held(self.heard_at) {
            let Some(child) = self.children.all.get_mut(id) else { continue };
            child.held = false;
            if !child.outbox.is_empty() {
                self.writing.heard = 0;
                self.flush(id);
            }
        }
    }

    fn flush(&mut self, id: ChildId) {
        if self.children.flush(id, self.poll.registry()) {
            self.watch(id);
        }
    }

    /// Those whose text waited for standard output are read again.
    fn read_on(&mut self) {
        for id in std::mem::take(&mut self.paused) {
            if let Some(child) = self.children.all.get_mut(id) {
                child.paused = false;
                self.mark_readable(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_writes_one_that_waits_and_all_that_have_waited_long() {
        let mut writing = Writing::default();
        assert!(!writing.is_waiting() && writing.take_held(0).is_none());
        for id in 0..5 {
            writing.held.push_back((id, id as u64 * HELD_NS / 4));
        }
        assert_eq!(writing.take_held(HELD_NS - 1), None);
        writing.heard = HEARD;
        assert_eq!(writing.take_held(HELD_NS - 1), Some(0));
        writing.heard = HEARD - 1;
        assert_eq!(writing.take_held(HELD_NS - 1), None);
        let now = HELD_NS / 2 + HELD_NS;
        let round: Vec<_> = std::iter::from_fn(|| writing.take_held(now)).collect();
        assert_eq!(round, [1, 2]);
        assert!(writing.is_waiting());
    }
}
