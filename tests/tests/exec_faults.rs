//! What becomes of a caller and of the process that it waits for when the operating system ends one of
//! them. The processes are real, and so are the signals.

use rustix::process::Signal;
use std::time::Instant;
use tests::live::DEADLINE;
use tests::proc::Hold;
use tests::{App, Live};

/// Waits for children that are killed, one by one and many at once.
const CALLER: &str = r#"
return function()
  local child = "app:child"
  local value, err = process.exec(child, "app:processes", "print")
  print("one", value, err)
  local done = channel.new(8)
  for _ = 1, 8 do
    coroutine.spawn(function() done:send({ process.exec(child, "app:processes", "print") }) end)
  end
  for _ = 1, 8 do
    local result = done:receive()
    assert(result[1] == nil and tostring(result[2]) == "killed by signal 9 (SIGKILL)")
  end
  assert(process.exec("app:short", "app:processes", 5) == 5)
  print("done")
end"#;

const CHILD: &str = r#"
return function()
  print("loaded")
  process.inbox():receive()
end"#;

const SHORT: &str = "return function(i) return i end";

#[test]
fn a_caller_is_told_of_a_kill_as_an_exit_says_it() {
    let app = App::of("{}", &[("main", CALLER), ("child", CHILD), ("short", SHORT)]);
    let mut live = Live::start(app, &[]);
    live.stdout_after("[app:child");
    live.hold("app:child").signal(Signal::KILL);
    assert_eq!(live.stdout_after("one"), "\tnil\tkilled by signal 9 (SIGKILL)");
    for _ in 1..9 {
        live.stdout_after("[app:child");
    }
    for os_pid in &live.os_pids("app:child", 9)[1..] {
        Hold::on(*os_pid).expect("it waits").signal(Signal::KILL);
    }
    live.stdout_after("done");
    live.ends_well();
}

/// Monitors the child of a caller that the test kills: both are told of, the caller first.
const WATCHER: &str = r#"
return function()
  local events, hello = process.events(), process.listen("hello")
  local caller = assert(process.spawn_monitored("app:caller", "app:processes", process.pid()))
  local child = hello:receive()
  assert(process.monitor(child))
  print("ready")
  local first, second = events:receive(), events:receive()
  assert(first.from == caller and second.from == child)
  print("caller", first.error)
  print("child", second.error, second.exit.kind, second.exit.signal)
end"#;

const MIDDLE: &str =
    r#"return function(main) process.exec("app:child", "app:processes", main) end"#;

const LAST: &str = r#"
return function(main)
  process.send(main, "hello", process.pid())
  while true do end
end"#;

#[test]
fn a_child_goes_with_a_caller_that_is_killed_whatever_it_does() {
    let app = App::of("{}", &[("main", WATCHER), ("caller", MIDDLE), ("child", LAST)]);
    let mut live = Live::start(app, &[]);
    live.stdout_after("ready");
    let child = live.hold("app:child");
    live.hold("app:caller").signal(Signal::KILL);
    assert_eq!(live.stdout_after("caller"), "\tkilled by signal 9 (SIGKILL)");
    assert_eq!(live.stdout_after("child"), "\tterminated: its caller ended\tterminated\tSIGKILL");
    assert!(child.ends_before(Instant::now() + DEADLINE), "it is gone");
    live.ends_well();
}
