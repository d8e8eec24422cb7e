//! Frames in, bytes out.

use crate::codec;
use serde::Serialize;
use std::collections::VecDeque;
use std::rc::Rc;

/// Capacity that an empty outbox keeps, so that a connection in steady use allocates nothing.
const KEPT: usize = 16 * 1024;

/// Bytes on their way to one peer. Whoever fills it watches [`Outbox::len`] and names the limit.
#[derive(Debug)]
pub struct Outbox {
    /// What is to be written first.
    bytes: Vec<u8>,
    written: usize,
    /// What comes after it, where bodies were queued that are not copied.
    later: VecDeque<Later>,
    /// Bytes of all that.
    later_len: usize,
    /// Capacity that is kept.
    kept: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

/// A body that is not copied, and the frames that were queued behind it.
#[derive(Debug)]
struct Later {
    whole: Rc<Vec<u8>>,
    /// What of it is still to be written.
    from: usize,
    bytes: Vec<u8>,
}

impl Outbox {
    /// An empty outbox; it allocates with the first frame.
    #[must_use]
    pub fn new() -> Self {
        Self::keeping(KEPT)
    }

    /// One that keeps so much capacity once it is empty again.
    #[must_use]
    pub fn keeping(kept: usize) -> Self {
        Outbox { bytes: Vec::new(), written: 0, later: VecDeque::new(), later_len: 0, kept }
    }

    /// Queues a frame.
    pub fn push(&mut self, header: &impl Serialize, body: &[u8]) {
        self.push_with(|out| codec::encode(out, header, body));
    }

    /// Queues what `write` appends: whole frames, as those of [`hot`](crate::hot).
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        match self.later.back_mut() {
            None => write(&mut self.bytes),
            Some(last) => {
                let before = last.bytes.len();
                write(&mut last.bytes);
                self.later_len += last.bytes.len() - before;
            }
        }
    }

    /// Queues the last `len` bytes of `whole` without a copy: the body of the frame whose beginning
    /// was queued last.
    ///
    /// # Panics
    /// Where it has fewer bytes.
    pub fn push_body(&mut self, whole: Rc<Vec<u8>>, len: usize) {
        let from = whole.len().checked_sub(len).expect("a body lies in its frame");
        self.later.push_back(Later { whole, from, bytes: Vec::new() });
        self.later_len += len;
    }

    /// Queues bytes that are frames already, or are to look like some.
    pub fn push_encoded(&mut self, bytes: &[u8]) {
        self.push_with(|out| out.extend_from_slice(bytes));
    }

    /// Queues all that another outbox holds.
    pub fn append(&mut self, other: Outbox) {
        self.push_encoded(&other.bytes[other.written..]);
        self.later_len += other.later_len;
        self.later.extend(other.later);
    }

    /// Bytes not yet written, as many as lie together: none where nothing is left.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        match self.later.front() {
            Some(later) if self.written == self.bytes.len() => &later.whole[later.from..],
            _ => &self.bytes[self.written..],
        }
    }

    /// How many bytes are not yet written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.written + self.later_len
    }

    /// True where everything is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the first `count` bytes: they are written.
    ///
    /// # Panics
    /// Where fewer bytes are not yet written.
    pub fn advance(&mut self, mut count: usize) {
        assert!(count <= self.len(), "more written than was queued");
        loop {
            let now = count.min(self.bytes.len() - self.written);
            self.advance_bytes(now);
            count -= now;
            match self.later.front_mut() {
                Some(later) if self.bytes.is_empty() => {
                    let now = count.min(later.whole.len() - later.from);
                    later.from += now;
                    self.later_len -= now;
                    count -= now;
                    if later.from < later.whole.len() {
                        return;
                    }
                    self.go_on();
                }
                _ => return,
            }
        }
    }

    /// What was queued behind a body that is written is the first now.
    fn go_on(&mut self) {
        if let Some(later) = self.later.pop_front() {
            self.later_len -= later.bytes.len();
            self.bytes = later.bytes;
        }
    }

    fn advance_bytes(&mut self, count: usize) {
        self.written += count;
        if self.written == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(self.kept);
            self.written = 0;
        } else if self.written >= self.bytes.len() / 2 {
            // Moving the smaller half keeps the cost of each byte constant.
            self.bytes.drain(..self.written);
            self.written = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn short_writes_lose_and_double_nothing(
            bodies in prop::collection::vec(
                (prop::collection::vec(any::<u8>(), 0..100), any::<bool>()),
                0..30,
            ),
            writes in prop::collection::vec(1usize..50, 1..20),
        ) {
            let (mut outbox, mut expected, mut written) = (Outbox::new(), Vec::new(), Vec::new());
            let mut writes = writes.iter().cycle();
            for (body, copied) in &bodies {
                codec::encode(&mut expected, &1u8, body);
                let start = expected.len() - body.len();
                if *copied {
                    outbox.push(&1u8, body);
                } else {
                    let begin = start - codec::PREFIX - 1;
                    outbox.push_encoded(&expected[begin..start]);
                    outbox.push_body(Rc::new(expected[begin..].to_vec()), body.len());
                }
                prop_assert_eq!(written.len() + outbox.len(), expected.len());
                let count = (*writes.next().expect("a cycle")).min(outbox.pending().len());
                written.extend_from_slice(&outbox.pending()[..count]);
                outbox.advance(count);
            }
            while !outbox.pending().is_empty() {
                let count = outbox.pending().len();
                written.extend_from_slice(outbox.pending());
                outbox.advance(count);
            }
            prop_assert_eq!(written, expected);
            prop_assert!(outbox.is_empty());
        }

        #[test]
        fn what_another_outbox_holds_follows(
            mine in prop::collection::vec((0usize..100, any::<bool>()), 0..6),
            theirs in prop::collection::vec((0usize..100, any::<bool>()), 0..6),
            written in 0usize..50,
        ) {
            let (mut expected, mut boxes) = (Vec::new(), Vec::new());
            for (mark, bodies) in [(1, &mine), (2, &theirs)] {
                let mut outbox = Outbox::new();
                for (len, copied) in bodies {
                    let body = vec![mark; *len];
                    expected.extend_from_slice(&body);
                    match copied {
                        true => outbox.push_encoded(&body),
                        false => outbox.push_body(Rc::new(body), *len),
                    }
                }
                boxes.push(outbox);
            }
            let (Some(theirs), Some(mut outbox)) = (boxes.pop(), boxes.pop()) else { return Ok(()) };
            let written = written.min(outbox.pending().len());
            outbox.advance(written);
            outbox.append(theirs);
            prop_assert_eq!(outbox.len(), expected.len() - written);
            let mut rest = Vec::new();
            while !outbox.is_empty() {
                rest.extend_from_slice(outbox.pending());
                outbox.advance(outbox.pending().len());
            }
            prop_assert_eq!(&rest[..], &expected[written..]);
        }

        #[test]
        fn all_can_be_forgotten_at_once(bodies in prop::collection::vec(0usize..100, 0..30)) {
            let mut outbox = Outbox::new();
            for len in bodies {
                outbox.push(&1u8, &vec![7; len]);
                outbox.push_body(Rc::new(vec![7; 100]), len);
            }
            outbox.advance(outbox.len());
            prop_assert!(outbox.is_empty() && outbox.pending().is_empty());
        }
    }
}
