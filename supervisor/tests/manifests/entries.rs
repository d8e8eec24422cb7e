//! How many entries an app has.

use super::{load, refused};
use supervisor::app::ENTRIES_MAX;

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
