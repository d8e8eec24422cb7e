//! `--watch`: whether files of an app have changed (inotify(7)), and when that is to be heeded.
//!
//! What has changed is not asked: the app is read again as a whole, and compared.

use ipc::limits::{FOLDERS_MAX, QUIET_NS, UNQUIET_MAX_NS};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

/// When changes are heeded: some time after the last one, for who saves many files saves them one after
/// the other, but not too long after the first.
#[derive(Debug, Default)]
pub(crate) struct Quiet {
    first: Option<u64>,
    last: u64,
}

impl Quiet {
    pub(crate) fn changed(&mut self, now: u64) {
        self.first.get_or_insert(now);
        self.last = now;
    }

    /// When that is.
    pub(crate) fn due(&self) -> Option<u64> {
        let latest = self.first?.saturating_add(UNQUIET_MAX_NS);
        Some(self.last.saturating_add(QUIET_NS).min(latest))
    }

    /// True once, when it is.
    pub(crate) fn take(&mut self, now: u64) -> bool {
        let due = self.due().is_some_and(|at| at <= now);
        if due {
            self.first = None;
        }
        due
    }
}

/// The folders of an app, watched.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) inotify: OwnedFd,
    /// The app's folder, or that of its only file.
    root: PathBuf,
    deep: bool,
    pub(crate) quiet: Quiet,
}

impl Watch {
    /// # Errors
    /// As inotify_init1(2) and inotify_add_watch(2).
    pub(crate) fn new(app: &Path) -> io::Result<Self> {
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let app = app.canonicalize()?;
        let deep = app.is_dir();
        let root = if deep { app } else { app.parent().unwrap_or(&app).to_owned() };
        let watch = Watch { inotify, root, deep, quiet: Quiet::default() };
        watch.folders()?;
        Ok(watch)
    }

    /// Watches all folders that there are now. Those that are watched already are not watched twice.
    ///
    /// # Errors
    /// As inotify_add_watch(2); where there are too many.
    pub(crate) fn folders(&self) -> io::Result<()> {
        let flags = WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::ONLYDIR;
        let (mut folders, mut count) = (vec![self.root.clone()], 0);
        while let Some(folder) = folders.pop() {
            count += 1;
            if count > FOLDERS_MAX {
                return Err(io::Error::other(format!("more than {FOLDERS_MAX} folders")));
            }
            match add_watch(&self.inotify, &folder, flags) {
                // It has gone meanwhile.
                Err(_) if folder != self.root && !folder.exists() => {}
                watched => {
                    watched?;
                }
            }
            if self.deep {
                folders.extend(subfolders(&folder));
            }
        }
        Ok(())
    }

    /// Takes what has been told, at that time.
    pub(crate) fn hear(&mut self, now: u64) {
        let mut told = [0; 4096];
        while matches!(rustix::io::read(&self.inotify, &mut told), Ok(1..)) {
            self.quiet.changed(now);
        }
    }
}

/// Folders in which a manifest may lie. What cannot be read has none, or loading the app says so.
fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let items = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = items.filter(|item| item.file_type().is_ok_and(|kind| kind.is_dir()));
    let seen = folders.filter(|item| !item.file_name().to_string_lossy().starts_with('.'));
    seen.map(|item| item.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_heeded_when_they_are_over_or_have_lasted_too_long() {
        let mut quiet = Quiet::default();
        assert_eq!((quiet.due(), quiet.take(u64::MAX)), (None, false));
        quiet.changed(5);
        assert_eq!(quiet.due(), Some(5 + QUIET_NS));
        quiet.changed(QUIET_NS);
        assert!(!quiet.take(5 + QUIET_NS) && quiet.take(2 * QUIET_NS) && !quiet.take(u64::MAX));
        let mut now = 0;
        while !quiet.take(now) {
            quiet.changed(now);
            now += QUIET_NS / 2;
        }
        assert_eq!(now, UNQUIET_MAX_NS);
    }

    #[test]
    fn what_is_written_in_any_folder_is_seen() {
        let app = tempfile::tempdir().expect("a temporary folder");
        let deep = app.path().join("a/b");
        std::fs::create_dir_all(&deep).expect("it is new");
        let mut watch = Watch::new(app.path()).expect("inotify");
        watch.hear(1);
        assert_eq!(watch.quiet.due(), None);
        std::fs::write(deep.join("x.lua"), "").expect("a file");
        watch.hear(2);
        assert_eq!(watch.quiet.due(), Some(2 + QUIET_NS));
    }
}
