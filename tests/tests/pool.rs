//! The warm pool: how many workers wait in it, when it is filled again and when not; and that a burst
//! of spawns leaves their turn to others.

use rustix::process::Signal;
use std::time::Instant;
use tests::live::{DEADLINE, GO};
use tests::proc::{Hold, Seen};
use tests::{App, Live};

/// Waits, and spawns a process for each `app:go` that ends; each of them stays.
const MAIN: &str = r#"
return function(count)
  local events = process.events()
  for _ = 1, count do
    assert(process.spawn_monitored("app:go", "app:processes"))
    print("ready")
    events:receive()
  end
end"#;

fn live(host: &str, count: &str) -> Live {
    let app = App::of(host, &[("main", MAIN), ("go", GO)]);
    let mut live = Live::start(app, &[count]);
    live.stdout_after("ready");
    live
}

fn kill(warm: &Seen) {
    let hold = Hold::on(warm.os_pid).expect("a warm worker lives until it is killed");
    hold.signal(Signal::KILL);
    assert!(hold.ends_before(Instant::now() + DEADLINE));
}

#[test]
fn a_host_has_as_many_warm_workers_as_it_says() {
    for (host, wanted) in [("{}", 4), ("{warm: 9}", 9), ("{sandbox: strict}", 1)] {
        let mut live = live(host, "1");
        live.wait_for_warm(wanted);
        live.go();
        live.ends_well();
    }
}

#[test]
fn without_warm_workers_every_process_is_forked_when_it_is_wanted() {
    let mut live = live("{warm: 0}", "2");
    assert_eq!(live.warm(), []);
    live.go();
    live.stdout_after("ready");
    assert_eq!(live.warm(), []);
    live.go();
    live.ends_well();
}

#[test]
fn no_more_are_kept_than_the_host_may_still_start() {
    let mut live = live("{max_processes: 3, warm: 8}", "2");
    live.wait_for_warm(1);
    live.go();
    live.stdout_after("ready");
    // One has gone, and one has come: there is room for one.
    live.wait_for_warm(1);
    live.go();
    live.ends_well();
}

#[test]
fn one_that_dies_is_replaced_and_two_in_a_row_are_left_to_the_next_spawn() {
    let mut live = live("{warm: 3}", "2");
    let first = live.wait_for_warm(3);
    kill(&first[0]);
    let end = Instant::now() + DEADLINE;
    while !live.warm().iter().any(|seen| !first.contains(seen)) {
        assert!(Instant::now() < end, "the dead one is not replaced: {:?}", live.children());
        std::thread::yield_now();
    }
    kill(&live.wait_for_warm(3)[0]);
    live.wait_for_warm(2);
    kill(&live.wait_for_warm(2)[0]);
    live.wait_for_warm(1);
    live.go();
    live.stdout_after("ready");
    live.wait_for_warm(3);
    live.assert_no_zombies();
    live.go();
    live.ends_well();
}

/// Has a thousand processes spawned at once, and lets another process spawn beside it from when all of
/// them are asked for until the last one has answered.
const BURST: &str = r#"
return function()
  local MANY, answered = 1000, 0
  local beside = assert(process.spawn_monitored("app:beside", "app:processes", process.pid()))
  local all = channel.new(1)
  local inbox = process.inbox()
  inbox:receive()
  for _ = 1, MANY do
    coroutine.spawn(function()
      assert(process.spawn("app:child", "app:processes"))
      answered += 1
      if answered == MANY then
        all:send(true)
      end
    end)
  end
  assert(process.send(beside, "begin"))
  all:receive()
  assert(process.send(beside, "end"))
  print("beside", inbox:receive():payload():data())
end"#;

/// Spawns one after the other.
const BESIDE: &str = r#"
return function(main)
  local begin, over, spawned = process.listen("begin"), false, 0
  local stop = process.listen("end")
  assert(process.send(main, "ready"))
  begin:receive()
  coroutine.spawn(function()
    stop:receive()
    over = true
  end)
  while not over do
    assert(process.spawn("app:short", "app:processes"))
    if not over then
      spawned += 1
    end
  end
  assert(process.send(main, "spawned", spawned))
end"#;

#[test]
fn a_burst_of_a_thousand_leaves_another_spawner_its_turn() {
    let child = "return function() process.inbox():receive() end";
    let scripts =
        [("main", BURST), ("beside", BESIDE), ("child", child), ("short", "return function() end")];
    let mut live = Live::start(App::of("{}", &scripts), &[]);
    let beside: usize = live.stdout_after("beside\t").parse().expect("a number");
    println!("spawned beside a burst of 1,000: {beside}");
    // Without turns the first of them waits for all of the burst.
    assert!(beside >= 10, "only {beside} spawned before the burst was over");
    live.ends_well();
}
