//! [`Pid`]: which process. A counter that is never reused while the node lives, and a tag that
//! cannot be guessed, so that a script reaches only whom it was told of.

use std::fmt;

/// A process of this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid {
    /// Counter, from 1, never reused.
    pub number: u64,
    /// Unguessable tag: a keyed hash of the number.
    pub tag: u64,
}

/// The text of a PID as scripts see it: `{host|0x0001f-4c1d9a5b00112233}`.
///
/// Opaque to scripts; only supervisor and logs take it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PidText<'a> {
    /// Id of the host, `namespace:name`.
    pub host: &'a str,
    /// Number and tag.
    pub pid: Pid,
}

impl fmt::Display for PidText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}|0x{:05x}-{:016x}}}", self.host, self.pid.number, self.pid.tag)
    }
}

impl<'a> PidText<'a> {
    /// Takes the text apart; `None` where it is not exactly what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let inner = text.strip_prefix('{')?.strip_suffix('}')?;
        let (host, rest) = inner.rsplit_once('|')?;
        let (number, tag) = rest.strip_prefix("0x")?.split_once('-')?;
        let parsed = PidText { host, pid: Pid { number: hex(number)?, tag: hex(tag)? } };
        let canonical = number.len() == 5 || (number.len() > 5 && !number.starts_with('0'));
        (canonical && tag.len() == 16).then_some(parsed)
    }
}

/// Lowercase hexadecimal only: one process has one text.
fn hex(digits: &str) -> Option<u64> {
    let lower = digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if !lower || digits.is_empty() {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_comes_back(number in 1u64.., tag: u64) {
            let pid = PidText { host: "app:processes", pid: Pid { number, tag } };
            let text = pid.to_string();
            prop_assert_eq!(PidText::parse(&text), Some(pid));
        }

        #[test]
        fn any_text_is_refused_or_canonical(text in ".{0,60}") {
            if let Some(pid) = PidText::parse(&text) {
                prop_assert_eq!(pid.to_string(), text);
            }
        }
    }

    #[test]
    fn near_misses_are_refused() {
        let good = "{app:p|0x0001f-00000000000000aa}";
        assert!(PidText::parse(good).is_some());
        for bad in [
            "",
            "app:p|0x0001f-00000000000000aa",
            "{app:p|0x001f-00000000000000aa}",
            "{app:p|0x00001f-00000000000000aa}",
            "{app:p|0x0001F-00000000000000aa}",
            "{app:p|0x0001f-0000000000000aa}",
            "{app:p|0x+001f-00000000000000aa}",
            "{app:p|0x0001f}",
        ] {
            assert_eq!(PidText::parse(bad), None, "{bad}");
        }
    }
}
