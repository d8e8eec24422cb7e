//! Apps in temporary folders, and the binaries that run them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};
use tempfile::TempDir;

/// The path of a binary of this workspace, built in the profile of the running test.
///
/// # Panics
/// Where it is not built: `cargo test -p tests` alone builds no binaries of other packages.
#[must_use]
pub fn bin(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a test knows its own path");
    let deps = test.parent().expect("a file has a folder");
    let path = deps.parent().expect("deps lies in the folder of the profile").join(name);
    assert!(path.is_file(), "{} is not built: run `cargo build` first", path.display());
    path
}

/// An app's folder, removed when dropped.
#[derive(Debug)]
pub struct App {
    folder: TempDir,
}

impl App {
    /// An empty folder.
    ///
    /// # Panics
    /// Where the system has no place for temporary files.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "an app without files is nobody's default")]
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("wabe-").tempdir();
        App { folder: folder.expect("a temporary folder can be made") }
    }

    /// An app with one host, `app:processes`, whose limits are `host` (YAML), and an entry
    /// `app:NAME` for each script.
    #[must_use]
    pub fn of(host: &str, scripts: &[(&str, &str)]) -> Self {
        let mut manifest = format!(
            "version: \"1.0\"\nnamespace: app\nentries:\n\
             \x20 - {{name: processes, kind: process.host, host: {host}, \
             lifecycle: {{auto_start: true}}}}\n"
        );
        let mut app = App::new();
        for (name, script) in scripts {
            let file = format!("{name}.lua");
            let _ = writeln!(
                manifest,
                "  - {{name: {name}, kind: process.lua, source: 'file://{file}'}}"
            );
            app = app.file(&file, script);
        }
        app.file("_index.yaml", &manifest)
    }

    /// Adds a file; `name` may hold folders.
    ///
    /// # Panics
    /// Where it cannot be written.
    #[must_use]
    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        let folder = path.parent().expect("a file has a folder");
        fs::create_dir_all(folder).expect("folders of the app can be made");
        fs::write(path, text).expect("files of the app can be written");
        self
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `wabe run FOLDER ENTRY`.
    #[must_use]
    pub fn command(&self, entry: &str) -> Command {
        let mut command = Command::new(bin("wabe"));
        command.arg("run").arg(self.path()).arg(entry);
        command
    }
}
