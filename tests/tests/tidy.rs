//! What holds for the text of the project: its layers, its licences, its links.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the project").to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path:?}: {error}"))
}

/// Every file of the project under a folder with one of these endings.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(&folder).expect("a folder of the project") {
            let path = item.expect("an item of it").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no {endings:?} under {folder}");
    found
}

/// Fails with every place where a text stands that must not.
fn nowhere(folder: &str, endings: &[&str], forbidden: &[&str], except: &[&str]) {
    let mut places = Vec::new();
    for path in files(folder, endings) {
        let name = path.strip_prefix(root()).expect("inside").to_string_lossy().into_owned();
        if except.contains(&name.as_str()) {
            continue;
        }
        for (number, line) in read(&path).lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if forbidden.iter().any(|text| code.contains(text)) {
                places.push(format!("{name}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(places.is_empty(), "{forbidden:?} must not stand here:\n{}", places.join("\n"));
}

fn metadata() -> Value {
    // Only what is built here is downloaded, and nothing more need be.
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .args(["--filter-platform", &platform])
        .current_dir(root())
        .output()
        .expect("cargo runs this test, so it is there");
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    serde_json::from_slice(&cargo.stdout).expect("cargo prints JSON")
}

/// Names of the packages that a package of the workspace names itself.
fn dependencies(package: &str, with_tests: bool) -> BTreeSet<String> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|p| p["name"] == package && p["source"].is_null());
    let all = package.expect("a package of the workspace")["dependencies"].as_array();
    let wanted = all.expect("dependencies").iter().filter(|d| with_tests || d["kind"].is_null());
    wanted.map(|d| d["name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_node_has_no_io_no_clock_and_no_std() {
    let lib = read("supervisor/node/src/lib.rs");
    assert!(lib.contains("#![no_std]") && lib.contains("#![forbid(unsafe_code)]"));
    nowhere("supervisor/node/src", &[".rs"], &["std::", "extern crate std", "HashMap"], &[]);
    let allowed = BTreeSet::from(["ipc".to_owned(), "siphasher".to_owned()]);
    assert_eq!(dependencies("node", false), allowed);
}

#[test]
fn ipc_is_pure() {
    assert!(read("ipc/src/lib.rs").contains("#![forbid(unsafe_code)]"));
    let io =
        ["std::fs", "std::net", "std::os", "std::process", "std::thread", "std::time", "nix::"];
    nowhere("ipc/src", &[".rs"], &io, &[]);
    let known = ["rmp-serde", "serde", "thiserror"].map(str::to_owned);
    assert_eq!(dependencies("ipc", false), BTreeSet::from(known));
}

#[test]
fn the_supervisor_has_no_unsafe_no_lua_no_threads_and_no_async_runtime() {
    assert!(read("supervisor/src/lib.rs").contains("#![forbid(unsafe_code)]"));
    nowhere("supervisor", &[".rs"], &["thread::spawn", "async fn", "mlua"], &[]);
    for package in ["supervisor", "node", "ipc", "packet"] {
        let all = dependencies(package, true);
        for absent in ["mlua", "tokio", "async-std", "smol", "worker"] {
            assert!(!all.contains(absent), "{package} depends on {absent}");
        }
    }
}

#[test]
fn the_table_of_the_api_depends_on_nothing() {
    let lib = read("api/src/lib.rs");
    assert!(lib.contains("#![no_std]") && lib.contains("#![forbid(unsafe_code)]"));
    assert_eq!(dependencies("api", true), BTreeSet::new());
}

#[test]
fn the_worker_has_no_analyzer() {
    assert!(read("supervisor/check/src/lib.rs").contains("#![forbid(unsafe_code)]"));
    let all = dependencies("worker", true);
    assert!(!all.contains("check") && !all.contains("luau-analysis"), "{all:?}");
}

#[test]
fn nobody_sees_the_tests() {
    for package in ["api", "check", "ipc", "packet", "node", "supervisor", "worker"] {
        assert!(!dependencies(package, true).contains("tests"), "{package} depends on tests");
    }
}

#[test]
fn unsafe_is_where_it_is_said_to_be() {
    let known = [
        "worker/src/door/calls.rs",
        "worker/src/door/mod.rs",
        "worker/src/door/packets.rs",
        "worker/src/fork.rs",
        "worker/src/held.rs",
        "worker/src/mapping.rs",
        "worker/src/memory.rs",
        "worker/src/objects.rs",
        "worker/src/safepoint.rs",
        "worker/src/sandbox/sys.rs",
        "worker/src/stack.rs",
        "worker/src/turn.rs",
    ];
    for folder in ["api", "ipc", "supervisor", "worker"] {
        nowhere(folder, &[".rs"], &["unsafe {", "unsafe extern", "unsafe fn"], &known);
    }
}

#[test]
fn nothing_sleeps() {
    for folder in ["ipc", "supervisor", "worker", "tests"] {
        nowhere(
            folder,
            &[".rs"],
            &["thread::sleep", "usleep(", "nanosleep("],
            &["tests/tests/tidy.rs"],
        );
    }
}

#[test]
fn no_file_is_a_room_with_too_much_in_it() {
    for folder in ["api", "ipc", "supervisor", "worker", "tests"] {
        for path in files(folder, &[".rs", ".luau", ".lua"]) {
            let lines = read(&path).lines().count();
            assert!(lines <= 400, "{} has {lines} lines; split it", path.display());
        }
    }
}

#[test]
fn every_dependency_may_be_used_and_comes_from_the_registry() {
    let allowed = [
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "ISC",
        "MIT",
        "Unicode-3.0",
        "Unicode-DFS-2016",
        "Unlicense",
        "Zlib",
    ];
    let allowed = |id: &str| allowed.contains(&id);
    for package in metadata()["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(source) = package["source"].as_str() else { continue };
        assert!(source.starts_with("registry+"), "{name} comes from {source}");
        let licence = package["license"].as_str().unwrap_or_default();
        let parsed = spdx::Expression::parse_mode(licence, spdx::ParseMode::LAX);
        let parsed = parsed.unwrap_or_else(|error| panic!("licence of {name}: {error}"));
        let usable = parsed
            .evaluate(|requirement| requirement.license.id().is_some_and(|id| allowed(id.name)));
        assert!(usable, "{name} is under {licence}");
    }
}

#[test]
fn no_dependency_has_a_known_advisory() {
    let known = read("tests/advisories.txt");
    let banned = known.lines().filter(|line| !line.starts_with('#'));
    let banned: Vec<_> = banned.filter_map(|line| line.split_once(": ")).collect();
    assert!(!banned.is_empty());
    for package in metadata()["packages"].as_array().expect("packages") {
        let name = package["name"].as_str().unwrap_or_default();
        let found = banned.iter().find(|(crate_name, _)| *crate_name == name);
        assert!(found.is_none(), "{name}: {}", found.map_or("", |(_, why)| why));
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    for path in files(".", &[".md"]) {
        let text = read(&path);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let there = path.parent().expect("a file lies in a folder").join(file);
            assert!(there.exists(), "{} links to {target}, which is not there", path.display());
        }
    }
}

#[test]
fn what_lands_is_checked_by_the_commands_that_the_readme_gives() {
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    for command in [
        "cargo build --release && ./target/release/wabe run examples/worker-pool",
        "cargo test --workspace",
    ] {
        assert!(readme.contains(command), "the README does not say: {command}");
        assert!(ci.contains(command), ".ci/run does not run: {command}");
    }
}
