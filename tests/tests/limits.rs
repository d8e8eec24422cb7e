//! Every limit of a host on real processes, as whoever watches the process is told of it. (What a
//! script may try against `memory` and `turn` is in `vm_limits.rs`, processes that do not answer are
//! in `stuck.rs`.)

use rustix::process::Signal;
use serde_json::json;
use tests::watched::{app, end_of, watch, with_limited, with_main};
use tests::{Live, proc};

const MIB: u64 = 1 << 20;
const MS: u64 = 1_000_000;
const S: u64 = 1000 * MS;

const HOARD: &str = "local t = {} return function() while true do t[#t + 1] = {#t} end end";
const SPIN: &str = "return function() while true do end end";
/// Yields, so that it is no one turn.
const MINE: &str = "return function()
  while true do
    for i = 1, 10000 do math.sqrt(i) end
    coroutine.yield()
  end
end";
const LINGER: &str = "return function() process.inbox():receive() end";

#[test]
fn memory_cpu_turn_and_wall_end_a_process() {
    end_of("{memory: 8MiB}", HOARD).assert_over("memory", 8 * MIB, "hostile.lua:1");
    end_of("{turn: 100ms}", SPIN).assert_over("turn", 100 * MS, "hostile.lua:1");
    end_of("{wall: 300ms}", LINGER).assert_over("wall", 300 * MS, "");
    end_of("{cpu: 1s, turn: 500ms}", MINE).assert_over("cpu", S, "");
}

#[test]
fn an_untrusted_host_has_lower_ones() {
    end_of("{trust: untrusted}", HOARD).assert_over("memory", 32 * MIB, "hostile.lua:1");
    end_of("{trust: untrusted}", SPIN).assert_over("turn", S, "hostile.lua:1");
    end_of("{trust: untrusted, cpu: 1s}", MINE).assert_over("cpu", S, "");
}

#[test]
fn an_entry_lowers_the_limits_of_its_host() {
    for (limits, script, kind, limit, place) in [
        ("{memory: 8MiB}", HOARD, "memory", 8 * MIB, "limited.lua:1"),
        ("{turn: 100ms}", SPIN, "turn", 100 * MS, "limited.lua:1"),
        ("{wall: 300ms}", LINGER, "wall", 300 * MS, ""),
        ("{cpu: 1s}", MINE, "cpu", S, ""),
    ] {
        let app = with_limited(app("{cpu: 1h}", &[]), limits, script);
        watch(&app, "app:limited").assert_over(kind, limit, place);
    }
}

#[test]
fn an_entry_never_raises_them() {
    for (host, limits, script, kind, limit, place) in [
        ("{memory: 8MiB}", "{memory: 1GiB}", HOARD, "memory", 8 * MIB, "limited.lua:1"),
        ("{turn: 100ms}", "{turn: 1h}", SPIN, "turn", 100 * MS, "limited.lua:1"),
        ("{wall: 300ms}", "{wall: none}", LINGER, "wall", 300 * MS, ""),
        ("{cpu: 1s}", "{cpu: none}", MINE, "cpu", S, ""),
    ] {
        let app = with_limited(app(host, &[]), limits, script);
        watch(&app, "app:limited").assert_over(kind, limit, place);
    }
}

/// Counts how often a call succeeds before it is refused, and with what.
fn until_refused(call: &str) -> String {
    format!(
        "return function(main)
  local self, count = process.pid(), 0
  while true do
    local done, err = {call}
    if not done then return {{ count, err:kind(), tostring(err) }} end
    count += 1
  end
end"
    )
}

const IDLE: (&str, &str) = ("idle", "return function() process.inbox():receive() end");

#[test]
fn what_a_process_may_hold_is_counted_and_the_rest_refused() {
    for (limits, count, call, what) in [
        ("children: 2", 2, "process.spawn('app:idle', 'app:processes')", "2 children"),
        ("children: 0", 0, "process.spawn('app:idle', 'app:processes')", "0 children"),
        ("names: 2", 2, "process.registry.register(`name {count}`)", "2 names"),
        ("links: 1", 1, "process.spawn_linked('app:idle', 'app:processes')", "1 links"),
        ("links: 1", 1, "process.spawn_monitored('app:idle', 'app:processes')", "1 monitors"),
    ] {
        let script = until_refused(call);
        let field = limits.split(':').next().unwrap_or_default();
        let text = |of| format!("limit of {what} reached ({field} of {of})");
        let host = app(&format!("{{{limits}}}"), &[("hostile", &script), IDLE]);
        watch(&host, "app:hostile").assert_result(&json!([
            count,
            "RateLimited",
            text("host 'app:cell'")
        ]));
        let entry = with_limited(app("{}", &[IDLE]), &format!("{{{limits}}}"), &script);
        watch(&entry, "app:limited").assert_result(&json!([
            count,
            "RateLimited",
            text("entry 'app:limited'")
        ]));
    }
}

