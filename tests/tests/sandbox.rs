//! The sandbox as a whole: a live worker looked at from outside, as root and as an ordinary user;
//! each layer made unavailable, so that nothing may start; layers that may be missing.

use rustix::process::geteuid;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use tests::live::{DEADLINE, GO};
use tests::sandbox::{OrdinaryUser, assert_enclosed, namespace_of, worker_status};
use tests::{App, Live, Ran, Running, bin, run};

const WITHOUT: &str = env!("CARGO_BIN_EXE_without");

const IDLE: &str = r#"
return function()
  assert(process.spawn_monitored("app:go", "app:processes"))
  print("ready")
  process.events():receive()
end"#;

fn idle(host: &str) -> App {
    App::of(host, &[("main", IDLE), ("go", GO)])
}

/// The processes of an idle app. It lives on until it is told to go.
fn both(live: &mut Live) -> [u32; 2] {
    live.stdout_after("ready");
    [live.os_pids("app:main", 1)[0], live.os_pids("app:go", 1)[0]]
}

/// The same, of which it is checked that they are enclosed.
fn enclosed(live: &mut Live, alone: bool) -> [u32; 2] {
    let both = both(live);
    for os_pid in both {
        assert_enclosed(os_pid, alone);
        let own = namespace_of(os_pid, "cgroup") != namespace_of(std::process::id(), "cgroup");
        assert!(own || !alone, "no namespace of control groups");
    }
    both
}

#[test]
fn a_live_worker_is_what_it_should_be() {
    let mut live = Live::start(idle("{}"), &[]);
    let both = enclosed(&mut live, true);
    if geteuid().is_root() {
        let [main, go] = both.map(|os_pid| worker_status(os_pid)["Uid"].clone());
        assert_ne!(main, go, "two workers have one user");
    }
    live.go();
    live.ends_well();
}

/// A mapping of a process in which something can be executed.
struct Code {
    /// As `r-xp`.
    mode: String,
    /// The file, or what the kernel calls it; empty for memory of the process's own.
    name: String,
    /// KiB of it that are in memory, and of those in large pages.
    resident: u64,
    large: u64,
}

/// All such mappings, of `/proc/PID/smaps` (proc(5)).
fn code_of(os_pid: u32) -> Vec<Code> {
    let smaps = fs::read_to_string(format!("/proc/{os_pid}/smaps")).expect("a worker");
    let mut found: Vec<Code> = Vec::new();
    for line in smaps.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        match (words[0], found.last_mut()) {
            ("Rss:", Some(last)) => last.resident = words[1].parse().expect("a number"),
            ("AnonHugePages:", Some(last)) => last.large = words[1].parse().expect("a number"),
            (first, _) if !first.ends_with(':') => found.push(Code {
                mode: words[1].to_owned(),
                name: words.get(5).copied().unwrap_or_default().to_owned(),
                resident: 0,
                large: 0,
            }),
            _ => {}
        }
    }
    found.retain(|mapping| mapping.mode.contains('x'));
    found
}

/// The code of a worker of such a host; none where its memory is closed to this user.
fn code_on(host: &str) -> Vec<Code> {
    let mut live = Live::start(idle(host), &[]);
    let [_, go] = both(&mut live);
    let code = if geteuid().is_root() { code_of(go) } else { Vec::new() };
    live.go();
    live.ends_well();
    code
}

/// True where the kernel puts small pages together when it is asked to (since Linux 6.1).
fn has_large_pages() -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux");
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let strict = fs::read_to_string("/proc/sys/vm/overcommit_memory").expect("Linux");
    version >= (6, 1)
        && Path::new("/sys/kernel/mm/transparent_hugepage").exists()
        && strict.trim() != "2"
}

#[test]
fn code_is_the_programs_file_or_a_copy_in_large_pages() {
    let shared = code_on("{}");
    for Code { mode, name, resident, large } in &shared {
        assert!(!mode.contains('w'), "code that can be changed: {name}");
        let small = resident - large;
        assert!(!name.is_empty() || small == 0, "{small} KiB that each fork copies page by page");
    }
    let large = |code: &[Code]| code.iter().map(|code| code.large).sum::<u64>();
    assert!(large(&shared) > 0 || shared.is_empty() || !has_large_pages());
    // There each process has a program of its own.
    assert_eq!(large(&code_on("{sandbox: strict}")), 0);
}

