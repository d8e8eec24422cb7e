//! The time zones of this machine, for processes that have no files.

use ipc::Zones;
use ipc::limits::{ZONE_FILE_MAX, ZONES_MAX};
use ipc::zones::{MAGIC, file_of};
use rustix::fs::{Mode, OFlags};
use std::fs;
use std::path::{Path, PathBuf};

/// Where the system has its database.
const FOLDER: &str = "/usr/share/zoneinfo";

/// Where it says which zone is its own.
const LOCAL: &str = "/etc/localtime";

/// The same zones once more, without leap seconds and with them.
const AGAIN: [&str; 2] = ["posix", "right"];

/// What there is: nothing but UTC on a machine without a database.
pub(crate) fn of_this_machine() -> Zones {
    with_local(Zones::new(database(Path::new(FOLDER))), std::env::var("TZ").ok().as_deref())
}

/// Every zone with its file, as far as they have room.
fn database(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let (mut found, mut folders, mut left) = (Vec::new(), vec![folder.to_owned()], ZONES_MAX);
    while let Some(inner) = folders.pop() {
        let Ok(items) = fs::read_dir(&inner) else { continue };
        for item in items.filter_map(Result::ok) {
            let path = item.path();
            let Some(name) = path.strip_prefix(folder).ok().and_then(Path::to_str) else {
                continue;
            };
            if item.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !AGAIN.contains(&name) {
                    folders.push(path);
                }
            } else if path.extension().is_none()
                // The lists beside the zones have an ending, the zones have none.
                && let Some(file) = zone_file(&path).filter(|file| file.len() <= left)
            {
                left -= file.len();
                found.push((name.to_owned(), file));
            }
        }
    }
    found
}

/// A file, where it is one of a zone. There are hundreds, and each is one read: whoever starts a node
/// waits for them.
fn zone_file(path: &Path) -> Option<Vec<u8>> {
    // What is no regular file is not waited for.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = rustix::fs::open(path, flags, Mode::empty()).ok()?;
    let mut bytes = [0; ZONE_FILE_MAX + 1];
    let len = rustix::io::read(&file, &mut bytes).ok()?;
    let bytes = &bytes[..len];
    (len <= ZONE_FILE_MAX && bytes.starts_with(MAGIC)).then(|| bytes.to_vec())
}

/// The zones with the one that is meant by the variable `TZ`, or by the system where there is none.
fn with_local(zones: Zones, tz: Option<&str>) -> Zones {
    let tz = tz.map(|tz| tz.strip_prefix(':').unwrap_or(tz));
    let path = match tz {
        None => Some(PathBuf::from(LOCAL)),
        Some(tz) => tz.starts_with('/').then(|| PathBuf::from(tz)),
    };
    if let Some(path) = path {
        let name = if path == Path::new(LOCAL) { "Local" } else { tz.unwrap_or_default() };
        // As libc does: what is not there stands for UTC.
        return match zone_file(&path) {
            Some(file) => zones.with_local(name, &file),
            None => zones,
        };
    }
    match tz {
        None | Some("" | "UTC") => zones,
        Some(name) => {
            let file = zones.file(name).map_or_else(|| file_of(name), <[u8]>::to_vec);
            zones.with_local(name, &file)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Zones {
        Zones::new([("Europe/Berlin".to_owned(), b"TZif-Berlin".to_vec())])
    }

    #[test]
    fn the_local_zone_is_what_libc_takes_it_for() {
        let named = with_local(some(), Some("Europe/Berlin"));
        assert_eq!(named.local(), Some(("Europe/Berlin", &b"TZif-Berlin"[..])));
        assert_eq!(with_local(some(), Some(":Europe/Berlin")).local(), named.local());
        let ruled = with_local(some(), Some("CET-1CEST,M3.5.0,M10.5.0/3"));
        let file = file_of("CET-1CEST,M3.5.0,M10.5.0/3");
        assert_eq!(ruled.local(), Some(("CET-1CEST,M3.5.0,M10.5.0/3", &file[..])));
        for utc in ["", ":", "UTC", "/no/such/file"] {
            assert_eq!(with_local(some(), Some(utc)).local(), None, "{utc}");
        }
    }

    #[test]
    fn a_database_is_read_with_its_folders_and_links_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        for inner in ["Europe", "posix"] {
            fs::create_dir(at(inner)).expect("it is new");
        }
        for (name, text) in [
            ("UTC", "TZif-UTC"),
            ("Europe/Berlin", "TZif-Berlin"),
            ("posix/UTC", "TZif-again"),
            ("tzdata.zi", "TZif-list"),
            ("README", "words"),
        ] {
            fs::write(at(name), text).expect("it is new");
        }
        fs::write(at("Large"), [MAGIC, &[0; ZONE_FILE_MAX]].concat()).expect("it is new");
        std::os::unix::fs::symlink("UTC", at("Zulu")).expect("it is new");
        std::os::unix::fs::symlink("..", at("Europe/round")).expect("it is new");
        let mut names: Vec<_> = database(folder.path()).into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["Europe/Berlin", "UTC", "Zulu"]);
        assert!(database(&at("nowhere")).is_empty());
    }
}
