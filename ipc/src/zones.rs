//! The time zones of a machine, as the supervisor reads them and its zygotes get them.
//!
//! A worker has no files. So the whole database, some 600 KiB, goes to each zygote beside the app's
//! code, and the zygote's copies share it: a page that nobody looks at costs them nothing.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The zones: an index, and their files one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zones {
    /// Names in order, each with where its file lies.
    names: Vec<(String, Span)>,
    /// The zone of the machine; none where that is UTC.
    local: Option<(String, Span)>,
    /// Files (TZif, RFC 9636). They travel apart from the index.
    #[serde(skip)]
    files: Cow<'static, [u8]>,
}

/// First byte and number of bytes.
type Span = (u32, u32);

impl Zones {
    /// The zones with these names, which share files where they are the same.
    #[must_use]
    pub fn new(zones: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let mut all = Zones::default();
        // Files by their length: hashing all of each would cost more than all else here.
        let mut known: BTreeMap<usize, Vec<Span>> = BTreeMap::new();
        for (name, file) in zones {
            let alike = known.entry(file.len()).or_default();
            let same = alike.iter().find(|span| all.at(**span) == Some(&file)).copied();
            let span = same.unwrap_or_else(|| all.keep(&file));
            if same.is_none() {
                alike.push(span);
            }
            all.names.push((name, span));
        }
        all.names.sort_unstable();
        all
    }

    /// The same, with that zone as the local one.
    #[must_use]
    pub fn with_local(mut self, name: &str, file: &[u8]) -> Self {
        let span = self.keep(file);
        self.local = Some((name.to_owned(), span));
        self
    }

    /// The same, with these files.
    #[must_use]
    pub fn with_files(self, files: &'static [u8]) -> Self {
        Zones { files: Cow::Borrowed(files), ..self }
    }

    fn keep(&mut self, file: &[u8]) -> Span {
        let start = self.files.len();
        self.files.to_mut().extend_from_slice(file);
        // Both are below `ZONES_MAX`.
        (start as u32, file.len() as u32)
    }

    /// All files, one after the other.
    #[must_use]
    pub fn files(&self) -> &[u8] {
        &self.files
    }

    /// The file of a zone.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        let found = self.names.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        self.at(self.names[found].1)
    }

    /// Name and file of the local zone; none where that is UTC.
    #[must_use]
    pub fn local(&self) -> Option<(&str, &[u8])> {
        let (name, span) = self.local.as_ref()?;
        Some((name, self.at(*span)?))
    }

    /// True where the machine has no database.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn at(&self, (start, len): Span) -> Option<&[u8]> {
        let start = start as usize;
        self.files.get(start..start.checked_add(len as usize)?)
    }
}

/// First bytes of a file with a zone.
pub const MAGIC: &[u8] = b"TZif";

/// A file with nothing but a rule as in the variable `TZ` of POSIX, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
/// Where that is no rule, the file is no good either.
#[must_use]
pub fn file_of(rule: &str) -> Vec<u8> {
    // Twice, for readers of 32 and of 64 bits: no steps, and UTC as the one local time, which the rule
    // takes the place of.
    let mut block = [MAGIC, b"2", &[0; 15]].concat();
    for count in [0u32, 0, 0, 0, 1, 4] {
        block.extend_from_slice(&count.to_be_bytes());
    }
    block.extend_from_slice(b"\0\0\0\0\0\0UTC\0");
    [&block, &block, b"\n".as_slice(), rule.as_bytes(), b"\n"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_name_and_share_their_files() {
        let zones = [("B/two", "2"), ("A", "1"), ("B", "2")];
        let zones = zones.map(|(name, file)| (name.to_owned(), file.as_bytes().to_vec()));
        let zones = Zones::new(zones).with_local("Local", b"3");
        assert_eq!(zones.files(), b"213");
        assert_eq!(zones.file("A"), Some(&b"1"[..]));
        assert_eq!(zones.file("B"), Some(&b"2"[..]));
        assert_eq!(zones.file("B/two"), Some(&b"2"[..]));
        assert_eq!(zones.file("B/"), None);
        assert_eq!(zones.local(), Some(("Local", &b"3"[..])));
        let elsewhere = zones.clone().with_files(&[]);
        assert_eq!((elsewhere.file("A"), elsewhere.local()), (None, None), "no file, no panic");
        assert!(Zones::default().is_empty() && Zones::default().local().is_none());
    }
}
