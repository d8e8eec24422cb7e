//! Calls that name an entry or a host by a literal text, against those that there are.

use crate::look::{Call, Look};
use crate::names::nearest;
use crate::{Code, Finding};
use std::collections::BTreeMap;
use std::ops::Range;

/// Every entry of the app with its kind.
pub(crate) type Kinds<'a> = BTreeMap<&'a str, &'a str>;

/// Functions whose first argument is an entry, with the kinds that it may have, and whether the second
/// is a host.
const TAKING: [(&str, &str, &[&str], bool); 8] = [
    ("process", "spawn", &["process.lua"], true),
    ("process", "spawn_monitored", &["process.lua"], true),
    ("process", "spawn_linked", &["process.lua"], true),
    ("process", "spawn_linked_monitored", &["process.lua"], true),
    ("process", "exec", &["process.lua"], true),
    ("process", "upgrade", &["process.lua"], false),
    ("funcs", "call", &["function.lua", "process.lua"], false),
    ("funcs", "async", &["function.lua", "process.lua"], false),
];

/// Everything about such calls in one source.
pub(crate) fn check(index: usize, look: &Look, all: &Kinds<'_>, findings: &mut Vec<Finding>) {
    for call in &look.calls {
        let takes = |(module, name, ..): &&(&str, &str, &[&str], bool)| {
            *module == &*call.module && *name == &*call.name
        };
        let Some((_, _, kinds, hosts)) = TAKING.iter().find(takes) else { continue };
        let Call { literals: [entry, host], .. } = call;
        if let Some((id, place)) = entry {
            findings.extend(refers(index, all, Code::UnknownEntry, id, place, kinds));
        }
        if let Some((id, place)) = host.as_ref().filter(|_| *hosts) {
            let kinds = &["process.host"];
            findings.extend(refers(index, all, Code::UnknownHost, id, place, kinds));
        }
    }
}

fn refers(
    index: usize,
    all: &Kinds<'_>,
    unknown: Code,
    id: &str,
    place: &Range<usize>,
    kinds: &[&str],
) -> Option<Finding> {
    let wanted = kinds.join(" or ");
    let fitting = all.iter().filter(|(_, kind)| kinds.contains(kind)).map(|(id, _)| *id);
    let (code, message) = match all.get(id) {
        Some(kind) if kinds.contains(kind) => return None,
        Some(kind) => (Code::WrongKind, format!("entry '{id}' is a {kind}, not a {wanted}")),
        None if unknown == Code::UnknownHost => (unknown, format!("host '{id}' does not exist")),
        None => (unknown, format!("entry '{id}' does not exist")),
    };
    let known: Vec<_> = fitting.clone().take(10).collect();
    let help = match (nearest(id, fitting), known.is_empty()) {
        (Some(near), _) => format!("did you mean '{near}'?"),
        (None, true) => format!("define an entry of kind {wanted}; the app has none"),
        (None, false) => format!("the entries of kind {wanted} are {}", known.join(", ")),
    };
    Some(Finding::in_source(index, code, place.clone(), message).helped(help))
}
