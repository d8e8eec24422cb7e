//! [`Source`]: what a descriptor in the poll belongs to.

use crate::attendants::AttendantId;
use crate::children::ChildId;
use mio::Token;

/// Tokens of descriptors: the first, plus so many times the index, plus the kind.
const FIRST: usize = 4;
const KINDS: usize = 5;

/// What a descriptor in the poll belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Socket(ChildId),
    Pidfd(ChildId),
    Control(usize),
    ZygotePidfd(usize),
    Attendant(AttendantId),
}

impl Source {
    pub(crate) fn token(self) -> Token {
        let (index, kind) = match self {
            Source::Socket(id) => (id, 0),
            Source::Pidfd(id) => (id, 1),
            Source::Control(nest) => (nest, 2),
            Source::ZygotePidfd(nest) => (nest, 3),
            Source::Attendant(id) => (id, 4),
        };
        Token(FIRST + KINDS * index + kind)
    }

    pub(crate) fn of(token: Token) -> Self {
        let (index, kind) = ((token.0 - FIRST) / KINDS, (token.0 - FIRST) % KINDS);
        match kind {
            0 => Source::Socket(index),
            1 => Source::Pidfd(index),
            2 => Source::Control(index),
            3 => Source::ZygotePidfd(index),
            _ => Source::Attendant(index),
        }
    }
}
