//! [`Finding`]: one thing that is wrong.

use crate::code::Code;
use std::ops::Range;

/// Where a finding is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Spot {
    /// An import in the manifest, by its alias.
    Import(String),
    /// A module in the manifest.
    Module(String),
    /// These bytes of the source, from and to.
    Source(usize, usize),
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Index of the unit that it is about.
    pub unit: usize,
    /// What kind it is of.
    pub code: Code,
    /// Where.
    pub spot: Spot,
    /// What is wrong, lowercase where the words are ours.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Finding {
    /// A finding in a source, with the remedy that all of its kind have.
    pub(crate) fn in_source(
        unit: usize,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        let help = match code {
            Code::Source => "correct the script: it cannot be loaded",
            Code::Type => "correct the value, or say with '::' that you know better",
            Code::Lint => "correct it, or put '--!nolint' before the script",
            Code::UnknownModule => "name it under modules or imports of the entry",
            _ => "see docs/check.md",
        };
        let spot = Spot::Source(span.start, span.end);
        Finding { unit, code, spot, message: message.into(), help: help.to_owned() }
    }

    /// The same with a remedy of its own.
    pub(crate) fn helped(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}
