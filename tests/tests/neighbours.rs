//! Nobody else suffers: while hostile processes do all that they can, two innocent ones exchange
//! numbers, and neither they nor the supervisor notice.

use tests::Live;
use tests::live::GO;
use tests::proc;
use tests::rogue::enclosed_end_of;
use tests::watched::with_main;

const ROGUE: &str = env!("CARGO_BIN_EXE_rogue-worker");

/// Round trips that the innocents make at least while the others are there: eleven want the
/// machine's whole CPU time, and the kernel gives each its share.
const ROUNDS: u64 = 200;

/// What the supervisor may have taken at most, ever.
const MEMORY_MAX_KIB: u64 = 64 * 1024;

/// Beyond what it had before: a warm worker or two, each with a socket and a pidfd.
const DESCRIPTORS_MORE: usize = 8;

const CELL: &str = "{trust: untrusted, memory: 16MiB, cpu: 3s, turn: 300ms, wall: 4s, \
    permissions: {spawn: [app:idle], names: ['cell.*']}}";

/// The last argument of each is the PID of `pong`, who is flooded, and the one before of `main`.
const HOSTILE: [(&str, &str); 11] = [
    ("spin", "while true do pcall(function() while true do end end) end"),
    ("hoard", "local t = {} while true do t[#t + 1] = { #t } end"),
    ("flood", "while true do process.send(pong, 'noise', string.rep('x', 1000)) end"),
    ("print", "while true do print('me') end"),
    ("multiply", "while true do process.spawn('app:idle', 'app:cell') end"),
    ("squat", "for n = 1, math.huge do process.registry.register(`cell.{n}`) end"),
    (
        "tasks",
        "for _ = 1, 3000 do coroutine.spawn(function() while true do time.sleep('1ms') end end) end
         process.inbox():receive()",
    ),
    ("self", "while true do process.send(process.pid(), 'me', string.rep('x', 1000)) end"),
    (
        "spy",
        "for n = 1, math.huge do process.monitor(`\\{app:processes|0x00001-{string.format('%016x', n)}}`) end",
    ),
    ("denied", "while true do process.terminate(main) end"),
    ("crash", "error('crash')"),
];

/// How each may end. One that never waits for long has used its CPU time first, or not, as the
/// machine is busy.
const ENDS: [(&str, &str); 11] = [
    ("spin", "turn wall"),
    ("hoard", "memory"),
    ("flood", "wall cpu"),
    ("print", "wall"),
    ("multiply", "wall cpu"),
    ("squat", "wall cpu"),
    ("tasks", "wall cpu"),
    ("self", "wall cpu"),
    ("spy", "wall cpu"),
    ("denied", "wall cpu"),
    ("crash", "error"),
];

const MAIN: &str = r#"
local CRASHES = 50

return function(names)
  local events, rounds = process.events(), process.listen("rounds")
  local pong = assert(process.spawn_monitored("app:pong", "app:processes"))
  local ping = assert(process.spawn_monitored("app:ping", "app:processes", pong))
  local function hostile(name)
    return assert(process.spawn_monitored(`app:{name}`, "app:cell", process.pid(), pong))
  end
  local function until_go()
    local go = assert(process.spawn_monitored("app:go", "app:processes"))
    print("ready")
    assert(events:receive().from == go, "an end of another")
  end
  hostile("crash")
  events:receive()
  until_go()

  local left, crashes, running = 0, 0, {}
  for _, name in names do
    running[hostile(name)] = name
    left += 1
  end
  while left > 0 do
    local event = events:receive()
    local name = assert(running[event.from], "an innocent has ended")
    if name == "crash" and crashes < CRASHES then
      crashes += 1
      running[hostile(name)] = name
    else
      print(`end {name} {event.exit.kind}`)
      left -= 1
    end
  end
  assert(process.send(ping, "stop", process.pid()))
  print("rounds", (rounds:receive()))
  assert(events:receive().error == nil)
  until_go()
end"#;