#[test]
fn an_ordinary_user_has_all_but_its_own_users() {
    let Some(user) = OrdinaryUser::make() else {
        println!("skipped: only root can make a user; every test here runs as an ordinary one");
        return;
    };
    let app = idle("{}");
    let mut command = user.command(&app, "app:main");
    let mut live = Live::watch(app, Running::start(command.arg("-v")));
    enclosed(&mut live, true);
    live.go();
    live.ends_well();
}

/// Runs `app:main` on a kernel that lacks something.
fn run_without(absent: &str, host: &str) -> Ran {
    let app = App::of(host, &[("main", "return function() print('started') end")]);
    let mut command = Command::new(WITHOUT);
    command.arg(absent).arg(bin("wabe")).arg("run").arg(app.path()).arg("app:main");
    run(&mut command, DEADLINE)
}

fn assert_refused(ran: &Ran, layer: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:#?}");
    let said = format!("layer '{layer}' of the sandbox cannot be had: ");
    assert!(ran.stderr.contains(&said), "{layer}: {ran:#?}");
    let remedy = ipc::sandbox::Layer::named(layer).expect("a layer").remedy();
    let (first, _) = remedy.split_once(' ').expect("a remedy has words");
    assert!(ran.stderr.contains(first), "no remedy: {ran:#?}");
}

#[test]
fn without_a_layer_nothing_starts() {
    for (absent, layer) in [
        ("unshare", "namespaces"),
        ("capset", "capabilities"),
        ("prctl:38", "no_new_privs"),
        ("landlock_create_ruleset", "landlock"),
        ("prlimit64", "rlimits"),
        ("close_range", "descriptors"),
        ("seccomp", "seccomp"),
    ] {
        assert_refused(&run_without(absent, "{}"), layer);
    }
    if geteuid().is_root() {
        assert_refused(&run_without("setresuid", "{}"), "uid");
    }
}

#[test]
fn without_clone3_the_older_call_does() {
    let ran = run_without("clone3", "{}");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "started\n"), "{ran:#?}");
}

#[test]
fn what_is_never_optional_cannot_be_declared_so() {
    for layer in ["seccomp", "landlock", "no_new_privs", "rlimits", "descriptors"] {
        let ran = run_without("unshare", &format!("{{optional: [{layer}]}}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{ran:#?}");
        assert!(ran.stderr.contains("never optional"), "{ran:#?}");
    }
}

#[test]
fn an_optional_layer_may_be_missing_and_that_is_said() {
    let ran = run_without("unshare", "{optional: [namespaces]}");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "started\n"), "{ran:#?}");
    let said = "goes without an optional layer: layer 'namespaces' of the sandbox cannot be had";
    assert!(ran.stderr.contains(said), "{ran:#?}");
}

/// A shell in a user namespace of its own in which no further one can be made.
fn where_user_namespaces_are_forbidden(app: &App) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg("echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"");
    command.arg(bin("wabe")).arg("run").arg("-v").arg(app.path()).arg("app:main");
    command
}

#[test]
fn where_user_namespaces_are_forbidden_the_rest_works_if_it_may() {
    let ran = run(&mut where_user_namespaces_are_forbidden(&idle("{optional: [uid]}")), DEADLINE);
    assert_refused(&ran, "namespaces");
    let app = idle("{optional: [namespaces, uid]}");
    let running = Running::start(&mut where_user_namespaces_are_forbidden(&app));
    let mut live = Live::watch(app, running);
    enclosed(&mut live, false);
    live.go();
    live.ends_well();
}

#[test]
fn every_worker_of_a_strict_host_has_an_address_space_of_its_own() {
    let [main, go] = stacks("{sandbox: strict}");
    assert_ne!(main, go, "two workers of a strict host have one layout");
    let [main, go] = stacks("{}");
    assert_eq!(main, go, "the test sees nothing: copies of one have one layout");
}