#[test]
fn an_untrusted_process_may_hold_little() {
    let host = "{trust: untrusted, permissions: {spawn: ['*'], names: ['*']}}";
    for (call, max, what) in [
        ("process.spawn('app:idle', 'app:cell')", 16, "children"),
        ("process.registry.register(`name {count}`)", 16, "names"),
    ] {
        let app = app(host, &[("hostile", &until_refused(call)), IDLE]);
        let text = format!("limit of {max} {what} reached ({what} of host 'app:cell')");
        watch(&app, "app:hostile").assert_result(&json!([max, "RateLimited", text]));
    }
}

#[test]
fn a_full_host_takes_no_more_processes() {
    let script = until_refused("process.spawn('app:idle', 'app:cell')");
    let app = app("{max_processes: 3}", &[("hostile", &script), IDLE]);
    let text = "host 'app:cell' is at its limit of 3 processes (max_processes)";
    watch(&app, "app:hostile").assert_result(&json!([2, "RateLimited", text]));
}

const HEIR: &str = r#"
return function()
  local function spawn() return process.spawn("app:idle", "app:processes") end
  -- Of its two places the parent has one; its end leaves two children there.
  local parent = assert(process.spawn_monitored("app:parent", "app:processes"))
  local orphans = process.events():receive().result
  local _, full = spawn()
  assert(process.monitor(orphans[1]))
  assert(process.terminate(orphans[1]))
  assert(process.events():receive().from == orphans[1])
  local child = spawn()
  local _, again = spawn()
  return { full:kind(), tostring(full), child ~= nil, again:kind() }
end"#;

const PARENT: &str = r#"
return function()
  local function spawn() return assert(process.spawn("app:idle", "app:processes")) end
  return { spawn(), spawn() }
end"#;

#[test]
fn whoever_inherits_children_has_less_room_for_its_own() {
    let app = app("{children: 2}", &[("hostile", HEIR), ("parent", PARENT), IDLE]);
    let text = "limit of 2 children reached (children of host 'app:cell')";
    watch(&app, "app:hostile").assert_result(&json!(["RateLimited", text, true, "RateLimited"]));
}

#[test]
fn what_is_too_large_to_travel_is_refused() {
    for (host, max) in [("{message: 2KiB}", 2048), ("{trust: untrusted}", 1 << 20)] {
        let call = |call: &str| {
            format!(
                "return function(main)
  local text = string.rep('x', {max})
  local done, err = {call}
  return {{ done == nil, err:kind(), tostring(err) }}
end"
            )
        };
        let send = call("process.send(main, 'topic', text)");
        let text = format!("message is over the limit of {max} bytes");
        end_of(host, &send).assert_result(&json!([true, "Invalid", text]));
        let spawn = call("process.spawn('app:idle', 'app:processes', text)");
        let text = format!("argument #3 is over the limit of {max} bytes");
        end_of(host, &spawn).assert_result(&json!([true, "Invalid", text]));
        let seen = end_of(host, &format!("return function() return string.rep('x', {max}) end"));
        assert_eq!(seen.event["exit"]["kind"], "error", "{seen:#?}");
        let text = format!("result is over the limit of {max} bytes");
        assert_eq!(seen.event["error"], text, "{seen:#?}");
    }
}

/// 1000 bytes, topic and overhead are charged; twice the limit may be accepted at most.
const FLOOD: &str = r#"
return function(main)
  local function flood(dest, most)
    for count = 1, most do
      local done, err = process.send(dest, "x", string.rep("x", 997))
      if not done then return { count, err:kind(), tostring(err) } end
    end
    return { most }
  end
  return { flood(main, 1000), flood(process.pid(), 1000) }
end"#;

