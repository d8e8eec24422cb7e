//! Entries that are named by a text that can be seen, in every form.

use super::errors;

/// The errors are that no such entry is there, each underlined where its text stands.
fn unknown(count: usize, text: &str) {
    let expected = "unknown-entry: \"app:wroker\": entry 'app:wroker' does not exist";
    assert_eq!(errors(text), vec![expected; count], "{text}");
}

#[test]
fn by_any_way_to_the_function() {
    for call in [
        "process.spawn(NAME, 'app:processes')",
        "process['spawn'](NAME, 'app:processes')",
        "(process.spawn)(NAME, 'app:processes')",
        "require('process').spawn(NAME, 'app:processes')",
        "pcall(process.spawn, NAME, 'app:processes')",
        "xpcall(process.spawn, print, NAME, 'app:processes')",
        "pcall(process['exec'], NAME, 'app:processes')",
        "process.upgrade(NAME)",
        "funcs.call(NAME, 1)",
        "funcs.async(NAME, 1)",
        "process.with_context({}):spawn(NAME, 'app:processes')",
        "process.with_context({}):with_name('x'):exec(NAME, 'app:processes')",
    ] {
        let right = call.replace("NAME", "'app:worker'");
        assert_eq!(errors(&right), Vec::<String>::new(), "{right}");
        unknown(1, &call.replace("NAME", "\"app:wroker\""));
    }
}

#[test]
fn by_locals_that_are_assigned_once() {
    for (locals, call) in [
        ("local spawn = process.spawn", "spawn(\"app:wroker\", \"app:processes\")"),
        ("local spawn = require(\"process\").spawn_linked", "pcall(spawn, \"app:wroker\", HOST)"),
        ("local p = process local exec = p.exec", "exec(\"app:wroker\", HOST)"),
        ("local W = \"app:wroker\"", "process.spawn(W, HOST)"),
        ("local W, call = \"app:wroker\", funcs.call", "call(W)"),
        ("local W = \"app:wroker\"", "local function f() process.upgrade(W) end f()"),
        ("local name, W = \"spawn\", \"app:wroker\"", "process[name](W, HOST)"),
        ("local b = process.with_context({})", "b.spawn(b, \"app:wroker\", HOST)"),
        ("local b = process.with_context({}) local s = b.exec", "s(b, \"app:wroker\", HOST)"),
    ] {
        unknown(1, &format!("local HOST = \"app:processes\" print(HOST) {locals}\n{call}"));
    }
    // Where it stands is underlined, once.
    let twice = "local W = \"app:wroker\"\nprocess.spawn(W, \"app:processes\") funcs.call(W)";
    unknown(1, twice);
}

#[test]
fn what_may_be_another_is_not_looked_at() {
    for text in [
        "local w = \"app:wroker\" w = \"app:worker\" process.spawn(w, \"app:processes\")",
        "local s = process.spawn s = print s(\"app:wroker\", \"app:processes\")",
        "local w = \"app:\" w ..= \"worker\" process.spawn(w, \"app:processes\")",
        "local b = process.with_context({}) b.spawn(b, \"app:worker\", \"app:processes\")",
        "local b = process.with_context({}) pcall(b.spawn, b, \"app:worker\", \"app:processes\")",
    ] {
        assert_eq!(errors(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn hosts_and_kinds_and_fields_are_looked_at_too() {
    let host = "local H = \"app:pool\" local s = process.spawn s(\"app:worker\", H)";
    assert_eq!(errors(host), ["unknown-host: \"app:pool\": host 'app:pool' does not exist"]);
    let kind = "pcall(process.exec, \"app:sum\", \"app:processes\")";
    let expected = "wrong-kind: \"app:sum\": entry 'app:sum' is a function.lua, not a process.lua";
    assert_eq!(errors(kind), [expected]);
    let field = "process[\"spwan\"](\"app:worker\", \"app:processes\")";
    assert_eq!(errors(field)[0], "unknown-name: \"spwan\": 'process' has no 'spwan'");
}
