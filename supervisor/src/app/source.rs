//! Source files: found inside the app's folder, nowhere else.

use super::entry::{Code, CodeKind, Entry, Kind, Place};
use super::{App, DEFAULT_HOST};
use crate::diagnostic::Diagnostic;
use ipc::Limits;
use ipc::limits::SOURCE_MAX;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use serde_json::Map;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// An app of one `.lua` file: its entry is `app:NAME`, after the file.
pub(super) fn single_file(path: &Path) -> Result<App, Diagnostic> {
    let help = "give a folder with manifests, or a .lua file";
    let is_lua = path.extension().is_some_and(|end| end == "lua" || end == "luau");
    let (true, Some(name)) = (is_lua, path.file_stem()) else {
        let message = format!("cannot run {}: neither a folder nor a .lua file", path.display());
        return Err(Diagnostic::general(message, help));
    };
    let text = read_limited(path).map_err(|error| {
        Diagnostic::general(format!("cannot read {}: {error}", path.display()), help)
    })?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (method, limits, imports) = ("main".to_owned(), Limits::NONE, Vec::new());
    // Nobody can name modules for it.
    let modules = api::NAMED.iter().map(|name| ((*name).to_owned(), Place::default())).collect();
    let code = Code { file, text, method, limits, imports, modules, default_host: None };
    let kind = Kind::Code(CodeKind::Process, code);
    let entry = Entry { kind, meta: Map::new(), place: Place::default() };
    let namespace = DEFAULT_HOST.split(':').next().unwrap_or_default();
    let mut app = App::default();
    app.entries.insert(format!("{namespace}:{}", name.to_string_lossy()), entry);
    Ok(app)
}

/// Reads the file that an entry's `source` names. Returns its name relative to the app's folder
/// and its text.
pub(super) fn read(
    root: &Path,
    manifest: &Path,
    source: &str,
    place: &Place,
) -> Result<(String, String), Diagnostic> {
    let Some(relative) = source.strip_prefix("file://") else {
        let message = format!("source '{source}' is not a file:// URL");
        return Err(place.error(message, "write it as file://name.lua, relative to this manifest"));
    };
    let wanted = manifest.parent().unwrap_or(root).join(relative);
    let path = inside(root, &wanted).map_err(|why| {
        let message = format!("cannot read source '{source}': {why}");
        place.error(message, "name a file in the app's folder, relative to this manifest")
    })?;
    let text = read_limited(&path).map_err(|error| {
        let message = format!("cannot read source '{source}': {error}");
        place.error(message, format!("a source is a file of at most {SOURCE_MAX} bytes of UTF-8"))
    })?;
    let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
    Ok((name, text))
}

/// The real path, where it lies under `root` whatever `..` and links say.
fn inside(root: &Path, wanted: &Path) -> Result<PathBuf, String> {
    let path = wanted.canonicalize().map_err(|error| error.to_string())?;
    match path.starts_with(root) {
        true => Ok(path),
        false => Err("it is outside the app's folder".to_owned()),
    }
}

/// Reads a text file of limited size; the limit holds for what is read, whatever stat(2) says.
///
/// # Errors
/// What is no regular file is refused, and never waited for: a pipe would hold up the whole node.
pub(crate) fn read_limited(path: &Path) -> std::io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let irregular = || std::io::Error::other("not a regular file");
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        // A socket, or a device that is not there.
        Err(Errno::NXIO) => return Err(irregular()),
        Err(error) => return Err(error.into()),
    };
    if !file.metadata()?.is_file() {
        return Err(irregular());
    }
    let mut text = String::new();
    file.take(SOURCE_MAX as u64 + 1).read_to_string(&mut text)?;
    match text.len() <= SOURCE_MAX {
        true => Ok(text),
        false => Err(std::io::Error::other(format!("larger than {SOURCE_MAX} bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, FileType, mknodat};

    #[test]
    fn only_regular_files_are_read_and_no_other_is_waited_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let at = |name: &str| folder.path().join(name);
        mknodat(CWD, at("pipe"), FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
        std::os::unix::net::UnixListener::bind(at("socket")).expect("a socket");
        std::fs::write(at("file"), "text").expect("a file");
        for name in ["pipe", "socket", "."] {
            let error = read_limited(&at(name)).expect_err("no file");
            assert_eq!(error.to_string(), "not a regular file", "{name}");
        }
        assert_eq!(read_limited(&at("file")).expect("a file"), "text");
    }
}
