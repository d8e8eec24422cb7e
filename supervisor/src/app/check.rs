//! What must hold between the entries of an app.

use super::{App, Host, Kind, circle, order};
use crate::app::entry::{Code, CodeKind, Place};
use crate::diagnostic::Diagnostic;

const IS_HOST: fn(&Kind) -> bool = |kind| matches!(kind, Kind::Host(_));

/// Checks the whole app.
pub(super) fn all(app: &App) -> Result<(), Diagnostic> {
    for (id, entry) in &app.entries {
        match &entry.kind {
            Kind::Code(_, code) => {
                imports(app, id, code)?;
                if let Some((host, place)) = &code.default_host {
                    refers(app, host, place, "process.host", IS_HOST)?;
                }
            }
            Kind::Service(service) => {
                let is_process = |kind: &Kind| matches!(kind, Kind::Code(CodeKind::Process, _));
                refers(app, &service.process, &service.process_place, "process.lua", is_process)?;
                refers(app, &service.host, &service.host_place, "process.host", IS_HOST)?;
            }
            Kind::Host(host) => patterns(app, host)?,
            Kind::Group(_) => {}
        }
    }
    order::check(app)?;
    circle::check(app)
}

/// An id that a host's permissions name without a `*` exists: who misspells one would wonder for
/// long why it is denied.
fn patterns(app: &App, host: &Host) -> Result<(), Diagnostic> {
    for (entry, place) in &host.named.spawn {
        let has_body =
            |kind: &Kind| matches!(kind, Kind::Code(CodeKind::Process | CodeKind::Function, _));
        refers(app, entry, place, "process.lua", has_body)?;
    }
    for (host, place) in &host.named.hosts {
        refers(app, host, place, "process.host", IS_HOST)?;
    }
    Ok(())
}

fn imports(app: &App, id: &str, code: &Code) -> Result<(), Diagnostic> {
    for (alias, library, place) in &code.imports {
        let is_library = |kind: &Kind| matches!(kind, Kind::Code(CodeKind::Library, _));
        refers(app, library, place, "library.lua", is_library)?;
        if library == id {
            let message = format!("entry '{id}' imports itself as '{alias}'");
            return Err(place.error(message, "remove the import"));
        }
    }
    Ok(())
}

/// The entry that a place names exists and is of the kind that is wanted there.
pub(super) fn refers(
    app: &App,
    id: &str,
    place: &Place,
    wanted: &str,
    fits: impl Fn(&Kind) -> bool,
) -> Result<(), Diagnostic> {
    match app.entries.get(id) {
        Some(entry) if fits(&entry.kind) => Ok(()),
        Some(entry) => {
            let message = format!("entry '{id}' is a {}, not a {wanted}", entry.kind_name());
            Err(place.error(message, format!("name an entry of kind {wanted}")))
        }
        None => {
            let message = format!("entry '{id}' does not exist");
            Err(place.error(message, suggestion(app, wanted)))
        }
    }
}

fn suggestion(app: &App, kind: &str) -> String {
    let fitting = app.entries.iter().filter(|(_, entry)| entry.kind_name() == kind);
    let known: Vec<_> = fitting.map(|(id, _)| id.as_str()).take(10).collect();
    match known.is_empty() {
        true => format!("define an entry of kind {kind}; the app has none"),
        false => format!("the entries of kind {kind} are {}", known.join(", ")),
    }
}
