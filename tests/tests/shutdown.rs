//! How a run ends from outside: by SIGTERM and SIGINT with time to finish, at once by a second one,
//! by `kill -9` of the supervisor; and from inside, when the main process ends. Nothing is left.

use rustix::process::Signal;
use std::time::{Duration, Instant};
use tests::proc::{Hold, left_after};
use tests::{App, Live, Ran};

/// Starts one child of each kind, then leaves, or waits for what comes.
const MAIN: &str = r#"
return function(leave)
  local inbox = process.inbox()
  for _, child in { "app:polite", "app:spinning", "app:ignoring", "app:idle" } do
    assert(process.spawn(child, "app:processes", process.pid()))
  end
  for _ = 1, 4 do
    inbox:receive()
  end
  local events = process.events()
  print("ready")
  if leave then
    return
  end
  local event = events:receive()
  print("main saw", event.kind, event.reason, event.from, event.deadline ~= nil)
end"#;

const POLITE: &str = r#"
return function(main)
  local events = process.events()
  process.send(main, "up")
  local event = events:receive()
  time.sleep("1ms")
  print("polite saw", event.kind, event.reason)
end"#;

const SPINNING: &str = r#"
return function(main)
  process.send(main, "up")
  while true do end
end"#;

const IGNORING: &str = r#"
return function(main)
  local events = process.events()
  process.send(main, "up")
  while true do events:receive() end
end"#;

const IDLE: &str = r#"
return function(main)
  process.send(main, "up")
  process.inbox():receive()
end"#;

fn crowd() -> App {
    let scripts = [
        ("main", MAIN),
        ("polite", POLITE),
        ("spinning", SPINNING),
        ("ignoring", IGNORING),
        ("idle", IDLE),
    ];
    App::of("{}", &scripts)
}

/// The crowd, ready, and a hold on every process of it.
fn ready_crowd(grace: &str) -> (Live, Vec<Hold>) {
    let mut live = Live::start(crowd(), &["--grace", grace]);
    live.stdout_after("ready");
    let all = live.hold_all();
    assert!(all.len() >= 6, "five processes and a zygote are fewer: {:?}", live.children());
    (live, all)
}

/// `wabe` has ended, and everybody else before it.
fn assert_nobody_left(all: &[Hold]) {
    let left = left_after(Duration::ZERO, all);
    assert!(left.is_empty(), "left: {left:?}");
}

fn asked_by(signal: Signal) {
    let (live, all) = ready_crowd("300ms");
    let asked = Instant::now();
    live.signal(signal);
    let ran = live.wait();
    println!("grace 300ms, over after {:?}", asked.elapsed());
    assert_nobody_left(&all);
    assert!(ran.stdout.contains("main saw\tCANCEL\tshutdown\tnil\ttrue\n"), "{ran:#?}");
    assert!(ran.stdout.contains("] polite saw\tCANCEL\tshutdown\n"), "{ran:#?}");
    // Main has ended by itself, and well.
    assert_eq!((ran.code, ran.late, ran.leaked), (Some(0), false, false), "{ran:#?}");
    for stubborn in ["app:spinning", "app:ignoring", "app:idle"] {
        assert_ended(&ran, stubborn, "terminated: the node is shutting down");
    }
    assert_ended(&ran, "app:polite", "normal");
}

/// What `-v` says of the end of the only process of that entry.
fn assert_ended(ran: &Ran, entry: &str, why: &str) {
    let is_entry = format!(" is {entry} in OS process ");
    let pid = ran.stderr.lines().find_map(|line| Some(line.split_once(&is_entry)?.0));
    let pid = pid.unwrap_or_else(|| panic!("{entry} never began: {ran:#?}"));
    let end = format!("{pid} ended: {why}");
    assert!(ran.stderr.lines().any(|line| line == end), "no '{end}' in {ran:#?}");
}

#[test]
fn sigterm_asks_and_ends_the_stubborn_after_the_grace() {
    asked_by(Signal::TERM);
}

