//! What the permissions of a host allow its processes, and what they are told of the rest.

use serde_json::{Value, json};
use tests::live::DEADLINE;
use tests::watched::{Seen, app, end_of, watch};
use tests::{App, run};

const IDLE: (&str, &str) = ("idle", "return function() process.inbox():receive() end");

/// Calls, each of which is to be refused: what they said.
fn refusals(cell: &str, calls: &[&str]) -> Seen {
    let calls = calls.join(",\n  ");
    let script = format!(
        "return function(main)
  local function refused(done, err)
    assert(not done, 'it was allowed')
    return {{ err:kind(), tostring(err) }}
  end
  local function calls(...) return ... end
  local all = {{}}
  for i, call in {{
  {calls}
  }} do all[i] = refused(call()) end
  return all
end"
    );
    watch(&app(cell, &[("hostile", &script), IDLE]), "app:hostile")
}

/// A text with the tags of PIDs left out.
fn tagless(text: &str) -> String {
    let mut parts = text.split("-");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let tag = part.get(..17).filter(|tag| tag.ends_with('}'));
        let hex = tag.is_some_and(|tag| tag[..16].bytes().all(|byte| byte.is_ascii_hexdigit()));
        all.push('-');
        all.push_str(if hex { "TAG" } else { &part[..part.len().min(16)] });
        all.push_str(part.get(16..).unwrap_or_default());
    }
    all
}

const UNTRUSTED: &str = "{trust: untrusted}";

#[test]
fn an_untrusted_process_may_do_nothing_to_others_and_is_told_what_would_allow_it() {
    let (name, control) =
        ("add it to permissions.names", "set permissions.control of host app:cell to any");
    let main = "{app:processes|0x00001-TAG}";
    let cases = [
        (
            "process.spawn('app:idle', 'app:cell')",
            "process.spawn app:idle",
            "add it to permissions.spawn",
        ),
        ("process.registry.register('n')", "process.registry.register n", name),
        ("process.registry.lookup('n')", "process.registry.lookup n", name),
        ("process.send('n', 'topic')", "process.send n", name),
        ("process.monitor('n')", "process.monitor n", name),
        ("process.monitor(main)", &format!("process.monitor {main}"), control),
        ("process.link(main)", &format!("process.link {main}"), control),
        ("process.cancel(main)", &format!("process.cancel {main}"), control),
        ("process.terminate(main)", &format!("process.terminate {main}"), control),
    ];
    let calls: Vec<_> =
        cases.iter().map(|(call, ..)| format!("function() return {call} end")).collect();
    let calls: Vec<_> = calls.iter().map(String::as_str).collect();
    let seen = refusals(UNTRUSTED, &calls);
    for ((call, what, remedy), result) in
        cases.iter().zip(seen.event["result"].as_array().expect("results"))
    {
        let host = if remedy.starts_with("add") { " of host app:cell" } else { "" };
        let text = format!(
            "denied: {{app:cell|0x00002-TAG}} (app:hostile) {what}, to allow {remedy}{host}"
        );
        let told = tagless(result[1].as_str().unwrap_or_default());
        assert_eq!((&result[0], &*told), (&json!("PermissionDenied"), &*text), "{call}");
        let line = format!("wabe: {text}");
        assert!(seen.stderr.lines().any(|other| tagless(other) == line), "{call} {seen:#?}");
    }
    assert_eq!(seen.stderr.lines().count(), cases.len(), "{seen:#?}");
    let of = |call: &str, object: &str, field: &str| json!({"host": "app:cell", "call": call, "object": object, "field": field, "count": 1});
    let expected = [
        of("process.cancel", "app:main", "control"),
        of("process.link", "app:main", "control"),
        of("process.monitor", "app:main", "control"),
        of("process.monitor", "n", "names"),
        of("process.registry.lookup", "n", "names"),
        of("process.registry.register", "n", "names"),
        of("process.send", "n", "names"),
        of("process.spawn", "app:idle", "spawn"),
        of("process.terminate", "app:main", "control"),
    ];
    assert_eq!(seen.denied, expected);
}

const LISTED: &str = "{trust: untrusted, permissions: \
    {spawn: ['app:i*'], hosts: [app:cell], names: ['cell.*', '*.public']}}";

#[test]
fn what_is_listed_is_allowed_and_nothing_else() {
    let script = r#"
return function(main)
  local function tell(done, err) return if done then "yes" else err:kind() end
  return {
    tell(process.spawn("app:idle", "app:cell")),
    tell(process.spawn("app:main", "app:cell")),
    tell(process.spawn("app:idle", "app:processes")),
    tell(process.spawn("app:i-do-not-exist", "app:cell")),
    tell(process.spawn("app:main", "app:nowhere")),
    tell(process.registry.register("cell.1")),
    tell(process.registry.register("my.public")),
    tell(process.registry.register("cells.1")),
    tell(process.registry.lookup("cell.1")),
    tell(process.registry.lookup("cell.2")),
    tell(process.registry.lookup("public")),
    tell(process.send("cell.1", "topic")),
    tell(process.send("cell.2", "topic")),
    tell(process.send(main, "topic")),
  }
end"#;
    let seen = watch(&app(LISTED, &[("hostile", script), IDLE]), "app:hostile");
    let no = "PermissionDenied";
    seen.assert_result(&json!([
        "yes", no, no, "NotFound", no, "yes", "yes", no, "yes", "NotFound", no, "yes", "NotFound",
        "yes"
    ]));
}

