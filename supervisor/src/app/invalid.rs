//! What the YAML parser and serde find wrong, in words for whoever wrote the manifest.

use super::entry::Place;
use crate::diagnostic::{Diagnostic, line_span};
use serde_saphyr::{Error, UserMessageFormatter};
use std::rc::Rc;

/// The error at its line.
pub(super) fn diagnostic(file: &Rc<str>, text: &Rc<str>, error: &Error) -> Diagnostic {
    let line = error.location().map_or(1, |location| location.line() as usize);
    let place = Place { file: file.clone(), text: text.clone(), span: line_span(text, line) };
    let error = error.without_snippet();
    let help = remedy(error, place.written());
    place.error(format!("invalid manifest: {}", message(error)), help)
}

fn message(error: &Error) -> String {
    match error {
        Error::Unexpected { expected: "sequence start", .. } => "expected a list".to_owned(),
        Error::Unexpected { expected: "mapping start", .. } => "expected fields".to_owned(),
        Error::NullIntoString { .. } => "a field without a value".to_owned(),
        _ => {
            let message = error.render_with_formatter(&UserMessageFormatter);
            // The parser ends its text with the place, which is shown in its own way here.
            message.split(" at line ").next().unwrap_or(&message).to_owned()
        }
    }
}

fn remedy(error: &Error, line: &str) -> &'static str {
    match error {
        Error::Unexpected { expected: "sequence start", .. } => {
            "write it as [a, b], or each on a line of its own that begins with '- '; [] is none"
        }
        Error::ExternalMessage { .. } | Error::UnknownAnchor { .. } if line.contains('*') => {
            "a text that begins with * needs quotes: '*'"
        }
        _ => "the fields of each kind are in docs/manifests.md",
    }
}
