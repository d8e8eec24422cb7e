//! Cases of the whole: `wabe` as it is run, in a delegated group and on the guest's kernel.

use crate::world::{USER, become_user, enter, file, forked, give, groups, mark, stay, unit};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tests::live::{DEADLINE, GO};
use tests::proc::{Hold, left_after};
use tests::sandbox::{assert_enclosed, worker_status};
use tests::{App, Live, Ran, Running, run};

pub(crate) const ALL: [(&str, fn()); 13] = [
    ("whole/doctor", doctor),
    ("whole/doctor-without", doctor_without),
    ("whole/root", as_root),
    ("whole/user", as_user),
    ("whole/strict", strict),
    ("whole/no-user-namespaces", no_user_namespaces),
    ("whole/hungry", hungry),
    ("whole/hungry-only-cgroup", hungry_in_nothing_else),
    ("whole/many", many),
    ("whole/killed", killed),
    ("whole/in-use", in_use),
    ("whole/not-delegated", not_delegated),
    ("whole/examples", examples),
];

/// Where this program lies: other binaries are looked for from there.
pub(crate) const PROGRAM: &str = "/bin/deps/guest";

const WABE: &str = "/bin/wabe";

/// Small limits, and those of an entry which may use less.
const HOST: &str = "memory: 32MiB, mailbox: 1MiB, message: 512KiB";
const ENTRY: &str = "memory: 8MiB, mailbox: 1MiB, message: 512KiB";
const HOST_MAX: u64 = (32 + 8 + 3 + 16) << 20;
const ENTRY_MAX: u64 = (8 + 2 + 3 + 16) << 20;

/// `guest enter GROUP UID PROGRAM ARGUMENTS…`: becomes that program, in that group and of that user.
pub(crate) fn become_another(words: &[String]) {
    let [group, uid, program, arguments @ ..] = words else { panic!("too few words: {words:?}") };
    enter(Path::new(group));
    match uid.parse().expect("a number") {
        0 => {}
        uid => become_user(uid),
    }
    panic!("cannot start {program}: {}", Command::new(program).args(arguments).exec());
}

/// `wabe`, which is to be in that group.
fn wabe(group: &Path, uid: u32) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("enter").arg(group).arg(uid.to_string()).arg(WABE);
    command
}

/// A group as systemd delegates it.
fn delegated(uid: u32) -> PathBuf {
    let unit = unit();
    match uid {
        0 => mark(&unit),
        _ => give(&unit, uid),
    }
    unit
}

fn assert_as_found(unit: &Path) {
    assert_eq!(groups(unit), Vec::<String>::new());
    assert_eq!(file(unit, "cgroup.subtree_control"), "");
}

/// `main` prints `ready` once `app:go`, which may use less, is loaded, and ends with it.
const IDLE: &str = r#"
return function()
  local events = process.events()
  assert(process.spawn_monitored("app:go", "app:processes"))
  print("ready")
  events:receive()
end"#;

fn app(host: &str, main: &str) -> App {
    let entries = format!(
        "version: \"1.0\"\nnamespace: app\nentries:\n\
         \x20 - {{name: processes, kind: process.host, host: {{{host}}}}}\n\
         \x20 - {{name: main, kind: process.lua, source: 'file://main.lua'}}\n\
         \x20 - {{name: go, kind: process.lua, source: 'file://go.lua', limits: {{{ENTRY}}}}}\n\
         \x20 - {{name: rogue-eats, kind: process.lua, source: 'file://go.lua'}}\n"
    );
    let app = App::new().file("main.lua", main).file("go.lua", GO).file("_index.yaml", &entries);
    fs::set_permissions(app.path(), fs::Permissions::from_mode(0o755)).expect("it is this test's");
    app
}

fn live(group: &Path, uid: u32, app: App, arguments: &[&str]) -> Live {
    let mut command = wabe(group, uid);
    command.arg("run").arg(app.path()).args(["app:main", "-v"]).args(arguments);
    Live::watch(app, Running::start(&mut command))
}

/// A whole run of an app that only says that it runs.
fn run_once(group: &Path, host: &str) -> Ran {
    let app = app(host, "return function() print('started') end");
    run(wabe(group, 0).arg("run").arg(app.path()).arg("app:main"), DEADLINE)
}

/// The name of a process's group below that of the unit.
fn group_of(os_pid: u32) -> String {
    group_while_alive(os_pid).expect("it lives")
}

/// The same, or nothing for one that is gone.
fn group_while_alive(os_pid: u32) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{os_pid}/cgroup")).ok()?;
    let group = text.trim_end().strip_prefix("0::/unit/");
    Some(group.unwrap_or_else(|| panic!("{os_pid} is in {text}")).to_owned())
}

fn assert_limited(unit: &Path, os_pid: u32, memory: u64) {
    let folder = unit.join(group_of(os_pid));
    assert_eq!(file(&folder, "memory.max"), memory.to_string(), "of {os_pid}");
    assert_eq!(file(&folder, "pids.max"), "1");
    assert_eq!(file(&folder, "memory.oom.group"), "1");
    assert_eq!(file(&folder, "memory.swap.max"), "0");
    assert_eq!(file(&folder, "cgroup.procs"), os_pid.to_string());
}

