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

/// The bytes with every control character but the tab as `\xNN`.
pub(crate) fn harmless(line: &[u8]) -> Cow<'_, [u8]> {
    let control = |byte: &u8| (*byte < 0x20 && *byte != b'\t') || *byte == 0x7f;
    if !line.iter().any(control) {
        return line.into();
    }
    let mut shown = Vec::with_capacity(line.len());
    for byte in line {
        match control(byte) {
            true => shown.extend_from_slice(format!("\\x{byte:02x}").as_bytes()),
            false => shown.push(*byte),
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(harmless(b"a\x1b[31mred\x07\tb\x7f"), &b"a\\x1b[31mred\\x07\tb\\x7f"[..]);
        assert!(matches!(harmless("grüße".as_bytes()), Cow::Borrowed(_)));
    }
}
