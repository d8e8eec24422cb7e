//! What is told to people and to machines: order, output, JSON, JUnit, exit codes.

use super::{app, command, lines, test};
use roxmltree::Document;
use serde_json::json;
use tests::live::DEADLINE;
use tests::{App, run};

const WELL: &str = "return function() end";

/// One passes, one fails after it and a child have printed.
fn mixed() -> App {
    let fails = "return function()
        print('from the test')
        assert(process.spawn_monitored('app:child', 'app:processes'))
        process.events():receive()
        error('bad <luck>')
    end";
    let child = "namespace: app\nentries:\n  - {name: child, kind: process.lua, source: 'file://child.lua'}\n";
    app(&[("fails", "suite: pool", fails), ("well", "suite: pool", WELL), ("free", "", WELL)])
        .file("child.yaml", child)
        .file("child.lua", "return function() print('from \\1 the child') end")
}

#[test]
fn people_read_suites_failures_with_their_places_and_what_was_printed() {
    let ran = test(&mixed(), &["-j", "3"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let expected = "passed    app:free (*)
pool:
  FAILED    app:fails (*)
  passed    app:well (*)

app:fails:
  fails.lua:5: bad <luck>
      at fails.lua:5
  printed:
    from the test
    [app:child 0x2] from \\x01 the child

2 passed, 1 failed, in * s
";
    assert!(node::Pattern(expected.to_owned()).matches(&ran.stdout), "{}", ran.stdout);
}

#[test]
fn a_filter_is_a_part_of_an_id_or_a_suite() {
    for (filter, ids) in [
        ("pool", vec!["app:fails", "app:well"]),
        ("fre", vec!["app:free"]),
        ("app:well", vec!["app:well"]),
    ] {
        let (tests, summary) = lines(&test(&mixed(), &["--json", filter]));
        let found: Vec<_> = tests.iter().filter_map(|line| line["id"].as_str()).collect();
        assert_eq!(found, ids);
        assert_eq!(
            summary["passed"].as_u64().unwrap_or(0) + summary["failed"].as_u64().unwrap_or(0),
            ids.len() as u64
        );
    }
}

/// However many at a time, and whichever ends first.
#[test]
fn tests_are_told_in_the_order_of_the_plan() {
    let slow = "return function() time.sleep('300ms') end";
    let app = app(&[
        ("c", "suite: two, order: 1", slow),
        ("b", "suite: two, order: 2", WELL),
        ("a", "suite: two, order: 10", WELL),
        ("e", "suite: one", slow),
        ("d", "suite: one", WELL),
        ("z", "", slow),
    ]);
    for jobs in ["1", "2", "6"] {
        let ran = test(&app, &["--json", "-j", jobs]);
        let (tests, _) = lines(&ran);
        let found: Vec<_> = tests.iter().filter_map(|line| line["id"].as_str()).collect();
        assert_eq!(found, ["app:z", "app:d", "app:e", "app:c", "app:b", "app:a"]);
        assert_eq!((&tests[0]["suite"], &tests[1]["suite"]), (&json!(null), &json!("one")));
        assert_eq!(ran.code, Some(0));
    }
}

#[test]
fn the_report_of_junit_is_xml_with_every_test() {
    let app = mixed();
    let file = app.path().join("report.xml");
    let ran = test(&app, &["--junit", &file.to_string_lossy()]);
    assert_eq!(ran.code, Some(1), "{ran:#?}");
    let text = std::fs::read_to_string(&file).expect("it was written");
    let document = Document::parse(&text).expect("it is XML");
    let root = document.root_element();
    assert_eq!((root.attribute("tests"), root.attribute("failures")), (Some("3"), Some("1")));
    let cases = |suite: &str| {
        let suite = root.children().find(|node| node.attribute("name") == Some(suite));
        let cases =
            suite.expect("the suite").children().filter(|node| node.has_tag_name("testcase"));
        cases.filter_map(|case| case.attribute("name")).collect::<Vec<_>>()
    };
    assert_eq!(cases("tests"), ["app:free"]);
    assert_eq!(cases("pool"), ["app:fails", "app:well"]);
    let failure = root.descendants().find(|node| node.has_tag_name("failure")).expect("one");
    assert_eq!(failure.attribute("message"), Some("fails.lua:5: bad <luck>"));
    let printed = root.descendants().find(|node| node.has_tag_name("system-out")).expect("some");
    assert_eq!(printed.text(), Some("from the test\n[app:child 0x2] from \\x01 the child"));
}

#[test]
fn of_much_that_is_printed_the_last_is_kept() {
    let app = app(&[(
        "loud",
        "",
        "return function()
        for n = 1, 40000 do print(string.rep('x', 90), n) end
        error('loud')
    end",
    )]);
    let (tests, _) = lines(&test(&app, &["--json"]));
    assert_eq!(tests[0]["error"], "loud.lua:3: loud");
    let output = tests[0]["output"].as_str().expect("a text");
    assert!(output.len() < 2 << 20, "{}", output.len());
    let first = output.lines().next().unwrap_or_default();
    assert!(first.ends_with(" bytes before this)"), "{first}");
    assert!(output.ends_with("x\t40000\n"));
}

#[test]
fn what_cannot_be_run_is_code_2_and_says_what_to_do() {
    let good = mixed();
    let no_junit = good.path().join("no/such/folder/report.xml");
    let no_test = App::of("{}", &[("main", WELL)]);
    let broken = App::new()
        .file("_index.yaml", "namespace: app\nentries:\n  - {name: t, kind: function.lua}\n");
    for (app, arguments, said) in [
        (&good, vec!["nowhere"], "no test has 'nowhere' in its id or suite"),
        (&good, vec!["nowhere"], "the tests are app:fails, app:free, app:well"),
        (&no_test, vec![], "the app has no test"),
        (&broken, vec![], "_index.yaml:3:"),
        (&good, vec!["-j", "0"], "invalid value '0' for '--jobs <N>'"),
        (&good, vec!["--timeout", "0s"], "a test needs some time"),
        (&good, vec!["--timeout", "soon"], "invalid value 'soon'"),
        (&good, vec!["--worker", "/no/such"], "cannot find the worker program"),
        (&good, vec!["--junit", &no_junit.to_string_lossy()], "report.xml: No such file"),
    ] {
        let ran = run(&mut command(app, &arguments), DEADLINE);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {ran:#?}");
        assert!(ran.stderr.contains(said), "{arguments:?}: {}", ran.stderr);
    }
}
