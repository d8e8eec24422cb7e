//! An app that is read again while it runs: by SIGHUP and where its files change. New spawns have the new
//! code, services that have changed start again, who asked is told; what does not load changes nothing.

mod loads;
mod services;

use rustix::process::Signal;
use std::ffi::CStr;
use std::fs::{self, File, OpenOptions};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::live::{DEADLINE, wait_to_see};
use tests::proc::children;
use tests::{App, Ran, Running, bin};

/// Spawns `app:a` and prints its result, again and again, as soon as its own code has changed: that of
/// the library which it imports.
const MAIN: &str = r#"
return function()
  local events = process.events()
  assert(process.set_options({ upgradable = true }))
  while true do
    assert(process.spawn_monitored("app:a", "app:processes"))
    print("a says", events:receive().result)
    local event = events:receive()
    print("main sees", event.kind, event.from, type(event.at))
    if event.kind ~= process.event.OUTDATED then
      return
    end
  end
end"#;

const MANIFEST: &str = "
namespace: app
entries:
  - {name: main, kind: process.lua, source: 'file://main.lua', imports: {lib: 'app:lib'}}
  - {name: lib, kind: library.lua, source: 'file://lib.lua'}
  - {name: a, kind: process.lua, source: 'file://a.lua'}
";

/// An app that runs, and can be changed meanwhile.
struct Edited {
    running: Running,
    path: PathBuf,
    _app: App,
}

impl Edited {
    fn start(app: App, arguments: &[&str]) -> Self {
        let path = app.path().to_owned();
        let mut command = Command::new(bin("wabe"));
        let running = Running::start(command.arg("run").arg("-v").arg(&path).args(arguments));
        Edited { running, path, _app: app }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path.join(name), text).expect("files of the app can be written");
    }

    /// Waits for a line of standard output that ends so.
    fn says(&mut self, end: &str) {
        while let Some(line) = self.running.stdout_line(DEADLINE) {
            if line.ends_with(end) {
                return;
            }
        }
        self.give_up(end);
    }

    /// Waits for a line of standard error that has this.
    fn tells(&mut self, what: &str) {
        self.tells_all(&[what]);
    }

    /// The same of a line that has all of these.
    fn tells_all(&mut self, what: &[&str]) {
        while let Some(line) = self.running.stderr_line(DEADLINE) {
            if what.iter().all(|what| line.contains(what)) {
                return;
            }
        }
        self.give_up(&what.join(" and "));
    }

    fn give_up(&mut self, what: &str) -> ! {
        self.running.signal(Signal::KILL);
        while self.running.stderr_line(DEADLINE).is_some() {}
        panic!("no '{what}': {:#?}", self.running)
    }

    fn reload(&self) {
        self.running.signal(Signal::HUP);
    }

    fn end(self) -> Ran {
        self.running.signal(Signal::TERM);
        let ran = self.running.wait(DEADLINE);
        assert!(ran.code == Some(0) && !ran.late && !ran.leaked, "{ran:#?}");
        ran
    }
}

fn says(word: &str) -> String {
    format!("return function() return '{word}' end")
}

fn app() -> App {
    let lib = "return { version = 1 }";
    let app = App::new().file("_index.yaml", MANIFEST).file("main.lua", MAIN);
    app.file("lib.lua", lib).file("a.lua", &says("old"))
}

#[test]
fn new_spawns_have_the_new_code_and_who_asked_is_told() {
    let mut live = Edited::start(app(), &[]);
    live.says("a says\told");
    for word in ["new", "newer"] {
        live.write("a.lua", &says(word));
        live.write("lib.lua", &format!("return {{ version = '{word}' }}"));
        live.reload();
        live.tells("wabe: the app was read again: app:a, app:lib, app:main changed");
        live.says("main sees\tOUTDATED\tnil\tuserdata");
        live.says(&format!("a says\t{word}"));
    }
    let ran = live.end();
    assert!(ran.stdout.ends_with("main sees\tCANCEL\tnil\tuserdata\n"), "{ran:#?}");
}

#[test]
fn an_outdated_has_no_result_where_results_are_records() {
    let host = "  - {name: processes, kind: process.host, host: {event_result: record}}\n";
    let main = MAIN.replace("().result)", "().result.value)");
    let main = main.replace("type(event.at)", "type(event.result)");
    let app = app().file("_index.yaml", &format!("{MANIFEST}{host}")).file("main.lua", &main);
    let mut live = Edited::start(app, &[]);
    live.says("a says\told");
    live.write("a.lua", &says("new"));
    live.write("lib.lua", "return { version = 2 }");
    live.reload();
    live.says("main sees\tOUTDATED\tnil\tnil");
    live.says("a says\tnew");
    live.end();
}

#[test]
fn what_has_not_changed_is_not_told() {
    let mut live = Edited::start(app(), &[]);
    live.says("a says\told");
    live.write("a.lua", &says("new"));
    live.reload();
    live.tells("wabe: the app was read again: app:a changed");
    live.reload();
    live.tells("wabe: the app was read again: no code has changed");
    let ran = live.end();
    assert_eq!(ran.stdout, "a says\told\nmain sees\tCANCEL\tnil\tuserdata\n", "{ran:#?}");
}

