//! Services on real processes: in which order they start and stop, what becomes of those that fail, and
//! what is said of it.

use rustix::process::Signal;
use serde_json::Value;
use std::fmt::Write;
use std::process::Command;
use tests::live::DEADLINE;
use tests::proc::Hold;
use tests::{App, Live, Ran, Running, bin, run};

/// Lives until it is asked to end.
const LASTING: &str = r#"
return function()
  local events = process.events()
  print("up")
  events:receive()
  print("asked to end")
end"#;

/// The same, and says when it is up.
const SAYING: &str = r#"
return function()
  local events = process.events()
  print("up")
  process.ready()
  events:receive()
  print("asked to end")
end"#;

const FAILING: &str = "return function() print('begins') error('boom', 0) end";

/// An app of services `app:NAME-service`, each with its lifecycle and its script, and of what else its
/// manifest says.
fn app(services: &[(&str, &str, &str)], more: &str) -> App {
    let scripts: Vec<_> = services.iter().map(|(name, _, script)| (*name, *script)).collect();
    let mut manifest = "namespace: app\nentries:\n".to_owned();
    for (name, lifecycle, _) in services {
        let _ = writeln!(
            manifest,
            "  - {{name: {name}-service, kind: process.service, process: 'app:{name}', \
             host: 'app:processes', lifecycle: {lifecycle}}}"
        );
    }
    App::of("{}", &scripts).file("services.yaml", &(manifest + more))
}

fn command(app: &App) -> Command {
    let mut command = Command::new(bin("wabe"));
    command.arg("run").arg("-v").arg(app.path());
    command
}

fn live(app: App) -> Live {
    let running = Running::start(&mut command(&app));
    Live::watch(app, running)
}

fn run_all(services: &[(&str, &str, &str)], more: &str) -> Ran {
    let app = app(services, more);
    let ran = run(&mut command(&app), DEADLINE);
    assert!(!ran.late && !ran.leaked, "{ran:#?}");
    ran
}

/// The lines that speak of services.
fn said(ran: &Ran) -> Vec<&str> {
    let about = |line: &&str| line.starts_with("wabe: service ");
    ran.stderr.lines().filter(about).collect()
}

/// How many processes of an entry there were.
fn births(ran: &Ran, entry: &str) -> usize {
    ran.stderr.matches(&format!(" is {entry} in OS process ")).count()
}

fn kill(os_pid: u32) {
    Hold::on(os_pid).expect("it lives").signal(Signal::KILL);
}

/// Without the number of the process: `[app:web] up`.
fn lines(ran: &Ran) -> Vec<String> {
    let line = |line: &str| match line.strip_prefix('[').and_then(|line| line.split_once(' ')) {
        Some((entry, rest)) => {
            format!("{entry}: {}", rest.split_once("] ").map_or("", |(_, text)| text))
        }
        None => line.to_owned(),
    };
    ran.stdout.lines().map(line).collect()
}

#[test]
fn one_that_fails_is_started_again_after_delays_that_grow_and_given_up_loudly() {
    let restart = "{auto_start: true, restart: {initial_delay: 1ms, max_delay: 6ms, \
                   backoff_factor: 2, jitter: 0, max_attempts: 4}}";
    let ran = run_all(&[("a", restart, FAILING)], "");
    let mut expected: Vec<_> = (1..)
        .zip(["1 ms", "2 ms", "4 ms", "6 ms"])
        .map(|(attempt, delay)| {
            format!(
                "wabe: service 'app:a-service' failed: boom; it starts again in {delay} (attempt \
                 {attempt} of 4)"
            )
        })
        .collect();
    expected.push(
        "wabe: service 'app:a-service' failed: boom; given up after 4 attempts: correct app:a, or \
         raise max_attempts"
            .to_owned(),
    );
    assert_eq!(said(&ran), expected, "{ran:#?}");
    assert_eq!(lines(&ran), ["app:a: begins"; 5], "{ran:#?}");
    assert_eq!((ran.code, births(&ran, "app:a")), (Some(1), 5), "{ran:#?}");
}

#[test]
fn one_that_ends_normally_is_not_started_again() {
    let once = "return function() print('begins') return 5 end";
    let ran = run_all(&[("a", "{auto_start: true}", once)], "");
    assert_eq!((ran.code, lines(&ran)), (Some(0), vec!["app:a: begins".to_owned()]), "{ran:#?}");
    assert!(said(&ran).is_empty(), "{ran:#?}");
}

