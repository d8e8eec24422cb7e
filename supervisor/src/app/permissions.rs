//! `permissions` of a host: what its processes may do to others.

use super::fields::given;
use super::manifest::File;
use crate::app::entry::Place;
use crate::diagnostic::Diagnostic;
use ipc::limits::PATTERN_MAX;
use node::{Allowed, Control, Pattern, Permissions};
use serde::Deserialize;
use serde_saphyr::Spanned;

/// The field as it is written.
///
/// A list without a value is an error, not a missing one: on a trusted host that would allow all.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PermissionFields {
    #[serde(default, deserialize_with = "given")]
    spawn: Option<Vec<Spanned<String>>>,
    #[serde(default, deserialize_with = "given")]
    hosts: Option<Vec<Spanned<String>>>,
    #[serde(default, deserialize_with = "given")]
    names: Option<Vec<Spanned<String>>>,
    #[serde(default, deserialize_with = "given")]
    control: Option<Spanned<String>>,
}

/// Ids that a host's patterns name one by one, each with its place: they must exist.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Entries that may be spawned.
    pub(super) spawn: Vec<(String, Place)>,
    /// Hosts on which they may be spawned.
    pub(super) hosts: Vec<(String, Place)>,
}

const CONTROLS: [(&str, Control); 2] =
    [("any", Control::Any), ("descendants", Control::Descendants)];

/// What the fields say, and `base` where they say nothing.
pub(super) fn read(
    file: &File<'_>,
    fields: &PermissionFields,
    base: Permissions,
) -> Result<(Permissions, Named), Diagnostic> {
    let permissions = Permissions {
        spawn: allowed(file, fields.spawn.as_ref(), base.spawn)?,
        hosts: allowed(file, fields.hosts.as_ref(), base.hosts)?,
        names: allowed(file, fields.names.as_ref(), base.names)?,
        control: file.choice_or(&fields.control, "control", &CONTROLS, base.control)?,
    };
    let named = Named { spawn: ids(file, &fields.spawn), hosts: ids(file, &fields.hosts) };
    Ok((permissions, named))
}

fn allowed(
    file: &File<'_>,
    patterns: Option<&Vec<Spanned<String>>>,
    base: Allowed,
) -> Result<Allowed, Diagnostic> {
    let Some(patterns) = patterns else { return Ok(base) };
    let patterns = patterns.iter().map(|at| pattern(file, at));
    patterns.collect::<Result<_, _>>().map(Allowed::Only)
}

fn pattern(file: &File<'_>, at: &Spanned<String>) -> Result<Pattern, Diagnostic> {
    match at.value.len() {
        1..=PATTERN_MAX => Ok(Pattern(at.value.clone())),
        0 => Err(file.place(at).error("empty pattern", "remove it: it allows nothing")),
        length => Err(file
            .place(at)
            .error(format!("pattern of {length} bytes"), format!("use at most {PATTERN_MAX}"))),
    }
}

fn ids(file: &File<'_>, patterns: &Option<Vec<Spanned<String>>>) -> Vec<(String, Place)> {
    let patterns = patterns.iter().flatten().filter(|at| !at.value.contains('*'));
    patterns.map(|at| (at.value.clone(), file.place(at))).collect()
}
