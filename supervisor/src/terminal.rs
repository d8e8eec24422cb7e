//! Words for people: lines on standard error, and the last ones on standard output.
//!
//! What a script says must not move a terminal's cursor, and a reader who has gone must not end the
//! supervisor: `println!` and `eprintln!` would panic.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

/// Wabe's own words on standard error. Control characters are shown, not sent, to a terminal.
pub(crate) fn say(text: &str) {
    let terminal = io::stderr().is_terminal();
    for (number, line) in text.lines().enumerate() {
        let line = if terminal { harmless(line.as_bytes()) } else { line.as_bytes().into() };
        let line = String::from_utf8_lossy(&line);
        rendered(&if number == 0 { format!("wabe: {line}") } else { line.into_owned() });
    }
}

/// The same for one line that repeats what a script or its worker has said: whatever that is, it
/// moves no cursor and looks like no other line, also where it is read later.
pub(crate) fn say_line(line: &str) {
    say(&one_line(line));
}

/// A text of a script's, without the means to look like a line of wabe's own.
pub(crate) fn one_line(text: &str) -> String {
    String::from_utf8_lossy(&harmless(text.as_bytes())).into_owned()
}

/// A text on standard error that is made for it, colours and all.
pub(crate) fn rendered(text: &str) {
    // Where nobody reads there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A line on standard output, after everything that processes have printed.
pub(crate) fn print(line: &str) {
    // As above.
    let _ = writeln!(io::stdout(), "{line}");
}

/// The text with every control character but the tab, and every byte that is no UTF-8, as `\xNN`.
pub(crate) fn harmless(line: &[u8]) -> Cow<'_, [u8]> {
    let control = |c: char| c.is_control() && c != '\t';
    if str::from_utf8(line).is_ok_and(|line| !line.chars().any(control)) {
        return line.into();
    }
    let mut shown = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        for c in chunk.valid().chars() {
            match control(c) {
                true => shown.push_str(&format!("\\x{:02x}", u32::from(c))),
                false => shown.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| shown.push_str(&format!("\\x{byte:02x}")));
    }
    shown.into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(harmless(b"a\x1b[31mred\x07\tb\x7f"), &b"a\\x1b[31mred\\x07\tb\\x7f"[..]);
        assert_eq!(harmless("\u{9b}2J".as_bytes()), &b"\\x9b2J"[..]);
        assert_eq!(harmless(b"\xff"), &b"\\xff"[..]);
        assert!(matches!(harmless("grüße".as_bytes()), Cow::Borrowed(_)));
    }
}
