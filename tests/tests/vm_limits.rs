//! What a script does to its own worker: memory, turns, values that cannot be shown. Each is a real
//! process, and each ends with a reason that says what it was, whatever the script tries.

use serde_json::Value;
use std::process::Command;
use tests::live::DEADLINE;
use tests::{App, Ran, bin, run};

const SMALL: &str = "{memory: 16MiB, turn: 200ms}";

fn ran(app: &App) -> Ran {
    let mut command = Command::new(bin("wabe"));
    command.args(["run", "--json"]).arg(app.path()).arg("app:main");
    run(&mut command, DEADLINE)
}

/// Runs a script with those limits. Returns what it printed, and how it ended.
fn ended(host: &str, script: &str) -> (String, Value) {
    let ran = ran(&App::of(host, &[("main", script)]));
    let (printed, line) = match ran.stdout.trim_end().rsplit_once('\n') {
        Some((printed, line)) => (printed.to_owned(), line),
        None => (String::new(), ran.stdout.trim_end()),
    };
    let end = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {ran:#?}"));
    (printed, end)
}

/// The script is ended for one of its limits, and gets no further.
fn assert_over(kind: &str, limit: (u64, &str), script: &str) {
    let (printed, end) = ended(SMALL, script);
    let error = end["error"].as_str().unwrap_or_default();
    let said = format!("{kind} limit of {} exceeded (used ", limit.1);
    assert!(error.starts_with(&said), "{script}\n{end:#}\n{printed}");
    assert!(error.contains("main.lua:"), "no place: {script}\n{end:#}");
    assert_eq!(end["exit"]["kind"], kind, "{script}");
    assert_eq!(end["exit"]["limit"]["limit"], limit.0, "{script}");
    assert!(end["exit"]["limit"]["used"].as_u64() >= Some(limit.0), "{script}\n{end:#}");
    assert!(!printed.contains("alive"), "{script}\n{printed}");
}

fn assert_over_memory(script: &str) {
    assert_over("memory", (16 << 20, "16 MiB"), script);
}

fn assert_over_turn(script: &str) {
    assert_over("turn", (200_000_000, "200 ms"), script);
}

#[test]
fn memory_ends_a_process_and_nothing_swallows_it() {
    const GROW: &str =
        "local t = {} local function grow() while true do t[#t + 1] = {#t} end end\n";
    for body in [
        "grow()",
        "while true do pcall(grow) end",
        "xpcall(grow, function() while true do pcall(grow) end end)",
        "while true do coroutine.resume(coroutine.create(grow)) end",
        "pcall(coroutine.wrap(grow))",
        "coroutine.spawn(grow) coroutine.yield()",
        "setmetatable(t, { __tostring = grow }) pcall(tostring, t)",
        "setmetatable(t, { __tostring = grow }) error(t)",
    ] {
        assert_over_memory(&format!("{GROW}return function() {body} print('alive') end"));
    }
}

#[test]
fn bombs_are_defused() {
    for bomb in [
        "string.rep('x', 1000000000)",
        "table.create(60000000, 1)",
        "buffer.create(1000000000)",
        "('x'):rep(9000000):upper():lower()",
        "table.concat(table.create(100000, string.rep('x', 1000)))",
        "string.gsub(string.rep('x', 100000), 'x', string.rep('y', 1000))",
        "string.format('%*%*', string.rep('x', 7000000), string.rep('y', 7000000))",
        "string.pack('z', string.rep('x', 9000000)) .. 'y'",
    ] {
        assert_over_memory(&format!(
            "return function() local ok, x = pcall(function() return {bomb} end) print('alive') end"
        ));
    }
}

/// The last of the memory is asked for while a frame is being written: nothing more can be said.
#[test]
fn a_worker_that_cannot_say_why_it_ends_is_understood() {
    let (_, end) = ended(
        SMALL,
        r#"return function()
  local live, message = string.rep("x", 8000000), string.rep("y", 3500000)
  process.send(process.pid(), "x", message)
end"#,
    );
    assert_eq!(end["exit"]["code"], ipc::frame::EXIT_MEMORY, "{end:#}");
    assert_eq!(end["exit"]["kind"], "memory", "{end:#}");
    let error = end["error"].as_str().unwrap_or_default();
    assert!(error.starts_with("memory limit of 16 MiB exceeded"), "{end:#}");
}

#[test]
fn garbage_is_no_use_of_memory() {
    let (printed, end) = ended(
        "{memory: 16MiB}",
        r#"return function()
  local live = {}
  for i = 1, 9 do live[i] = string.rep("x", 1048500) .. i end
  for i = 1, 300 do local garbage = string.rep("y", 2000000) .. i end
  for i = 1, 500 do
    for j = 1, 1000 do local garbage = { i, { j } } end
    coroutine.yield()
  end
  print("alive")
end"#,
    );
    assert_eq!((printed.as_str(), &end["error"]), ("alive", &Value::Null));
}

#[test]
fn a_turn_ends_a_process_and_nothing_swallows_it() {
    const SPIN: &str = "local function spin() while true do end end\n";
    for body in [
        "spin()",
        "while true do pcall(spin) end",
        "xpcall(spin, spin)",
        "xpcall(error, spin)",
        "pcall(coroutine.wrap(spin))",
        "while true do coroutine.resume(coroutine.create(spin)) end",
        "local function f() return pcall(f) end while true do f() end",
        "for _ in function() return 1 end do end",
        "pcall(table.sort, {3, 2, 1}, spin)",
        "pcall(string.gsub, 'x', 'x', spin)",
        "pcall(string.find, string.rep('a', 3000), '.-.-.-.-.-b')",
        "pcall(tostring, setmetatable({}, { __tostring = spin }))",
        "error(setmetatable({}, { __tostring = spin }))",
        "pcall(function() return ({} :: any) .. setmetatable({}, { __concat = spin }) end)",
    ] {
        assert_over_turn(&format!("{SPIN}return function() {body} print('alive') end"));
    }
}

#[test]
fn waiting_is_no_part_of_a_turn() {
    let (printed, end) = ended(
        SMALL,
        r#"return function()
  local function work()
    local start = os.clock()
    while os.clock() - start < 0.1 do end
  end
  for _ = 1, 5 do work() time.sleep("1ms") end
  for _ = 1, 5 do work() coroutine.yield() end
  time.sleep("500ms")
  print("alive")
end"#,
    );
    assert_eq!((printed.as_str(), &end["error"]), ("alive", &Value::Null));
}

#[test]
fn a_script_that_is_over_a_limit_while_it_loads_does_not_start() {
    for (script, said) in [
        ("local t = {} while true do t[#t + 1] = {#t} end", "memory limit of 16 MiB exceeded"),
        (
            "while true do pcall(function() while true do end end) end",
            "turn limit of 200 ms exceeded",
        ),
    ] {
        let ran = ran(&App::of(SMALL, &[("main", script)]));
        assert_eq!(ran.code, Some(2), "{ran:#?}");
        assert!(ran.stderr.contains(said) && ran.stderr.contains("main.lua:1"), "{ran:#?}");
    }
}

#[test]
fn no_source_is_too_much_for_the_compiler() {
    let nested = |open: &str, inner: &str, close: &str| {
        format!("return {}{inner}{}", open.repeat(300_000), close.repeat(300_000))
    };
    for script in [
        nested("(", "1", ")"),
        nested("{", "1", "}"),
        nested("not ", "1", ""),
        nested("- ", "1", ""),
        nested("function() return ", "1", " end"),
    ] {
        let ran = ran(&App::of("{}", &[("main", &script)]));
        let said = ran.stderr.lines().next().unwrap_or_default();
        assert!(ran.code == Some(2) && said.contains("recursion depth"), "{said}");
    }
}

#[test]
fn no_end_is_too_strange() {
    const BAD: &str = "local function bad(f) return setmetatable({}, { __tostring = f }) end\n";
    for (body, text) in [
        ("error(bad(function() error('evil') end))", "(error object is a table value)"),
        ("error(bad(function() return {} end))", "(error object is a table value)"),
        ("error(bad(function() coroutine.yield() end))", "(error object is a table value)"),
        ("local b b = bad(function() return tostring(b) end) error(b)", "(error object is a table"),
        ("error({})", "(error object is a table value)"),
        ("error(nil)", "nil"),
        ("print(bad(function() error('evil') end))", "main.lua:2: evil"),
        ("local function f(n) return 1 + f(n) end f(1)", "main.lua:2: stack overflow"),
        ("error(string.rep('x', 100000))", "main.lua:2: xxxx"),
        ("return nil, string.rep('x', 100000)", "xxxx"),
        ("coroutine.wrap(function() error(bad(error)) end)()", "(error object is a table value)"),
    ] {
        let (_, end) = ended("{}", &format!("{BAD}return function() {body} end"));
        let error = end["error"].as_str().unwrap_or_default();
        assert!(error.starts_with(text), "{body}\n{end:#}");
        assert_eq!(end["exit"]["kind"], "error", "{body}");
    }
}

/// Some 350 KiB on the wire, 32 MiB in memory.
const BOMB: &str = r#"
local bomb = table.create(360000, 1)
for i = 1, #bomb do bomb[i] = {} end
"#;

const RECEIVER: &str = r#"
return function(sender)
  local inbox = process.inbox()
  for _ = 1, 3 do
    print(inbox:receive())
  end
  process.send(sender, "done")
end"#;

#[test]
fn a_message_that_is_too_heavy_is_dropped_and_its_room_given_back() {
    let main = format!(
        r#"
return function()
  {BOMB}
  local child = assert(process.spawn_monitored("app:receiver", "app:small", process.pid()))
  for i = 1, 3 do
    for _ = 1, 20 do
      local sent, err = process.send(child, "bomb", bomb)
      while not sent do
        assert(err:kind() == errors.RATE_LIMITED, tostring(err))
        time.sleep("10ms")
        sent, err = process.send(child, "bomb", bomb)
      end
    end
    assert(process.send(child, "after", i))
  end
  print(process.listen("done"):receive())
  print(process.events():receive().exit.kind)
end"#
    );
    let app = App::of("{memory: 256MiB}", &[("main", &main), ("receiver", RECEIVER)]).file(
        "small/_index.yaml",
        "namespace: app\nentries:\n  - {name: small, kind: process.host, \
         host: {memory: 16MiB, mailbox: 2MiB, message: 512KiB}}\n",
    );
    let ran = ran(&app);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let dropped = ran.stdout.lines().filter(|line| {
        line.contains("dropped a message of 35")
            && line.contains("on topic 'bomb': its values need")
    });
    assert_eq!(dropped.count(), 60, "{ran:#?}");
    for after in 1..=3 {
        assert!(ran.stdout.contains(&format!("message(after): {after}")), "{ran:#?}");
    }
    assert!(ran.stdout.contains("\nnormal\n"), "{ran:#?}");
}

#[test]
fn what_others_end_with_or_begin_with_can_be_too_heavy_too() {
    let main = format!(
        r#"
return function()
  local child = assert(process.spawn_monitored("app:child", "app:processes"))
  local event = process.events():receive()
  print(event.kind, event.result, event.error, event.exit.kind)
  print("exec", process.exec("app:child", "app:processes"))
  {BOMB}
  print(process.spawn("app:child", "app:processes", bomb))
end"#
    );
    let child = format!("return function() {BOMB} return bomb end");
    let app = App::of("{memory: 56MiB}", &[("main", &main), ("child", &child)]);
    let ran = ran(&app);
    assert!(ran.stdout.contains("dropped the result of {app:processes|"), "{ran:#?}");
    assert!(ran.stdout.contains("EXIT\tnil\tnil\tnormal"), "{ran:#?}");
    let refused = "exec\tnil\tthe result is more than there is room for here\n";
    assert!(ran.stdout.contains(refused), "{ran:#?}");
    assert!(ran.stdout.contains("nil\tthe arguments are too many: their values need"), "{ran:#?}");
    assert_eq!(ran.code, Some(0), "{ran:#?}");
}

#[test]
fn mail_that_waits_is_no_use_of_memory() {
    let (printed, end) = ended(
        "{memory: 16MiB, mailbox: 16MiB, message: 1MiB}",
        r#"return function()
  local me, inbox = process.pid(), process.inbox()
  for _ = 1, 12 do assert(process.send(me, "x", string.rep("x", 1000000))) end
  time.sleep("100ms")
  local live = {}
  for i = 1, 8 do live[i] = string.rep("y", 1000000) .. i end
  for _ = 1, 12 do assert(#inbox:receive().payload == 1000000) end
  print("alive")
end"#,
    );
    assert_eq!((printed.as_str(), &end["error"]), ("alive", &Value::Null), "{end:#}");
}

const TWIN: &str = r#"
return function()
  print("twin", math.random(1000000000), print, {}, `{error}`, string.format("%*", table.insert))
end"#;

const TWINS: &str = r#"
return function()
  for _ = 1, 16 do
    assert(process.spawn_monitored("app:twin", "app:processes"))
    process.events():receive()
  end
end"#;

/// Copies of one zygote have their heap at the same addresses, and one seed.
#[test]
fn twins_have_neither_addresses_nor_random_numbers_in_common() {
    let ran = ran(&App::of("{}", &[("main", TWINS), ("twin", TWIN)]));
    let twins = ran.stdout.lines().filter_map(|line| line.split_once("twin\t"));
    let shown: Vec<Vec<_>> = twins.map(|(_, rest)| rest.split('\t').collect()).collect();
    assert_eq!(shown.len(), 16, "{ran:#?}");
    for place in 0..5 {
        let mut texts: Vec<_> = shown.iter().map(|twin| twin[place]).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), 16, "{ran:#?}");
    }
}

#[test]
fn a_text_tells_two_tables_apart() {
    let (printed, _) = ended(
        "{}",
        r#"return function()
  local a, b = {}, {}
  print(tostring(a) == tostring(a), tostring(a) == tostring(b), tostring(a) == `{a}`)
  print((string.gsub(tostring(a), "%x", "")))
end"#,
    );
    assert_eq!(printed, "true\tfalse\ttrue\ntl: x");
}

#[test]
fn clocks_are_coarse() {
    let (printed, _) = ended(
        "{}",
        r#"return function()
  for _ = 1, 1000 do
    local clock = os.clock() * 1e4
    assert(math.abs(clock - math.round(clock)) < 1e-3, tostring(clock))
    -- A microsecond in 2026 is no whole number of doubles, but nearly one.
    local us = time.now():unix_nano() / 1000
    assert(math.abs(us - math.round(us)) <= 0.25, tostring(us))
  end
  print("alive")
end"#,
    );
    assert_eq!(printed, "alive");
}
