//! [`Payload`].

use ipc::{Frame, LARGE};
use std::rc::Rc;

/// The payload that came with an input.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Payload<'a> {
    pub(crate) bytes: &'a [u8],
    /// The bytes at whose end it lies, where it is large.
    pub(crate) large: Option<&'a Rc<Vec<u8>>>,
}

impl<'a> Payload<'a> {
    pub(crate) fn of(frame: Frame<'a>) -> Self {
        // A short body in a frame with a long header would keep much for little.
        Payload { bytes: frame.body, large: frame.large.filter(|_| frame.body.len() >= LARGE / 2) }
    }

    pub(crate) fn small(bytes: &'a [u8]) -> Self {
        Payload { bytes, large: None }
    }
}