/// An app runs with all its workers in groups, and leaves nothing.
fn runs(uid: u32, sandbox: &str, namespaces: bool) -> String {
    let unit = delegated(uid);
    // No warm ones: a fresh copy looks like its zygote for a moment.
    let host = format!("{HOST}, warm: 0, {sandbox}");
    let mut live = live(&unit, uid, app(&host, IDLE), &[]);
    live.stdout_after("ready");
    let (main, go) = (live.os_pids("app:main", 1)[0], live.os_pids("app:go", 1)[0]);
    assert_eq!(group_of(live.os_pid()), "supervisor");
    assert_limited(&unit, main, HOST_MAX);
    assert_limited(&unit, go, ENTRY_MAX);
    for os_pid in [main, go] {
        assert_enclosed(os_pid, namespaces);
    }
    let users = [main, go].map(|os_pid| worker_status(os_pid)["Uid"].clone());
    match uid {
        0 => assert_ne!(users[0], users[1], "two workers have one user"),
        uid => assert!(users[0].starts_with(&format!("{uid}\t")), "{users:?}"),
    }
    let children = live.children();
    let (workers, others): (Vec<_>, Vec<_>) =
        children.iter().partition(|child| [main, go].contains(&child.os_pid));
    let own: BTreeSet<_> = workers.iter().map(|worker| group_of(worker.os_pid)).collect();
    assert_eq!(own.len(), workers.len(), "each has its own: {children:?}");
    assert!(own.iter().all(|group| group.starts_with("actors/")), "{own:?}");
    for other in others.iter().filter(|other| other.state != 'Z') {
        // A strict host's zygote ends when it has forked once.
        let group = group_while_alive(other.os_pid);
        assert!(group.is_none_or(|group| group == "actors/zygotes"), "{other:?}");
    }
    live.go();
    let ran = live.wait();
    assert!(ran.code == Some(0) && !ran.late && !ran.leaked, "{ran:#?}");
    assert_as_found(&unit);
    ran.stderr
}

fn as_root() {
    runs(0, "sandbox: standard", true);
}

fn as_user() {
    runs(USER, "sandbox: standard", true);
}

fn strict() {
    runs(0, "sandbox: strict", true);
}

fn no_user_namespaces() {
    const FILE: &str = "/proc/sys/user/max_user_namespaces";
    let before = fs::read_to_string(FILE).expect("there are user namespaces");
    fs::write(FILE, "0").expect("root may");
    let result = std::panic::catch_unwind(|| runs(0, "optional: [namespaces]", false));
    fs::write(FILE, before).expect("root may");
    let said = result.expect("it runs");
    let line = "host 'app:processes' goes without an optional layer: layer 'namespaces'";
    assert!(said.contains(line), "{said}");
}

fn doctor() {
    let unit = delegated(0);
    let ran = run(wabe(&unit, 0).arg("doctor"), DEADLINE);
    println!("{}", ran.stdout);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    for line in ["  cgroup        present\n", "sandbox: standard yes, with all layers\n"] {
        assert!(ran.stdout.contains(line), "{ran:#?}");
    }
    assert_as_found(&unit);
    let ran = run(wabe(&unit, 0).args(["doctor", "--json"]), DEADLINE);
    let report: Value = serde_json::from_str(&ran.stdout).expect("a line of JSON");
    for layer in report["layers"].as_array().expect("layers") {
        assert_eq!(layer["state"], "present", "{layer}");
    }
    for sandbox in ["standard", "strict"] {
        assert_eq!(report[sandbox]["available"], true, "{report}");
    }
    assert_as_found(&unit);
}

/// Where a group is delegated and cannot be used, the layer is missing.
fn doctor_without() {
    let unit = delegated(0);
    let other = another_in(&unit);
    let ran = run(wabe(&unit, 0).arg("doctor"), DEADLINE);
    println!("{}", ran.stdout);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    for text in ["cgroup        ABSENT: ", "to have it: delegate the controllers", "standard NO: "]
    {
        assert!(ran.stdout.contains(text), "{ran:#?}");
    }
    other.signal(Signal::KILL);
}

/// A process that is in the way.
fn another_in(group: &Path) -> Hold {
    let other = forked(stay).as_raw().unsigned_abs();
    fs::write(group.join("cgroup.procs"), other.to_string()).expect("root may move it");
    Hold::on(other).expect("it lives")
}