#[test]
fn one_that_cannot_be_started_is_tried_again_and_shown_in_the_end() {
    let restart = "{auto_start: true, restart: {initial_delay: 1ms, max_attempts: 1}}";
    let ran = run_all(&[("a", restart, "return function() end end")], "");
    assert_eq!((said(&ran).len(), ran.code), (2, Some(2)), "{ran:#?}");
    assert!(ran.stderr.contains("a.lua:1:1"), "no place: {ran:#?}");
    assert!(ran.stderr.contains("^^^"), "not underlined: {ran:#?}");
}

const DB: &str = r#"
return function()
  local events = process.events()
  print("begins")
  time.sleep("1ms")
  print("ready", process.ready(), process.ready())
  events:receive()
  print("asked to end")
end"#;

#[test]
fn what_requires_others_starts_when_they_are_ready_and_stops_before_them() {
    let services = [
        ("cache", "{requires: ['app:db-service'], ready: notify}", SAYING),
        ("db", "{ready: notify}", DB),
        ("web", "{auto_start: true, requires: ['app:db-service', 'app:cache-service']}", LASTING),
        ("unwanted", "{}", LASTING),
    ];
    let mut live = live(app(&services, ""));
    live.stdout_after("[app:web ");
    live.signal(Signal::TERM);
    let ran = live.wait();
    let expected = [
        "app:db: begins",
        "app:db: ready\ttrue\ttrue",
        "app:cache: up",
        "app:web: up",
        "app:web: asked to end",
        "app:cache: asked to end",
        "app:db: asked to end",
    ];
    assert_eq!(lines(&ran), expected, "{ran:#?}");
    assert_eq!((ran.code, births(&ran, "app:unwanted")), (Some(0), 0), "{ran:#?}");
}

#[test]
fn one_that_does_not_say_in_time_that_it_is_ready_has_failed() {
    let late = "{auto_start: true, ready: notify, start_timeout: 50ms, restart: {max_attempts: 0}}";
    let ran = run_all(&[("a", late, LASTING)], "");
    let expected = "wabe: service 'app:a-service' failed: did not call process.ready() within 50 ms \
                    (start_timeout); given up after 0 attempts: correct app:a, or raise max_attempts";
    assert_eq!((said(&ran), ran.code), (vec![expected], Some(1)), "{ran:#?}");
}

#[test]
fn one_that_does_not_stop_in_time_is_terminated_and_then_those_it_requires_stop() {
    let stubborn = "return function() print('up') while true do end end";
    let services = [
        ("db", "{}", LASTING),
        ("web", "{auto_start: true, stop_timeout: 50ms, requires: ['app:db-service']}", stubborn),
    ];
    let mut live = live(app(&services, ""));
    live.stdout_after("[app:web ");
    live.signal(Signal::TERM);
    let ran = live.wait();
    assert_eq!(lines(&ran), ["app:db: up", "app:web: up", "app:db: asked to end"], "{ran:#?}");
    assert!(ran.stderr.contains("app:web failed: cancel deadline exceeded"), "{ran:#?}");
    assert_eq!(ran.code, Some(1), "{ran:#?}");
}

#[test]
fn a_worker_that_is_killed_from_outside_is_replaced() {
    let soon = "{auto_start: true, restart: {initial_delay: 1ms, max_attempts: 1}}";
    let mut live = live(app(&[("a", soon, LASTING)], ""));
    live.stdout_after("[app:a ");
    kill(live.os_pids("app:a", 1)[0]);
    live.stdout_after("[app:a ");
    kill(live.os_pids("app:a", 2)[1]);
    let ran = live.wait();
    let why = "failed: killed by signal 9 (SIGKILL); ";
    assert!(said(&ran).len() == 2 && said(&ran).iter().all(|line| line.contains(why)), "{ran:#?}");
    assert_eq!((ran.code, births(&ran, "app:a")), (Some(1), 2), "{ran:#?}");
}

#[test]
fn what_requires_one_that_is_given_up_is_stopped_and_the_rest_goes_on() {
    let services = [
        ("db", "{restart: {max_attempts: 0}}", LASTING),
        ("other", "{auto_start: true}", LASTING),
        ("web", "{auto_start: true, requires: ['app:db-service']}", LASTING),
    ];
    let mut live = live(app(&services, ""));
    live.stdout_after("[app:web ");
    kill(live.os_pids("app:db", 1)[0]);
    live.stdout_after("[app:web ");
    live.signal(Signal::TERM);
    let ran = live.wait();
    let lacks = "wabe: service 'app:web-service' is stopped: it requires 'app:db-service', which is \
                 failed";
    assert_eq!((said(&ran).len(), said(&ran)[1]), (2, lacks), "{ran:#?}");
    let ends = lines(&ran).iter().filter(|line| line.ends_with("asked to end")).count();
    assert_eq!((ends, ran.code), (2, Some(1)), "{ran:#?}");
}

