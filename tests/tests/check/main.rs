//! `wabe check` on apps with one mistake each, and on those of the project.

mod bounds;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tests::{App, Ran, bin, run};

const DEADLINE: Duration = Duration::from_secs(60);

/// `wabe check` in the app's own folder, so that paths are the same everywhere.
fn check(app: &App, arguments: &[&str]) -> Ran {
    let mut command = Command::new(bin("wabe"));
    run(command.arg("check").args(arguments).arg(".").current_dir(app.path()), DEADLINE)
}

/// An app with an entry `app:main`, a library `app:util` that it imports, and a host.
fn app(main: &str) -> App {
    App::new()
        .file("_index.yaml", MANIFEST)
        .file("util.lua", "local util = {}\nfunction util.twice(n: number): number\n    return n * 2\nend\nreturn util\n")
        .file("main.lua", main)
}

const MANIFEST: &str = "\
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
    imports: {util: app:util}
  - name: util
    kind: library.lua
    source: file://util.lua
";

/// What is said about a `main.lua` that uses its import, exactly.
fn says(main: &str, expected: &str) {
    let main = format!("{main}\nprint(util)\n");
    let ran = check(&app(&main), &[]);
    assert_eq!(ran.stderr.trim_end(), expected.trim(), "{main}");
    let code = i32::from(expected.contains("error["));
    assert_eq!(ran.code, Some(code), "{main}");
}

#[test]
fn nothing_wrong_is_code_0() {
    let ran = check(&app("print(util.twice(2))\nreturn function() end\n"), &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.stdout, "0 errors, 0 warnings\n");
}

#[test]
fn manifest() {
    let app = App::new().file("_index.yaml", "namespace: app\nentries:\n  - name: a\n");
    let ran = check(&app, &[]);
    assert_eq!(ran.code, Some(1));
    let expected = "
error[manifest]: entry 'a' has no kind
 --> ./_index.yaml:3:11
  |
3 |   - name: a
  |           ^
  |
  = help: add kind: process.lua, or another";
    assert_eq!(ran.stderr.trim_end(), expected.trim());
}

#[test]
fn source() {
    says(
        "local x = = 1",
        "
error[source]: Expected identifier when parsing expression, got '='
 --> ./main.lua:1:11
  |
1 | local x = = 1
  |           ^
  |
  = help: correct the script: it cannot be loaded",
    );
}

#[test]
fn unknown_name() {
    says(
        "prnt(1)",
        "
error[unknown-name]: unknown global 'prnt'
 --> ./main.lua:1:1
  |
1 | prnt(1)
  | ^^^^
  |
  = help: did you mean 'print'?",
    );
    says(
        "local p = require(\"process\")\np.spwan()",
        "
error[unknown-name]: 'process' has no 'spwan'
 --> ./main.lua:2:3
  |
2 | p.spwan()
  |   ^^^^^
  |
  = help: did you mean 'process.spawn'?",
    );
}

