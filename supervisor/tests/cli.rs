//! The command line by itself: what it says and with which code, where nothing is run.
//!
//! (Being an integration test of this package, it also makes `cargo test` build the binary that the
//! tests of the whole run.)

use std::process::{Command, Output};

fn wabe(arguments: &[&str]) -> Output {
    let wabe = env!("CARGO_BIN_EXE_wabe");
    Command::new(wabe).args(arguments).output().expect("the binary is built with this test")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_has_an_example_and_goes_to_standard_output() {
    for (arguments, example) in [
        (&["--help"][..], "wabe run examples/"),
        (&["run", "--help"], "wabe run examples/"),
        (&["test", "--help"], "wabe test examples/"),
    ] {
        let output = wabe(arguments);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains(example), "{}", text(&output.stdout));
    }
}

#[test]
fn the_help_of_each_command_has_an_example() {
    for (command, example) in [("check", "wabe check examples/"), ("init", "wabe init my-app")] {
        let output = wabe(&[command, "--help"]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).contains(example), "{}", text(&output.stdout));
    }
}

#[test]
fn wrong_usage_is_code_2_and_goes_to_standard_error() {
    for arguments in [&[][..], &["run"], &["run", "app", "--unknown"], &["walk"]] {
        let output = wabe(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_trial_is_for_the_runner_of_tests_only() {
    let output = wabe(&["trial", "app", "app:t"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("use wabe test"), "{}", text(&output.stderr));
    assert!(!text(&wabe(&["--help"]).stdout).contains("trial"));
}

#[test]
fn an_app_that_is_not_there_is_named_with_the_remedy() {
    let output = wabe(&["run", "no/such/app"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("cannot read app no/such/app"), "{said}");
    assert!(said.contains("give a folder with manifests, or a .lua file"), "{said}");
}

#[test]
fn with_json_even_that_is_one_line() {
    let output = wabe(&["run", "--json", "no/such/app"]);
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one JSON value");
    assert!(line["error"].as_str().is_some_and(|error| error.contains("no/such/app")));
    assert!(line["exit"].is_null() && line["pid"].is_null() && line["result"].is_null());
    assert_eq!(line["denied"], serde_json::json!([]));
}

#[test]
fn a_folder_without_a_manifest_is_no_app() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = wabe(&["run", &folder.path().to_string_lossy()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("no manifest in"), "{}", text(&output.stderr));
}

/// An app whose only host has no sandbox.
fn unenclosed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = concat!(include_str!("manifests/pool.yaml"), "      sandbox: none\n");
    std::fs::write(folder.path().join("_index.yaml"), manifest).expect("it is new");
    std::fs::write(folder.path().join("main.lua"), "return print").expect("it is new");
    folder
}

#[test]
fn a_host_without_a_sandbox_is_refused_unless_that_is_allowed() {
    let folder = unenclosed();
    let path = folder.path().to_string_lossy();
    let output = wabe(&["run", &path]);
    assert_eq!(output.status.code(), Some(2));
    let expected = format!(
        "error: host 'app:pool' has no sandbox
 --> {path}/_index.yaml:9:16
  |
9 |       sandbox: none
  |                ^^^^
  |
  = help: run wabe with --allow-no-sandbox, for debugging only
"
    );
    assert_eq!(text(&output.stderr), expected);
    assert!(output.stdout.is_empty(), "nothing was started");

    // It goes on to the next thing that is missing.
    let worker = ["--worker", "/no/such/worker"];
    let output = wabe(&["run", "--allow-no-sandbox", worker[0], worker[1], &path]);
    assert!(text(&output.stderr).contains("cannot find the worker program"));
}

#[test]
fn layers_are_chosen_only_where_no_sandbox_is_allowed() {
    let output = wabe(&["run", "--layers", "none", "app"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--allow-no-sandbox"), "{}", text(&output.stderr));
    let output = wabe(&["run", "--allow-no-sandbox", "--layers", "uid,secomp", "app"]);
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stderr);
    assert!(said.contains("layer 'secomp' does not exist"), "{said}");
    let output = wabe(&["run", "--allow-no-sandbox", "--layers", "uid, seccomp", "no/app"]);
    assert!(text(&output.stderr).contains("cannot read app no/app"));
}
