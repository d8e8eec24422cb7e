//! Services of an app that is read again.

use crate::{Edited, read};
use tests::live::DEADLINE;
use tests::{App, Ran};

/// Lives until it is asked to end.
fn lasting(word: &str, more: &str) -> String {
    format!(
        "return function() local events = process.events() {more} print('{word}') \
         print(events:receive().kind) end"
    )
}

fn services() -> App {
    let service = |name: &str, more: &str| {
        format!(
            "  - {{name: {name}, kind: process.lua, source: 'file://{name}.lua'}}\n  - {{name: \
             {name}-service, kind: process.service, process: 'app:{name}', host: 'app:processes', \
             input: [{more}], lifecycle: {{auto_start: true, ready: notify}}}}\n"
        )
    };
    let manifest = ["a", "b", "c"].map(|name| service(name, "1")).concat();
    let up = "process.ready()";
    let asks = "process.ready() assert(process.set_options({ upgradable = true }))";
    App::new()
        .file("_index.yaml", &format!("namespace: app\nentries:\n{manifest}"))
        .file("a.lua", &lasting("old a", up))
        .file("b.lua", &lasting("old b", up))
        .file("c.lua", &lasting("old c", asks))
}

fn births(ran: &Ran, entry: &str) -> usize {
    ran.stderr.matches(&format!(" is {entry} in OS process ")).count()
}

fn up(live: &mut Edited, mut words: Vec<&str>) {
    while let Some(word) = words.pop() {
        // In any order.
        let line = live.running.stdout_line(DEADLINE).unwrap_or_default();
        assert!(line.contains("] "), "no '{word}': {line}");
    }
}

#[test]
fn services_that_have_changed_start_again_and_the_others_run_on() {
    let mut live = Edited::start(services(), &[]);
    up(&mut live, vec!["old a", "old b", "old c"]);
    live.write("a.lua", &lasting("new a", "process.ready()"));
    live.reload();
    live.says("] new a");
    // One whose arguments have changed.
    let path = live.path.join("_index.yaml");
    let (first, rest) = read(&path)
        .split_once("input: [1]")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("it");
    live.write("_index.yaml", &format!("{first}input: [2]{rest}"));
    live.reload();
    live.says("] new a");
    // One that asked is told, and not started again.
    live.write("c.lua", &lasting("new c", ""));
    live.reload();
    live.says("] OUTDATED");
    let ran = live.end();
    let all = ["app:a", "app:b", "app:c"].map(|entry| births(&ran, entry));
    assert_eq!((all, ran.code), ([3, 1, 1], Some(0)), "{ran:#?}");
}

#[test]
fn a_service_that_was_given_up_is_tried_again_when_it_has_changed() {
    let app = services().file("a.lua", "return function( end");
    let manifest = read(&app.path().join("_index.yaml"));
    let once = manifest.replacen("ready: notify", "restart: {max_attempts: 0}", 1);
    let mut live = Edited::start(app.file("_index.yaml", &once), &[]);
    live.tells("given up after 0 attempts");
    live.write("a.lua", &lasting("good a", ""));
    live.reload();
    live.says("] good a");
    live.end();
}