#[test]
fn sigint_asks_and_ends_the_stubborn_after_the_grace() {
    asked_by(Signal::INT);
}

#[test]
fn a_main_process_that_ignores_sigterm_is_ended_and_the_run_has_failed() {
    let scripts = [("main", "return function() print('ready') while true do end end")];
    let mut live = Live::start(App::of("{}", &scripts), &["--grace", "50ms"]);
    live.stdout_after("ready");
    let all = live.hold_all();
    live.signal(Signal::TERM);
    let ran = live.wait();
    assert_nobody_left(&all);
    assert_eq!((ran.code, ran.late, ran.leaked), (Some(1), false, false), "{ran:#?}");
    let text = "wabe: app:main failed: terminated: the node is shutting down\n";
    assert!(ran.stderr.ends_with(text), "{ran:#?}");
}

#[test]
fn a_second_sigterm_ends_all_at_once() {
    // Without the second one the run would outlast the deadline of the test.
    let (mut live, all) = ready_crowd("10m");
    live.signal(Signal::TERM);
    // Both at once would be one: the first has been heeded when main has seen it.
    live.stdout_after("main saw");
    live.signal(Signal::TERM);
    let ran = live.wait();
    assert_nobody_left(&all);
    assert!(!ran.late && !ran.leaked, "{ran:#?}");
    assert_ended(&ran, "app:spinning", "terminated: the node is shutting down");
}

#[test]
fn stopped_processes_do_not_hold_up_the_end() {
    let (live, all) = ready_crowd("100ms");
    for hold in &all {
        hold.signal(Signal::STOP);
    }
    live.signal(Signal::TERM);
    let ran = live.wait();
    assert_nobody_left(&all);
    assert_eq!((ran.code, ran.late, ran.leaked), (Some(1), false, false), "{ran:#?}");
}

#[test]
fn the_end_of_main_cancels_those_who_listen_and_ends_the_others() {
    let live = Live::start(crowd(), &["true", "--grace", "200ms"]);
    let ran = live.wait();
    assert_eq!((ran.code, ran.late, ran.leaked), (Some(0), false, false), "{ran:#?}");
    assert!(ran.stdout.contains("] polite saw\tCANCEL\tshutdown\n"), "{ran:#?}");
    assert_ended(&ran, "app:polite", "normal");
    for stubborn in ["app:spinning", "app:ignoring", "app:idle"] {
        assert_ended(&ran, stubborn, "terminated: the node is shutting down");
    }
}

/// Twenty workers, some of which spin.
const TWENTY: &str = r#"
return function()
  local inbox = process.inbox()
  for i = 1, 19 do
    local entry = if i <= 4 then "app:spinning" else "app:idle"
    assert(process.spawn(entry, "app:processes", process.pid()))
  end
  for _ = 1, 19 do
    inbox:receive()
  end
  print("ready")
  inbox:receive()
end"#;

#[test]
fn kill_9_of_the_supervisor_leaves_nobody_after_100_ms() {
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let scripts = [("main", TWENTY), ("spinning", SPINNING), ("idle", IDLE)];
        let mut live = Live::start(App::of("{}", &scripts), &[]);
        live.stdout_after("ready");
        let all = live.hold_all();
        assert!(all.len() >= 21, "20 processes and a zygote are fewer: {}", all.len());
        for stopped in live.os_pids("app:idle", 8).into_iter().filter_map(Hold::on) {
            stopped.signal(Signal::STOP);
        }
        let killed = Instant::now();
        live.signal(Signal::KILL);
        let left = left_after(Duration::from_millis(100), &all);
        slowest = slowest.max(killed.elapsed());
        assert!(left.is_empty(), "left: {left:?}");
        let ran = live.wait();
        assert_eq!((ran.signal, ran.late, ran.leaked), (Some(9), false, false), "{ran:#?}");
    }
    println!("all gone after {slowest:?} at most");
}