/// Where the stacks of both processes of an idle app begin.
fn stacks(host: &str) -> [String; 2] {
    let mut live = Live::start(idle(host), &[]);
    let both = both(&mut live).map(stack_of);
    live.go();
    live.ends_well();
    both
}

/// Where its stack begins (proc_pid_stat(5), field 28).
fn stack_of(os_pid: u32) -> String {
    let maps = fs::read_to_string(Path::new("/proc").join(os_pid.to_string()).join("maps"));
    let maps = maps.expect("root may read it, and whoever has started it is no other user");
    let stack = maps.lines().find(|line| line.ends_with("[stack]"));
    stack.expect("a process has a stack").split('-').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn doctor_says_what_there_is() {
    let ran = run(Command::new(bin("wabe")).args(["doctor", "--json"]), DEADLINE);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(report["standard"]["available"], true, "{report:#}");
    assert_eq!(report["strict"]["available"], true, "{report:#}");
    let layers = report["layers"].as_array().expect("layers");
    assert_eq!(layers.len(), ipc::sandbox::Layer::ALL.len());
    let state = |name: &str| {
        let layer = layers.iter().find(|layer| layer["layer"] == name);
        layer.expect("each layer is there")["state"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(state("seccomp"), "present");
    let uid = if geteuid().is_root() { "present" } else { "not_applicable" };
    assert_eq!(state("uid"), uid);
}

#[test]
fn doctor_fails_where_there_is_no_standard_sandbox() {
    let mut command = Command::new(WITHOUT);
    command.arg("landlock_create_ruleset").arg(bin("wabe")).arg("doctor");
    let ran = run(&mut command, DEADLINE);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    assert!(ran.stdout.contains("landlock      ABSENT"), "{ran:#?}");
    assert!(ran.stdout.contains("sandbox: standard NO: layer 'landlock'"), "{ran:#?}");
    let Some(user) = OrdinaryUser::make() else { return };
    let mut command = Command::new(user.wabe());
    let ran = run(command.arg("doctor").uid(user.id).gid(user.id), DEADLINE);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(ran.stdout.contains("uid           does not apply"), "{ran:#?}");
}

#[test]
fn signals_that_somebody_ignores_do_not_change_how_ends_are_seen() {
    let scripts = [("main", WAITS), ("child", "return function() error('so be it') end")];
    let app = App::of("{}", &scripts);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' CHLD XCPU PROF TERM; exec \"$0\" \"$@\""]);
    let ran = run(command.arg(bin("wabe")).arg("run").arg(app.path()).arg("app:main"), DEADLINE);
    assert_eq!((ran.code, ran.late), (Some(0), false), "{ran:#?}");
    assert_eq!(ran.stdout, "error\tchild.lua:1: so be it\t0\n", "{ran:#?}");
}

const WAITS: &str = r#"
return function()
  assert(process.spawn_monitored("app:child", "app:processes"))
  local event = process.events():receive()
  print(event.exit.kind, event.error, event.exit.code)
end"#;

/// 6 MiB of functions, which take seconds to compile.
#[test]
fn a_source_that_is_slow_to_compile_holds_up_nobody_else() {
    let slow = format!("return {{{}}}", "function() end,".repeat(400_000));
    let main = r#"
return function()
  local began = time.now()
  assert(process.spawn("app:quick", "app:processes"))
  print("quick", time.now():sub(began):seconds() < 5)
  local pid, err = process.spawn("app:slow", "app:processes")
  print("slow", pid, err:kind())
end"#;
    let scripts = [("main", main), ("quick", "return function() end"), ("slow", slow.as_str())];
    let app = App::of("{turn: 200ms}", &scripts);
    let ran = run(&mut app.command("app:main"), DEADLINE);
    assert_eq!((ran.code, ran.late), (Some(0), false), "{ran:#?}");
    let said = "quick\ttrue\nslow\tnil\tUnavailable\n";
    assert_eq!(ran.stdout, said, "{ran:#?}");
}
