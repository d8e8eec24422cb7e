//! Processes that do not answer, and those that are heard less often: whoever is stopped, computes
//! where nothing in the worker can interrupt it, or prints without end.

use rustix::process::Signal;
use std::time::{Duration, Instant};
use tests::Live;
use tests::live::GO;
use tests::watched::{end_of, with_main};

/// A worker is asked after 5 seconds and has 5 more; the rest is for a busy machine.
const STUCK_MAX: Duration = Duration::from_secs(20);

const STOPPED: &str = r#"
return function()
  local events = process.events()
  local quiet = assert(process.spawn_monitored("app:reader", "app:cell"))
  local asked = assert(process.spawn_monitored("app:reader", "app:cell"))
  local function until_go()
    local go = assert(process.spawn_monitored("app:go", "app:processes"))
    print("ready")
    assert(events:receive().from == go, "an end of another")
  end
  local function say_end(pid)
    local event = events:receive()
    assert(event.from == pid, "an end of another")
    print("end", event.exit.kind, event.exit.signal, event.error)
  end
  until_go()
  assert(process.send(asked, "topic", 1))
  say_end(asked)
  until_go()
  assert(process.send(quiet, "topic", 1))
  say_end(quiet)
end"#;

const READER: &str = "return function() process.inbox():receive() end";

#[test]
fn a_stopped_process_is_ended_once_it_is_spoken_to_and_only_then() {
    let scripts = [("reader", READER), ("go", GO)];
    let mut live = Live::start(with_main(STOPPED, "{}", &scripts), &[]);
    live.stdout_after("ready");
    let readers = live.os_pids("app:reader", 2);
    let [quiet, asked] = [readers[0], readers[1]].map(tests::proc::Hold::on);
    let (quiet, asked) = (quiet.expect("it lives"), asked.expect("it lives"));
    quiet.signal(Signal::STOP);
    asked.signal(Signal::STOP);
    let spoken_to = Instant::now();
    live.go();
    let text = "did not read for 5 s and used no CPU: stopped or wedged";
    assert_eq!(live.stdout_after("end\t"), format!("watchdog\tSIGKILL\t{text}"));
    let after = spoken_to.elapsed();
    assert!((Duration::from_secs(5)..STUCK_MAX).contains(&after), "after {after:?}");
    // The other was stopped as long. Nobody has missed it.
    live.stdout_after("ready");
    quiet.signal(Signal::CONT);
    live.go();
    assert_eq!(live.stdout_after("end\t"), "normal\tnil\tnil");
    live.ends_well();
}

#[test]
fn whoever_computes_where_nothing_interrupts_it_is_ended() {
    for busy in [
        "string.rep('', 2147483647)",
        "table.sort(table.create(2000000, 1))",
        "string.find(string.rep('a', 20000), string.rep('a?', 20000) .. 'b')",
    ] {
        let body = format!("return function() while true do pcall(function() {busy} end) end end");
        let start = Instant::now();
        let seen = end_of("{turn: 200ms, memory: 256MiB}", &body);
        println!("{busy}: {:?}, {}", start.elapsed(), seen.event["error"]);
        assert_eq!(seen.event["exit"]["kind"], "turn", "{busy} {seen:#?}");
        assert_eq!(seen.event["exit"]["limit"]["limit"], 200_000_000, "{busy} {seen:#?}");
        assert!(start.elapsed() < 2 * STUCK_MAX, "{busy}");
    }
}

/// Lines of a thousand bytes: 64 of them are read at once.
const CHATTER: &str = r#"
return function(main)
  assert(process.send(main, "begun"))
  for n = 1, math.huge do
    print(n, string.rep("x", 1000))
  end
end"#;

const TALKER: &str = r#"
return function()
  local begun = process.listen("begun")
  local chatter = assert(process.spawn_monitored("app:chatter", "app:cell", process.pid()))
  begun:receive()
  for n = 1, 1000 do
    print("meanwhile", n)
    time.sleep("1ms")
  end
  local event = process.events():receive()
  print("end", event.exit.kind, event.error)
end"#;

#[test]
fn whoever_prints_without_end_is_heard_less_often_and_no_line_is_lost() {
    let cell = "{trust: untrusted, log_rate: 20, wall: 4s}";
    let app = with_main(TALKER, cell, &[("chatter", CHATTER)]);
    let ran = tests::run(&mut app.command("app:main"), tests::live::DEADLINE);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let said =
        |line: &str| Some(line.strip_prefix("[app:chatter ")?.split_once("] ")?.1.to_owned());
    let chatter: Vec<_> = ran.stdout.lines().filter_map(said).collect();
    for (line, n) in chatter.iter().zip(1..) {
        assert_eq!(line.split('\t').next(), Some(&*format!("{n}")), "a line is lost");
        assert_eq!(line.len(), format!("{n}\t").len() + 1000, "a line is cut");
    }
    // Two readings of 64 KiB, and what lay in its socket when it was ended.
    assert!((65..600).contains(&chatter.len()), "{} lines", chatter.len());
    let mut others = (1..).zip(ran.stdout.lines().filter(|line| line.starts_with("meanwhile")));
    assert!(others.all(|(n, line)| line == format!("meanwhile\t{n}")), "main is held up");
    let last = ran.stdout.rfind("[app:chatter");
    assert!(ran.stdout.find("meanwhile\t1000") < last, "main waited until the flood was over");
    assert!(ran.stdout.lines().any(|line| line.starts_with("end\twall\twall limit of 4 s")));
}
