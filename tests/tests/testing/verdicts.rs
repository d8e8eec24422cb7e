//! What passes, what fails, who was leaked, and whose time was over.

use super::{App, app, fails, lines, passes, test, told};
use serde_json::{Value, json};
use tests::proc::look;

#[test]
fn a_test_passes_whatever_it_returns_but_false_and_errors() {
    for body in ["", "return", "return true", "return 5", "return nil", "return {false}, 7"] {
        passes(&format!("return function() {body} end"));
    }
    passes("return {main = function() assert(process.id() == 'app:only') end}");
}

#[test]
fn a_test_fails_where_it_raises_with_the_place_and_the_way_there() {
    let script = "local function check(a, b)\n  if a ~= b then error(`expected {b}, got {a}`) end\n\
        end\nreturn function()\n  print('before')\n  check(1, 2)\nend";
    let line = told(script, &[]);
    assert_eq!(line["error"], "only.lua:2: expected 2, got 1");
    assert_eq!(line["trace"], json!(["only.lua:2 function check", "only.lua:6"]));
    assert_eq!((&line["output"], &line["exit"]["kind"]), (&json!("before\n"), &json!("error")));
}

#[test]
fn a_test_fails_where_it_returns_false_or_an_error() {
    assert_eq!(fails("return function() return false end"), "returned false");
    assert_eq!(fails("return function() return false, 5 end"), "returned false");
    assert_eq!(fails("return function() return true, 'nope' end"), "nope");
    assert_eq!(fails("return function() return nil, errors.new('nope') end"), "nope");
}

#[test]
fn a_test_fails_where_anything_else_ends_it() {
    let blocked = fails("return function() channel.new():receive() end");
    assert!(blocked.contains("all coroutines are blocked for ever"), "{blocked}");
    let task = fails("return function() coroutine.spawn(error, 'in a task') time.sleep('1h') end");
    assert!(task.contains("in a task"), "{task}");
    let linked = "return function()
        local pid = assert(process.spawn_linked('app:sleeper', 'app:processes'))
        assert(chaos.kill(pid, 'SIGABRT'))
        time.sleep('1h')
    end";
    let text = "linked process failed: killed by signal 6 (SIGABRT)";
    assert_eq!(fails(linked), text);
    assert_eq!(
        fails(
            "return function() assert(chaos.kill(process.pid(), 'SIGKILL')) time.sleep('1h') end"
        ),
        "killed by signal 9 (SIGKILL)"
    );
}

#[test]
fn a_test_that_does_not_compile_fails_with_the_line_underlined() {
    let error = fails("return function()\n  local = 5\nend");
    assert!(error.contains("cannot start app:only: "), "{error}");
    assert!(error.contains("only.lua:2:") && error.contains("  local = 5\n"), "{error}");
    let error = fails("error('at the top')");
    assert!(error.contains("at the top"), "{error}");
}

#[test]
fn who_lives_on_is_named_and_ended() {
    let script = "return function()
        for _ = 1, 2 do assert(process.spawn('app:sleeper', 'app:processes')) end
        print(assert(process.spawn('app:sleeper', 'app:processes')))
    end";
    let line = told(script, &[]);
    assert_eq!(line["verdict"], "leaked", "{line:#}");
    assert_eq!(line["error"], "leaked: 3 processes lived on when the test had ended");
    let leaked = line["leaked"].as_array().expect("a list");
    let last = line["output"].as_str().unwrap_or_default().trim_end();
    assert_eq!(leaked[2]["pid"], last);
    for left in leaked {
        assert_eq!(left["entry"], "app:sleeper");
        assert_gone(&left["os_pid"]);
    }
}

/// Nobody has that number: the trial has waited for whoever had it.
fn assert_gone(os_pid: &Value) {
    let os_pid = os_pid.as_u64().and_then(|os_pid| u32::try_from(os_pid).ok());
    let os_pid = os_pid.filter(|os_pid| *os_pid > 0).expect("it had a worker");
    assert_eq!(look(os_pid), None);
}

