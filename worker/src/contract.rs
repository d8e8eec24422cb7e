//! The table of the API against what a script finds.

use crate::Vm;
use api::{CLASSES, Item, MODULES, NAMED, OBJECT, STANDARD};
use mlua::{Table, Value};
use std::collections::BTreeSet;

fn global(vm: &Vm, name: &str) -> Value {
    let globals: Table = vm.wabe.get("globals").expect("the prelude's globals");
    globals.get(name).expect("a plain table")
}

fn names(table: &Table) -> BTreeSet<String> {
    table.pairs::<String, Value>().map(|pair| pair.expect("a name").0).collect()
}

/// What a table of the API lists.
fn listed(items: &[Item]) -> BTreeSet<String> {
    items.iter().map(|item| item.name().to_owned()).collect()
}

fn compare(name: &str, table: &Table, items: &[Item]) {
    assert_eq!(names(table), listed(items), "{name}: `api` and the prelude differ");
    for item in items {
        if let Item::Table { name: inner, items, .. } = item {
            let table = table.get(*inner).expect("a table in a module");
            compare(&format!("{name}.{inner}"), &table, items);
        }
    }
}

#[test]
fn every_module_has_what_the_table_lists_and_nothing_else() {
    let vm = Vm::new(ipc::Zones::default()).expect("a state");
    for module in MODULES.iter().filter(|module| !module.name.is_empty()) {
        let named: Table = vm.wabe.get("named_modules").expect("the prelude's modules");
        let found = match NAMED.contains(&module.name) {
            true => named.get(module.name).expect("a plain table"),
            false => global(&vm, module.name),
        };
        match found {
            Value::Table(table) => compare(module.name, &table, module.items),
            // Its methods are those of its class, see below.
            Value::UserData(_) if module.name == OBJECT.0 => {}
            _ => panic!("{} is no module of the prelude", module.name),
        }
    }
}

#[test]
fn every_module_that_an_entry_names_is_known_to_be_one() {
    let vm = Vm::new(ipc::Zones::default()).expect("a state");
    let named: Table = vm.wabe.get("named_modules").expect("the prelude's modules");
    assert_eq!(names(&named), NAMED.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn every_global_is_in_the_table_or_in_luaus_library() {
    let vm = Vm::new(ipc::Zones::default()).expect("a state");
    let globals: Table = vm.wabe.get("globals").expect("the prelude's globals");
    let ours = MODULES.iter().filter(|module| module.name.is_empty());
    let functions = ours.flat_map(|module| listed(module.items));
    let modules = MODULES.iter().map(|module| module.name.to_owned());
    let modules = modules.filter(|name| !name.is_empty() && !NAMED.contains(&name.as_str()));
    let mut known: BTreeSet<_> = functions.chain(modules).collect();
    known.extend(STANDARD.iter().map(|name| (*name).to_owned()));
    // It knows which entry it is for, and is in the globals of each.
    known.remove("require");
    assert_eq!(names(&globals), known);
}

#[test]
fn every_class_has_the_methods_that_the_table_lists_and_no_others() {
    let vm = Vm::new(ipc::Zones::default()).expect("a state");
    let classes: Table = vm.wabe.get("classes").expect("the prelude's classes");
    for class in CLASSES {
        let methods: Option<Table> = classes.get(class.runtime).expect("a plain table");
        let name = class.bare_name();
        let methods = methods.unwrap_or_else(|| panic!("{name} is no class of the prelude"));
        let functions = class.items.iter().filter(|item| matches!(item, Item::Function(_)));
        let functions: Vec<_> = functions.copied().collect();
        assert_eq!(names(&methods), listed(&functions), "{name}");
    }
    let known: BTreeSet<_> = CLASSES.iter().map(|class| class.runtime.to_owned()).collect();
    let unknown: Vec<_> = names(&classes).difference(&known).cloned().collect();
    assert!(unknown.is_empty(), "classes that `api` does not have: {unknown:?}");
}
