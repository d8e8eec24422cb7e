//! What becomes of a letter that its receiver cannot open, and of listeners that are no more.

use std::process::Command;
use tests::live::DEADLINE;
use tests::{App, bin, run};

const LOSES: &str = r#"
-- Calls it where there is no room for a further call of C.
local function deep_down(act)
  local done = false
  local function deeper()
    string.gsub("x", "x", function()
      pcall(deeper)
      if not done then
        done = true
        act()
      end
    end)
  end
  pcall(deeper)
end

return function()
  local messages, text, lost = process.listen("x"), string.rep("x", 2000), 0
  for _ = 1, 50 do
    assert(process.send(process.pid(), "x", errors.new(text)))
    -- It is here when the scheduler has had its turn.
    time.sleep("5ms")
    local got
    deep_down(function()
      got = messages:receive()
    end)
    got = got or channel.select({ messages:case_receive(), default = true }).value
    lost += if got then 0 else 1
  end
  print("lost", lost)
end"#;

/// Its value cannot be made where there is no room for one more call of C. It is lost to the script that
/// asks for it there; but it takes no place in the mailbox any more.
#[test]
fn letters_that_are_lost_deep_in_calls_of_c_do_not_fill_the_mailbox() {
    assert_prints("{mailbox: 16KiB, message: 4KiB}", LOSES, "lost\t50\n");
}

/// A listener for each question, as whoever asks many has.
const ASKS: &str = r#"
return function()
  local closed
  for i = 1, 60000 do
    local topic = `answer-{i}`
    local answers = process.listen(topic)
    if i % 100 == 0 then
      assert(process.send(process.pid(), topic, i))
      assert(answers:receive() == i)
    end
    assert(process.unlisten(answers))
    local value, ok = answers:receive()
    assert(value == nil and ok == false)
    -- The queue of the next one has the number of this one's.
    closed = closed or answers
    value, ok = closed:receive()
    assert(value == nil and ok == false)
  end
  print("alive")
end"#;

#[test]
fn listeners_that_are_no_more_take_no_memory() {
    assert_prints("{memory: 16MiB}", ASKS, "alive\n");
    // Not even looked at once more.
    let last = "assert(process.unlisten(answers))";
    let (before, _) = ASKS.split_once(last).expect("it ends them");
    let script = format!("{before}{last} end print('alive') end");
    assert_prints("{memory: 16MiB}", &script, "alive\n");
}

fn assert_prints(host: &str, script: &str, printed: &str) {
    let app = App::of(host, &[("main", script)]);
    let mut command = Command::new(bin("wabe"));
    command.arg("run").arg(app.path()).arg("app:main");
    let ran = run(&mut command, DEADLINE);
    assert_eq!((ran.code, &*ran.stdout), (Some(0), printed), "{ran:#?}");
}