#[test]
fn unknown_module() {
    says(
        "print(require(\"socket\"))",
        "
error[unknown-module]: module 'socket' not found
 --> ./main.lua:1:15
  |
1 | print(require(\"socket\"))
  |               ^^^^^^^^
  |
  = help: name it under modules or imports of the entry",
    );
}

#[test]
fn unknown_entry_host_and_kind() {
    says(
        "process.spawn(\"app:mian\", \"app:processes\")",
        "
error[unknown-entry]: entry 'app:mian' does not exist
 --> ./main.lua:1:15
  |
1 | process.spawn(\"app:mian\", \"app:processes\")
  |               ^^^^^^^^^^
  |
  = help: did you mean 'app:main'?",
    );
    says(
        "process.spawn_linked(\"app:main\", \"app:pool\")",
        "
error[unknown-host]: host 'app:pool' does not exist
 --> ./main.lua:1:34
  |
1 | process.spawn_linked(\"app:main\", \"app:pool\")
  |                                  ^^^^^^^^^^
  |
  = help: the entries of kind process.host are app:processes",
    );
    says(
        "process.spawn(\"app:util\", \"app:processes\")",
        "
error[wrong-kind]: entry 'app:util' is a library.lua, not a process.lua
 --> ./main.lua:1:15
  |
1 | process.spawn(\"app:util\", \"app:processes\")
  |               ^^^^^^^^^^
  |
  = help: the entries of kind process.lua are app:main",
    );
}

#[test]
fn a_module_that_the_entry_does_not_name() {
    says(
        "print(require(\"hash\").sha256(\"\"))\nuuid.v4()",
        "
error[unknown-module]: module 'hash' not found
 --> ./main.lua:1:15
  |
1 | print(require(\"hash\").sha256(\"\"))
  |               ^^^^^^
  |
  = help: name it under modules of the entry: modules: [hash]
error[unknown-name]: unknown global 'uuid'
 --> ./main.lua:2:1
  |
2 | uuid.v4()
  | ^^^^
  |
  = help: name it under modules of the entry: modules: [uuid]",
    );
}

#[test]
fn an_app_of_a_single_file_has_all_modules_and_need_not_use_them() {
    let app = App::new().file("one.lua", "logger:info(uuid.v4())\nreturn function() end\n");
    let mut command = Command::new(bin("wabe"));
    let ran = run(command.args(["check", "one.lua"]).current_dir(app.path()), DEADLINE);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("0 errors, 0 warnings\n", ""));
}

#[test]
fn calls_of_builders() {
    let place = |line: &str, start: usize, length: usize| {
        format!(" |\n2 | {line}\n  | {}{}\n  |\n", " ".repeat(start), "^".repeat(length))
    };
    let line = "builder:with_name(\"x\"):spawn(\"app:util\", \"app:processes\")";
    says(
        &format!("local builder = process.with_context({{}})\n{line}"),
        &format!(
            "error[wrong-kind]: entry 'app:util' is a library.lua, not a process.lua\n \
             --> ./main.lua:2:30\n {}  = help: the entries of kind process.lua are app:main",
            place(line, 29, 10)
        ),
    );
}

#[test]
fn types() {
    says(
        "process.send(1, \"topic\")",
        "
error[type]: Expected this to be 'string', but got 'number'
 --> ./main.lua:1:14
  |
1 | process.send(1, \"topic\")
  |              ^
  |
  = help: correct the value, or say with '::' that you know better",
    );
    says(
        "process.send(process.spawn(\"app:main\", \"app:processes\"), \"x\")",
        "
error[type]: Expected this to be 'string', but got 'string?'
 --> ./main.lua:1:14
  |
1 | process.send(process.spawn(\"app:main\", \"app:processes\"), \"x\")
  |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: it may be nil: test it with 'if' or 'assert' before",
    );
}

#[test]
fn imports_have_the_types_of_what_libraries_return() {
    // Also below the place where locals stand for them, and on the same line.
    for (line, column) in [("util.twice(\"x\")", 12), ("require(\"util\").twice(\"x\")", 23)] {
        let ran = check(&app(&format!("{line}\nprint(util)\n")), &["--json"]);
        let finding = lines(&ran).remove(0);
        assert_eq!(finding["message"], "Expected this to be 'number', but got 'string'", "{line}");
        assert_eq!((&finding["line"], &finding["column"]), (&json!(1), &json!(column)), "{line}");
    }
}

#[test]
fn a_source_asks_for_less() {
    for line in ["--!nocheck", "--!nonstrict"] {
        let ran = check(&app(&format!("{line}\nprocess.send(1, util)\n")), &[]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{line}");
    }
    let nocheck = app("process.send(1, util)\n").file(".luaurc", "{\"languageMode\": \"nocheck\"}");
    assert_eq!(check(&nocheck, &[]).code, Some(0));
}

#[test]
fn a_function_may_return_this_or_that() {
    let main = "\
return function(text: string?)
    if not text then
        return
    end
    print(util)
    return nil, errors.new(text)
end
";
    let ran = check(&app(main), &[]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}

#[test]
fn unused() {
    let manifest = MANIFEST.replace("    imports", "    modules: [time]\n    imports");
    let app = app("print(1)\n").file("_index.yaml", &manifest);
    let expected = "
warning[unused-module]: module 'time' is not used in main.lua
 --> ./_index.yaml:6:15
  |
6 |     modules: [time]
  |               ^^^^
  |
  = help: remove it
warning[unused-import]: import 'util' is not used in main.lua
 --> ./_index.yaml:7:21
  |
7 |     imports: {util: app:util}
  |                     ^^^^^^^^
  |
  = help: remove it: a library that is imported is loaded by each process";
    let ran = check(&app, &[]);
    assert_eq!(ran.stderr.trim_end(), expected.trim());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "0 errors, 2 warnings\n"));
}

#[test]
fn lint() {
    says(
        "local unused = 1",
        "
warning[lint]: Variable 'unused' is never used; prefix with '_' to silence
 --> ./main.lua:1:7
  |
1 | local unused = 1
  |       ^^^^^^
  |
  = help: correct it, or put '--!nolint' before the script",
    );
}

#[test]
fn ignored() {
    let manifest = format!("{MANIFEST}  - {{name: web, kind: http.gateway}}\n");
    let ran = check(&app("print(util)\n").file("_index.yaml", &manifest), &[]);
    let expected = "
warning[ignored]: _index.yaml:10: entries of unknown kind 'http.gateway' are skipped
 |
help: remove it, or wait for what it needs";
    assert_eq!(ran.stderr.trim_end(), expected.trim());
}

fn lines(ran: &Ran) -> Vec<Value> {
    let parsed = ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    parsed.collect()
}

#[test]
fn json_has_one_line_for_each_finding_and_one_for_all() {
    let ran = check(&app("print(\"ä\", prnt)\nprint(util)\n"), &["--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let expected = json!({"code": "unknown-name", "severity": "error", "file": "./main.lua",
        "line": 1, "column": 12, "text": "prnt", "message": "unknown global 'prnt'",
        "help": "did you mean 'print'?"});
    assert_eq!(lines(&ran), [expected, json!({"errors": 1, "warnings": 0})]);
}

#[test]
fn an_app_that_is_not_there_is_wrong_usage() {
    let ran = run(Command::new(bin("wabe")).args(["check", "no/such/app"]), DEADLINE);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("cannot read app no/such/app"), "{}", ran.stderr);
}

#[test]
fn each_code_is_in_the_document_with_its_severity() {
    let text = std::fs::read_to_string(root().join("docs/check.md")).expect("the document");
    for code in check::Code::ALL {
        let severity = match code.severity() {
            check::Severity::Error => "error",
            check::Severity::Warning => "warning",
        };
        assert!(text.contains(&format!("\n| `{code}` | {severity} |")), "{code}");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the project").to_owned()
}

#[test]
fn the_apps_of_the_project_are_well() {
    let examples = std::fs::read_dir(root().join("examples")).expect("the examples");
    let examples = examples.map(|item| item.expect("an example").path());
    for app in examples.chain([root().join("tests/apps/speed")]) {
        let ran = run(Command::new(bin("wabe")).arg("check").arg("--json").arg(&app), DEADLINE);
        let found = lines(&ran);
        if app.ends_with("hostile") {
            // It tries what a process does not have, on purpose.
            assert_eq!(found[0]["message"], "unknown global 'io'", "{found:?}");
            assert_eq!(found.len(), 2, "{found:?}");
        } else {
            assert_eq!(found, [json!({"errors": 0, "warnings": 0})], "{}", app.display());
        }
    }
}