/// Kills the second of three that are a group, and waits until so many of them have begun again.
fn second_of_three_killed(strategy: &str, again: &[&str]) -> Ran {
    let soon = "{auto_start: true, restart: {initial_delay: 1ms}}";
    let group = format!(
        "  - {{name: group, kind: process.group, services: ['app:a-service', 'app:b-service', \
         'app:c-service'], restart: {{strategy: {strategy}}}}}\n"
    );
    let services = ["a", "b", "c"].map(|name| (name, soon, LASTING));
    let mut live = live(app(&services, &group));
    for _ in services {
        live.stdout_after("[app:");
    }
    kill(live.os_pids("app:b", 1)[0]);
    for name in again {
        live.os_pids(&format!("app:{name}"), 2);
    }
    live.signal(Signal::TERM);
    live.wait()
}

fn births_of_three(ran: &Ran) -> [usize; 3] {
    ["app:a", "app:b", "app:c"].map(|entry| births(ran, entry))
}

#[test]
fn one_for_all_starts_the_whole_group_again() {
    let ran = second_of_three_killed("one_for_all", &["a", "b", "c"]);
    assert_eq!(births_of_three(&ran), [2, 2, 2], "{ran:#?}");
    let with = "(attempt 1 of 10), together with 'app:a-service', 'app:c-service'";
    assert!(said(&ran).len() == 1 && said(&ran)[0].ends_with(with), "{ran:#?}");
}

#[test]
fn rest_for_one_starts_those_behind_it_again() {
    let ran = second_of_three_killed("rest_for_one", &["b", "c"]);
    assert_eq!(births_of_three(&ran), [1, 2, 2], "{ran:#?}");
}

#[test]
fn one_for_one_starts_only_the_one_again() {
    let ran = second_of_three_killed("one_for_one", &["b"]);
    assert_eq!(births_of_three(&ran), [1, 2, 1], "{ran:#?}");
}

#[test]
fn a_group_that_fails_too_often_is_given_up_whole() {
    let soon = "{auto_start: true, restart: {initial_delay: 1ms, max_attempts: none}}";
    let group = "  - {name: group, kind: process.group, \
                 services: ['app:a-service', 'app:b-service'], restart: {intensity: 2, period: 1h}}\n";
    let ran = run_all(&[("a", soon, LASTING), ("b", soon, FAILING)], group);
    let gave_up = "wabe: service 'app:b-service' failed: boom; its group 'app:group' has restarted as \
                   often as it may and is given up: correct app:b, or raise intensity; \
                   'app:a-service' fail with it";
    assert_eq!((said(&ran).len(), said(&ran).last()), (3, Some(&gave_up)), "{ran:#?}");
    assert_eq!(births(&ran, "app:b"), 3, "{ran:#?}");
    assert_eq!(ran.code, Some(1), "{ran:#?}");
}

#[test]
fn the_last_line_of_json_says_what_became_of_each() {
    let never = "{auto_start: true, restart: {initial_delay: 1ms, max_attempts: 2}}";
    let services = [
        ("a", never, FAILING),
        ("b", "{auto_start: true}", "return function() end"),
        ("c", "{auto_start: true, requires: ['app:a-service']}", "return function() end"),
        ("d", "{}", LASTING),
    ];
    let app = app(&services, "");
    let ran = run(command(&app).arg("--json"), DEADLINE);
    let line = ran.stdout.lines().last().expect("a last line");
    let line: Value = serde_json::from_str(line).expect("JSON");
    let of = |id: &str| line["services"][format!("app:{id}-service")].clone();
    assert_eq!((&of("a")["state"], &of("a")["attempts"]), (&"failed".into(), &2.into()), "{line}");
    assert_eq!((&of("a")["error"], &of("a")["exit"]["kind"]), (&"boom".into(), &"error".into()));
    assert_eq!((&of("b")["state"], &of("b")["attempts"]), (&"exited".into(), &0.into()), "{line}");
    assert!(
        of("b")["pid"].as_str().is_some_and(|pid| pid.starts_with("{app:processes|")),
        "{line}"
    );
    // It may have had its turn between two attempts, for the first had begun.
    assert!(["exited", "stopped"].contains(&of("c")["state"].as_str().unwrap_or("")), "{line}");
    assert_eq!(of("d"), Value::Null, "it was not to run");
}

#[test]
fn ready_says_nothing_in_a_process_that_is_no_service() {
    let main = "return function() print(process.ready()) end";
    let app = App::of("{}", &[("main", main)]);
    let ran = run(&mut app.command("app:main"), DEADLINE);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "true\n"), "{ran:#?}");
}
