//! [`Fault`]: a failure that a script sees as `nil, err`.

use crate::limits::TOPIC_MAX;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of the spec, section "Conventions".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the spec's own words")]
pub enum FaultKind {
    NotFound,
    AlreadyExists,
    Invalid,
    PermissionDenied,
    Unavailable,
    Internal,
    Canceled,
    Conflict,
    Timeout,
    RateLimited,
}

impl FaultKind {
    /// The kind as `err:kind()` gives it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            FaultKind::NotFound => "NotFound",
            FaultKind::AlreadyExists => "AlreadyExists",
            FaultKind::Invalid => "Invalid",
            FaultKind::PermissionDenied => "PermissionDenied",
            FaultKind::Unavailable => "Unavailable",
            FaultKind::Internal => "Internal",
            FaultKind::Canceled => "Canceled",
            FaultKind::Conflict => "Conflict",
            FaultKind::Timeout => "Timeout",
            FaultKind::RateLimited => "RateLimited",
        }
    }
}

/// What could not be done, and of which kind that is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Kind, for programs.
    pub kind: FaultKind,
    /// Text, for people; at most [`TEXT_MAX`](crate::limits::TEXT_MAX) bytes.
    pub message: String,
}

impl Fault {
    /// A fault with its text cut to what a header may carry.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Fault { kind, message: cut(message.into()) }
    }

    /// What is said of a topic that [`is_topic`](crate::frame::is_topic) refuses.
    #[must_use]
    pub fn bad_topic() -> Self {
        let message = format!("a topic has 1 to {TOPIC_MAX} bytes and does not begin with '@'");
        Fault::new(FaultKind::Invalid, message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

/// Cuts a text to [`TEXT_MAX`](crate::limits::TEXT_MAX) bytes at a character's border.
#[must_use]
pub fn cut(mut text: String) -> String {
    let end = text.floor_char_boundary(crate::limits::TEXT_MAX);
    text.truncate(end);
    text
}