#[test]
fn who_is_about_to_end_is_not_leaked() {
    passes(
        "return function()
        local one = assert(process.spawn('app:sleeper', 'app:processes'))
        local two = assert(process.spawn('app:sleeper', 'app:processes'))
        assert(chaos.stop(two))
        assert(process.terminate(one))
        assert(process.terminate(two))
    end",
    );
    let app = app(&[(
        "only",
        "",
        "return function()
        local pid = assert(process.spawn('app:soon', 'app:processes', process.pid()))
        assert(process.listen('answer'):receive() == 7)
    end",
    )]);
    let soon = "namespace: app\nentries:\n  - {name: soon, kind: process.lua, source: 'file://soon.lua'}\n";
    // It goes on for a while after its answer.
    let script = "return function(to) process.send(to, 'answer', 7) time.sleep('20ms') end";
    let app = app.file("soon.yaml", soon).file("soon.lua", script);
    assert_eq!(test(&app, &[]).code, Some(0));
}

#[test]
fn who_was_left_by_a_test_that_failed_is_named_too() {
    let script = "return function()
        assert(process.spawn('app:sleeper', 'app:processes'))
        error('no')
    end";
    let line = told(script, &[]);
    assert_eq!(
        (&line["verdict"], &line["leaked"][0]["entry"]),
        (&json!("failed"), &json!("app:sleeper"))
    );
}

/// One that computes, one that waits, and one that waits for a child that was stopped and another
/// that computes.
#[test]
fn a_test_has_its_time_and_no_more() {
    let stopped = "return function()
        assert(process.spawn('app:spinner', 'app:processes'))
        local pid = assert(process.spawn_monitored('app:sleeper', 'app:processes'))
        assert(chaos.stop(pid))
        process.events():receive()
    end";
    let app = app(&[
        ("spins", "order: 1", "return function() while true do end end"),
        ("stops", "order: 2", stopped),
        ("waits", "order: 3", "return function() process.inbox():receive() end"),
    ]);
    let spinner = "namespace: app\nentries:\n  - {name: spinner, kind: process.lua, source: 'file://spinner.lua'}\n";
    let app = app
        .file("spinner.yaml", spinner)
        .file("spinner.lua", "return function() while true do end end");
    // Long enough for all of them to come where they stay, however slow the machine: they do not end.
    let ran = test(&app, &["--json", "--timeout", "5s", "-j", "3"]);
    assert_eq!(ran.code, Some(1));
    let (tests, summary) = lines(&ran);
    for line in &tests {
        assert_eq!(line["verdict"], "timed_out", "{line:#}");
        assert_eq!(line["error"], "timed out: it had not ended after 5s");
        assert_gone(&line["exit"]["os_pid"]);
    }
    let left = tests[1]["leaked"].as_array().expect("a list");
    assert_eq!(left.len(), 2, "{:#}", tests[1]);
    left.iter().for_each(|left| assert_gone(&left["os_pid"]));
    assert_eq!((&summary["timed_out"], &summary["failed"]), (&json!(3), &json!(3)));
}

#[test]
fn services_are_not_started_and_the_test_runs_where_it_says() {
    let services = "namespace: app\nentries:
  - {name: other, kind: process.host, host: {}}
  - {name: noisy, kind: process.lua, source: 'file://noisy.lua'}
  - {name: service, kind: process.service, process: 'app:noisy', host: 'app:other', lifecycle: {auto_start: true}}
  - {name: placed, kind: process.lua, source: 'file://placed.lua', meta: {type: test, default_host: 'app:other'}}
";
    let app: App = app(&[])
        .file("services.yaml", services)
        .file(
            "noisy.lua",
            "return function() process.registry.register('noisy') print('noise') end",
        )
        .file(
            "placed.lua",
            "return function() print(process.pid()) print(process.registry.lookup('noisy')) end",
        );
    let (tests, _) = lines(&test(&app, &["--json"]));
    let output = tests[0]["output"].as_str().unwrap_or_default();
    assert!(output.starts_with("{app:other|") && !output.contains("noise"), "{output}");
    assert!(output.contains("name 'noisy' is not registered"), "{output}");
}