#[test]
fn the_mailbox_of_the_receiver_decides_what_it_is_sent() {
    let seen = end_of("{mailbox: 128KiB, message: 8KiB}", FLOOD);
    let result = &seen.event["result"];
    assert_eq!(result[0], json!([1000]), "the mailbox of main is large: {seen:#?}");
    let count = result[1][0].as_u64().expect("a number");
    assert!((128 * 1024 / 1321..=2 * 128 * 1024 / 1321 + 1).contains(&count), "{seen:#?}");
    assert_eq!(result[1][1], "RateLimited", "{seen:#?}");
    assert_eq!(result[1][2], "mailbox full", "{seen:#?}");
}

/// Watches five who leave 4 MB each, and tells how much came of each.
const WATCHES: &str = r#"
return function(main)
  local events, children, sizes = process.events(), {}, {}
  for i = 1, 5 do
    children[i] = assert(process.spawn_monitored("app:child", "app:processes"))
  end
  assert(process.send(main, "children", children))
  for i = 1, 5 do
    local event = events:receive()
    sizes[i] = if event.result then "whole" else event.exit.kind
  end
  return table.concat(sizes, " ")
end"#;

/// Lets them end when the test says so, and then the one who watches.
const RELEASE: &str = r#"
return function()
  local events = process.events()
  local watcher = assert(process.spawn_monitored("app:hostile", "app:cell", process.pid()))
  local children = process.listen("children"):receive()
  local go = assert(process.spawn_monitored("app:go", "app:processes"))
  print("ready")
  assert(events:receive().from == go)
  for _, child in children do
    assert(process.monitor(child))
    assert(process.send(child, "go"))
  end
  for _ in children do
    assert(#events:receive().result == 4000000)
  end
  print("all")
  local event = events:receive()
  print("sizes", event.result, event.error)
end"#;

const CHILD: &str = "return function()
  process.inbox():receive()
  return string.rep('x', 4000000)
end";

#[test]
fn what_others_leave_at_their_ends_never_ends_who_watches_them() {
    let scripts = [("hostile", WATCHES), ("child", CHILD), ("go", tests::live::GO)];
    let app = with_main(RELEASE, "{mailbox: 64KiB, message: 8KiB}", &scripts);
    let mut live = Live::start(app, &[]);
    live.stdout_after("ready");
    let watcher = live.os_pids("app:hostile", 1)[0];
    let watcher = proc::Hold::on(watcher).expect("it watches");
    watcher.signal(Signal::STOP);
    live.go();
    live.stdout_after("all");
    watcher.signal(Signal::CONT);
    let sizes = live.stdout_after("sizes\t");
    // Two have room at a time: 8 MiB and twice the mailbox.
    assert_eq!(sizes, "whole whole normal normal normal\tnil");
    let ran = live.wait();
    assert!(ran.code == Some(0) && !ran.late && !ran.leaked, "{ran:#?}");
    let lines = ran.stdout.matches(" left (3.8 MiB): there is no room for it here\n").count();
    assert_eq!(lines, 3, "{ran:#?}");
}

const AUDIENCE: &str = r#"
return function()
  local seen, all = process.listen("seen"), 40
  for round = 1, 2 do
    local child = assert(process.spawn("app:child", "app:processes"))
    for _ = 1, all do
      assert(process.spawn("app:watcher", "app:cell", child, process.pid()))
      assert(seen:receive() == "ready")
    end
    assert(process.send(child, "go"))
    for _ = 1, all do
      assert(seen:receive() == 4000000)
    end
    local go = assert(process.spawn_monitored("app:go", "app:processes"))
    print("all")
    process.events():receive()
  end
end"#;

const WATCHER: &str = r#"
return function(child, main)
  local events = process.events()
  assert(process.monitor(child))
  assert(process.send(main, "seen", "ready"))
  process.send(main, "seen", #events:receive().result)
end"#;

/// Forty copies of 4 MB, and no more the second time.
#[test]
fn a_large_result_for_many_watchers_is_held_only_until_they_have_it() {
    let scripts = [("child", CHILD), ("watcher", WATCHER), ("go", tests::live::GO)];
    let mut live = Live::start(with_main(AUDIENCE, "{}", &scripts), &[]);
    let peaks = [1, 2].map(|round| {
        live.stdout_after("all");
        let peak = proc::memory_kib(live.os_pid(), "VmHWM");
        live.os_pids("app:go", round);
        live.go();
        peak
    });
    println!("peaks of {peaks:?} KiB");
    assert!(peaks[0] < 40 * 4096 * 3 / 2, "{peaks:?}");
    assert!(peaks[1] < peaks[0] * 3 / 2, "{peaks:?}");
    live.ends_well();
}
