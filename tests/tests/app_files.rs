//! Apps whose files are no files: nobody waits for them, neither `wabe check` nor a node that runs.

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tests::live::DEADLINE;
use tests::{App, Running, bin, run};

/// Whoever waits for a pipe waits for ever.
const SOON: Duration = Duration::from_secs(60);

const MANIFEST: &str = "
namespace: app
entries:
  - {name: main, kind: process.lua, source: 'file://main.lua'}
";

/// Files that an app may have, and what is said where one is a pipe.
const FILES: [(&str, &str); 2] = [
    ("main.lua", "error: cannot read source 'file://main.lua': not a regular file"),
    ("_index.yaml", "error: cannot read _index.yaml: not a regular file"),
];

const MAIN: &str = "
return function()
  print('up')
  process.events():receive()
end";

fn app() -> App {
    App::new().file("_index.yaml", MANIFEST).file("main.lua", MAIN)
}

/// Puts a pipe in the place of what is there.
fn pipe(folder: &Path, name: &str) {
    let place = folder.join(name);
    let _ = std::fs::remove_file(&place);
    mknodat(CWD, place, FileType::Fifo, Mode::RWXU, 0).expect("a pipe");
}

#[test]
fn a_check_says_what_is_no_file() {
    let config = (".luaurc", "error[config]: cannot read .luaurc: not a regular file");
    for (name, message) in FILES.into_iter().chain([config]) {
        let app = app();
        pipe(app.path(), name);
        let ran = run(Command::new(bin("wabe")).arg("check").arg(app.path()), SOON);
        assert!(!ran.late && ran.code.is_some_and(|code| code > 0), "{name}: {ran:?}");
        let message = message.trim_start_matches("error");
        assert!(ran.stderr.contains(message), "{name}: {}", ran.stderr);
    }
}

#[test]
fn a_node_that_reads_them_again_goes_on() {
    let app = app();
    let mut command = Command::new(bin("wabe"));
    let mut running = Running::start(command.arg("run").arg(app.path()));
    assert_eq!(running.stdout_line(DEADLINE).as_deref(), Some("up"));
    for (name, message) in FILES {
        let text = std::fs::read(app.path().join(name)).expect("a file of the app");
        pipe(app.path(), name);
        running.signal(Signal::HUP);
        for what in [message, "wabe: the app goes on as it was"] {
            while !running.stderr_line(SOON).expect("it is said").contains(what) {}
        }
        std::fs::remove_file(app.path().join(name)).expect("the pipe");
        std::fs::write(app.path().join(name), text).expect("a file of the app");
    }
    running.signal(Signal::TERM);
    let ran = running.wait(SOON);
    assert!(ran.code == Some(0) && !ran.late, "{ran:?}");
}
