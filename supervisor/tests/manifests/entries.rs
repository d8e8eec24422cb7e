//! Entries: how many an app has, and the host that one names.

use super::{load, refused};
use supervisor::Diagnostic;
use supervisor::app::{App, ENTRIES_MAX};

/// So many entries of one kind.
fn manifest(kind: &str, count: usize) -> String {
    let entry = |number: usize| format!("  - {{name: e{number}, kind: {kind}}}\n");
    let entries: String = (0..count).map(entry).collect();
    format!("namespace: app\nentries:\n{entries}")
}

#[test]
fn an_app_has_so_many_entries_of_any_kind_and_no_more() {
    for kind in ["process.host", "of.others"] {
        assert!(load(&manifest(kind, ENTRIES_MAX)).is_ok());
        let message = "an app has at most 10000 entries";
        let help = "make it several apps, or give the arguments to one entry that differ";
        refused(load(&manifest(kind, ENTRIES_MAX + 1)), message, "e10000", help);
    }
}

#[test]
fn each_unknown_kind_is_said_once() {
    let (one, two) = (manifest("of.others", 3), "  - {name: f, kind: of.other}\n");
    let app = load(&format!("{one}{two}")).unwrap_or_else(|error| panic!("{error}"));
    let said =
        |line, kind| format!("_index.yaml:{line}: entries of unknown kind '{kind}' are skipped");
    assert_eq!(app.warnings, [said(3, "of.others"), said(6, "of.other")]);
}

/// The app with a function whose `meta` this is, and a host `app:pool`.
fn with_meta(kind: &str, meta: &str) -> Result<App, Diagnostic> {
    load(&format!(
        "namespace: app\nentries:\n  - name: f\n    kind: {kind}\n    source: file://main.lua\n    \
         meta: {{{meta}}}\n  - name: pool\n    kind: process.host\n"
    ))
}

#[test]
fn a_default_host_is_one_of_the_app() {
    for kind in ["function.lua", "process.lua"] {
        let app = with_meta(kind, "default_host: app:pool, more: {a: [1]}");
        let app = app.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(app.entries["app:f"].default_host_named(), Some("app:pool"));
        assert_eq!(app.entries["app:f"].meta["more"]["a"][0], 1);
        refused(
            with_meta(kind, "default_host: app:poll"),
            "entry 'app:poll' does not exist",
            "app:poll",
            "the entries of kind process.host are app:pool, app:processes",
        );
        refused(
            with_meta(kind, "default_host: app:f"),
            &format!("entry 'app:f' is a {kind}, not a process.host"),
            "app:f",
            "name an entry of kind process.host",
        );
        for wrong in ["7", "true", "~"] {
            refused(
                with_meta(kind, &format!("default_host: {wrong}")),
                &format!("default_host cannot be {wrong}"),
                wrong,
                "write the id of an entry of kind process.host",
            );
        }
    }
    assert!(with_meta("library.lua", "default_host: 7").is_ok(), "it means nothing there");
}
