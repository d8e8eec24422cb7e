//! Holds the real binaries to `docs/lua-api.md`: every case of `tests/conformance/*.lua` is an app
//! of its own, run as a user runs it. The form of the cases is described in `tests::case`.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};
use tests::case::{self, Case};
use tests::contract::{Contract, overlap};

/// A case that has not ended after this time hangs.
const DEADLINE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let (cases, mistakes) = match all_cases() {
        Ok(read) => read,
        Err(error) => {
            eprintln!("cannot read the cases: {error}");
            return ExitCode::FAILURE;
        }
    };
    let cases: Vec<_> = cases.into_iter().map(Arc::new).collect();
    let mut trials = vec![Trial::test("contract::cases-are-well-formed", move || none(&mistakes))];
    let quoted = cases.clone();
    trials.push(Trial::test("contract::quotes-are-verbatim", move || quotes_are_verbatim(&quoted)));
    let quoted = cases.clone();
    trials.push(Trial::test("contract::every-sentence-has-a-test", move || is_covered(&quoted)));
    trials.extend(cases.into_iter().map(|case| {
        let name = case.name.clone();
        Trial::test(name, move || run(&case))
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run(case: &Case) -> Result<(), Failed> {
    let app = case.app();
    let ran = tests::run(&mut app.command("app:main"), DEADLINE);
    case.judge(&ran).map_err(|wrong| {
        let (stdout, stderr) = (&ran.stdout, &ran.stderr);
        let place = &case.place;
        format!("{place}\n{wrong}--- stdout\n{stdout}\n--- stderr\n{stderr}\n---").into()
    })
}

fn quotes_are_verbatim(cases: &[Arc<Case>]) -> Result<(), Failed> {
    let contract = contract()?;
    let quotes = cases.iter().flat_map(|case| case.quotes.iter().map(move |quote| (case, quote)));
    let wrong = quotes.filter_map(|(case, quote)| {
        let error = contract.find(quote).err()?;
        Some(format!("{}: {error}", case.place))
    });
    none(&wrong.collect::<Vec<_>>())
}

fn is_covered(cases: &[Arc<Case>]) -> Result<(), Failed> {
    let contract = contract()?;
    let quotes = cases.iter().flat_map(|case| &case.quotes);
    let mut ranges: Vec<_> = quotes.filter_map(|quote| contract.find(quote).ok()).collect();
    let mut wrong = Vec::new();
    let mut later = Vec::new();
    let text = fs::read_to_string(folder().join("not-yet.txt"))?;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match contract.find(line) {
            Err(error) => wrong.push(format!("not-yet.txt: {error}")),
            Ok(range) if ranges.iter().any(|quoted| overlap(quoted, &range)) => {
                wrong.push(format!("not-yet.txt: has a test by now: {line}"));
            }
            Ok(range) => later.push(range),
        }
    }
    ranges.append(&mut later);
    wrong.extend(contract.untouched(&ranges).map(|sentence| {
        format!("no test for this of '{}': {}", sentence.heading, contract.words(&sentence))
    }));
    none(&wrong)
}

fn none(wrong: &[String]) -> Result<(), Failed> {
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn contract() -> io::Result<Contract> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/lua-api.md");
    Ok(Contract::new(&fs::read_to_string(path)?))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance")
}

/// All cases, and what is wrong with those that are not well formed.
fn all_cases() -> io::Result<(Vec<Case>, Vec<String>)> {
    let entries = fs::read_dir(folder())?.collect::<io::Result<Vec<_>>>()?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    let (mut cases, mut mistakes) = (Vec::new(), Vec::new());
    for path in paths.iter().filter(|path| path.extension().is_some_and(|end| end == "lua")) {
        let section = path.file_stem().unwrap_or_default().to_string_lossy();
        let file = format!("tests/conformance/{section}.lua");
        match case::read(&section, &file, &fs::read_to_string(path)?) {
            Ok(read) => cases.extend(read),
            Err(error) => mistakes.push(error),
        }
    }
    Ok((cases, mistakes))
}
