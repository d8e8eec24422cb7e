//! What the operating system does to a worker or to the zygote from outside, and what the others
//! learn of it. The processes are real, and so are the signals.

use rustix::process::Signal;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tests::live::{DEADLINE, GO};
use tests::proc::{Hold, Seen};
use tests::{App, Live};

const WAITING: &str = "return function() process.inbox():receive() end";

const SHORT: &str = "return function() end";

/// Spawns a child that is watched in every way, ends it where the test cannot, and says what it is
/// told: all of it comes before the end of a further process.
const WATCHER: &str = r#"
return function(ending)
  local events = process.events()
  process.set_options({ trap_links = true })
  local child = assert(process.spawn_linked_monitored("app:child", "app:processes"))
  local go = assert(process.spawn_monitored("app:go", "app:processes"))
  print("ready")
  if ending == "terminate" then
    assert(events:receive().from == go)
    assert(process.terminate(child))
  end
  for _ = 1, 2 do
    local event = events:receive()
    assert(event.from == child)
    local exit = event.exit
    print(event.kind, event.error, exit.kind, exit.signal, exit.code, exit.os_pid)
  end
  local _, err = process.send(child, "topic")
  assert(err:kind() == errors.NOT_FOUND, tostring(err))
  local last = assert(process.spawn_monitored("app:short", "app:processes"))
  assert(events:receive().from == last, "told twice")
  print("done")
end"#;

fn watcher() -> App {
    App::of("{}", &[("main", WATCHER), ("child", WAITING), ("go", GO), ("short", SHORT)])
}

fn assert_told_once(mut live: Live, os_pid: u32, end: &str) {
    for kind in ["EXIT", "LINK_DOWN"] {
        let told = live.stdout_after(kind);
        assert_eq!(told, format!("\t{end}\t{os_pid}"), "{kind}");
    }
    live.stdout_after("done");
    live.ends_well();
}

fn killed_by(signal: Signal, end: &str) {
    let mut live = Live::start(watcher(), &["wait"]);
    live.stdout_after("ready");
    let child = live.hold("app:child");
    child.signal(signal);
    assert_told_once(live, child.os_pid, end);
}

#[test]
fn kill_9_is_told_once_with_its_signal() {
    killed_by(Signal::KILL, "killed by signal 9 (SIGKILL)\tsignal\tSIGKILL\tnil");
}

#[test]
fn a_segmentation_fault_is_told_once_with_its_signal() {
    killed_by(Signal::SEGV, "killed by signal 11 (SIGSEGV)\tsignal\tSIGSEGV\tnil");
}

#[test]
fn sigterm_is_told_once_with_its_signal() {
    killed_by(Signal::TERM, "killed by signal 15 (SIGTERM)\tsignal\tSIGTERM\tnil");
}

#[test]
fn a_stopped_process_can_be_terminated() {
    let mut live = Live::start(watcher(), &["terminate"]);
    live.stdout_after("ready");
    let child = live.hold("app:child");
    child.signal(Signal::STOP);
    live.go();
    assert_told_once(live, child.os_pid, "terminated\tterminated\tSIGKILL\tnil");
}

/// Three times: waits to be told, then has twenty processes spawned, each of which must end well.
const SPAWNER: &str = r#"
return function()
  local events = process.events()
  for _ = 1, 3 do
    local go = assert(process.spawn_monitored("app:go", "app:processes"))
    print("ready")
    assert(events:receive().from == go)
    for _ = 1, 20 do
      local child = assert(process.spawn_monitored("app:child", "app:processes"))
      local event = events:receive()
      assert(event.from == child and event.error == nil, tostring(event.error))
    end
    print("went on")
  end
end"#;

/// How many warm workers a host has that says nothing of them.
const WARM: usize = ipc::limits::WARM_DEFAULT as usize;

/// How often the spawner goes on.
const TIMES: usize = 3;

fn spawner() -> Live {
    let app = App::of("{}", &[("main", SPAWNER), ("child", SHORT), ("go", GO)]);
    let mut live = Live::start(app, &[]);
    live.stdout_after("ready");
    live
}

/// The app goes on so often as it has still to do, and nothing is left of whoever was killed.
fn assert_goes_on(mut live: Live, times: usize) {
    for _ in 1..times {
        live.go();
        live.stdout_after("went on");
        live.assert_no_zombies();
        live.stdout_after("ready");
    }
    live.go();
    live.ends_well();
}

#[test]
fn killed_warm_workers_cost_nobody_anything() {
    let mut live = spawner();
    // Its first spawns have left warm workers behind that are known to the supervisor.
    live.go();
    live.stdout_after("ready");
    let warm = live.wait_for_warm(WARM);
    let warm: Vec<_> = warm.iter().filter_map(|warm| Hold::on(warm.os_pid)).collect();
    assert_eq!(warm.len(), WARM, "they live until they are killed");
    for worker in &warm {
        worker.signal(Signal::KILL);
        assert!(worker.ends_before(Instant::now() + DEADLINE));
    }
    assert_goes_on(live, TIMES - 1);
}

