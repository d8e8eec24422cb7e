//! What others have sent and nobody has taken yet: encoded, as it came.
//!
//! In Luau there is only the number of a message. So what others send cannot grow in this process,
//! and is no part of what its script uses: the bytes of the mailbox have a limit of their own.

use slab::Slab;

/// Bytes of a message beside its texts and its body.
const ENTRY: usize = size_of::<(usize, Letter)>();

/// Empty places that are kept.
const KEPT: usize = 1024;

/// One message, or the body of an event.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) topic: Box<str>,
    pub(crate) from: Box<str>,
    pub(crate) body: Box<[u8]>,
}

impl Letter {
    fn bytes(&self) -> usize {
        self.topic.len() + self.from.len() + self.body.len()
    }
}

/// Messages and bodies by number.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    letters: Slab<Letter>,
    /// Bytes of them all.
    bytes: usize,
}

impl Mail {
    /// Keeps a letter until it is taken.
    pub(crate) fn keep(&mut self, letter: Letter) -> usize {
        self.bytes += letter.bytes();
        self.letters.insert(letter)
    }

    /// The letter of that number, if it is there.
    pub(crate) fn take(&mut self, number: usize) -> Option<Letter> {
        let letter = self.letters.try_remove(number)?;
        self.bytes -= letter.bytes();
        if self.letters.is_empty() && self.letters.capacity() > KEPT {
            self.letters = Slab::new();
        }
        Some(letter)
    }

    pub(crate) fn topic(&self, number: usize) -> Option<&str> {
        self.letters.get(number).map(|letter| &*letter.topic)
    }

    /// Bytes of memory that all letters take.
    pub(crate) fn held(&self) -> usize {
        self.bytes + self.letters.capacity() * ENTRY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_can_be_taken_once() {
        let letter =
            |topic: &str| Letter { topic: topic.into(), from: "p".into(), body: Box::new([1, 2]) };
        let mut mail = Mail::default();
        let (a, b) = (mail.keep(letter("a")), mail.keep(letter("bb")));
        assert_eq!((mail.topic(a), mail.topic(b)), (Some("a"), Some("bb")));
        assert_eq!(mail.bytes, 4 + 5);
        assert_eq!(mail.take(a).map(|letter| letter.topic), Some("a".into()));
        assert!(mail.take(a).is_none() && mail.topic(a).is_none());
        assert_eq!(mail.bytes, 5);
        assert!(mail.held() >= 5 + ENTRY);
        assert!(mail.take(b).is_some());
        assert_eq!(mail.bytes, 0);
    }
}