/// A delegated group that cannot be used keeps hosts from starting, where it is not optional.
fn in_use() {
    let unit = delegated(0);
    let other = another_in(&unit);
    let ran = run_once(&unit, HOST);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:#?}");
    let layer = "layer 'cgroup' of the sandbox cannot be had: ";
    let who = format!("has other processes in it (OS process {})", other.os_pid);
    for text in [layer, &who, "delegate the controllers memory and pids"] {
        assert!(ran.stderr.contains(text), "{text}: {ran:#?}");
    }
    println!("{}", ran.stderr);
    let ran = run_once(&unit, &format!("{HOST}, optional: [cgroup]"));
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "started\n"), "{ran:#?}");
    let said = format!("goes without an optional layer: {layer}");
    assert!(ran.stderr.contains(&said), "{ran:#?}");
    assert_eq!(groups(&unit), Vec::<String>::new());
    other.signal(Signal::KILL);
}

/// What was given to nobody is left alone, and asked of nobody.
fn not_delegated() {
    let unit = unit();
    let ran = run_once(&unit, HOST);
    let said = (ran.code, ran.stdout.as_str(), ran.stderr.as_str());
    assert_eq!(said, (Some(0), "started\n", ""), "{ran:#?}");
    assert_as_found(&unit);
}

/// One eats natively, unseen by its VM; another is small and lives on.
const WATCHER: &str = r#"
return function()
  local events = process.events()
  local go = assert(process.spawn_monitored("app:go", "app:processes"))
  for _ = 1, 3 do
    local rogue = assert(process.spawn_monitored("app:rogue-eats", "app:processes"))
    local event = events:receive()
    assert(event.from == rogue, "the end of another")
    print("end", event.exit.kind, event.exit.signal, event.error)
  end
  print("ready")
  assert(events:receive().from == go)
end"#;

fn eats(arguments: &[&str]) {
    let unit = delegated(0);
    let worker = ["--worker", "/bin/rogue-worker"];
    let mut live = live(&unit, 0, app(HOST, WATCHER), &[&worker, arguments].concat());
    for _ in 0..3 {
        let end = live.stdout_after("end\t");
        println!("{end}");
        assert_eq!(
            end,
            "memory\tSIGKILL\tmemory limit of 32 MiB exceeded: killed by the kernel's control group"
        );
    }
    live.stdout_after("ready");
    live.assert_no_zombies();
    live.go();
    live.ends_well();
    assert_as_found(&unit);
}

fn hungry() {
    eats(&[]);
}

fn hungry_in_nothing_else() {
    eats(&["--allow-no-sandbox", "--layers", "cgroup"]);
}

/// A hundred at a time, twice.
const CROWD: &str = r#"
return function()
  local events = process.events()
  for _ = 1, 2 do
    local all = {}
    for n = 1, 100 do
      all[n] = assert(process.spawn_monitored("app:go", "app:processes"))
    end
    for _, pid in all do
      assert(process.terminate(pid))
    end
    for _ in all do
      events:receive()
    end
  end
  assert(process.spawn_monitored("app:go", "app:processes"))
  print("ready")
  events:receive()
end"#;

fn many() {
    let unit = delegated(0);
    let mut live = live(&unit, 0, app(&format!("{HOST}, warm: 2"), CROWD), &[]);
    live.stdout_after("ready");
    // Those that are kept, main, go, two warm ones, and the zygotes'.
    let left = groups(&unit.join("actors")).len();
    println!("{left} groups after 200 workers");
    assert!(left <= 64 + 5, "{left} groups");
    let last = live.os_pids("app:go", 201)[200];
    Hold::on(last).expect("it lives").signal(Signal::KILL);
    live.ends_well();
    assert_as_found(&unit);
}

fn killed() {
    let unit = delegated(0);
    let mut first = live(&unit, 0, app(HOST, IDLE), &[]);
    first.stdout_after("ready");
    let all = first.hold_all();
    assert!(all.len() >= 5, "{all:?}");
    first.signal(Signal::KILL);
    assert_eq!(left_after(Duration::from_secs(10), &all), []);
    let ran = first.wait();
    assert_eq!((ran.signal, ran.leaked), (Some(9), false), "{ran:#?}");
    println!("left behind: {:?}", groups(&unit.join("actors")));
    assert!(groups(&unit.join("actors")).len() >= 5);
    // Whoever starts it anew leaves it where the first one has gone.
    let leaf = unit.join("supervisor");
    let mut second = live(&leaf, 0, app(HOST, IDLE), &[]);
    second.stdout_after("ready");
    let main = second.os_pids("app:main", 1)[0];
    assert_limited(&unit, main, HOST_MAX);
    second.go();
    second.ends_well();
    assert_eq!(groups(&unit), ["supervisor"]);
}

/// All of them, in groups and on this kernel.
fn examples() {
    let unit = delegated(0);
    for example in groups(Path::new("/examples")) {
        let folder = format!("/examples/{example}");
        let ran = run(wabe(&unit, 0).args(["run", &folder]), DEADLINE);
        // What is denied to hostile ones is said.
        let mut said = ran.stderr.lines().filter(|line| !line.starts_with("wabe: denied: "));
        assert_eq!((ran.code, ran.leaked, said.next()), (Some(0), false, None), "{ran:#?}");
        assert_as_found(&unit);
    }
}
