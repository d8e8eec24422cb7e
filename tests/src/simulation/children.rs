//! The supervisor's table of children, as `supervisor/src/children.rs` keeps it.

use super::kernel::{Cell, Who};
use super::witness::{Sight, Witness};
use ipc::codec::frame_max;
use ipc::{Deframer, Limits, Outbox, Pid};
use std::rc::Rc;

/// Bytes in an outbox beyond twice the mailbox limit. The real slack is so large that nothing in a
/// short simulation would fill it.
const OUTBOX_SLACK: usize = 3000;

/// A worker as the supervisor holds it.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) pid: Pid,
    pub(crate) text: Rc<str>,
    pub(crate) born: bool,
    pub(crate) deframer: Deframer,
    pub(crate) outbox: Outbox,
    pub(crate) outbox_max: usize,
    pub(crate) result: Vec<u8>,
    pub(crate) doomed: bool,
    pub(crate) readable: bool,
    pub(crate) paused: bool,
    pub(crate) dirty: bool,
    pub(crate) silent: bool,
}

impl Child {
    pub(crate) fn new(pid: Pid, text: Rc<str>, limits: Limits) -> Self {
        Child {
            pid,
            text,
            born: false,
            deframer: Deframer::new(frame_max(limits.message_max())),
            outbox: Outbox::new(),
            outbox_max: 2 * limits.mailbox_max() + OUTBOX_SLACK,
            result: Vec::new(),
            doomed: false,
            readable: false,
            paused: false,
            dirty: false,
            silent: false,
        }
    }

    /// Writes what the socket takes, in pieces of at most `cut` bytes.
    pub(crate) fn flush(&mut self, who: Who, cell: &mut Cell, cut: usize, witness: &mut Witness) {
        if !self.born {
            return;
        }
        let before = self.outbox.len();
        while !self.outbox.is_empty() {
            if cell.hung_up {
                self.outbox.advance(self.outbox.len());
                return;
            }
            let count = cell.down.put(self.outbox.pending(), cut);
            witness.mark(b'w', who, &self.outbox.pending()[..count]);
            if count == 0 {
                let sight =
                    if self.outbox.len() < before { Sight::ShortWrite } else { Sight::FullPipe };
                return witness.note(sight);
            }
            self.outbox.advance(count);
        }
    }
}