/// Calls `app:a` as a function, again and again, as soon as its own code has changed.
const CALLS: &str = r#"
return function()
  local events = process.events()
  assert(process.set_options({ upgradable = true }))
  repeat
    print("a says", assert(funcs.call("app:a")))
  until events:receive().kind ~= process.event.OUTDATED
end"#;

#[test]
fn the_host_that_an_entry_names_holds_also_in_the_new_version() {
    let manifest = MANIFEST
        .replace("'file://a.lua'", "'file://a.lua', meta: {default_host: 'app:processes'}")
        .replace("imports: {lib", "modules: [funcs], imports: {lib");
    let app = app().file("_index.yaml", &manifest).file("main.lua", CALLS);
    let mut live = Edited::start(app, &[]);
    live.says("a says\told");
    live.write("a.lua", &says("new"));
    live.write("lib.lua", "return { version = 2 }");
    live.reload();
    live.says("a says\tnew");
    live.end();
}

#[test]
fn hosts_stay_as_they_are_however_often_the_app_is_read_again() {
    let cell = "  - {name: cell, kind: process.host, host: {max_processes: 5}}\n";
    let main = MAIN.replace("app:processes", "app:cell");
    let mut live = Edited::start(
        app().file("_index.yaml", &format!("{MANIFEST}{cell}")).file("main.lua", &main),
        &[],
    );
    live.says("a says\told");
    let changed = "host 'app:cell' has changed: that has an effect when wabe starts again";
    // Without it nobody could be spawned there.
    for (version, manifest) in [(2, MANIFEST.to_owned()), (3, MANIFEST.to_owned())] {
        live.write("_index.yaml", &manifest);
        live.write("lib.lua", &format!("return {{ version = {version} }}"));
        live.reload();
        live.tells(changed);
        live.says("a says\told");
    }
    live.end();
}

#[test]
fn a_host_that_is_new_starts_at_once_where_it_says_so() {
    let mut live = Edited::start(app(), &[]);
    live.says("a says\told");
    let host =
        "  - {name: soon, kind: process.host, host: {warm: 7}, lifecycle: {auto_start: true}}\n";
    live.write("_index.yaml", &format!("{MANIFEST}{host}"));
    live.reload();
    // Nothing tells of them, and nobody spawns there: beside the four of the other host, to be seen only.
    let all = || children(live.running.os_pid());
    wait_to_see(
        || (all().iter().filter(|seen| seen.is_warm()).count() >= 4 + 7).then_some(()),
        || format!("no warm workers: {:?}", all()),
    );
    live.end();
}

#[test]
fn files_are_watched_where_that_is_asked_for() {
    let mut live = Edited::start(app(), &["--watch"]);
    live.says("a says\told");
    // By way of another name, as editors do.
    live.write("a.lua.tmp", &says("new"));
    fs::rename(live.path.join("a.lua.tmp"), live.path.join("a.lua")).expect("it is there");
    live.write("lib.lua", "return { version = 2 }");
    live.says("a says\tnew");
    // A manifest in a folder that was not there.
    fs::create_dir(live.path.join("more")).expect("it is new");
    let more =
        MANIFEST.replace("name: a,", "name: more,").replace("namespace: app", "namespace: b");
    live.write(
        "more/_index.yaml",
        &more.replace("app:lib", "b:lib").replace("file://", "file://../"),
    );
    live.tells("b:lib, b:main, b:more changed");
    live.end();
}

/// A new terminal: its master and its slave.
fn terminal() -> (OwnedFd, File) {
    // SAFETY: the descriptor is fresh and nobody else's.
    let master = unsafe {
        OwnedFd::from_raw_fd(libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC))
    };
    let mut name = [0u8; 64];
    // SAFETY: the descriptor is open, and the buffer as long as is said.
    let named = unsafe {
        libc::grantpt(master.as_raw_fd()) == 0
            && libc::unlockpt(master.as_raw_fd()) == 0
            && libc::ptsname_r(master.as_raw_fd(), name.as_mut_ptr().cast(), name.len()) == 0
    };
    assert!(named, "no terminal: {}", std::io::Error::last_os_error());
    let name = CStr::from_bytes_until_nul(&name).expect("a name").to_str().expect("of ASCII");
    let slave = OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(name);
    (master, slave.expect("a terminal can be opened"))
}

#[test]
fn a_terminal_that_hangs_up_ends_the_run_and_a_signal_alone_does_not() {
    let (master, slave) = terminal();
    let app = app();
    let path = app.path().to_owned();
    let mut command = Command::new(bin("wabe"));
    command.arg("run").arg(&path);
    let stdin = slave.as_raw_fd();
    // SAFETY: only calls that may be made between fork and exec.
    unsafe {
        command.pre_exec(move || {
            let made = libc::setsid() >= 0
                && libc::dup2(stdin, 0) == 0
                && libc::ioctl(0, libc::TIOCSCTTY, 0) == 0;
            if made { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        });
    }
    let mut live = Edited { running: Running::start(&mut command), path, _app: app };
    drop(slave);
    live.says("a says\told");
    live.reload();
    live.tells("wabe: the app was read again: no code has changed");
    drop(master);
    live.says("main sees\tCANCEL\tnil\tuserdata");
    let ran = live.running.wait(DEADLINE);
    assert!(ran.code == Some(0) && !ran.late && !ran.leaked, "{ran:#?}");
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a file of the app")
}
