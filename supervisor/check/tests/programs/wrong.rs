//! What must be found, however lenient the rest is.

use super::errors;

/// There is one error at least, and this is one of them.
fn found(text: &str, expected: &str) {
    let errors = errors(text);
    assert!(errors.iter().any(|error| error.contains(expected)), "{text}: {errors:?}");
}

#[test]
fn a_method_that_an_error_does_not_have() {
    let pid = "local pid, err = process.spawn(\"app:worker\", \"app:processes\")";
    found(&format!("{pid} if not pid then print(err:knid()) end"), "knid");
    found(&format!("{pid} print(pid, err.kidn)"), "kidn");
    found("local event = process.events():receive() print(event.error:knid())", "knid");
}

#[test]
fn a_value_that_may_be_nil_where_nothing_is_tested() {
    let of_nil = "Expected this to be 'string', but got 'string?'";
    let spawn = "process.spawn(\"app:worker\", \"app:processes\")";
    found(&format!("process.send({spawn}, \"topic\")"), of_nil);
    found(&format!("local pid = {spawn} process.send(pid, \"topic\")"), of_nil);
    found(&format!("local pid, err = {spawn} print(err) process.send(pid, \"topic\")"), of_nil);
    // What is tested excuses what is beside it, and nothing else.
    let other = "local err = nil if err then return end";
    found(&format!("{other} local pid, _ = {spawn} process.send(pid, \"topic\")"), of_nil);
}

#[test]
fn values_that_do_not_fit() {
    found("process.send(1, \"topic\")", "Expected this to be 'string', but got 'number'");
    found("process.send(\"x\")", "Function expects at least 2 arguments");
    found("print(process.pid(1))", "Function expects 0 arguments, but 1 is specified");
    found("local x: number = tostring(1) print(x)", "Expected this to be 'number'");
    found("time.sleep({})", "");
    found("process.set_options({ trap_links = 1 })", "but got");
    found("process.set_options(true)", "but got 'boolean'");
    found("process.get_options().trap_link = true", "trap_link");
    found("local t = time.now() print(t:fromat(\"\"))", "fromat");
    found("local ch = channel.new() ch:sned(1)", "sned");
    found("local x: unknown = 1 print(x + 1)", "unknown");
    // In one line, however many the analyzer makes of it.
    let long = "{ a_long_name = 1, another_long_name = { \"and\", \"what\" }, a_third_name = 1 }";
    let message = "Expected this to be 'number', but got '{ a_long_name: number, a";
    found(&format!("print(string.rep(\"x\", {long}))"), message);
    found("for _, x in { 1, true } do print(string.rep(x, 2)) end", "");
    let pid = "local pid, err = process.spawn(\"app:worker\", \"app:processes\")";
    found(&format!("{pid} if err then return end process.send(pid, 1)"), "but got 'number'");
}
