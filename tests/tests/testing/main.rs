//! `wabe test`: what passes and what does not, what is told of it, and that nothing is left of any test.

mod chaos;
mod ends;
mod reports;
mod verdicts;

use serde_json::Value;
use std::process::Command;
use tests::live::DEADLINE;
use tests::{App, Ran, bin, run};

/// Waits for ever, and does not care for events.
const SLEEPER: &str = "return function() process.inbox():receive() end";

/// Links itself to a process, and says so.
const LINKER: &str = "return function(pid, main)
    assert(process.link(pid))
    process.send(main, 'linked')
    process.inbox():receive()
end";

/// A test: its name, its `meta` beside `type: test`, and its script.
type Script<'a> = (&'a str, &'a str, &'a str);

/// An app with these tests, each an entry `app:NAME` that may use `chaos`, and with `app:sleeper` and
/// `app:linker`.
fn app(tests: &[Script<'_>]) -> App {
    let mut manifest = String::from("namespace: app\nentries:\n");
    for name in ["sleeper", "linker"] {
        manifest.push_str(&format!(
            "  - {{name: {name}, kind: process.lua, source: 'file://{name}.lua'}}\n"
        ));
    }
    let mut app = App::new().file("sleeper.lua", SLEEPER).file("linker.lua", LINKER);
    for (name, meta, script) in tests {
        manifest.push_str(&format!(
            "  - {{name: {name}, kind: function.lua, source: 'file://{name}.lua', \
             modules: [chaos], meta: {{type: test, {meta}}}}}\n"
        ));
        app = app.file(&format!("{name}.lua"), script);
    }
    app.file("_index.yaml", &manifest)
}

fn command(app: &App, arguments: &[&str]) -> Command {
    let mut command = Command::new(bin("wabe"));
    command.arg("test").arg(app.path()).args(arguments);
    command
}

/// `wabe test` of the app, which must end by itself.
fn test(app: &App, arguments: &[&str]) -> Ran {
    let ran = run(&mut command(app, arguments), DEADLINE);
    assert!(!ran.late && !ran.leaked && ran.signal.is_none(), "{ran:#?}");
    ran
}

/// What was told of each test, in order, and of all.
fn lines(ran: &Ran) -> (Vec<Value>, Value) {
    let parsed = ran.stdout.lines().map(serde_json::from_str);
    let mut lines: Vec<Value> = parsed.collect::<Result<_, _>>().expect("each line is JSON");
    let summary = lines.pop().expect("there is a last line");
    assert_eq!(summary["type"], "summary", "{ran:#?}");
    assert!(lines.iter().all(|line| line["type"] == "test"), "{ran:#?}");
    (lines, summary)
}

/// What is told of the only test of an app.
fn told(script: &str, arguments: &[&str]) -> Value {
    let ran = test(&app(&[("only", "", script)]), &[arguments, &["--json"]].concat());
    let (mut lines, summary) = lines(&ran);
    let line = lines.pop().expect("there is one test");
    assert!(lines.is_empty(), "{ran:#?}");
    let passed = line["verdict"] == "passed";
    assert_eq!(ran.code, Some(if passed { 0 } else { 1 }), "{ran:#?}");
    assert_eq!(summary["passed"], u64::from(passed), "{ran:#?}");
    assert_eq!(summary["failed"], u64::from(!passed), "{ran:#?}");
    line
}

/// The test passes; what it has printed.
fn passes(script: &str) -> String {
    let line = told(script, &[]);
    assert_eq!(line["verdict"], "passed", "{line:#}");
    line["output"].as_str().expect("a text").to_owned()
}

/// The test fails; why.
fn fails(script: &str) -> String {
    let line = told(script, &[]);
    assert_eq!(line["verdict"], "failed", "{line:#}");
    line["error"].as_str().expect("a text").to_owned()
}
