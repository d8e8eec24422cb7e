//! A process on a host of its own, `app:cell`, and what another one, which watches it from a trusted
//! host, is told of its end.

use crate::live::DEADLINE;
use crate::{App, bin, run};
use ipc::quota::{bytes_text, time_text};
use serde_json::Value;
use std::process::Command;

/// The first of the scripts is the one that is watched.
const MAIN: &str = r#"
return function(watched)
  local pid, refused = process.spawn_monitored(watched, "app:cell", process.pid())
  if not pid then
    return { refused = tostring(refused), kind = refused:kind() }
  end
  local event = process.events():receive()
  assert(event.kind == process.event.EXIT and event.from == pid)
  local text = if event.error then tostring(event.error) else nil
  return { exit = event.exit, error = text, result = event.result }
end"#;

/// An end, as its watcher is told of it.
#[derive(Debug)]
pub struct Seen {
    /// The fields `exit`, `error` and `result` of the event; or `refused` and `kind`, where the
    /// process did not begin.
    pub event: Value,
    /// Calls that were denied, as `--json` lists them.
    pub denied: Vec<Value>,
    /// All but the last line of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

/// An app whose `app:main` watches the first of the scripts to its end on `app:cell`, a host with
/// these fields (YAML). Each script is an entry `app:NAME`.
#[must_use]
pub fn app(cell: &str, scripts: &[(&str, &str)]) -> App {
    with_main(MAIN, cell, scripts)
}

/// The same with another main process.
#[must_use]
pub fn with_main(main: &str, cell: &str, scripts: &[(&str, &str)]) -> App {
    let all: Vec<_> = [("main", main)].into_iter().chain(scripts.iter().copied()).collect();
    let host =
        format!("namespace: app\nentries:\n  - {{name: cell, kind: process.host, host: {cell}}}\n");
    App::of("{}", &all).file("cell.yaml", &host)
}

/// Adds an entry `app:limited` with the script and these limits (YAML).
#[must_use]
pub fn with_limited(app: App, limits: &str, script: &str) -> App {
    let manifest = format!(
        "namespace: app\nentries:\n  - {{name: limited, kind: process.lua, \
         source: 'file://limited.lua', limits: {limits}}}\n"
    );
    app.file("limited.lua", script).file("limited.yaml", &manifest)
}

/// Runs such an app, and watches that entry.
///
/// # Panics
/// Where the main process does not end well.
#[must_use]
pub fn watch(app: &App, entry: &str) -> Seen {
    let mut command = Command::new(bin("wabe"));
    command.args(["run", "--json"]).arg(app.path()).args(["app:main", entry]);
    let ran = run(&mut command, DEADLINE);
    assert!(ran.code == Some(0) && !ran.leaked, "{ran:#?}");
    let (stdout, last) = ran.stdout.trim_end().rsplit_once('\n').unwrap_or(("", &ran.stdout));
    let mut last: Value = serde_json::from_str(last).expect("the last line is JSON");
    let denied = last["denied"].as_array().cloned().unwrap_or_default();
    Seen { event: last["result"].take(), denied, stdout: stdout.to_owned(), stderr: ran.stderr }
}

/// The end of one script on a host with these fields.
#[must_use]
pub fn end_of(cell: &str, script: &str) -> Seen {
    watch(&app(cell, &[("hostile", script)]), "app:hostile")
}

impl Seen {
    /// It was ended for this limit, and its watcher is told so with limit and use; after that come
    /// the place in the script, where there is one.
    ///
    /// # Panics
    /// Where it was not.
    pub fn assert_over(&self, kind: &str, limit: u64, place: &str) {
        let exit = &self.event["exit"];
        assert_eq!(exit["kind"], kind, "{self:#?}");
        assert_eq!(exit["limit"]["limit"], limit, "{self:#?}");
        let used = exit["limit"]["used"].as_u64().expect("a number");
        assert!(used >= limit, "{self:#?}");
        let unit = if kind == "memory" { bytes_text } else { time_text };
        let text = format!("{kind} limit of {} exceeded (used {})", unit(limit), unit(used));
        let error = self.event["error"].as_str().unwrap_or_default();
        let rest = error.strip_prefix(&text).unwrap_or_else(|| panic!("not '{text}': {self:#?}"));
        match place {
            "" => assert_eq!(rest, "", "{self:#?}"),
            _ => assert!(rest.starts_with(&format!(": {place}")), "{self:#?}"),
        }
    }

    /// It ended well with this result.
    ///
    /// # Panics
    /// Where it did not.
    pub fn assert_result(&self, result: &Value) {
        assert_eq!(self.event["error"], Value::Null, "{self:#?}");
        assert_eq!(self.event["result"], *result, "{self:#?}");
    }
}
