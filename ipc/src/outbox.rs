//! Frames in, bytes out.

use crate::codec;
use serde::Serialize;

/// Capacity that an empty outbox keeps, so that a connection in steady use allocates nothing.
const KEPT: usize = 16 * 1024;

/// Bytes on their way to one peer. Whoever fills it watches [`Outbox::len`] and names the limit.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    written: usize,
}

impl Outbox {
    /// An empty outbox; it allocates with the first frame.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues a frame.
    pub fn push(&mut self, header: &impl Serialize, body: &[u8]) {
        codec::encode(&mut self.bytes, header, body);
    }

    /// Queues bytes that are frames already, or are to look like some.
    pub fn push_encoded(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes not yet written.
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        &self.bytes[self.written..]
    }

    /// How many bytes are not yet written.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.written
    }

    /// True where everything is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets the first `count` pending bytes: they are written.
    ///
    /// # Panics
    /// Where fewer bytes are pending.
    pub fn advance(&mut self, count: usize) {
        assert!(count <= self.len(), "more written than was pending");
        self.written += count;
        if self.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(KEPT);
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
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..30),
            writes in prop::collection::vec(1usize..50, 1..20),
        ) {
            let (mut outbox, mut expected, mut written) = (Outbox::new(), Vec::new(), Vec::new());
            let mut writes = writes.iter().cycle();
            for body in &bodies {
                outbox.push(&1u8, body);
                codec::encode(&mut expected, &1u8, body);
                let count = (*writes.next().expect("a cycle")).min(outbox.len());
                written.extend_from_slice(&outbox.pending()[..count]);
                outbox.advance(count);
            }
            written.extend_from_slice(outbox.pending());
            outbox.advance(outbox.len());
            prop_assert_eq!(written, expected);
            prop_assert!(outbox.is_empty());
        }
    }
}
