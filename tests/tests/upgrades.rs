//! Processes that go on in another worker: under a flood, and when the operating system ends one of
//! the two. The processes are real, and so are the signals.

use rustix::process::Signal;
use std::time::Instant;
use tests::live::{DEADLINE, GO, wait_to_see};
use tests::proc::{Hold, Seen};
use tests::{App, Live, Ran, run};

/// Sends numbered messages on two topics, as fast as it may, to one that upgrades again and again.
const FLOOD: &str = r#"
return function()
  local events = process.events()
  local all = {}
  for i = 1, 3 do
    all[i] = assert(process.spawn_monitored("app:sink", "app:processes", { next = 1, upgrades = 0 }))
  end
  local done = channel.new(3)
  for i = 1, 3 do
    coroutine.spawn(function()
      for n = 1, 6000 do
        local topic = if n % 3 == 0 then "a" else "b"
        local sent, err = process.send(all[i], topic, n, string.rep("x", n % 200))
        while not sent do
          assert(err:kind() == "RateLimited", tostring(err))
          time.sleep("1ms")
          sent, err = process.send(all[i], topic, n, string.rep("x", n % 200))
        end
        if n % 50 == 0 then coroutine.yield() end
      end
      done:send(true)
    end)
  end
  for _ = 1, 3 do done:receive() end
  local upgrades = 0
  for _ = 1, 3 do
    local event = events:receive()
    assert(event.error == nil, tostring(event.error))
    assert(event.result.next == 6001)
    upgrades += event.result.upgrades
  end
  print("upgrades", upgrades)
end"#;

