//! Places in a text, as the analyzer and as we count them.

use luau_syntax::location::{Location, Position};
use std::ops::Range;

/// The byte at a line and a column (in bytes), both from 0; the end where there is none.
pub(crate) fn offset(text: &str, position: Position) -> usize {
    let lines = text.split_inclusive('\n').take(position.line as usize);
    let start: usize = lines.map(str::len).sum();
    let mut at = (start + position.column as usize).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The bytes of a location: of several lines only the first, which is enough to find it.
pub(crate) fn span(text: &str, location: Location) -> Range<usize> {
    let (start, end) = (offset(text, location.begin), offset(text, location.end));
    let line = text[start..].find('\n').map_or(text.len(), |length| start + length);
    start..end.min(line).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_and_never_inside_a_character() {
        let text = "a = 1\nü = 22\n";
        assert_eq!(offset(text, Position::new(1, 0)), 6);
        assert_eq!(offset(text, Position::new(1, 1)), 6);
        assert_eq!(offset(text, Position::new(9, 9)), text.len());
        let location = Location::new(Position::new(0, 4), Position::new(1, 3));
        assert_eq!(&text[span(text, location)], "1");
    }
}