#[test]
fn a_killed_zygote_is_replaced() {
    let live = spawner();
    let zygote = live.zygote().expect("a host with processes has a zygote");
    zygote.signal(Signal::KILL);
    assert!(zygote.ends_before(Instant::now() + DEADLINE));
    assert_goes_on(live, TIMES);
}

#[test]
fn a_stopped_zygote_is_replaced() {
    let mut live = spawner();
    let zygote = live.zygote().expect("a host with processes has a zygote");
    zygote.signal(Signal::STOP);
    live.go();
    live.stdout_after("went on");
    assert!(zygote.ends_before(Instant::now()), "the stopped zygote lives");
    live.assert_no_zombies();
    live.stdout_after("ready");
    assert_goes_on(live, TIMES - 1);
}

/// Spawns from many coroutines at once; every spawn must succeed and every child end well.
const CROWD: &str = r#"
return function()
  local events = process.events()
  local WIDE, EACH, answered = 30, 40, 0
  for _ = 1, WIDE do
    coroutine.spawn(function()
      for _ = 1, EACH do
        assert(process.spawn_monitored("app:child", "app:processes"))
        answered += 1
        if answered % WIDE == 0 then
          print("answered", answered)
        end
      end
    end)
  end
  local seen = {}
  for _ = 1, WIDE * EACH do
    local event = events:receive()
    assert(event.error == nil, tostring(event.error))
    assert(not seen[event.from], "told twice")
    seen[event.from] = true
  end
  local go = assert(process.spawn_monitored("app:go", "app:processes"))
  print("all")
  assert(events:receive().from == go)
end"#;

#[test]
fn no_spawn_is_lost_when_the_zygote_is_killed_again_and_again() {
    let app = App::of("{}", &[("main", CROWD), ("child", SHORT), ("go", GO)]);
    let mut live = Live::start(app, &[]);
    let mut killed = BTreeSet::new();
    while live.stdout_after("a") != "ll" {
        if let Some(zygote) = live.next_zygote(&mut killed) {
            zygote.signal(Signal::KILL);
        }
    }
    let kills = killed.len();
    println!("zygotes killed with spawns in flight: {kills}");
    assert!(kills >= 5, "only {kills} zygotes were met alive");
    live.assert_no_zombies();
    live.go();
    live.ends_well();
}

/// As the crowd, where a worker may be killed at any moment of its life until `app:go` is: each
/// spawn has an answer, and each that has succeeded one end.
const ANSWERS: &str = r#"
return function()
  local events = process.events()
  local WIDE, EACH, answered, refused = 10, 60, 0, 0
  local go = assert(process.spawn_monitored("app:go", "app:processes"))
  for _ = 1, WIDE do
    coroutine.spawn(function()
      for _ = 1, EACH do
        local pid, err = process.spawn_monitored("app:child", "app:processes")
        answered += 1
        if not pid then
          refused += 1
          assert(err:kind() == errors.UNAVAILABLE and string.find(err, "SIGKILL"), tostring(err))
        end
        if answered % 5 == 0 then
          print("answered", answered)
        end
      end
    end)
  end
  local ends, seen = 0, {}
  while not seen[go] or ends < answered - refused do
    local event = events:receive()
    assert(event.error == nil or event.exit.signal == "SIGKILL", tostring(event.error))
    assert(not seen[event.from], "told twice")
    seen[event.from] = true
    ends += if event.from == go then 0 else 1
  end
  go = assert(process.spawn_monitored("app:go", "app:processes"))
  print("all", refused)
  assert(events:receive().from == go)
end"#;

#[test]
fn every_spawn_is_answered_when_warm_workers_are_killed_under_it() {
    let app = App::of("{}", &[("main", ANSWERS), ("child", SHORT), ("go", GO)]);
    let mut live = Live::start(app, &[]);
    let mut kills = 0;
    while live.stdout_after("answered\t") != "600" {
        for warm in live.children().into_iter().filter(Seen::is_warm) {
            if let Some(hold) = Hold::on(warm.os_pid) {
                hold.signal(Signal::KILL);
                kills += 1;
            }
        }
    }
    live.go();
    let refused: usize = live.stdout_after("all\t").parse().expect("a number");
    println!("warm workers killed with spawns in flight: {kills}, spawns refused: {refused}");
    assert!(refused <= kills, "a spawn was refused that nobody had hit");
    live.assert_no_zombies();
    live.go();
    live.ends_well();
}

#[test]
fn a_zygote_that_cannot_start_is_told_and_ends_the_run() {
    let app = App::of("{}", &[("main", SHORT)]);
    let mut command = app.command("app:main");
    command.args(["--worker", "/bin/false"]);
    let ran = tests::run(&mut command, Duration::from_secs(30));
    assert_eq!((ran.code, ran.late, ran.leaked), (Some(2), false, false), "{ran:#?}");
    assert!(ran.stderr.contains("exited with code 1, 3 times in a row"), "{ran:#?}");
}
