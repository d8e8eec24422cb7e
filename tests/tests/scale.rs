//! Many processes: at once, and one after the other. The dead cost nothing.

use std::time::Instant;
use tests::live::{GO, PONG};
use tests::{App, Live, proc};

const CROWD: &str = r#"
return function()
  local MANY = 1000
  local pongs, pids = process.listen("pong"), {}
  local began = time.now()
  for i = 1, MANY do
    pids[i] = assert(process.spawn("app:child", "app:processes", process.pid()))
  end
  print("figure", "spawned", time.now():sub(began))
  local asked = time.now()
  for i, pid in pids do
    assert(process.send(pid, "ping", i))
  end
  local sum = 0
  for _ = 1, MANY do
    sum += pongs:receive()
  end
  assert(sum == MANY * (MANY + 1) / 2, "an answer was lost or doubled")
  print("figure", "answered", time.now():sub(asked))
  assert(process.spawn_monitored("app:go", "app:processes"))
  print("all")
  process.events():receive()
end"#;

#[test]
fn a_thousand_processes_at_once_each_answer() {
    let scripts = [("main", CROWD), ("child", PONG), ("go", GO)];
    let mut live = Live::start(App::of("{}", &scripts), &[]);
    println!("1,000 processes spawned in {}", live.stdout_after("figure\tspawned\t"));
    println!("1,000 answers in {}", live.stdout_after("figure\tanswered\t"));
    live.stdout_after("all");
    live.assert_no_zombies();
    let processes = live.children().iter().filter(|child| child.name == "app:child").count();
    assert_eq!(processes, 1000);
    println!("wabe: {} KiB", proc::memory_kib(live.os_pid(), "VmRSS"));
    live.go();
    live.ends_well();
}

/// Children one after the other, with a stop after each number named.
const ROW: &str = r#"
return function(...)
  local events = process.events()
  local spawned = 0
  for _, stop in { ... } do
    while spawned < stop do
      local child = assert(process.spawn_monitored("app:child", "app:processes"))
      spawned += 1
      local event = events:receive()
      assert(event.from == child and event.error == nil, tostring(event.error))
    end
    local go = assert(process.spawn_monitored("app:go", "app:processes"))
    print("stop")
    assert(events:receive().from == go)
  end
end"#;

/// Workers that are asked for beforehand, and may be missing or on their way when the test looks.
const WARM: usize = 2;

/// The host that keeps so many.
const HOST: &str = "{warm: 2}";

#[test]
fn ten_thousand_dead_cost_no_descriptor_no_zombie_and_no_memory() {
    let scripts = [("main", ROW), ("child", "return function() end"), ("go", GO)];
    let mut live = Live::start(App::of(HOST, &scripts), &["100", "1000", "10000"]);
    let began = Instant::now();
    let mut seen = Vec::new();
    for stop in [100, 1000, 10_000] {
        live.stdout_after("stop");
        live.assert_no_zombies();
        let descriptors = proc::descriptors(live.os_pid());
        let sockets = descriptors.iter().filter(|link| link.starts_with("socket:")).count();
        let memory = proc::memory_kib(live.os_pid(), "VmRSS");
        println!(
            "after {stop}: {:?}, {} descriptors ({sockets} sockets), {memory} KiB, {} children",
            began.elapsed(),
            descriptors.len(),
            live.children().len()
        );
        seen.push((descriptors.len(), sockets, memory));
        live.go();
    }
    let [(first, first_sockets, _), (_, _, middle), (last, last_sockets, end)] = seen[..] else {
        panic!("three stops");
    };
    // Every worker has a socket from the moment that it is asked for, and a pidfd from its birth on;
    // the warm ones are asked for a moment after one was taken.
    assert!(
        last_sockets.abs_diff(first_sockets) <= WARM && last.abs_diff(first) <= 2 * WARM,
        "{first} descriptors ({first_sockets} sockets) after 100, {last} ({last_sockets}) after 10,000"
    );
    assert!(end < middle + 2048, "{middle} KiB after 1,000, {end} KiB after 10,000");
    live.ends_well();
}
