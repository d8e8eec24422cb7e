//! How a run of tests ends from outside, with nothing left of it.
//!
//! A worker program that is a script tells, each time that a zygote is started, that a test has come so
//! far: it writes a line into a named pipe.

use super::{App, app, command, lines};
use rustix::process::Signal;
use serde_json::json;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use tests::live::DEADLINE;
use tests::proc::{self, Hold, left_after};
use tests::{Ran, Running, bin};

/// Starts one child that computes and stops another, and then has a zygote started for a third.
const BUSY: &str = "return function()
    assert(process.spawn('app:spinner', 'app:processes'))
    assert(chaos.stop(assert(process.spawn('app:sleeper', 'app:processes'))))
    assert(process.spawn('app:sleeper', 'app:other'))
    while true do end
end";

const MORE: &str = "namespace: app\nentries:
  - {name: other, kind: process.host, host: {warm: 0}}
  - {name: processes, kind: process.host, host: {warm: 0}}
  - {name: spinner, kind: process.lua, source: 'file://spinner.lua'}
";

/// `wabe test` under way.
struct Tests {
    running: Running,
    started: Receiver<String>,
    _app: App,
}

impl Tests {
    /// Runs so many tests with that script.
    fn start(count: usize, script: &str, arguments: &[&str]) -> Self {
        let names: Vec<_> = (1..=count).map(|n| format!("t{n}")).collect();
        let scripts: Vec<_> = names.iter().map(|name| (name.as_str(), "", script)).collect();
        let app = app(&scripts)
            .file("more.yaml", MORE)
            .file("spinner.lua", "return function() while true do end end");
        let (worker, started) = telling_worker(&app);
        let mut command = command(&app, &["--timeout", "1h", "--json"]);
        let running = Running::start(command.args(arguments).arg("--worker").arg(worker));
        Tests { running, started, _app: app }
    }

    /// Waits until so many zygotes more were started.
    fn await_zygotes(&self, count: usize) {
        for _ in 0..count {
            self.started.recv_timeout(DEADLINE).expect("another zygote is started");
        }
    }

    /// Everybody: trials, and what they have started.
    fn hold_all(&self) -> Vec<Hold> {
        let trials = proc::children(self.running.os_pid());
        let below = trials.iter().flat_map(|trial| proc::children(trial.os_pid));
        let all: Vec<_> = trials.iter().cloned().chain(below).collect();
        all.iter().filter_map(|seen| Hold::on(seen.os_pid)).collect()
    }

    fn wait(self) -> Ran {
        self.running.wait(DEADLINE)
    }
}

/// A worker program that says that it was started, and becomes the real one.
fn telling_worker(app: &App) -> (PathBuf, Receiver<String>) {
    let (pipe, worker) = (app.path().join("started"), app.path().join("worker"));
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a named pipe");
    let script = format!(
        "#!/bin/sh\necho up > '{}'\nexec '{}'\n",
        pipe.display(),
        bin("wabe-worker").display()
    );
    fs::write(&worker, script).expect("it is new");
    fs::set_permissions(&worker, Permissions::from_mode(0o755)).expect("it is ours");
    // Open for writing as well: so it is never at its end, and nobody waits to open it.
    let pipe = OpenOptions::new().read(true).write(true).open(&pipe).expect("the pipe");
    let (sender, started) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    (worker, started)
}

fn assert_none_left(holds: &[Hold]) {
    assert!(holds.len() >= 4, "a trial, a zygote and workers were there: {holds:?}");
    let left = left_after(DEADLINE, holds);
    assert!(left.is_empty(), "still there: {left:?}");
}

/// None of them ends, so the second is started beside the first, or never.
#[test]
fn tests_run_beside_each_other_and_are_ended_by_a_signal() {
    let waits = "return function() process.inbox():receive() end";
    let tests = Tests::start(3, waits, &["-j", "2"]);
    tests.await_zygotes(2);
    assert_eq!(proc::children(tests.running.os_pid()).len(), 2);
    let holds = tests.hold_all();
    tests.running.signal(Signal::INT);
    let ran = tests.wait();
    assert_eq!((ran.code, ran.late), (Some(1), false), "{ran:#?}");
    assert!(left_after(DEADLINE, &holds).is_empty());
    let (told, summary) = lines(&ran);
    let verdicts: Vec<_> = told.iter().map(|line| line["verdict"].clone()).collect();
    assert_eq!(verdicts, [json!("interrupted"), json!("interrupted")]);
    assert_eq!((&summary["interrupted"], &summary["not_run"]), (&json!(2), &json!(1)));
}

#[test]
fn nothing_is_left_of_a_runner_that_was_killed() {
    let tests = Tests::start(2, BUSY, &["-j", "2"]);
    tests.await_zygotes(4);
    let holds = tests.hold_all();
    tests.running.signal(Signal::KILL);
    assert_eq!(tests.wait().signal, Some(9));
    assert_none_left(&holds);
}

/// A supervisor that stands still hears no first signal. (By itself it would be killed 10 s later.)
#[test]
fn a_second_signal_kills_who_does_not_end() {
    let tests = Tests::start(1, BUSY, &[]);
    tests.await_zygotes(2);
    let holds = tests.hold_all();
    holds[0].signal(Signal::STOP);
    tests.running.signal(Signal::TERM);
    tests.running.signal(Signal::INT);
    let ran = tests.wait();
    assert_eq!((ran.code, ran.late), (Some(1), false), "{ran:#?}");
    assert_eq!(lines(&ran).0[0]["verdict"], "interrupted");
    assert_none_left(&holds);
}

#[test]
fn a_test_whose_supervisor_is_killed_has_failed_and_nothing_is_left_of_it() {
    let tests = Tests::start(1, BUSY, &[]);
    tests.await_zygotes(2);
    let holds = tests.hold_all();
    holds[0].signal(Signal::KILL);
    let ran = tests.wait();
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    let (told, _) = lines(&ran);
    assert_eq!(told[0]["verdict"], "failed");
    let error = told[0]["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("its supervisor was killed by signal 9 (SIGKILL)"), "{error}");
    assert_none_left(&holds);
}
