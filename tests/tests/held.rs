//! What a process has sent is under way, whatever the process does next.

use std::process::Command;
use tests::live::DEADLINE;
use tests::{App, bin, run};

/// Sends twice, the second time along a route, and then does something that never waits.
fn sender(then: &str) -> String {
    format!(
        r#"
return function(parent)
  assert(process.send(parent, "x", 1))
  assert(process.send(parent, "x", 2))
  print("printed")
  {then}
end"#
    )
}

const MAIN: &str = r#"
return function()
  local messages = process.listen("x")
  local sender = assert(process.spawn_monitored("app:sender", "app:processes", process.pid()))
  messages:receive()
  print("received", messages:receive())
  assert(process.terminate(sender))
  print(process.events():receive().exit.kind)
end"#;

#[test]
fn what_was_sent_arrives_though_the_sender_never_waits_again() {
    for then in [
        "while true do end",
        "while true do pcall(function() end) end",
        // A function of C that nothing interrupts.
        r#"string.find(string.rep("a", 4000000), string.rep("a", 200000) .. "b", 1, true)"#,
    ] {
        let app = App::of("{turn: 60s}", &[("main", MAIN), ("sender", &sender(then))]);
        let mut command = Command::new(bin("wabe"));
        command.arg("run").arg(app.path()).arg("app:main");
        let ran = run(&mut command, DEADLINE);
        assert_eq!(ran.code, Some(0), "{then}\n{ran:#?}");
        assert!(ran.stdout.contains("received\t2\t"), "{then}\n{ran:#?}");
        assert!(ran.stdout.contains("printed") && ran.stdout.contains("terminated"), "{ran:#?}");
    }
}

/// The sender has memory for the second message, but none for the frame of the third.
const SHORT: &str = r#"
return function(parent)
  local big = buffer.create(1900000)
  local rest = buffer.create(3400000)
  assert(process.send(parent, "x", 1))
  assert(process.send(parent, "x", 2))
  process.send(parent, "big", big)
  return buffer.len(rest)
end"#;

/// All that it has sent is there when its end is known.
const COUNTS: &str = r#"
return function()
  local messages = process.listen("x")
  assert(process.spawn_monitored("app:sender", "app:processes", process.pid()))
  print("ended", process.events():receive().exit.kind)
  repeat
    local got = channel.select({ messages:case_receive(), default = true })
    print("received", got.value)
  until got.default
end"#;

#[test]
fn what_was_sent_arrives_though_the_next_message_takes_the_last_of_the_memory() {
    let limits = "{memory: 8MiB, message: 2MiB}";
    let app = App::of(limits, &[("main", COUNTS), ("sender", SHORT)]);
    let mut command = Command::new(bin("wabe"));
    command.arg("run").arg(app.path()).arg("app:main");
    let ran = run(&mut command, DEADLINE);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert_eq!(ran.stdout, "ended\tmemory\nreceived\t1\nreceived\t2\nreceived\tnil\n");
}
