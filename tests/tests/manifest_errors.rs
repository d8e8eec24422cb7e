//! Each error that `docs/manifests.md` shows is what `wabe run` says, to the letter.
//!
//! The document shows what is said, and the apps are here, by the beginning of the sentence above it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tests::{App, bin, run};

const DEADLINE: Duration = Duration::from_secs(60);

/// An app, by the beginning of the sentence above the error that it shows.
struct Example {
    sentence: &'static str,
    /// Its entries, behind [`HEAD`].
    entries: &'static str,
    /// Files beside its manifest and an empty script.
    more: &'static [(&'static str, &'static str)],
}

const HEAD: &str = "namespace: app\nentries:\n";

/// A process, and the entries behind it.
macro_rules! main_and {
    ($entries:literal) => {
        concat!("  - name: main\n    kind: process.lua\n    source: file://main.lua\n", $entries)
    };
}

const EXAMPLES: [Example; 10] = [
    Example {
        sentence: "An unknown field",
        entries: main_and!(
            "  - name: pool
    kind: process.host
    host:
      max_procesess: 50
"
        ),
        more: &[],
    },
    Example {
        sentence: "A limit in a form",
        entries: main_and!(
            "  - name: pool
    kind: process.host
    host:
      cpu: 60
"
        ),
        more: &[],
    },
    Example {
        sentence: "An id that is defined twice",
        entries: "  - name: workers
    kind: process.host
  - name: workers
    kind: process.host
",
        more: &[],
    },
    Example {
        sentence: "An import that does not exist",
        entries: main_and!(
            "    imports:
      util: app:utils
  - name: util
    kind: library.lua
    source: file://main.lua
"
        ),
        more: &[],
    },
    Example {
        sentence: "Services that require each other",
        entries: main_and!(
            "  - name: db
    kind: process.service
    process: app:main
    host: app:processes
    lifecycle: {requires: [app:web]}
  # It answers what is in the database.
  - name: web
    kind: process.service
    process: app:main
    host: app:processes
    input: [8080]
    lifecycle: {requires: [app:db]}
"
        ),
        more: &[],
    },
    Example {
        sentence: "Limits that do not fit",
        entries: main_and!(
            "  - name: pool
    kind: process.host
    host:
      memory: 8MiB
      message: 4MiB
"
        ),
        more: &[],
    },
    Example {
        sentence: "A pattern that names nothing",
        entries: main_and!(
            "  - name: plugins
    kind: process.host
    host:
      permissions:
        spawn: [app.tools:crul]
"
        ),
        more: &[
            (
                "tools/_index.yaml",
                "namespace: app.tools\nentries:\n  - name: curl\n    kind: process.lua\n    source: file://curl.lua\n",
            ),
            ("tools/curl.lua", "return function() end\n"),
        ],
    },
    Example {
        sentence: "A host without a sandbox",
        entries: main_and!(
            "  - name: pool
    kind: process.host
    host:
      sandbox: none
"
        ),
        more: &[],
    },
    Example {
        sentence: "A script of the main process",
        entries: main_and!(""),
        more: &[("main.lua", "return function()\n  print(1\nend\n")],
    },
    Example {
        sentence: "Nothing to run",
        entries: "\x20 - {name: a, kind: process.lua, source: file://main.lua}
  - {name: b, kind: process.lua, source: file://main.lua}
",
        more: &[],
    },
];

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/manifests.md");
    fs::read_to_string(path).expect("the document is there")
}

/// Each example of the document: the sentence above it, and what is said.
fn shown(document: &str) -> Vec<(&str, &str)> {
    let (_, section) = document.split_once("\n## Errors\n").expect("a section of errors");
    let parts: Vec<_> = section.split("\n```\n").collect();
    parts.chunks_exact(2).map(|pair| (pair[0].trim(), pair[1])).collect()
}

/// What `wabe run app` says of an app with these entries and files.
fn said(entries: &str, more: &[(&str, &str)]) -> (String, Option<i32>) {
    let app = App::new().file("app/main.lua", "return function() end\n");
    let app = app.file("app/_index.yaml", &format!("{HEAD}{entries}"));
    let put = |app: App, (name, text): &(&str, &str)| app.file(&format!("app/{name}"), text);
    let app = more.iter().fold(app, put);
    let mut command = Command::new(bin("wabe"));
    let ran = run(command.args(["run", "app"]).current_dir(app.path()), DEADLINE);
    (ran.stderr, ran.code)
}

#[test]
fn each_error_of_the_document_is_what_is_said() {
    let document = document();
    let mut left: BTreeSet<_> = EXAMPLES.iter().map(|example| example.sentence).collect();
    let mut wrong = String::new();
    for (above, expected) in shown(&document) {
        let sentence = above.rsplit("\n\n").next().unwrap_or(above);
        let example = EXAMPLES.iter().find(|example| sentence.starts_with(example.sentence));
        let example = example.unwrap_or_else(|| panic!("no app for: {sentence}"));
        let (said, code) = said(example.entries, example.more);
        if (said.trim_end(), code) != (expected, Some(2)) {
            let _ = writeln!(
                wrong,
                "{sentence}\n{expected}\nis shown, and said (code {code:?}):\n{said}"
            );
        }
        assert!(left.remove(example.sentence), "two examples begin with: {}", example.sentence);
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(left.is_empty(), "the document does not show: {left:?}");
}

#[test]
fn the_warning_of_the_document_is_what_is_said() {
    let document = document();
    let (_, after) = document.split_once("\n```\n$ wabe run app\n").expect("an example");
    let (expected, _) = after.split_once("\n```\n").expect("its end");
    let entries = "  - {name: main, kind: process.lua, source: file://main.lua}\n  \
                   - name: web\n    kind: http.gateway\n";
    let (said, code) = said(entries, &[]);
    assert_eq!((said.trim_end(), code), (expected, Some(0)));
}
