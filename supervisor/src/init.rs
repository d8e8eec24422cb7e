//! `wabe init`: a new app.

use crate::diagnostic::Diagnostic;
use crate::run::{OK, USAGE};
use crate::terminal;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// The files of a new app; what editors know of the API comes from the table in the crate `api`.
const FILES: [(&str, &str); 8] = [
    ("_index.yaml", include_str!("../template/_index.yaml")),
    ("server.lua", include_str!("../template/server.lua")),
    ("worker.lua", include_str!("../template/worker.lua")),
    ("words.lua", include_str!("../template/words.lua")),
    ("server_test.lua", include_str!("../template/server_test.lua")),
    (".luaurc", include_str!("../template/luaurc.json")),
    (".luarc.json", include_str!("../template/luarc.json")),
    (".vscode/settings.json", include_str!("../template/settings.json")),
];

fn definitions() -> [(&'static str, String); 2] {
    [("wabe.d.luau", api::luau::definitions()), ("wabe.d.lua", api::luals::definitions())]
}

/// Makes an app, or only writes its definitions anew. Returns the exit code.
pub(crate) fn init(folder: &Path, types: bool) -> u8 {
    let made = if types { update(folder) } else { make(folder) };
    match made {
        Ok(said) => {
            terminal::print(&said);
            OK
        }
        Err(diagnostic) => {
            terminal::rendered(&diagnostic.render(io::stderr().is_terminal()));
            USAGE
        }
    }
}

fn update(folder: &Path) -> Result<String, Diagnostic> {
    for (name, text) in definitions() {
        replace(folder, name, &text).map_err(|error| {
            let message = format!("cannot write {}: {error}", folder.join(name).display());
            Diagnostic::general(message, "give the folder of an app")
        })?;
    }
    Ok(format!("wrote wabe.d.luau and wabe.d.lua in {}", folder.display()))
}

/// Writes a file beside the place and moves it there: whatever a link at the place points to stays as it
/// is, and whoever reads meanwhile finds the old text or the new one.
fn replace(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let beside = folder.join(format!(".{name}.new"));
    // One that was left behind goes; a link goes too, not what it points to.
    let _ = fs::remove_file(&beside);
    let mut file = fs::File::create_new(&beside)?;
    let written = file.write_all(text.as_bytes());
    written.and_then(|()| fs::rename(&beside, folder.join(name))).inspect_err(|_| {
        let _ = fs::remove_file(&beside);
    })
}

fn make(folder: &Path) -> Result<String, Diagnostic> {
    let refused = |why: &str, help: &str| {
        Diagnostic::general(format!("cannot make an app in {}: {why}", folder.display()), help)
    };
    match fs::read_dir(folder).map(|mut items| items.next().is_none()) {
        Ok(false) => {
            return Err(refused("the folder is not empty", "give one that is empty or not there"));
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(refused(&error.to_string(), "give a folder that is empty or not there"));
        }
        Ok(true) | Err(_) => {}
    }
    let mut made = Made(Vec::new());
    match write(folder, &mut made) {
        Ok(()) => {
            made.0.clear();
            let shown = folder.display();
            Ok(format!("made an app in {shown}: try 'wabe check {shown}' and 'wabe test {shown}'"))
        }
        Err(error) => {
            drop(made);
            Err(refused(&error.to_string(), "nothing was left there; make the place writable"))
        }
    }
}

fn write(folder: &Path, made: &mut Made) -> io::Result<()> {
    made.folders(folder)?;
    for (name, text) in FILES {
        made.file(&folder.join(name), text)?;
    }
    for (name, text) in definitions() {
        made.file(&folder.join(name), &text)?;
    }
    Ok(())
}

/// What was made so far, to be taken back unless all was.
struct Made(Vec<PathBuf>);

impl Made {
    fn folders(&mut self, folder: &Path) -> io::Result<()> {
        let missing: Vec<_> = folder.ancestors().take_while(|above| is_missing(above)).collect();
        for above in missing.into_iter().rev() {
            fs::create_dir(above)?;
            self.0.push(above.to_owned());
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, text: &str) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            self.folders(folder)?;
        }
        // Never over what somebody else has put there meanwhile.
        let mut file = fs::File::create_new(path)?;
        self.0.push(path.to_owned());
        file.write_all(text.as_bytes())
    }
}

fn is_missing(folder: &Path) -> bool {
    // The path `new` has the ancestor ``, which is where we are.
    !folder.as_os_str().is_empty() && !folder.exists()
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in self.0.iter().rev() {
            // A folder goes only where it is empty: what others put there stays.
            let _ = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
        }
    }
}
