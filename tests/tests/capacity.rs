//! The limits of the machine: what stands in the way of a process is named, whoever runs goes on, and
//! when some have ended others can start.

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::Instant;
use tests::live::{DEADLINE, GO, PONG};
use tests::sandbox::OrdinaryUser;
use tests::{App, Live, Running, bin, run};

/// Spawns until it is refused, ends some, and spawns again; all that live answer each time.
const MAIN: &str = r#"
return function()
  local MANY, SOME = 1000, 4
  local pongs, events, pids = process.listen("pong"), process.events(), {}
  local function fill()
    while #pids < MANY do
      local pid, err = process.spawn_monitored("app:child", "app:processes", process.pid())
      if not pid then
        return err
      end
      table.insert(pids, pid)
    end
    error("it was never refused")
  end
  local function all_answer()
    for _, pid in pids do
      assert(process.send(pid, "ping", pid))
    end
    for _ = 1, #pids do
      pongs:receive()
    end
  end
  -- Who helped others to start may still be ending at the first refusal: what it gives back counts too.
  local function fill_up()
    repeat
      local before = #pids
      local err = fill()
      all_answer()
      if #pids == before then
        return err
      end
    until false
  end
  local err = fill_up()
  print("refused", #pids, err:kind(), err)
  for _ = 1, SOME do
    assert(process.terminate(table.remove(pids)))
    assert(events:receive().exit.kind == "terminated")
  end
  local before = #pids
  err = fill_up()
  print("again", #pids - before, err:kind(), err)
  for _, pid in pids do
    assert(process.terminate(pid))
    assert(events:receive().exit.kind == "terminated")
  end
  pids = {}
  assert(process.spawn_monitored("app:go", "app:processes"))
  print("done")
  events:receive()
end"#;

fn crowd(host: &str) -> App {
    App::of(host, &[("main", MAIN), ("child", PONG), ("go", GO)])
}

/// `wabe` under a limit (prlimit(1)).
fn limited(limit: &str, wabe: &Command) -> Command {
    let mut command = Command::new("prlimit");
    command.arg(limit).arg(wabe.get_program()).args(wabe.get_args());
    command
}

/// How many it could spawn, how many again after four had ended, and what it was told.
fn refused(line: &str) -> (usize, &str) {
    let mut fields = line.splitn(3, '\t');
    let count = fields.next().and_then(|count| count.parse().ok()).expect("a number");
    assert_eq!(fields.next(), Some("Unavailable"), "{line}");
    (count, fields.next().unwrap_or_default())
}

/// The process counts: at first, and after four have ended.
fn meets(live: &mut Live, name: &str) -> [usize; 2] {
    let (first, again) = (live.stdout_after("refused\t"), live.stdout_after("again\t"));
    let (count, why) = refused(&first);
    let (more, why_again) = refused(&again);
    println!("{count} processes, then {more} more: {why}");
    for why in [why, why_again] {
        assert!(why.contains("cannot start a process on host 'app:processes'"), "{why}");
        assert!(why.contains(name) && why.contains("; raise that with"), "{why}");
    }
    live.stdout_after("done");
    [count, more]
}

fn under(limit: &str, host: &str) -> Live {
    let app = crowd(host);
    let command = &mut limited(limit, &app.command("app:main"));
    let running = Running::start(command.arg("-v"));
    Live::watch(app, running)
}

fn ends(mut live: Live) {
    live.go();
    live.ends_well();
}

#[test]
fn where_descriptors_are_short_a_spawn_is_refused_and_everybody_goes_on() {
    for (limit, least, most) in [(64, 16, 32), (200, 110, 150)] {
        let mut live = under(&format!("--nofile={limit}"), "{}");
        let [count, more] = meets(&mut live, &format!("RLIMIT_NOFILE, {limit}"));
        assert!((least..most).contains(&count), "{count} processes with {limit} descriptors");
        assert_eq!(more, 4, "as many as have ended");
        live.assert_no_zombies();
        ends(live);
    }
}

#[test]
fn a_strict_host_meets_it_as_well() {
    let mut live = under("--nofile=80", "{sandbox: strict}");
    let [_, more] = meets(&mut live, "RLIMIT_NOFILE, 80");
    // The first process of a worker's namespace ends after it, and nobody waits for that.
    assert!((1..=4).contains(&more), "{more} after four have ended");
    ends(live);
}

#[test]
fn the_limit_of_descriptors_is_raised_for_the_supervisor_and_not_for_workers() {
    let mut live = under("--nofile=64:300", "{}");
    let [count, _] = meets(&mut live, "RLIMIT_NOFILE, 300");
    assert!(count > 150, "{count} processes with 300 descriptors");
    assert_eq!(open_files(live.os_pid()), ["300", "300"]);
    let main = live.os_pids("app:main", 1)[0];
    assert_eq!(open_files(main), ["4", "4"]);
    ends(live);
}

/// The soft and the hard limit of a process's descriptors.
fn open_files(os_pid: u32) -> Vec<String> {
    let limits = fs::read_to_string(format!("/proc/{os_pid}/limits")).expect("it lives");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.expect("it has one").split_whitespace().take(2).map(str::to_owned).collect()
}

#[test]
fn where_a_user_may_have_no_more_processes_a_spawn_is_refused_and_everybody_goes_on() {
    let Some(user) = OrdinaryUser::make() else {
        println!("skipped: the tests' own user may have any number of processes already");
        return;
    };
    for host in ["{}", "{warm: 0}"] {
        let app = crowd(host);
        let mut command = limited("--nproc=40", &user.command(&app, "app:main"));
        let running = Running::start(command.arg("-v").uid(user.id).gid(user.id));
        let mut live = Live::watch(app, running);
        let [count, more] = meets(&mut live, "RLIMIT_NPROC, 40");
        assert!((20..40).contains(&count), "{count} processes with 40 tasks");
        assert_eq!(more, 4, "as many as have ended");
        ends(live);
    }
}

#[test]
fn a_host_whose_zygote_cannot_be_forked_can_start_when_there_is_room() {
    let Some(user) = OrdinaryUser::make() else { return };
    let main = r#"
return function()
  local events, pids = process.events(), {}
  while #pids < 1000 do
    local pid = process.spawn_monitored("app:child", "app:processes", process.pid())
    if not pid then
      break
    end
    table.insert(pids, pid)
  end
  local pid, err = process.spawn("app:go", "app:other")
  print("other", pid, err:kind(), err)
  for _, pid in pids do
    assert(process.terminate(pid))
    events:receive()
  end
  assert(process.spawn("app:go", "app:other"))
  print("started")
end"#;
    let other = "namespace: app\nentries:\n  - {name: other, kind: process.host}\n";
    let app = App::of("{warm: 0}", &[("main", main), ("child", PONG), ("go", GO)]);
    let app = app.file("other.yaml", other);
    let mut command = limited("--nproc=30", &user.command(&app, "app:main"));
    let ran = run(command.uid(user.id).gid(user.id), DEADLINE);
    assert_eq!((ran.code, ran.late, ran.leaked), (Some(0), false, false), "{ran:#?}");
    assert!(ran.stdout.contains("other\tnil\tUnavailable\t"), "{ran:#?}");
    assert!(ran.stdout.contains("RLIMIT_NPROC, 30"), "{ran:#?}");
    assert!(ran.stdout.ends_with("started\n"), "{ran:#?}");
}

/// Spawns three at once while there is room for less than two.
const THREE: &str = r#"
return function()
  local events, answers = process.events(), channel.new(3)
  local go = assert(process.spawn_monitored("app:go", "app:processes"))
  local again = assert(process.spawn_monitored("app:go", "app:processes"))
  print("ready")
  assert(events:receive().from == go)
  for _ = 1, 3 do
    coroutine.spawn(function()
      local pid, err = process.spawn("app:child", "app:processes", process.pid())
      assert(pid or string.find(err, "RLIMIT_NOFILE"), tostring(err))
      answers:send(pid ~= nil)
    end)
  end
  local started = 0
  for _ = 1, 3 do
    started += if answers:receive() then 1 else 0
  end
  print("started", started)
  assert(events:receive().from == again)
  assert(process.spawn_monitored("app:short", "app:processes"))
  events:receive()
  print("went on")
end"#;

const WAITS: &str = "return function() process.inbox():receive() end";

/// Leaves so many descriptors to a process, which is idle, or gives it all again.
fn leave_descriptors(os_pid: u32, free: Option<usize>) {
    let folder = fs::read_dir(format!("/proc/{os_pid}/fd")).expect("it lives");
    let names = folder.map(|entry| entry.expect("an entry").file_name());
    let used: BTreeSet<u64> =
        names.filter_map(|name| name.to_string_lossy().parse().ok()).collect();
    let mut unused = (0..).filter(|number| !used.contains(number));
    let last = free.and_then(|free| unused.nth(free));
    let pid = i32::try_from(os_pid).ok().and_then(Pid::from_raw);
    let maximum = getrlimit(Resource::Nofile).maximum;
    prlimit(pid, Resource::Nofile, Rlimit { current: last.or(maximum), maximum })
        .expect("it is ours");
}

/// The supervisor counts its descriptors and keeps some. Here they are taken from it.
#[test]
fn a_table_that_is_full_all_the_same_costs_no_zygote() {
    let short = "return function() end";
    let scripts = [("main", THREE), ("child", WAITS), ("go", GO), ("short", short)];
    let mut live = Live::start(App::of("{warm: 0}", &scripts), &[]);
    live.stdout_after("ready");
    let zygote = live.zygote().expect("a host with processes has a zygote");
    live.os_pids("app:go", 2);
    // With those of the one that ends now, there are three: two sockets find room, and the pidfd of one
    // worker. The other one's is lost.
    leave_descriptors(live.os_pid(), Some(1));
    live.go();
    let started: usize = live.stdout_after("started\t").parse().expect("a number");
    assert_eq!(started, 1);
    assert!(!zygote.ends_before(Instant::now()), "the zygote was killed for it");
    leave_descriptors(live.os_pid(), None);
    live.go();
    live.stdout_after("went on");
    assert!(!zygote.ends_before(Instant::now()), "the zygote was killed afterwards");
    live.ends_well();
}

fn doctor(limit: &str) -> Value {
    let mut wabe = Command::new(bin("wabe"));
    let ran = run(&mut limited(limit, wabe.args(["doctor", "--json"])), DEADLINE);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    report["processes"].clone()
}

#[test]
fn doctor_says_how_many_processes_there_can_be_and_what_is_narrowest() {
    let few = doctor("--nofile=200");
    assert_eq!(few["narrowest"], "RLIMIT_NOFILE", "{few:#}");
    assert!(few["most"].as_u64().is_some_and(|most| (110..=190).contains(&most)), "{few:#}");
    let limits = few["limits"].as_array().expect("a list");
    let named = |name: &str| limits.iter().find(|limit| limit["limit"] == name);
    let nofile = named("RLIMIT_NOFILE").expect("it is there");
    assert_eq!(nofile["value"], 200);
    assert!(nofile["raise"].as_str().is_some_and(|how| how.contains("ulimit -Hn")), "{few:#}");
    for name in ["kernel.pid_max", "kernel.threads-max", "memory"] {
        assert!(named(name).is_some_and(|limit| limit["processes"].is_u64()), "{name}: {few:#}");
    }
    let most = limits.iter().filter_map(|limit| limit["processes"].as_u64()).min();
    assert_eq!(few["most"].as_u64(), most);
}

#[test]
fn doctor_says_it_in_words() {
    let mut wabe = Command::new(bin("wabe"));
    let ran = run(&mut limited("--nofile=200", wabe.arg("doctor")), DEADLINE);
    let said = "at a time; the narrowest limit is RLIMIT_NOFILE\n";
    assert!(ran.code == Some(0) && ran.stdout.contains(said), "{ran:#?}");
    assert!(ran.stdout.contains("by RLIMIT_NOFILE, 200\n"), "{ran:#?}");
    assert!(ran.stdout.contains("to raise it: "), "{ran:#?}");
}