/// Takes some messages in their order, leaves the rest to the next, which is the same.
const SINK: &str = r#"
return function(state)
  local inbox = process.inbox()
  for _ = 1, 200 + state.upgrades do
    local message = inbox:receive()
    local n = message.payload[1]
    assert(n == state.next, "got " .. n .. " in place of " .. state.next)
    assert(message.topic == (if n % 3 == 0 then "a" else "b") and #message.payload[2] == n % 200)
    state.next += 1
    if n == 6000 then return state end
  end
  state.upgrades += 1
  process.upgrade(nil, state)
end"#;

#[test]
fn nothing_is_lost_doubled_or_reordered_while_a_process_upgrades_under_a_flood() {
    let app = App::of("{mailbox: 256KiB, message: 32KiB}", &[("main", FLOOD), ("sink", SINK)]);
    // It is much work for one test.
    let ran = run(&mut app.command("app:main"), 5 * DEADLINE);
    assert!(ran.code == Some(0) && !ran.late && !ran.leaked, "{ran:#?}");
    let upgrades = ran.stdout.trim().strip_prefix("upgrades\t").and_then(|n| n.parse().ok());
    assert!(upgrades.is_some_and(|n: u32| n >= 3 * 15), "{}", ran.stdout);
}

/// Watches one that upgrades when it is told to, into a worker that the test has stopped, and says how
/// it ended.
const WATCHER: &str = r#"
return function(ending)
  local events = process.events()
  local named = process.with_context({}):with_name("victim")
  local victim = assert(named:spawn_monitored("app:victim", "app:processes"))
  -- Both now: the next worker is for the victim.
  local go = assert(process.spawn_monitored("app:go", "app:processes"))
  local again = assert(process.spawn_monitored("app:go", "app:processes"))
  print("ready")
  assert(events:receive().from == go)
  for i = 1, 100 do assert(process.send(victim, "up", string.rep("x", i))) end
  print("told")
  local event
  if ending == "terminate" then
    assert(events:receive().from == again)
    assert(process.terminate(victim))
  end
  event = events:receive()
  assert(event.from == victim)
  print("ended", event.error, event.exit.kind, event.exit.signal)
  local _, err = process.send(victim, "up")
  assert(err:kind() == errors.NOT_FOUND and not process.registry.lookup("victim"))
  local last = assert(process.spawn_monitored("app:short", "app:processes"))
  assert(events:receive().from == last, "told twice")
  print("done")
end"#;

const VICTIM: &str = r#"
return function()
  process.listen("up"):receive()
  process.upgrade()
end"#;
const SHORT: &str = "return function() end";

/// An upgrade that has come to where the new worker is to load: it is stopped.
fn stuck(ending: &str) -> (Live, Hold) {
    let apps = [("main", WATCHER), ("victim", VICTIM), ("go", GO), ("short", SHORT)];
    let mut live = Live::start(App::of("{warm: 1}", &apps), &[ending]);
    live.stdout_after("ready");
    let heir = next_worker(&live);
    heir.signal(Signal::STOP);
    live.go();
    live.stdout_after("told");
    assert_eq!(live.os_pids("app:victim", 2)[1], heir.os_pid, "it goes on in the warm one");
    (live, heir)
}

/// The warm worker, held.
fn next_worker(live: &Live) -> Hold {
    let is_next = |child: &Seen| child.is_warm() && child.state == 'S';
    wait_to_see(
        || live.children().into_iter().find(is_next).and_then(|warm| Hold::on(warm.os_pid)),
        || format!("no warm worker: {:?}", live.children()),
    )
}

#[test]
fn kill_9_of_the_new_worker_in_the_middle_is_one_end() {
    let (mut live, heir) = stuck("wait");
    heir.signal(Signal::KILL);
    assert_eq!(live.stdout_after("ended"), "\tkilled by signal 9 (SIGKILL)\tsignal\tSIGKILL");
    live.stdout_after("done");
    live.ends_well();
}

#[test]
fn a_new_worker_that_is_stopped_can_be_terminated() {
    let (mut live, heir) = stuck("terminate");
    live.go();
    assert_eq!(live.stdout_after("ended"), "\tterminated\tterminated\tSIGKILL");
    live.stdout_after("done");
    assert!(heir.ends_before(Instant::now() + DEADLINE), "it is gone");
    live.ends_well();
}

#[test]
fn one_that_never_gets_on_ends_when_its_time_to_load_is_over() {
    let (mut live, _heir) = stuck("wait");
    let told = live.stdout_after("ended");
    assert!(told.ends_with("\twatchdog\tSIGKILL"), "{told}");
    live.stdout_after("done");
    live.ends_well();
}

/// Uses some of its CPU time, and begins anew.
const BURNS: &str = r#"
return function()
  local from = os.clock()
  while os.clock() - from < 0.4 do end
  process.upgrade(nil)
end"#;

const SEES_ITS_END: &str = r#"
return function()
  assert(process.spawn_monitored("app:burns", "app:processes"))
  local event = process.events():receive()
  print(event.exit.kind, event.error)
end"#;

#[test]
fn cpu_time_is_over_also_for_one_that_begins_anew_again_and_again() {
    let app = App::of("{cpu: 1s}", &[("main", SEES_ITS_END), ("burns", BURNS)]);
    let ran = run(&mut app.command("app:main"), DEADLINE);
    assert!(ran.code == Some(0) && !ran.late && !ran.leaked, "{ran:#?}");
    assert!(ran.stdout.starts_with("cpu\t"), "{}", ran.stdout);
}

/// The same in pieces that the kernel counts as nothing.
const BURNS_LITTLE: &str = r#"
return function(lives)
  local from = os.clock()
  while os.clock() - from < 0.008 do end
  process.upgrade(nil, lives + 1)
end"#;

const WATCHES: &str = r#"
return function(entry, patience)
  local pid = assert(process.spawn_monitored(entry, "app:processes", 0))
  local patience = time.after(patience or "1m")
  local selected = channel.select({ patience:case_receive(), process.events():case_receive() })
  local event = selected.value
  if selected.channel == patience then
    process.terminate(pid)
    event = process.events():receive()
  end
  print(event.exit.kind, event.error or event.result)
end"#;

fn end_of(host: &str, script: &str, patience: &str) -> Ran {
    let app = App::of(host, &[("main", WATCHES), ("other", script)]);
    let ran = run(app.command("app:main").args(["app:other", patience]), DEADLINE);
    assert!(ran.code == Some(0) && !ran.late && !ran.leaked, "{ran:#?}");
    ran
}

#[test]
fn cpu_time_is_over_also_where_each_life_is_short() {
    let ran = end_of("{cpu: 1s}", BURNS_LITTLE, "1m");
    assert!(ran.stdout.starts_with("cpu\t"), "{}", ran.stdout);
}

/// Prints as much at once as ten seconds allow, twice.
const PRINTS: &str = r#"
return function(lives)
  if lives == 2 then return lives end
  print(string.rep("x\n", 100))
  process.upgrade(nil, lives + 1)
end"#;

#[test]
fn what_was_printed_is_paid_for_before_a_process_goes_on() {
    let ran = end_of("{log_rate: 10}", PRINTS, "2s");
    assert!(ran.stdout.contains("\nterminated\t"), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("] x\n").count(), 100, "{}", ran.stdout);
    let ran = end_of("{log_rate: 100}", PRINTS, "1m");
    assert!(ran.stdout.ends_with("\nnormal\t2\n"), "{}", ran.stdout);
}

/// Upgrades for longer than the watchdog waits, and thousands of times.
const RESTLESS: &str = r#"
return function(lives, from)
  from = from or os.time()
  if os.time() - from > 11 then return lives end
  time.sleep("1ms")
  process.upgrade(nil, lives + 1, from)
end"#;

#[test]
fn one_that_upgrades_all_the_time_is_not_taken_for_one_that_is_stuck() {
    let ran = end_of("{}", RESTLESS, "1m");
    let lives = ran.stdout.strip_prefix("normal\t").and_then(|lives| lives.trim().parse().ok());
    assert!(lives.is_some_and(|lives: u32| lives > 300), "{}", ran.stdout);
}
