//! Names that a source uses, against those that there are.

use crate::look::Look;
use crate::{Code, Finding, Spot, Unit};
use api::{Item, MODULES, NAMED, STANDARD};
use std::collections::HashSet;
use strsim::levenshtein;

/// Everything about names in one source.
pub(crate) fn check(index: usize, unit: &Unit<'_>, look: &Look, findings: &mut Vec<Finding>) {
    globals(index, unit, look, findings);
    fields(index, unit, look, findings);
    requires(index, unit, look, findings);
    unused(index, unit, look, findings);
}

fn is_import(unit: &Unit<'_>, name: &str) -> bool {
    unit.imports.iter().any(|(alias, _)| *alias == name)
}

/// True for a module that the entry would have if it named it.
fn is_unnamed(unit: &Unit<'_>, name: &str) -> bool {
    NAMED.contains(&name) && !unit.modules.contains(&name)
}

fn to_name(module: &str) -> String {
    format!("name it under modules of the entry: modules: [{module}]")
}

/// Names of ours and the aliases of what the entry imports.
fn with_imports<'a>(ours: impl Iterator<Item = &'static str>, unit: &Unit<'a>) -> Vec<&'a str> {
    let aliases = unit.imports.iter().map(|(alias, _)| &**alias);
    ours.map(|name| -> &'a str { name }).chain(aliases).collect()
}

/// The functions that are globals themselves.
fn global_functions() -> impl Iterator<Item = &'static str> {
    let functions = MODULES.iter().filter(|module| module.name.is_empty());
    functions.flat_map(|module| module.items).map(Item::name)
}

fn globals(index: usize, unit: &Unit<'_>, look: &Look, findings: &mut Vec<Finding>) {
    let modules = MODULES.iter().map(|module| module.name);
    let names =
        with_imports(modules.chain(global_functions()).chain(STANDARD.iter().copied()), unit);
    let known: HashSet<_> = names.iter().copied().collect();
    let imports: HashSet<_> = unit.imports.iter().map(|(alias, _)| *alias).collect();
    for (name, place) in &look.globals {
        let unnamed = is_unnamed(unit, name);
        let there = !unnamed || imports.contains(&**name);
        if known.contains(&**name) && there || look.written.contains(name) {
            continue;
        }
        let message = format!("unknown global '{name}'");
        let finding = Finding::in_source(index, Code::UnknownName, place.clone(), message);
        findings.push(finding.helped(match unnamed {
            true => to_name(name),
            false => remedy(name, names.iter().copied()),
        }));
    }
}

fn remedy<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    match nearest(name, names) {
        Some(near) => format!("did you mean '{near}'?"),
        None => "make it a local, or import the library that it is".to_owned(),
    }
}

/// The name that differs in the fewest letters, where these are few.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near =
        names.filter(|known| !known.is_empty()).map(|known| (levenshtein(name, known), known));
    let (distance, near) = near.min()?;
    (distance <= name.len().div_ceil(4)).then_some(near)
}

/// Fields of the API's modules, whichever way the source came by the module.
fn fields(index: usize, unit: &Unit<'_>, look: &Look, findings: &mut Vec<Finding>) {
    for (owner, field, place) in &look.fields {
        // `string` is Luau's library first, and the analyzer knows it.
        let module = MODULES.iter().find(|module| module.name == &**owner && !owner.is_empty());
        let Some(module) = module.filter(|_| !is_import(unit, owner)) else { continue };
        let names = module.items.iter().map(Item::name);
        if names.clone().any(|name| name == &**field) {
            continue;
        }
        let message = format!("'{owner}' has no '{field}'");
        let finding = Finding::in_source(index, Code::UnknownName, place.clone(), message);
        findings.push(finding.helped(match nearest(field, names) {
            Some(near) => format!("did you mean '{owner}.{near}'?"),
            None => "what there is stands in docs/api.md".to_owned(),
        }));
    }
}

fn requires(index: usize, unit: &Unit<'_>, look: &Look, findings: &mut Vec<Finding>) {
    for (name, place) in &look.requires {
        let unnamed = is_unnamed(unit, name);
        let known = api::module_names().any(|module| module == &**name) && !unnamed;
        if is_import(unit, name) || known {
            continue;
        }
        let message = format!("module '{name}' not found");
        let finding = Finding::in_source(index, Code::UnknownModule, place.clone(), message);
        let names = with_imports(api::module_names(), unit);
        findings.push(match nearest(name, names.into_iter()) {
            _ if unnamed => finding.helped(to_name(name)),
            Some(near) => finding.helped(format!("did you mean '{near}'?")),
            None => finding,
        });
    }
}

fn unused(index: usize, unit: &Unit<'_>, look: &Look, findings: &mut Vec<Finding>) {
    let required = look.requires.iter().chain(&look.globals);
    let required: HashSet<_> = required.map(|(used, _)| &**used).collect();
    let used = |name: &str| required.contains(name);
    for (alias, _) in unit.imports.iter().filter(|(alias, _)| !used(alias)) {
        findings.push(Finding {
            unit: index,
            code: Code::UnusedImport,
            spot: Spot::Import((*alias).to_owned()),
            message: format!("import '{alias}' is not used in {}", unit.file),
            help: "remove it: a library that is imported is loaded by each process".to_owned(),
        });
    }
    for module in unit.modules.iter().filter(|module| !used(module)) {
        findings.push(Finding {
            unit: index,
            code: Code::UnusedModule,
            spot: Spot::Module((*module).to_owned()),
            message: format!("module '{module}' is not used in {}", unit.file),
            help: "remove it".to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_is_near_and_another_is_not() {
        let names = ["process", "channel", "time"];
        assert_eq!(nearest("proces", names.into_iter()), Some("process"));
        assert_eq!(nearest("tiem", names.into_iter()), None);
        assert_eq!(nearest("tim", names.into_iter()), Some("time"));
        assert_eq!(nearest("window", names.into_iter()), None);
    }
}
