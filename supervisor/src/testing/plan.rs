//! Which tests an app has, and in which order they are run.

use crate::app::{App, CodeKind, Entry, Kind};
use crate::diagnostic::Diagnostic;
use serde_json::Value;
use std::cmp::Ordering;

/// A test of an app.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Test {
    /// Its suite; empty where it has none.
    pub(crate) suite: String,
    /// Its place in the suite.
    pub(crate) order: f64,
    /// Its entry.
    pub(crate) id: String,
}

impl Test {
    /// By suite (those without one come first), in it by order, then by name.
    fn before(&self, other: &Test) -> Ordering {
        let by_order = self.order.total_cmp(&other.order);
        self.suite.cmp(&other.suite).then(by_order).then_with(|| self.id.cmp(&other.id))
    }

    fn matches(&self, filter: &str) -> bool {
        self.id.contains(filter) || self.suite.contains(filter)
    }
}

/// The tests whose id or suite contains the filter, in order.
///
/// # Errors
/// A test that cannot be one, at its place; or that there is none.
pub(crate) fn plan(app: &App, filter: &str) -> Result<Vec<Test>, Diagnostic> {
    let tests = app.entries.iter().filter(|(_, entry)| meta(entry, "type") == Some(&"test".into()));
    let tests = tests.map(|(id, entry)| test(id, entry)).collect::<Result<Vec<_>, _>>()?;
    let mut wanted: Vec<_> = tests.iter().filter(|test| test.matches(filter)).cloned().collect();
    if wanted.is_empty() {
        return Err(nothing(&tests, filter));
    }
    wanted.sort_by(Test::before);
    Ok(wanted)
}

fn meta<'a>(entry: &'a Entry, field: &str) -> Option<&'a Value> {
    entry.meta.get(field).filter(|value| !value.is_null())
}

fn test(id: &str, entry: &Entry) -> Result<Test, Diagnostic> {
    if !matches!(entry.kind, Kind::Code(CodeKind::Process | CodeKind::Function, _)) {
        let message = format!("entry '{id}' is a {}, and cannot be a test", entry.kind_name());
        let help = "meta.type: test is for entries of kind function.lua or process.lua";
        return Err(entry.place.error(message, help));
    }
    let suite = meta(entry, "suite").map_or(Some(""), Value::as_str);
    let order = meta(entry, "order").map_or(Some(0.0), Value::as_f64);
    match (suite, order) {
        (Some(suite), Some(order)) => {
            Ok(Test { suite: suite.to_owned(), order, id: id.to_owned() })
        }
        (None, _) => Err(entry
            .place
            .error(format!("meta.suite of test '{id}' is no text"), "write the name of its suite")),
        (_, None) => Err(entry.place.error(
            format!("meta.order of test '{id}' is no number"),
            "write a number: tests of a suite are run from the lowest to the highest",
        )),
    }
}

/// Ids that are named where a filter matches none.
const NAMED: usize = 10;

fn nothing(tests: &[Test], filter: &str) -> Diagnostic {
    if tests.is_empty() {
        let help = "give meta: {type: test} to an entry of kind function.lua or process.lua";
        return Diagnostic::general("the app has no test", help);
    }
    let mut ids: Vec<_> = tests.iter().take(NAMED).map(|test| test.id.as_str()).collect();
    if tests.len() > NAMED {
        ids.push("…");
    }
    Diagnostic::general(
        format!("no test has '{filter}' in its id or suite"),
        format!("the tests are {}", ids.join(", ")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn app(entries: &str) -> App {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let manifest = format!("namespace: app\nentries:\n{entries}");
        std::fs::write(folder.path().join("_index.yaml"), manifest).expect("it is new");
        std::fs::write(folder.path().join("t.lua"), "return print").expect("it is new");
        App::load(folder.path()).expect("a good app")
    }

    fn entry(name: &str, kind: &str, meta: &str) -> String {
        format!("  - {{name: {name}, kind: {kind}, source: 'file://t.lua', meta: {{{meta}}}}}\n")
    }

    fn ids(app: &App, filter: &str) -> Vec<String> {
        plan(app, filter).expect("there are some").into_iter().map(|test| test.id).collect()
    }

    #[test]
    fn tests_are_grouped_by_suite_then_ordered_then_by_name() {
        let all = [
            entry("z", "function.lua", "type: test"),
            entry("b", "function.lua", "type: test, suite: two, order: 2"),
            entry("a", "process.lua", "type: test, suite: two, order: 10"),
            entry("d", "function.lua", "type: test, suite: one"),
            entry("c", "function.lua", "type: test, suite: one"),
            entry("e", "function.lua", "type: test, suite: one, order: -1"),
            entry("no", "function.lua", "type: other"),
            entry("none", "process.lua", ""),
        ];
        let app = app(&all.concat());
        assert_eq!(ids(&app, ""), ["app:z", "app:e", "app:c", "app:d", "app:b", "app:a"]);
        assert_eq!(ids(&app, "two"), ["app:b", "app:a"]);
        assert_eq!(ids(&app, ":z"), ["app:z"]);
    }

    #[test]
    fn what_cannot_be_a_test_is_named_with_the_remedy() {
        for (kind, meta, message) in [
            ("library.lua", "type: test", "entry 'app:t' is a library.lua, and cannot be a test"),
            ("process.lua", "type: test, suite: 7", "meta.suite of test 'app:t' is no text"),
            ("process.lua", "type: test, order: first", "meta.order of test 'app:t' is no number"),
        ] {
            let refused = plan(&app(&entry("t", kind, meta)), "").expect_err(message);
            assert_eq!((refused.message.as_str(), refused.line()), (message, 3));
        }
    }

    #[test]
    fn without_a_test_there_is_an_error() {
        let refused = plan(&app(&entry("t", "process.lua", "")), "").expect_err("no test");
        assert_eq!(refused.message, "the app has no test");
        let all: String =
            (0..12).map(|n| entry(&format!("t{n}"), "process.lua", "type: test")).collect();
        let refused = plan(&app(&all), "nix").expect_err("no test");
        assert_eq!(refused.message, "no test has 'nix' in its id or suite");
        assert!(refused.help.starts_with("the tests are app:t0, "), "{}", refused.help);
        assert!(refused.help.ends_with(", …"), "{}", refused.help);
    }

    proptest! {
        #[test]
        fn the_order_is_one_of_all_and_does_not_depend_on_what_comes_first(
            mut tests in prop::collection::vec(("[ab]?", -2..3i32, "[a-c]"), 0..12),
        ) {
            let made = |tests: &[(String, i32, String)]| {
                let make = |(suite, order, id): &(String, i32, String)| Test {
                    suite: suite.clone(), order: f64::from(*order), id: id.clone(),
                };
                let mut made: Vec<_> = tests.iter().map(make).collect();
                made.sort_by(Test::before);
                made
            };
            let once = made(&tests);
            tests.reverse();
            prop_assert_eq!(&once, &made(&tests));
            let suites: Vec<_> = once.iter().map(|test| &test.suite).collect();
            prop_assert!(suites.is_sorted());
        }
    }
}
