//! An app that is read again while it runs: by SIGHUP and where its files change. New spawns have the new
//! code, services that have changed start again, who asked is told; what does not load changes nothing.

use rustix::process::Signal;
use std::ffi::CStr;
use std::fs::{self, File, OpenOptions};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tests::live::DEADLINE;
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
        while let Some(line) = self.running.stderr_line(DEADLINE) {
            if line.contains(what) {
                return;
            }
        }
        self.give_up(what);
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

#[test]
fn what_does_not_load_changes_nothing_and_is_shown() {
    let mut live = Edited::start(app(), &[]);
    live.says("a says\told");
    let goes_on = "wabe: the app goes on as it was";
    live.write("a.lua", "return function()\n  return 'broken' +\nend");
    live.write("lib.lua", "return { version = 2 }");
    live.reload();
    live.tells(
        "error: cannot reload app:a: Expected identifier when parsing expression, got 'end'",
    );
    live.tells("a.lua:3:1");
    live.tells("^^^");
    live.tells(goes_on);
    live.write("_index.yaml", &MANIFEST.replace("app:lib", "app:bil"));
    live.reload();
    live.tells("error: entry 'app:bil' does not exist");
    live.tells("_index.yaml:4:");
    live.tells("^^^");
    live.tells(goes_on);
    // The code of main is still the old one, and it was told nothing.
    live.write("_index.yaml", MANIFEST);
    live.write("a.lua", &says("new"));
    live.reload();
    live.says("a says\tnew");
    let ran = live.end();
    assert_eq!(ran.stdout.matches("OUTDATED").count(), 1, "{ran:#?}");
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
fn entries_that_are_broken_already_neither_stand_in_the_way_nor_hide_another() {
    // More than are told of (`BROKEN_MAX`).
    let broken: String = (0..20)
        .map(|n| format!("  - {{name: b{n}, kind: process.lua, source: 'file://b.lua'}}\n"))
        .collect();
    let app = app().file("_index.yaml", &format!("{MANIFEST}{broken}"));
    let app = app.file("b.lua", "return function(");
    let mut live = Edited::start(app, &[]);
    live.says("a says\told");
    live.write("a.lua", &says("new"));
    live.reload();
    live.tells("wabe: the app was read again: app:a changed");
    live.write("main.lua", "return function(");
    live.reload();
    live.tells("error: cannot reload app:main: ");
    live.tells("wabe: the app goes on as it was, until it can be read again");
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

/// Lives until it is asked to end.
fn lasting(word: &str, more: &str) -> String {
    format!(
        "return function() local events = process.events() {more} print('{word}') \
         print(events:receive().kind) end"
    )
}

fn services() -> App {
    let service = |name: &str, more: &str| {
        format!(
            "  - {{name: {name}, kind: process.lua, source: 'file://{name}.lua'}}\n  - {{name: \
             {name}-service, kind: process.service, process: 'app:{name}', host: 'app:processes', \
             input: [{more}], lifecycle: {{auto_start: true, ready: notify}}}}\n"
        )
    };
    let manifest = ["a", "b", "c"].map(|name| service(name, "1")).concat();
    let up = "process.ready()";
    let asks = "process.ready() assert(process.set_options({ upgradable = true }))";
    App::new()
        .file("_index.yaml", &format!("namespace: app\nentries:\n{manifest}"))
        .file("a.lua", &lasting("old a", up))
        .file("b.lua", &lasting("old b", up))
        .file("c.lua", &lasting("old c", asks))
}

fn births(ran: &Ran, entry: &str) -> usize {
    ran.stderr.matches(&format!(" is {entry} in OS process ")).count()
}

fn up(live: &mut Edited, mut words: Vec<&str>) {
    while let Some(word) = words.pop() {
        // In any order.
        let line = live.running.stdout_line(DEADLINE).unwrap_or_default();
        assert!(line.contains("] "), "no '{word}': {line}");
    }
}

#[test]
fn services_that_have_changed_start_again_and_the_others_run_on() {
    let mut live = Edited::start(services(), &[]);
    up(&mut live, vec!["old a", "old b", "old c"]);
    live.write("a.lua", &lasting("new a", "process.ready()"));
    live.reload();
    live.says("] new a");
    // One whose arguments have changed.
    let path = live.path.join("_index.yaml");
    let (first, rest) = read(&path)
        .split_once("input: [1]")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("it");
    live.write("_index.yaml", &format!("{first}input: [2]{rest}"));
    live.reload();
    live.says("] new a");
    // One that asked is told, and not started again.
    live.write("c.lua", &lasting("new c", ""));
    live.reload();
    live.says("] OUTDATED");
    let ran = live.end();
    let all = ["app:a", "app:b", "app:c"].map(|entry| births(&ran, entry));
    assert_eq!((all, ran.code), ([3, 1, 1], Some(0)), "{ran:#?}");
}

#[test]
fn a_service_that_was_given_up_is_tried_again_when_it_has_changed() {
    let app = services().file("a.lua", "return function( end");
    let manifest = read(&app.path().join("_index.yaml"));
    let once = manifest.replacen("ready: notify", "restart: {max_attempts: 0}", 1);
    let mut live = Edited::start(app.file("_index.yaml", &once), &[]);
    live.tells("given up after 0 attempts");
    live.write("a.lua", &lasting("good a", ""));
    live.reload();
    live.says("] good a");
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
