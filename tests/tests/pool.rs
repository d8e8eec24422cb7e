//! The warm pool: how many workers wait in it, when it is filled again and when not; and that a burst
//! of spawns leaves their turn to others.

use rustix::process::Signal;
use std::collections::BTreeSet;
use std::time::Instant;
use tests::live::{DEADLINE, GO, wait_to_see};
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
    wait_to_see(
        || live.warm().into_iter().find(|seen| !first.contains(seen)),
        || format!("the dead one is not replaced: {:?}", live.children()),
    );
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

/// Waits on its own host, then on the one that has not started with the node.
const TOUR: &str = r#"
return function()
  local events = process.events()
  for _, host in { "app:processes", "app:later" } do
    assert(process.spawn_monitored("app:go", host))
    print("ready")
    events:receive()
  end
end"#;

/// Hosts beside that of the main process: one that starts with the node, and one that does not.
fn two_hosts(soon: &str, later: &str) -> Live {
    let manifest = format!(
        "namespace: app\nentries:\n\
         \x20 - {{name: main, kind: process.lua, source: 'file://main.lua'}}\n\
         \x20 - {{name: go, kind: process.lua, source: 'file://go.lua'}}\n\
         \x20 - {{name: processes, kind: process.host, host: {{warm: 0}}}}\n\
         \x20 - {{name: later, kind: process.host, host: {later}, lifecycle: {{auto_start: false}}}}\n\
         \x20 - {{name: soon, kind: process.host, host: {soon}, lifecycle: {{auto_start: true}}}}\n"
    );
    let app = App::new().file("_index.yaml", &manifest).file("main.lua", TOUR).file("go.lua", GO);
    let mut live = Live::start(app, &[]);
    live.stdout_after("ready");
    live
}

/// How many zygotes there are: a fresh copy has the name of its own for a moment, and its session.
fn zygotes(live: &Live) -> usize {
    let zygotes = live.children().into_iter().filter(Seen::is_zygote);
    zygotes.map(|seen| seen.session).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_host_that_starts_with_the_node_has_its_warm_workers_before_anybody_spawns_there() {
    let mut live = two_hosts("{warm: 3}", "{warm: 2}");
    live.wait_for_warm(3);
    assert_eq!(zygotes(&live), 2, "those of main's host and of this one");
    live.go();
    live.stdout_after("ready");
    live.wait_for_warm(3 + 2);
    assert_eq!(zygotes(&live), 3);
    live.go();
    live.ends_well();
}

#[test]
fn a_host_that_starts_with_the_node_has_a_zygote_also_without_warm_workers() {
    let mut live = two_hosts("{warm: 0}", "{warm: 0}");
    wait_to_see(
        || (zygotes(&live) >= 2).then_some(()),
        || format!("no second zygote: {:?}", live.children()),
    );
    live.go();
    live.stdout_after("ready");
    assert_eq!((zygotes(&live), live.warm().len()), (3, 0));
    live.go();
    live.ends_well();
}
