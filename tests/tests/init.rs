//! `wabe init`: what it makes passes, and what it cannot make leaves nothing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tests::{Ran, bin, run};

const DEADLINE: Duration = Duration::from_secs(60);

fn wabe(folder: &Path, arguments: &[&str]) -> Ran {
    run(Command::new(bin("wabe")).args(arguments).current_dir(folder), DEADLINE)
}

fn names(folder: &Path) -> Vec<String> {
    let items = fs::read_dir(folder).expect("the folder is there");
    let names = items.map(|item| item.expect("an item").file_name().to_string_lossy().into());
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

#[test]
fn a_new_app_passes_its_check_and_its_test() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let ran = wabe(place.path(), &["init", "new/app"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.contains("'wabe check new/app' and 'wabe test new/app'"), "{}", ran.stdout);
    let ran = wabe(place.path(), &["check", "new/app"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "0 errors, 0 warnings\n"), "{ran:?}");
    let ran = wabe(place.path(), &["test", "new/app"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.stdout.contains("passed    app:server_test ("), "{}", ran.stdout);
    assert!(ran.stdout.contains("\n1 passed, in "), "{}", ran.stdout);
}

#[test]
fn the_test_of_a_new_app_can_fail() {
    let place = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(wabe(place.path(), &["init", "."]).code, Some(0));
    let words = place.path().join("words.lua");
    let text = fs::read_to_string(&words).expect("it was made").replace("+= 1", "+= 2");
    fs::write(words, text).expect("it can be written");
    let ran = wabe(place.path(), &["test", "."]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("expected 3 words, got 6"), "{ran:?}");
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let place = tempfile::tempdir().expect("a temporary folder");
    fs::write(place.path().join("mine"), "").expect("it can be written");
    let ran = wabe(place.path(), &["init", "."]);
    assert_eq!(ran.code, Some(2));
    let expected = "\
error: cannot make an app in .: the folder is not empty
 |
help: give one that is empty or not there";
    assert_eq!(ran.stderr.trim_end(), expected);
    assert_eq!(names(place.path()), ["mine"]);
}

#[test]
fn what_cannot_be_made_whole_leaves_nothing() {
    let place = tempfile::tempdir().expect("a temporary folder");
    // No file may become larger than 1 KiB: the definitions do not fit, the files before them do.
    let script = "ulimit -f 1; trap '' XFSZ; exec \"$0\" init new/app";
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).arg(bin("wabe")).current_dir(place.path());
    let ran = run(&mut shell, DEADLINE);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("nothing was left there"), "{}", ran.stderr);
    assert!(names(place.path()).is_empty(), "{:?}", names(place.path()));
}

#[test]
fn definitions_are_written_anew_and_nothing_else() {
    let place = tempfile::tempdir().expect("a temporary folder");
    assert_eq!(wabe(place.path(), &["init", "."]).code, Some(0));
    let before = names(place.path());
    fs::write(place.path().join("wabe.d.luau"), "old").expect("it can be written");
    fs::write(place.path().join("worker.lua"), "mine").expect("it can be written");
    let ran = wabe(place.path(), &["init", "--types", "."]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(names(place.path()), before);
    let read = |name| fs::read_to_string(place.path().join(name)).expect("it is there");
    assert_eq!(read("wabe.d.luau"), api::luau::definitions());
    assert_eq!(read("wabe.d.lua"), api::luals::definitions());
    assert_eq!(read("worker.lua"), "mine");
}

#[test]
fn a_link_in_the_place_of_definitions_is_replaced_and_not_followed() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let app = place.path().join("app");
    assert_eq!(wabe(place.path(), &["init", "app"]).code, Some(0));
    let before = names(&app);
    fs::write(place.path().join("elsewhere"), "mine").expect("it is new");
    for name in ["wabe.d.lua", ".wabe.d.luau.new"] {
        let _ = fs::remove_file(app.join(name));
        std::os::unix::fs::symlink("../elsewhere", app.join(name)).expect("a link");
    }
    let ran = wabe(place.path(), &["init", "--types", "app"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(names(&app), before);
    let read = |path| fs::read_to_string(path).expect("it is there");
    assert_eq!(read(place.path().join("elsewhere")), "mine");
    assert_eq!(read(app.join("wabe.d.lua")), api::luals::definitions());
    assert!(!app.join("wabe.d.lua").is_symlink());
}
