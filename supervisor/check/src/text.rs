//! Places in a text, as the analyzer and as we count them.

use luau_syntax::location::{Location, Position};
use std::ops::Range;

/// A text with the places where its lines begin: a source may have a million places to look up.
#[derive(Debug)]
pub(crate) struct Lines<T> {
    text: T,
    starts: Vec<usize>,
}

impl<T: AsRef<str>> Lines<T> {
    pub(crate) fn new(text: T) -> Self {
        let ends = text.as_ref().match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(ends).collect();
        Lines { text, starts }
    }

    /// The whole text.
    pub(crate) fn text(&self) -> &str {
        self.text.as_ref()
    }

    /// The byte at a line and a column (in bytes), both from 0; the end where there is none.
    pub(crate) fn offset(&self, position: Position) -> usize {
        let text = self.text();
        let start = self.starts.get(position.line as usize).copied().unwrap_or(text.len());
        let mut at = (start + position.column as usize).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// The bytes of a location: of several lines only the first, which is enough to find it.
    pub(crate) fn span(&self, location: Location) -> Range<usize> {
        let (start, end) = (self.offset(location.begin), self.offset(location.end));
        let next = self.starts.partition_point(|line| *line <= start);
        let line = self.starts.get(next).map_or(self.text().len(), |next| next - 1);
        start..end.min(line).max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_and_never_inside_a_character() {
        let text = "a = 1\nü = 22\n";
        let lines = Lines::new(text);
        assert_eq!(lines.offset(Position::new(1, 0)), 6);
        assert_eq!(lines.offset(Position::new(1, 1)), 6);
        assert_eq!(lines.offset(Position::new(9, 9)), text.len());
        let span = |from, to| &text[lines.span(Location::new(from, to))];
        assert_eq!(span(Position::new(0, 4), Position::new(1, 3)), "1");
        assert_eq!(span(Position::new(1, 0), Position::new(1, 2)), "ü");
    }
}
