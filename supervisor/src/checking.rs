//! `wabe check`: what is wrong with an app, for a person and for a machine.

use crate::app::{App, Code as Source, Kind, Place, read_limited};
use crate::diagnostic::Diagnostic;
use crate::run::{FAILED, OK, USAGE};
use crate::terminal;
use annotate_snippets::Level;
use check::{Around, Code, Finding, Severity, Spot, Unit};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

/// How an app asks for another mode of the analyzer.
const CONFIG: &str = ".luaurc";

/// Findings that are shown: who has more has them for few reasons, and corrects these first.
const SHOWN_MAX: usize = 1000;

/// A finding at its place.
#[derive(Debug)]
struct Found {
    code: Code,
    place: Place,
    message: String,
    help: String,
}

/// Checks an app and says what is wrong. Returns the exit code.
pub(crate) fn check(path: &Path, json: bool) -> u8 {
    let (found, usage) = match App::load(path) {
        Ok(app) => match all(&app, path) {
            Ok(found) => (found, false),
            Err(error) => {
                let message = format!("cannot check {}: {error}", path.display());
                let help = "see whether the machine has 256 MiB of memory to give";
                (vec![Found::general(Code::Unchecked, &message, help)], true)
            }
        },
        // Nothing that a check could look at: no such folder, or none with an app in it.
        Err(diagnostic) => {
            let usage = diagnostic.file.is_empty();
            (vec![Found::of(Code::Manifest, &diagnostic)], usage)
        }
    };
    let errors = said(&found, path, json);
    match (usage, errors) {
        (true, _) => USAGE,
        (false, 0) => OK,
        (false, _) => FAILED,
    }
}

/// Says what was found, and returns how many errors it is.
fn said(found: &[Found], path: &Path, json: bool) -> usize {
    let left = found.len().saturating_sub(SHOWN_MAX);
    let more = (left > 0).then(|| {
        let message = format!("{SHOWN_MAX} findings are shown, and {left} are not");
        Found::general(Code::Unchecked, &message, "correct the first ones, and check again")
    });
    for one in found.iter().take(SHOWN_MAX).chain(&more) {
        match json {
            true => terminal::print(&one.json(path).to_string()),
            false => terminal::rendered(&one.render(path, io::stderr().is_terminal())),
        }
    }
    let errors = found.iter().filter(|one| one.code.severity() == Severity::Error).count();
    let warnings = found.len() + more.iter().len() - errors;
    terminal::print(&match json {
        true => json!({"errors": errors, "warnings": warnings}).to_string(),
        false => format!("{}, {}", counted(errors, "error"), counted(warnings, "warning")),
    });
    errors
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
    let mut texts = BTreeMap::new();
    let mut found: Vec<_> = wanted
        .map(|one| placed(one, sources[one.unit].1, texts.entry(one.unit).or_default()))
        .collect();
    found.sort_by_key(|one| (one.place.file.clone(), one.place.span.start, one.code));
    found.dedup_by(|one, other| one.key() == other.key());
    found.extend(unreadable);
    let ignored = |warning: &String| {
        Found::general(Code::Ignored, warning, "remove it, or wait for what it needs")
    };
    found.extend(app.warnings.iter().map(ignored));
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
            let message = format!("cannot read {CONFIG}: {error}");
            (String::new(), Some(Found::general(Code::Config, &message, help)))
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

/// Where a finding is: in the source of the entry, or in its manifest. All in one source share its text.
fn placed(finding: &Finding, code: &Source, text: &mut Option<Rc<str>>) -> Found {
    let place = match &finding.spot {
        Spot::Source(start, end) => {
            let text = text.get_or_insert_with(|| Rc::from(&*code.text)).clone();
            Place { file: Rc::from(&*code.file), text, span: *start..*end }
        }
        Spot::Import(alias) => {
            let import = code.imports.iter().find(|(known, ..)| known == alias);
            import.map_or_else(Place::default, |(_, _, place)| place.clone())
        }
        Spot::Module(name) => {
            let module = code.modules.iter().find(|(known, _)| known == name);
            module.map_or_else(Place::default, |(_, place)| place.clone())
        }
    };
    let (message, help) = (finding.message.clone(), finding.help.clone());
    Found { code: finding.code, place, message, help }
}

impl Found {
    /// One that no file is to blame for.
    fn general(code: Code, message: &str, help: &str) -> Self {
        Found { code, place: Place::default(), message: message.to_owned(), help: help.to_owned() }
    }

    fn of(code: Code, diagnostic: &Diagnostic) -> Self {
        let Diagnostic { message, file, text, span, help } = diagnostic;
        let place = Place { file: Rc::from(&**file), text: Rc::from(&**text), span: span.clone() };
        Found { code, place, message: message.clone(), help: help.clone() }
    }

    /// What two findings that are the same have in common.
    fn key(&self) -> (&str, &Range<usize>, Code, &str) {
        (&self.place.file, &self.place.span, self.code, &self.message)
    }

    fn seen_from_outside(&self, app: &Path) -> Diagnostic {
        self.place.error(&self.message, &self.help).seen_from_outside(app)
    }

    fn render(&self, app: &Path, colour: bool) -> String {
        let level = match self.code.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        self.seen_from_outside(app).render_as(level, Some(self.code.as_str()), colour)
    }

    /// One line of `--json`; the place is null where no file is to blame.
    fn json(&self, app: &Path) -> serde_json::Value {
        let one = self.seen_from_outside(app);
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
