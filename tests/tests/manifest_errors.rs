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

/// The beginning of a sentence of the document, and the files of the app with the error shown below it.
type Example = (&'static str, &'static [(&'static str, &'static str)]);

const EXAMPLES: [Example; 10] = [
    (
        "An unknown field",
        &[(
            "_index.yaml",
            "\
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
  - name: pool
    kind: process.host
    host:
      max_procesess: 50
",
        )],
    ),
    (
        "A limit in a form",
        &[(
            "_index.yaml",
            "\
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
  - name: pool
    kind: process.host
    host:
      cpu: 60
",
        )],
    ),
    (
        "An id that is defined twice",
        &[(
            "_index.yaml",
            "\
namespace: app
entries:
  - name: workers
    kind: process.host
  - name: workers
    kind: process.host
",
        )],
    ),
    (
        "An import that does not exist",
        &[(
            "_index.yaml",
            "\
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
    imports:
      util: app:utils
  - name: util
    kind: library.lua
    source: file://main.lua
",
        )],
    ),
    (
        "Services that require each other",
        &[(
            "_index.yaml",
            "\
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
  - name: db
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
",
        )],
    ),
    (
        "Limits that do not fit",
        &[(
            "_index.yaml",
            "\
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
  - name: pool
    kind: process.host
    host:
      memory: 8MiB
      message: 4MiB
",
        )],
    ),
    (
        "A pattern that names nothing",
        &[
            (
                "_index.yaml",
                "\
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
  - name: plugins
    kind: process.host
    host:
      permissions:
        spawn: [app.tools:crul]
",
            ),
            (
                "tools/_index.yaml",
                "\
namespace: app.tools
entries:
  - name: curl
    kind: process.lua
    source: file://curl.lua
",
            ),
            (
                "tools/curl.lua",
                "\
return function() end
",
            ),
        ],
    ),
    (
        "A host without a sandbox",
        &[(
            "_index.yaml",
            "\
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
  - name: pool
    kind: process.host
    host:
      sandbox: none
",
        )],
    ),
    (
        "A script of the main process",
        &[
            (
                "_index.yaml",
                "\
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
",
            ),
            (
                "main.lua",
                "\
return function()
  print(1
end
",
            ),
        ],
    ),
    (
        "Nothing to run",
        &[(
            "_index.yaml",
            "\
namespace: app
entries:
  - {name: a, kind: process.lua, source: file://main.lua}
  - {name: b, kind: process.lua, source: file://main.lua}
",
        )],
    ),
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

/// What `wabe run app` says of an app of these files.
fn said(files: &[(&str, &str)]) -> (String, Option<i32>) {
    let app = App::new().file("app/main.lua", "return function() end\n");
    let put = |app: App, (name, text): &(&str, &str)| app.file(&format!("app/{name}"), text);
    let app = files.iter().fold(app, put);
    let mut command = Command::new(bin("wabe"));
    let ran = run(command.args(["run", "app"]).current_dir(app.path()), DEADLINE);
    (ran.stderr, ran.code)
}

#[test]
fn each_error_of_the_document_is_what_is_said() {
    let document = document();
    let mut left: BTreeSet<_> = EXAMPLES.iter().map(|(sentence, _)| *sentence).collect();
    let mut wrong = String::new();
    for (above, expected) in shown(&document) {
        let sentence = above.rsplit("\n\n").next().unwrap_or(above);
        let example = EXAMPLES.iter().find(|(start, _)| sentence.starts_with(start));
        let (start, files) = example.unwrap_or_else(|| panic!("no app for: {sentence}"));
        let (said, code) = said(files);
        if (said.trim_end(), code) != (expected, Some(2)) {
            let _ = writeln!(
                wrong,
                "{sentence}\n{expected}\nis shown, and said (code {code:?}):\n{said}"
            );
        }
        assert!(left.remove(start), "two examples begin with: {start}");
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(left.is_empty(), "the document does not show: {left:?}");
}

#[test]
fn the_warning_of_the_document_is_what_is_said() {
    let document = document();
    let (_, after) = document.split_once("\n```\n$ wabe run app\n").expect("an example");
    let (expected, _) = after.split_once("\n```\n").expect("its end");
    let manifest = "namespace: app\nentries:\n  - {name: main, kind: process.lua, source: file://main.lua}\n  \
                    - name: web\n    kind: http.gateway\n";
    let (said, code) = said(&[("_index.yaml", manifest)]);
    assert_eq!((said.trim_end(), code), (expected, Some(0)));
}