#[test]
fn a_trusted_host_is_held_to_the_lists_that_it_has() {
    let script = "return function(main)
  local done, err = process.spawn('app:idle', 'app:cell')
  local also = process.spawn('app:idle', 'app:processes')
  return { err:kind(), also ~= nil, (process.monitor(main)) }
end";
    let cell = "{permissions: {hosts: [app:processes]}}";
    watch(&app(cell, &[("hostile", script), IDLE]), "app:hostile").assert_result(&json!([
        "PermissionDenied",
        true,
        true
    ]));
}

#[test]
fn descendants_are_ones_own_affair() {
    let parent = "return function()
  process.send(assert(process.registry.lookup('cell.top')), 'child', assert(process.spawn('app:idle', 'app:cell')))
  process.inbox():receive()
end";
    let script = r#"
return function()
  assert(process.registry.register("cell.top"))
  local child = assert(process.spawn("app:iparent", "app:cell"))
  local grandchild = process.listen("child"):receive()
  local events = process.events()
  assert(process.monitor(child))
  assert(process.monitor(grandchild))
  assert(process.registry.register("cell.child", grandchild))
  assert(process.terminate("cell.child"))
  assert(events:receive().from == grandchild)
  assert(process.cancel(child, "10ms"))
  assert(events:receive().from == child)
  return "all"
end"#;
    let scripts = [("hostile", script), ("iparent", parent), IDLE];
    watch(&app(LISTED, &scripts), "app:hostile").assert_result(&json!("all"));
}

/// Texts of PIDs that differ from a right one in a single place.
const GUESSES: &str = r#"
return function(main)
  local guesses = {}
  local function guess(pattern, text)
    local other, count = string.gsub(main, pattern, text, 1)
    assert(count == 1 and other ~= main, pattern)
    table.insert(guesses, other)
  end
  local tag = string.match(main, "%-(%x+)}")
  for place = 1, #tag do
    local digit = string.sub(tag, place, place)
    local wrong = string.format("%x", (tonumber(digit, 16) + 1) % 16)
    guess("%-%x+}", "-" .. string.sub(tag, 1, place - 1) .. wrong .. string.sub(tag, place + 1) .. "}")
  end
  guess("%-%x+}", "-0000000000000000}")
  guess("%-%x+}", "-}")
  guess("%-%x+}", "-" .. tag .. "0}")
  guess("%-", "-0x")
  guess("app:processes", "app:cell")
  guess("app:processes", "app:nowhere")
  guess("0x00001", "0x00002")
  guess("0x00001", "0x000001")
  guess("0x00001", "0x1")
  guess("}$", "")
  guess("^{", "{{")
  guess("^{", "{node@")
  guess("}$", "} ")
  for _, dest in guesses do
    for _, call in { process.monitor, process.link, process.terminate, process.cancel } do
      local done, err = call(dest)
      assert(not done and err:kind() == errors.NOT_FOUND, dest .. ": " .. tostring(err))
    end
    local done, err = process.send(dest, "topic")
    assert(not done and err:kind() == errors.NOT_FOUND, dest .. ": " .. tostring(err))
  end
  return #guesses
end"#;

#[test]
fn a_pid_cannot_be_guessed_and_a_wrong_one_is_no_denial() {
    for cell in ["{}", UNTRUSTED] {
        let seen = end_of(cell, GUESSES);
        seen.assert_result(&json!(29));
        assert_eq!((seen.denied.len(), &*seen.stderr), (0, ""), "{seen:#?}");
    }
}

#[test]
fn what_a_script_says_does_no_harm_where_it_is_repeated() {
    let script = r#"
return function()
  process.registry.register("a\27[31mred\27[0m\nwabe: forged\r\0\u{9b}31m")
end"#;
    let seen = end_of(UNTRUSTED, script);
    let [line] = &seen.stderr.lines().collect::<Vec<_>>()[..] else {
        panic!("one line: {seen:#?}");
    };
    assert!(line.contains("process.registry.register a\\x1b[31mred"), "{line}");
    assert_eq!(line.chars().find(|c| c.is_control()), None, "{line}");
}

#[test]
fn what_is_denied_again_and_again_is_said_once_and_counted() {
    let script = "return function()
  for _ = 1, 500 do process.registry.lookup('n') end
  for n = 1, 1100 do process.registry.lookup(`n{n}`) end
end";
    let seen = end_of(UNTRUSTED, script);
    let said = seen.stderr.lines().filter(|line| line.contains("lookup n,")).count();
    assert_eq!(said, 1, "{}", seen.stderr);
    // A thousand kinds are told from each other, the others are one; few of them are said.
    let denials = seen.stderr.lines().filter(|line| line.starts_with("wabe: denied")).count();
    assert_eq!((denials, seen.denied.len()), (31, 1001));
    assert!(seen.stderr.contains("further denials are counted only"), "{}", seen.stderr);
    let count = |denial: &Value| denial["count"].as_u64().unwrap_or_default();
    assert_eq!(seen.denied.iter().map(count).sum::<u64>(), 1600);
}

#[test]
fn people_are_told_of_the_most_frequent_at_the_end() {
    let script = "return function()
  for _ = 1, 3 do process.registry.lookup('n') end
end";
    let app: App = app(UNTRUSTED, &[("hostile", script)]);
    let ran = run(app.command("app:main").arg("app:hostile"), DEADLINE);
    let last = ran.stderr.lines().last().unwrap_or_default();
    let text = "wabe: 3 calls were denied; all of them process.registry.lookup n by host app:cell \
                (--json lists every kind)";
    assert_eq!(last, text, "{ran:#?}");
}
