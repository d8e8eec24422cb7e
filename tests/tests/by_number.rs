//! More processes than pidfds: beyond half of its descriptors the supervisor holds workers by their
//! numbers. Whatever ends such a worker is told once, as of any other, and nothing is left.

use rustix::process::Signal;
use std::process::Command;
use tests::live::GO;
use tests::proc::{self, Hold};
use tests::{App, Live, Running};

/// Descriptors of `wabe`: less than two for each process.
const LIMIT: &str = "--nofile=1000";
const MANY: usize = 600;

const MAIN: &str = r#"
local MANY = 600

return function()
  local events, pongs = process.events(), process.listen("pong")
  local pids, ended = {}, {}
  local function go()
    local pid = assert(process.spawn_monitored("app:go", "app:processes"))
    print("ready")
    return pid
  end
  -- Receives until that one has ended.
  local function until_end_of(pid)
    while true do
      local event = events:receive()
      assert(event.kind == process.event.EXIT and not ended[event.from], "told twice")
      ended[event.from] = true
      if event.from == pid then
        return event
      end
    end
  end
  local function say_end_of(pid)
    local exit = until_end_of(pid).exit
    print("ended", exit.kind, exit.signal, exit.os_pid)
    local _, err = process.send(pid, "ping", 0)
    assert(err:kind() == errors.NOT_FOUND, tostring(err))
  end
  for i = 1, MANY do
    pids[i] = assert(process.spawn_monitored("app:child", "app:processes", process.pid()))
  end
  for i, pid in pids do
    assert(process.send(pid, "ping", i))
  end
  for _ = 1, MANY do
    pongs:receive()
  end
  local told = go()
  say_end_of(pids[MANY])
  say_end_of(pids[MANY - 1])
  until_end_of(told)
  assert(process.terminate(pids[MANY - 2]))
  say_end_of(pids[MANY - 2])
  assert(process.send(pids[MANY - 3], "ping", "end"))
  say_end_of(pids[MANY - 3])
  -- All others at once.
  for i = 1, MANY - 4 do
    assert(process.terminate(pids[i]))
  end
  for i = 1, MANY - 4 do
    if not ended[pids[i]] then
      until_end_of(pids[i])
    end
  end
  print("all")
  until_end_of(go())
  assert(process.spawn_monitored("app:go", "app:processes"))
end"#;

const CHILD: &str = r#"
return function(main)
  local pings = process.listen("ping")
  while true do
    local value = pings:receive()
    if value == "end" then
      return
    end
    assert(process.send(main, "pong", value))
  end
end"#;

fn crowd() -> Live {
    let app = App::of("{}", &[("main", MAIN), ("child", CHILD), ("go", GO)]);
    let wabe = app.command("app:main");
    let mut command = Command::new("prlimit");
    command.arg(LIMIT).arg(wabe.get_program()).args(wabe.get_args()).arg("-v");
    let running = Running::start(&mut command);
    Live::watch(app, running)
}

/// Sockets and pidfds of `wabe`.
fn held(live: &Live) -> [usize; 2] {
    let links = proc::descriptors(live.os_pid());
    ["socket:", "pidfd"].map(|kind| links.iter().filter(|link| link.contains(kind)).count())
}

fn hold(os_pid: u32) -> Hold {
    Hold::on(os_pid).expect("it lives until the test ends it")
}

#[test]
fn workers_without_a_pidfd_end_as_any_other() {
    let mut live = crowd();
    live.stdout_after("ready");
    let all = live.os_pids("app:child", MANY);
    let [sockets, pidfds] = held(&live);
    println!("{MANY} processes: {sockets} sockets, {pidfds} pidfds");
    assert!(sockets > MANY && pidfds < MANY / 2, "{sockets} sockets, {pidfds} pidfds");

    let [.., _, normal, stopped, socket, killed] = all[..] else { panic!("there are many") };
    hold(killed).signal(Signal::KILL);
    assert_eq!(live.stdout_after("ended\t"), format!("signal\tSIGKILL\t{killed}"));

    // Somebody else has its socket, which does not hang up therefore.
    let held_socket = hold(socket).descriptor(3);
    println!("its socket is held: {}", held_socket.is_ok());
    hold(socket).signal(Signal::KILL);
    assert_eq!(live.stdout_after("ended\t"), format!("signal\tSIGKILL\t{socket}"));
    drop(held_socket);

    hold(stopped).signal(Signal::STOP);
    live.go();
    assert_eq!(live.stdout_after("ended\t"), format!("terminated\tSIGKILL\t{stopped}"));
    assert_eq!(live.stdout_after("ended\t"), format!("normal\tnil\t{normal}"));

    live.stdout_after("all");
    live.stdout_after("ready");
    live.assert_no_zombies();
    let [sockets, pidfds] = held(&live);
    assert!(sockets < 30 && pidfds < 30, "{sockets} sockets, {pidfds} pidfds are left");
    live.go();
    live.ends_well();
}

#[test]
fn a_run_ends_with_workers_without_a_pidfd() {
    let mut live = crowd();
    live.stdout_after("ready");
    live.os_pids("app:child", MANY);
    let all = live.hold_all();
    // Twice: at once.
    live.signal(Signal::TERM);
    live.signal(Signal::INT);
    let ran = live.wait();
    assert!(!ran.late && !ran.leaked, "{ran:#?}");
    let left = proc::left_after(std::time::Duration::from_secs(10), &all);
    assert!(left.is_empty(), "{left:?}");
}
