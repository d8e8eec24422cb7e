//! Files of control groups, by the descriptor of their folder.

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, mkdirat, openat, unlinkat};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Longest file of a group that is read: `cgroup.procs` grows with its processes, of which one that
/// is shared by mistake may have many. The rest is of no interest.
const FILE_MAX: usize = 64 * 1024;

/// The folder of a group.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, Errno> {
        Self::open_at(CWD, path)
    }

    pub(super) fn open_at(at: impl AsFd, path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Folder(openat(at, path, flags, Mode::empty())?))
    }

    /// Makes the folder of a group in this one, or opens it where it is there already.
    pub(super) fn make(&self, name: &str) -> Result<Self, Errno> {
        match mkdirat(self, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => Self::open_at(self, Path::new(name)),
            Err(error) => Err(error),
        }
    }

    /// A descriptor of a group in this one that is good for nothing but being named.
    pub(super) fn name_of(&self, name: &str) -> Result<OwnedFd, Errno> {
        openat(self, name, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
    }

    /// The names of the groups in this one.
    pub(super) fn groups(&self) -> Result<Vec<String>, Errno> {
        let mut names = Vec::new();
        for entry in Dir::read_from(self)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy();
            if entry.file_type().is_dir() && !name.starts_with('.') {
                names.push(name.into_owned());
            }
        }
        Ok(names)
    }
}

pub(super) fn read(folder: impl AsFd, file: &str) -> Result<String, Errno> {
    let file = openat(folder, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = vec![0; FILE_MAX];
    let mut length = 0;
    // Such files are made up as they are read: each read gives some whole lines.
    while length < bytes.len() {
        match rustix::io::read(&file, &mut bytes[length..])? {
            0 => break,
            more => length += more,
        }
    }
    Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
}

pub(super) fn write(folder: impl AsFd, file: &str, value: &str) -> Result<(), Errno> {
    let file = openat(folder, file, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, value.as_bytes()).map(drop)
}

/// Writes a file that not every machine has.
pub(super) fn write_if_there(folder: impl AsFd, file: &str, value: &str) -> Result<(), Errno> {
    match write(folder, file, value) {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

/// Removes the folder of a group; one that is gone is no error.
pub(super) fn remove(folder: impl AsFd, name: &str) -> Result<(), Errno> {
    match unlinkat(folder, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_once_listed_and_removed() {
        let place = tempfile::tempdir().expect("a temporary folder");
        let root = Folder::open(place.path()).expect("it opens");
        std::fs::write(place.path().join("memory.max"), "max\n").expect("a file");
        for name in ["1", "2", "2"] {
            root.make(name).expect("it is made, or there");
        }
        let mut names = root.groups().expect("they are listed");
        names.sort();
        assert_eq!(names, ["1", "2"]);
        assert_eq!(remove(&root, "1"), Ok(()));
        assert_eq!(remove(&root, "1"), Ok(()));
        assert_eq!(root.groups().expect("they are listed"), ["2"]);
    }

    #[test]
    fn files_are_read_and_written_in_place_and_never_made() {
        let place = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(place.path().join("memory.max"), "max\n").expect("a file");
        let folder = Folder::open(place.path()).expect("it opens");
        assert_eq!(read(&folder, "memory.max").as_deref(), Ok("max\n"));
        assert_eq!(write(&folder, "memory.max", "123\n"), Ok(()));
        assert_eq!(read(&folder, "memory.max").as_deref(), Ok("123\n"));
        assert_eq!(write(&folder, "pids.max", "1"), Err(Errno::NOENT));
        assert_eq!(write_if_there(&folder, "pids.max", "1"), Ok(()));
    }
}