const PING: &str = r#"
return function(pong)
  local pongs, stop = process.listen("pong"), process.listen("stop")
  local full, stopping = 0, nil
  for n = 1, math.huge do
    while true do
      local sent, err = process.send(pong, "ping", { process.pid(), n })
      if sent then break end
      assert(err:kind() == errors.RATE_LIMITED, tostring(err))
      full += 1
      time.sleep("1ms")
    end
    assert(pongs:receive() == n, "a message was lost, doubled or late")
    local got = channel.select({ stop:case_receive(), default = true })
    if got.channel == stop then
      process.send(got.value, "rounds", n)
      -- Thousands in order, now that there is room.
      stopping = n
    end
    if stopping and n >= stopping + 5000 then
      return full
    end
  end
end"#;

/// Its inbox takes the flood.
const PONG: &str = r#"
return function()
  local pings, inbox = process.listen("ping"), process.inbox()
  local due = 1
  while true do
    local got = channel.select({ pings:case_receive(), inbox:case_receive() })
    if got.channel == pings then
      assert(got.value[2] == due, "a message was lost, doubled or late")
      due += 1
      assert(process.send(got.value[1], "pong", got.value[2]))
    end
  end
end"#;

#[test]
fn whatever_scripts_do_two_others_go_on_talking() {
    let bodies =
        HOSTILE.map(|(name, body)| (name, format!("return function(main, pong) {body} end")));
    let mut scripts: Vec<_> = bodies.iter().map(|(name, body)| (*name, body.as_str())).collect();
    scripts.extend([("ping", PING), ("pong", PONG), ("go", GO)]);
    scripts.push(("idle", "return function() process.inbox():receive() end"));
    let names = serde_json::to_string(&HOSTILE.map(|(name, _)| name)).expect("names are JSON");
    let mut live = Live::start(with_main(MAIN, CELL, &scripts), &[&names]);
    live.stdout_after("ready");
    let before = proc::descriptors(live.os_pid()).len();
    live.go();
    let mut ends: Vec<_> = HOSTILE.iter().map(|_| live.stdout_after("end ")).collect();
    ends.sort();
    for end in &ends {
        let (name, kind) = end.split_once(' ').expect("a name and a kind");
        let (_, kinds) = ENDS.iter().find(|(known, _)| *known == name).expect("a known name");
        assert!(kinds.split(' ').any(|known| known == kind), "{name} ended with {kind}: {ends:?}");
    }
    let rounds: u64 = live.stdout_after("rounds\t").parse().expect("a number");
    assert!(rounds >= ROUNDS, "only {rounds} round trips");
    live.stdout_after("ready");
    let after = proc::descriptors(live.os_pid()).len();
    let memory = proc::memory_kib(live.os_pid(), "VmHWM");
    println!("{rounds} round trips, {memory} KiB, {before} descriptors before and {after} after");
    // The idle children of one of them end with the wall limit as it did.
    assert!(after <= before + DESCRIPTORS_MORE + 2 * 16, "{before} descriptors, then {after}");
    assert!(memory < MEMORY_MAX_KIB, "wabe has taken {memory} KiB");
    live.assert_no_zombies();
    live.go();
    live.ends_well();
}

#[test]
fn a_worker_that_was_taken_over_cannot_fork() {
    assert_sandboxed(&enclosed_end_of("forks", ROGUE));
}

#[test]
fn a_worker_that_was_taken_over_cannot_open_descriptors() {
    for deed in ["fills-descriptors", "opens-pipes", "opens-sockets"] {
        assert_sandboxed(&enclosed_end_of(deed, ROGUE));
    }
}

fn assert_sandboxed(end: &str) {
    let text = "killed by the sandbox: it made a system call that workers may not make (SIGSYS)";
    assert_eq!(end, format!("sandbox\tSIGSYS\tnil\tnil\t{text}"));
}

/// It says as its result how many MiB it got.
#[test]
fn a_worker_that_was_taken_over_gets_no_more_memory_than_its_limit_of_address_space() {
    let end = enclosed_end_of("allocates", ROGUE);
    let fields: Vec<_> = end.split('\t').collect();
    assert_eq!((fields[0], fields[4]), ("normal", "nil"), "{end}");
    let got: u64 = fields[3].parse().unwrap_or_else(|_| panic!("{end}"));
    // Its host gives 64 MiB; room for frames, allocators and the stack comes to it.
    assert!((64..=64 + 300).contains(&got), "it got {got} MiB");
}
