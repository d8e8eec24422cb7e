//! What a run says: exit codes, the line of `--json`, prefixes; and what happens where nobody reads
//! its standard output.

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use tests::live::{DEADLINE, GO};
use tests::{App, Live, Ran, Running, bin, proc, run};

fn ran(script: &str, arguments: &[&str]) -> Ran {
    let app = App::of("{}", &[("main", script)]);
    let ran = run(app.command("app:main").args(arguments), DEADLINE);
    assert!(!ran.late && !ran.leaked, "{ran:#?}");
    ran
}

#[test]
fn a_normal_end_is_exit_code_0() {
    let ran = ran("return function() return 1 end", &[]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn an_abnormal_end_is_exit_code_1() {
    let ran = ran("return function() error('a reason') end", &[]);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    assert!(ran.stderr.starts_with("wabe: app:main failed: main.lua:1: a reason\n"), "{ran:#?}");
}

#[test]
fn an_assert_fails_with_the_error_that_it_is_given() {
    let ran = ran("return function() assert(process.spawn('app:none', 'app:processes')) end", &[]);
    let text = "wabe: app:main failed: entry 'app:none' not found";
    assert!(ran.code == Some(1) && ran.stderr.starts_with(text), "{ran:#?}");
}

#[test]
fn an_app_or_a_script_that_does_not_load_is_exit_code_2() {
    let missing = run(Command::new(bin("wabe")).args(["run", "/no/such/app"]), DEADLINE);
    assert_eq!(missing.code, Some(2), "{missing:#?}");
    assert_eq!(ran("return function(", &[]).code, Some(2));
    let unknown = App::of("{}", &[("main", "return function() end")]);
    assert_eq!(run(&mut unknown.command("app:nobody"), DEADLINE).code, Some(2));
}

fn last_line(ran: &Ran) -> Value {
    let line = ran.stdout.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {ran:#?}"))
}

#[test]
fn json_tells_a_result() {
    let ran = ran("return function(x) print('text') return {x, a = 1} end", &["--json", "7"]);
    let line = last_line(&ran);
    assert_eq!((ran.code, ran.stdout.lines().next()), (Some(0), Some("text")));
    assert_eq!(line["result"], json!({"1": 7, "a": 1}));
    assert_eq!(line["error"], Value::Null);
    let os_pid = line["exit"]["os_pid"].as_u64().unwrap_or_default();
    assert!(os_pid > 1, "{line}");
    let exit =
        json!({"kind": "normal", "signal": null, "code": 0, "limit": null, "os_pid": os_pid});
    assert_eq!(line["exit"], exit);
    let pid = line["pid"].as_str().unwrap_or_default();
    assert!(pid.starts_with("{app:processes|0x00001-"), "{line}");
}

#[test]
fn json_tells_the_signal_that_killed_main() {
    let scripts = [("main", "return function() print('ready') process.inbox():receive() end")];
    let mut live = Live::start(App::of("{}", &scripts), &["--json"]);
    live.stdout_after("ready");
    let main = live.hold("app:main");
    main.signal(Signal::KILL);
    let ran = live.wait();
    let line = last_line(&ran);
    assert_eq!((ran.code, &line["result"]), (Some(1), &Value::Null), "{ran:#?}");
    assert_eq!(line["error"], "killed by signal 9 (SIGKILL)");
    let exit = json!({
        "kind": "signal", "signal": "SIGKILL", "code": null, "limit": null, "os_pid": main.os_pid
    });
    assert_eq!(line["exit"], exit);
}

#[test]
fn lines_of_others_have_a_prefix_and_those_of_main_have_none() {
    let main = r#"return function()
  print("mine")
  assert(process.spawn_monitored("app:child", "app:processes"))
  process.events():receive()
end"#;
    let child = "return function() print('two\\nlines', 1) end";
    let app = App::of("{}", &[("main", main), ("child", child)]);
    let ran = run(&mut app.command("app:main"), DEADLINE);
    assert_eq!(ran.stdout, "mine\n[app:child 0x2] two\n[app:child 0x2] lines\t1\n", "{ran:#?}");
}

#[test]
fn a_full_grace_is_not_waited_for_when_all_have_ended() {
    let scripts = [("main", "return function() print('ready') process.events():receive() end")];
    // A grace far beyond the deadline of the test.
    let mut live = Live::start(App::of("{}", &scripts), &["--grace", "10m"]);
    live.stdout_after("ready");
    live.signal(Signal::TERM);
    let ran = live.wait();
    assert_eq!((ran.code, ran.late), (Some(0), false), "{ran:#?}");
}

/// A program that writes into a pipe, whose other end the test holds and may leave unread.
fn piped(command: &mut Command) -> (Running, File) {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe can be made");
    let running = Running::start_unread(command.stdout(writer));
    // The command keeps its copy of the writing end, which would hold the pipe open.
    command.stdout(Stdio::null());
    (running, File::from(reader))
}

#[test]
fn a_reader_that_leaves_early_ends_nothing_and_holds_up_nothing() {
    let script = "return function() for i = 1, 100000 do print('line', i) end end";
    let app = App::of("{}", &[("main", script)]);
    let (running, reader) = piped(&mut app.command("app:main"));
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    reader.read_line(&mut line).expect("wabe writes lines");
    assert_eq!(line, "line\t1\n");
    drop(reader);
    let ran = running.wait(DEADLINE);
    assert_eq!((ran.code, ran.late, ran.leaked), (Some(0), false, false), "{ran:#?}");
    assert_eq!(ran.stderr, "");
}

/// A printer that never stops, and a pair that exchanges 1,000 messages meanwhile. Standard output
/// is stuck, so that it is done is seen from the birth of `app:go`.
const STUCK: &str = r#"
return function()
  local pongs = process.listen("pong")
  assert(process.spawn("app:chatty", "app:processes"))
  local pong = assert(process.spawn("app:pong", "app:processes"))
  for i = 1, 1000 do
    assert(process.send(pong, "ping", { process.pid(), i }))
    assert(pongs:receive() == i)
  end
  assert(process.spawn_monitored("app:go", "app:processes"))
  process.events():receive()
end"#;

const CHATTY: &str = r#"
return function()
  local text = string.rep("x", 1000)
  while true do print(text) end
end"#;

const PONG: &str = r#"
return function()
  for ping in function() return (process.listen("ping"):receive()) end do
    assert(process.send(ping[1], "pong", ping[2]))
  end
end"#;

#[test]
fn a_reader_that_never_reads_holds_up_only_those_who_print() {
    let scripts = [("main", STUCK), ("chatty", CHATTY), ("pong", PONG), ("go", GO)];
    let app = App::of("{}", &scripts);
    let (running, mut reader) = piped(app.command("app:main").arg("-v"));
    let mut live = Live::watch(app, running);
    live.os_pids("app:go", 1);
    let memory = proc::memory_kib(live.os_pid(), "VmHWM");
    assert!(memory < 32 * 1024, "wabe has taken {memory} KiB");
    // More than wabe and the pipe hold: whoever printed is read again.
    let mut some = vec![0; 3 << 20];
    reader.read_exact(&mut some).expect("the printer goes on");
    assert!(some.starts_with(b"[app:chatty 0x2] xxx"), "{:?}", &some[..20]);
    drop(reader);
    live.signal(Signal::TERM);
    live.signal(Signal::INT);
    let ran = live.wait();
    assert!(!ran.late && !ran.leaked, "{ran:#?}");
}

#[test]
fn two_signals_end_a_run_whose_output_nobody_reads() {
    let app = App::of("{}", &[("main", CHATTY)]);
    let (running, reader) = piped(app.command("app:main").args(["-v", "--grace", "10m"]));
    let mut live = Live::watch(app, running);
    live.os_pids("app:main", 1);
    live.signal(Signal::TERM);
    live.signal(Signal::INT);
    let ran = live.wait();
    assert!(!ran.late && !ran.leaked, "{ran:#?}");
    drop(reader);
}

/// Far more frames than one read takes, some of which are read only after the worker has died.
#[test]
fn nothing_is_lost_of_many_short_lines_before_an_end() {
    let main = "return function()
  for n = 1, 20000 do print(n) end
  return 'done'
end";
    let app = App::of("{}", &[("main", main)]);
    let ran = run(app.command("app:main").arg("--json"), DEADLINE);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!((ran.code, lines.len()), (Some(0), 20_001), "{}", ran.stderr);
    assert!(lines[..20_000].iter().zip(1..).all(|(line, n)| *line == n.to_string()));
    assert!(lines[20_000].contains("\"result\":\"done\""), "{}", lines[20_000]);
}
