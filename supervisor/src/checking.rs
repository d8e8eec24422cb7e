//! `wabe check`: what is wrong with an app, for a person and for a machine.

use crate::app::{App, Code as Source, Kind, Place, read_limited};
use crate::diagnostic::Diagnostic;
use crate::run::{FAILED, OK, USAGE};
use crate::terminal;
use annotate_snippets::Level;
use check::{Around, Code, Finding, Severity, Spot, Unit};
use serde_json::json;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::rc::Rc;

/// How an app asks for another mode of the analyzer.
const CONFIG: &str = ".luaurc";

/// A finding at its place.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    code: Code,
    diagnostic: Diagnostic,
}

/// Checks an app and says what is wrong. Returns the exit code.
pub(crate) fn check(path: &Path, json: bool) -> u8 {
    let (found, usage) = match App::load(path) {
        Ok(app) => match all(&app, path) {
            Ok(found) => (found, false),
            Err(error) => {
                let message = format!("cannot check {}: {error}", path.display());
                let help = "see whether the machine has 256 MiB of memory to give";
                let diagnostic = Diagnostic::general(message, help);
                (vec![Found { code: Code::Unchecked, diagnostic }], true)
            }
        },
        // Nothing that a check could look at: no such folder, or none with an app in it.
        Err(diagnostic) => {
            let usage = diagnostic.file.is_empty();
            (vec![Found { code: Code::Manifest, diagnostic }], usage)
        }
    };
    let found: Vec<_> = found.into_iter().map(|one| one.seen_from_outside(path)).collect();
    for one in &found {
        match json {
            true => terminal::print(&one.json().to_string()),
            false => terminal::rendered(&one.render(io::stderr().is_terminal())),
        }
    }
    let errors = found.iter().filter(|one| one.code.severity() == Severity::Error).count();
    let warnings = found.len() - errors;
    terminal::print(&match json {
        true => json!({"errors": errors, "warnings": warnings}).to_string(),
        false => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    });
    match (usage, errors) {
        (true, _) => USAGE,
        (false, 0) => OK,
        (false, _) => FAILED,
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// Everything about an app that can be loaded, by file and place, each once: two entries may have one
/// source.
fn all(app: &App, path: &Path) -> io::Result<Vec<Found>> {
    let sources = app.entries.iter().filter_map(|(id, entry)| match &entry.kind {
        Kind::Code(_, code) => Some((id.as_str(), code)),
        _ => None,
    });
    let sources: Vec<_> = sources.collect();
    let units: Vec<_> = sources.iter().map(|(id, code)| unit(id, code)).collect();
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let (config, unreadable) = config(folder);
    let kinds = app.entries.iter().map(|(id, entry)| (id.as_str(), entry.kind_name()));
    let around = Around { kinds: kinds.collect(), config: &config };
    let findings = check::check(&units, &around)?;
    let wanted = findings.iter().filter(|one| !is_given(one, sources[one.unit].1));
    let mut found: Vec<_> = wanted.map(|one| placed(one, sources[one.unit].1)).collect();
    found.sort_by_key(|one| (one.diagnostic.file.clone(), one.diagnostic.span.start, one.code));
    found.dedup();
    found.extend(unreadable);
    found.extend(app.warnings.iter().map(|warning| {
        let diagnostic = Diagnostic::general(warning, "remove it, or wait for what it needs");
        Found { code: Code::Ignored, diagnostic }
    }));
    Ok(found)
}

/// The text of the app's `.luaurc`, or why it cannot be had.
fn config(folder: &Path) -> (String, Option<Found>) {
    match read_limited(&folder.join(CONFIG)) {
        Ok(text) => (text, None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (String::new(), None),
        Err(error) => {
            let help =
                "make it a file of UTF-8 text, or remove it: the types are checked without it";
            let diagnostic = Diagnostic::general(format!("cannot read {CONFIG}: {error}"), help);
            (String::new(), Some(Found { code: Code::Config, diagnostic }))
        }
    }
}

fn unit<'a>(id: &'a str, code: &'a Source) -> Unit<'a> {
    let imports = code.imports.iter().map(|(alias, id, _)| (alias.as_str(), id.as_str()));
    Unit {
        id,
        file: &code.file,
        text: &code.text,
        imports: imports.collect(),
        modules: code.modules.iter().map(|(module, _)| module.as_str()).collect(),
    }
}

/// True for a module that nobody has named: an app of a single file has all of them.
fn is_given(finding: &Finding, code: &Source) -> bool {
    let Spot::Module(name) = &finding.spot else { return false };
    code.modules.iter().any(|(known, place)| known == name && place.file.is_empty())
}

/// Where a finding is: in the source of the entry, or in its manifest.
fn placed(finding: &Finding, code: &Source) -> Found {
    let place = match &finding.spot {
        Spot::Source(start, end) => in_source(code, *start, *end),
        Spot::Import(alias) => {
            let import = code.imports.iter().find(|(known, ..)| known == alias);
            import.map_or_else(Place::default, |(_, _, place)| place.clone())
        }
        Spot::Module(name) => {
            let module = code.modules.iter().find(|(known, _)| known == name);
            module.map_or_else(Place::default, |(_, place)| place.clone())
        }
    };
    let diagnostic = place.error(&finding.message, &finding.help);
    Found { code: finding.code, diagnostic }
}

fn in_source(code: &Source, start: usize, end: usize) -> Place {
    Place { file: Rc::from(&*code.file), text: Rc::from(&*code.text), span: start..end }
}

impl Found {
    fn seen_from_outside(self, app: &Path) -> Self {
        Found { diagnostic: self.diagnostic.seen_from_outside(app), ..self }
    }

    fn render(&self, colour: bool) -> String {
        let level = match self.code.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        self.diagnostic.render_as(level, Some(self.code.as_str()), colour)
    }

    /// One line of `--json`; the place is null where no file is to blame.
    fn json(&self) -> serde_json::Value {
        let one = &self.diagnostic;
        let is_placed = !one.file.is_empty();
        let placed = |value: serde_json::Value| if is_placed { value } else { json!(null) };
        json!({
            "code": self.code.as_str(),
            "severity": match self.code.severity() {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            "message": one.message,
            "help": one.help,
            "file": placed(json!(one.file)),
            "line": placed(json!(one.line())),
            "column": placed(json!(one.column())),
            "text": placed(json!(one.text.get(one.span.clone()).unwrap_or_default())),
        })
    }
}
