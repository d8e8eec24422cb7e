//! An app with one process that misbehaves natively (`src/bin/rogue-worker.rs`) among innocent
//! ones, who must not notice.

use crate::live::GO;
use crate::proc;
use crate::{App, Live, Running};

/// What the supervisor may have taken at most, ever: its outbox for one worker is limited to 10 MiB
/// here (and a growing vector is copied once).
const MEMORY_MAX_KIB: u64 = 64 * 1024;

/// What a rogue does to the supervisor is to be seen, not what the filter does to the rogue.
const NO_FILTER: [&str; 3] = ["--allow-no-sandbox", "--layers", "none"];

/// Limits of the host: small, so that they are reached soon.
const HOST: &str = "{mailbox: 1048576, message: 262144}";

/// Two innocents exchange numbers without end, `go_on` waits for fifty further rounds of theirs.
const BEGINNING: &str = r#"
local events = process.events()
local rounds = process.listen("rounds")
local pong = assert(process.spawn_monitored("app:pong", "app:processes"))
local ping = assert(process.spawn_monitored("app:ping", "app:processes", pong))
local go = assert(process.spawn_monitored("app:go", "app:processes"))

local function go_on()
  assert(process.send(ping, "more", process.pid()))
  return (rounds:receive())
end

local function say_end(event)
  print("end", event.exit.kind, event.exit.signal, event.exit.code, event.result, event.error)
end

return function(deed)
  go_on()
  local rogue, refused = process.spawn_monitored("app:rogue-" .. deed, "app:processes")
"#;

/// The rogue's end comes exactly once; the others end when they are asked to, and well.
const EXITED: &str = r#"
  local event = events:receive()
  assert(event.kind == "EXIT" and event.from == rogue, "the end of another")
  local _, err = process.send(rogue, "topic")
  assert(err and err:kind() == errors.NOT_FOUND, tostring(err))
  say_end(event)
"#;

const REFUSED: &str = r#"
  assert(rogue == nil)
  print("refused", refused)
"#;

const ENDING: &str = r#"
  go_on()
  print("all")
  for _, innocent in { go, ping, pong } do
    if innocent ~= go then
      assert(process.send(innocent, "stop", true))
    end
    local event = events:receive()
    assert(event.from == innocent, "an end too many")
    assert(innocent == go or event.error == nil, tostring(event.error))
  end
end
"#;

const PING: &str = r#"
return function(pong)
  local pongs, more, stop = process.listen("pong"), process.listen("more"), process.listen("stop")
  local asker, due, stopping
  for n = 1, math.huge do
    if stopping then
      return n
    end
    assert(process.send(pong, "ping", { process.pid(), n }))
    repeat
      local got = channel.select({ stop:case_receive(), more:case_receive(), pongs:case_receive() })
      if got.channel == stop then
        stopping = true
      elseif got.channel == more then
        asker, due = got.value, n + 50
      else
        assert(got.value == n, "a message was lost or doubled")
      end
    until got.channel == pongs
    if asker and n >= due then
      assert(process.send(asker, "rounds", n))
      asker = nil
    end
  end
end"#;

const PONG: &str = r#"
assert(process.registry.register("pong"))
return function()
  local pings, stop = process.listen("ping"), process.listen("stop")
  while true do
    local got = channel.select({ stop:case_receive(), pings:case_receive() })
    if got.channel == stop then
      return
    end
    assert(process.send(got.value[1], "pong", got.value[2]))
  end
end"#;

/// What a rogue may go on as: its result are the topics of its mail, as far as the last.
const HEIR: &str = r#"
return function()
  local inbox, topics = process.inbox(), {}
  repeat
    table.insert(topics, inbox:receive():topic())
  until topics[#topics] == "last"
  return table.concat(topics, " ")
end"#;

/// Runs the deed and returns its one EXIT: `kind, signal, code, result, error`, tab between them.
#[must_use]
pub fn end_of(deed: &str, rogue_worker: &str) -> String {
    end_after(deed, rogue_worker, "")
}

/// The same, with what the main process does while the rogue lives (Luau).
#[must_use]
pub fn end_after(deed: &str, rogue_worker: &str, meanwhile: &str) -> String {
    run(
        deed,
        rogue_worker,
        &format!("assert(rogue, tostring(refused)){meanwhile}{EXITED}"),
        "end\t",
    )
}

/// The same with every layer of the sandbox: what the rogue can still do natively.
#[must_use]
pub fn enclosed_end_of(deed: &str, rogue_worker: &str) -> String {
    let middle = format!("assert(rogue, tostring(refused)){EXITED}");
    run_with(&[], deed, rogue_worker, &middle, "end\t")
}

/// Runs a deed that comes so early that the spawn fails, and returns its error.
#[must_use]
pub fn refusal_of(deed: &str, rogue_worker: &str) -> String {
    run(deed, rogue_worker, REFUSED, "refused\t")
}

fn run(deed: &str, rogue_worker: &str, middle: &str, answer: &str) -> String {
    run_with(&NO_FILTER, deed, rogue_worker, middle, answer)
}

fn run_with(layers: &[&str], deed: &str, rogue_worker: &str, middle: &str, answer: &str) -> String {
    let main = format!("{BEGINNING}{middle}{ENDING}");
    let rogue = format!("rogue-{deed}");
    let short = "return function() end";
    let scripts = [
        ("main", main.as_str()),
        ("ping", PING),
        ("pong", PONG),
        ("go", GO),
        ("heir", HEIR),
        ("short", short),
        (&rogue, short),
    ];
    let app = App::of(HOST, &scripts);
    let mut command = app.command("app:main");
    let running =
        Running::start(command.arg(deed).args(["-v", "--worker", rogue_worker]).args(layers));
    let mut live = Live::watch(app, running);
    let end = live.stdout_after(answer);
    live.stdout_after("all");
    assert_harmless(&live);
    live.go();
    live.ends_well();
    end
}

/// What any misdeed leaves behind in the supervisor: nothing.
fn assert_harmless(live: &Live) {
    live.assert_no_zombies();
    let memory = proc::memory_kib(live.os_pid(), "VmHWM");
    assert!(memory < MEMORY_MAX_KIB, "wabe has taken {memory} KiB");
    let descriptors = proc::descriptors(live.os_pid());
    let foreign = |link: &&String| link.contains("rogue");
    assert_eq!(descriptors.iter().find(foreign), None, "a descriptor of the rogue's");
}
