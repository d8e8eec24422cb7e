//! What does not load changes nothing.

use crate::{Edited, MANIFEST, app, says};

#[test]
fn what_does_not_load_changes_nothing_and_is_shown() {
    let mut live = Edited::start(app(), &[]);
    live.says("a says\told");
    let goes_on = "wabe: the app goes on as it was";
    live.write("a.lua", "return function()\n  return 'broken' +\nend");
    live.write("lib.lua", "return { version = 2 }");
    live.reload();
    live.tells(
        "error: cannot reload app:a: Expected identifier when parsing expression, got 'end'",
    );
    live.tells("a.lua:3:1");
    live.tells("^^^");
    live.tells(goes_on);
    live.write("_index.yaml", &MANIFEST.replace("app:lib", "app:bil"));
    live.reload();
    live.tells("error: entry 'app:bil' does not exist");
    live.tells("_index.yaml:4:");
    live.tells("^^^");
    live.tells(goes_on);
    // The code of main is still the old one, and it was told nothing.
    live.write("_index.yaml", MANIFEST);
    live.write("a.lua", &says("new"));
    live.reload();
    live.says("a says\tnew");
    let ran = live.end();
    assert_eq!(ran.stdout.matches("OUTDATED").count(), 1, "{ran:#?}");
}

#[test]
fn what_compiles_and_does_not_load_changes_nothing_either() {
    let mut live = Edited::start(app(), &[]);
    live.says("a says\told");
    for (text, why) in [
        ("local nobody = nil\nreturn nobody.field", "attempt to index nil with 'field'"),
        (
            "return { other = function() end }",
            "returns neither a function nor a table with a function 'main'",
        ),
        ("while true do end", "10 s"),
        ("return require('nobody')", "nobody"),
    ] {
        live.write("a.lua", text);
        live.reload();
        live.tells_all(&["error: cannot reload app:a: ", why]);
        live.tells("wabe: the app goes on as it was");
    }
    // What goes on as only somebody could has loaded, as far as that can be seen: and nobody hears it.
    live.write(
        "a.lua",
        "process.registry.register('name') print('loads') return function() return 'new' end",
    );
    live.write("lib.lua", "return { version = 2 }");
    live.reload();
    live.tells("wabe: the app was read again: app:a, app:lib, app:main changed");
    live.says("a says\tnew");
    let ran = live.end();
    assert_eq!(ran.stdout.matches("] loads\n").count(), 1, "{ran:#?}");
    assert_eq!(ran.stdout.matches("OUTDATED").count(), 1, "{ran:#?}");
}

#[test]
fn entries_that_are_broken_already_neither_stand_in_the_way_nor_hide_another() {
    // More than are told of (`BROKEN_MAX`).
    let broken: String = (0..20)
        .map(|n| format!("  - {{name: b{n}, kind: process.lua, source: 'file://b.lua'}}\n"))
        .collect();
    let app = app().file("_index.yaml", &format!("{MANIFEST}{broken}"));
    let app = app.file("b.lua", "return function(");
    let mut live = Edited::start(app, &[]);
    live.says("a says\told");
    live.write("a.lua", &says("new"));
    live.reload();
    live.tells("wabe: the app was read again: app:a changed");
    live.write("main.lua", "return function(");
    live.reload();
    live.tells("error: cannot reload app:main: ");
    live.tells("wabe: the app goes on as it was, until it can be read again");
    live.end();
}

/// Takes more memory than the host that every app has allows, and more than its workers could have.
const LARGE: &str = "local all = buffer.create(250 * 1024 * 1024) return function() return all end";

#[test]
fn what_is_loaded_may_use_what_the_hosts_of_its_own_version_allow() {
    let mut live = Edited::start(app(), &[]);
    live.says("a says\told");
    live.write("a.lua", LARGE);
    live.reload();
    live.tells_all(&["error: cannot reload app:a: ", "memory"]);
    live.tells("wabe: the app goes on as it was");
    let host = "  - {name: large, kind: process.host, host: {memory: 400MiB}}\n";
    live.write("_index.yaml", &format!("{MANIFEST}{host}"));
    live.reload();
    live.tells("wabe: the app was read again: app:a changed");
    live.end();
}
