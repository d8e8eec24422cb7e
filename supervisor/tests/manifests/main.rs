//! Manifests: what each field may be, and what is said where it is not.

mod entries;
mod event_result;
mod limits;
mod permissions;
mod sandbox;
mod services;
mod warm;

use ipc::Limits;
use node::{Allowed, HostSpec, Pattern};
use supervisor::Diagnostic;
use supervisor::app::{App, Enclosure};

/// What stands before the fields of the host `app:pool`; those begin on line 9.
const BEFORE: &str = include_str!("pool.yaml");

fn load(manifest: &str) -> Result<App, Diagnostic> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("_index.yaml"), manifest).expect("it is new");
    std::fs::write(folder.path().join("main.lua"), "return function() end").expect("it is new");
    App::load(folder.path())
}

/// The app with these fields of its host.
fn try_host(fields: &[&str]) -> Result<App, Diagnostic> {
    let fields: String = fields.iter().map(|field| format!("      {field}\n")).collect();
    load(&format!("{BEFORE}{fields}"))
}

fn app(fields: &[&str]) -> App {
    try_host(fields).unwrap_or_else(|error| panic!("{fields:?}: {}", error.render(false)))
}

fn host(fields: &[&str]) -> HostSpec {
    let app = app(fields);
    let mut hosts = app.hosts().filter(|(id, _)| *id == "app:pool");
    hosts.next().map(|(_, spec)| spec.clone()).expect("the manifest has it")
}

fn limits(fields: &[&str]) -> Limits {
    host(fields).limits
}

/// The limits of an entry with these `limits`.
fn try_entry(kind: &str, limits: &str) -> Result<Limits, Diagnostic> {
    let app = load(&format!(
        "namespace: app\nentries:\n  - name: a\n    kind: {kind}\n    source: file://main.lua\n    \
         limits: {limits}\n"
    ))?;
    Ok(app.entries["app:a"].limits())
}

/// Asserts the message, the text underlined and the help.
fn refused<T>(loaded: Result<T, Diagnostic>, message: &str, underlined: &str, help: &str) {
    let Err(error) = loaded else { panic!("loaded, not refused with '{message}'") };
    let rendered = error.render(false);
    assert_eq!(error.message, message, "{rendered}");
    assert_eq!(&error.text[error.span.clone()], underlined, "{rendered}");
    assert_eq!(error.help, help, "{rendered}");
}

fn only(patterns: &[&str]) -> Allowed {
    Allowed::Only(patterns.iter().map(|pattern| Pattern((*pattern).to_owned())).collect())
}

#[test]
fn a_host_that_says_nothing_has_the_defaults() {
    assert_eq!(host(&["{}"]), HostSpec::DEFAULT);
    assert_eq!(app(&["{}"]).enclosure("app:pool"), Enclosure::default());
    let app = load("namespace: app\nentries:\n  - name: pool\n    kind: process.host\n");
    let app = app.unwrap_or_else(|error| panic!("{error}"));
    assert!(app.hosts().all(|(_, spec)| *spec == HostSpec::DEFAULT));
    assert_eq!(app.hosts().count(), 2, "app:processes exists by itself");
}

/// Were an empty list a missing one, a trusted host would be allowed everything.
#[test]
fn a_field_without_a_value_is_no_missing_field() {
    let list = "write it as [a, b], or each on a line of its own that begins with '- '; [] is none";
    let fields = "the fields of each kind are in docs/manifests.md";
    let none = "invalid manifest: a field without a value";
    refused(try_host(&["memory:"]), none, "memory:", fields);
    refused(try_host(&["trust:"]), none, "trust:", fields);
    refused(try_host(&["sandbox: null"]), none, "sandbox: null", fields);
    refused(
        try_host(&["permissions: ~"]),
        "invalid manifest: expected fields",
        "permissions: ~",
        fields,
    );
    let expected = "invalid manifest: expected a list";
    refused(try_host(&["optional:"]), expected, "optional:", list);
    refused(try_host(&["permissions:", "  spawn:"]), expected, "spawn:", list);
    refused(try_host(&["permissions:", "  spawn: app:main"]), expected, "spawn: app:main", list);
    let (alias, help) = ("  names: [*]", "a text that begins with * needs quotes: '*'");
    let message = "invalid manifest: while scanning an anchor or alias, did not find expected \
                   alphabetic or numeric character";
    refused(try_host(&["permissions:", alias]), message, "names: [*]", help);
}

#[test]
fn an_error_shows_file_line_and_remedy() {
    let Err(error) = try_host(&["max_processes: 5", "memory: 64mb"]) else { panic!("loaded") };
    assert_eq!(error.to_string(), "_index.yaml:10: memory cannot be 64mb");
    let expected = "\
error: memory cannot be 64mb
  --> _index.yaml:10:15
   |
10 |       memory: 64mb
   |               ^^^^
   |
   = help: write bytes as a whole number, or with KiB, MiB, GiB, KB, MB or GB";
    assert_eq!(error.render(false), expected);
}

#[test]
fn an_unknown_field_is_refused_with_those_that_exist() {
    refused(
        try_host(&["memroy: 5"]),
        "invalid manifest: unknown field `memroy`, expected one of max_processes, warm, nice, trust, \
         sandbox, optional, permissions, event_result, memory, message, mailbox, cpu, turn, wall, \
         children, names, links, log_rate",
        "memroy: 5",
        "the fields of each kind are in docs/manifests.md",
    );
    refused(
        try_host(&["permissions: {name: [a]}"]),
        "invalid manifest: unknown field `name`, expected one of spawn, hosts, names, control",
        "permissions: {name: [a]}",
        "the fields of each kind are in docs/manifests.md",
    );
}
