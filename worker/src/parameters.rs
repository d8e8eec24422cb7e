//! What the prelude's checks of arguments expect: the table of the API, as Luau has it.
//!
//! Every process has a copy, and each collection of garbage marks all of it. So functions that take the
//! same share one list, and those that take nothing have none.

use api::{CLASSES, Function, Item, MODULES, OBJECT, expected, params};
use mlua::{Lua, Result, Table};
use std::collections::BTreeMap;

/// In a list, what is not checked.
const ANYTHING: &str = "any";

/// By the full name of a function, such as `process.send` or `Time.add`, the words of each position;
/// position 1 of a method is its object.
pub(crate) fn table(lua: &Lua) -> Result<Table> {
    let (parameters, mut lists) = (lua.create_table()?, BTreeMap::new());
    for (name, words) in all() {
        let list = match lists.get(&words) {
            Some(list) => Table::clone(list),
            None => {
                let list = lua.create_sequence_from(words.iter().map(String::as_str))?;
                list.set_readonly(true);
                lists.insert(words, list.clone());
                list
            }
        };
        parameters.set(name, list)?;
    }
    Ok(parameters)
}

/// Every function that takes something, with the words of each position.
fn all() -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    // The methods of the module that is an object are those of its class.
    for module in MODULES.iter().filter(|module| module.name != OBJECT.0) {
        collect(&mut all, module.name, &[], module.items);
    }
    for class in CLASSES {
        collect(&mut all, class.runtime, &[class.runtime], class.items);
    }
    all
}

fn collect(all: &mut Vec<(String, Vec<String>)>, owner: &str, before: &[&str], items: &[Item]) {
    for item in items {
        let name = match owner {
            "" => item.name().to_owned(),
            _ => format!("{owner}.{}", item.name()),
        };
        match item {
            Item::Function(function) => {
                let own = words(function);
                if !own.is_empty() {
                    let before = before.iter().map(|word| (*word).to_owned());
                    all.push((name, before.chain(own).collect()));
                }
            }
            Item::Table { items, .. } => collect(all, &name, before, items),
            Item::Field { .. } => {}
        }
    }
}

/// What a function takes, up to the last position that is checked.
fn words(function: &Function) -> Vec<String> {
    let given = params(function.params).into_iter().filter(|param| !param.is_rest());
    let mut words: Vec<_> = given
        .map(|param| match param.is_checked() {
            true => expected(param.luau),
            false => ANYTHING.to_owned(),
        })
        .collect();
    while words.last().is_some_and(|word| word == ANYTHING) {
        words.pop();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::PRELUDE;

    fn words_of(name: &str) -> Vec<String> {
        let found = all().into_iter().find(|(known, _)| known == name);
        found.map(|(_, words)| words).unwrap_or_default()
    }

    #[test]
    fn names_are_whole_and_a_method_takes_its_object_first() {
        assert_eq!(words_of("process.send"), ["string", "string"]);
        assert_eq!(words_of("process.registry.register"), ["string", "string"]);
        assert_eq!(words_of("process.cancel"), ["string", "duration"]);
        assert_eq!(words_of("require"), ["string"]);
        assert_eq!(words_of("Time.add"), ["Time", "duration"]);
        assert_eq!(words_of("payload.new"), ["any", "string"]);
        assert_eq!(words_of("logger.info"), ["logger", "string", "table"]);
        for nothing in ["print", "process.pid", "Time.year", "process.set_options"] {
            assert_eq!(words_of(nothing), Vec::<String>::new(), "{nothing}");
        }
    }

    /// `channel.send` is a method, and `channel.new` a function of a module.
    #[test]
    fn no_two_functions_have_one_name() {
        let mut names: Vec<_> = all().into_iter().map(|(name, _)| name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn equal_lists_are_one_table_that_nobody_changes() {
        let lua = Lua::new();
        let parameters = table(&lua).expect("a table");
        let list = |name: &str| parameters.get::<Table>(name).expect("a list");
        assert_eq!(list("process.link"), list("json.decode"));
        assert_ne!(list("process.link"), list("process.send"));
        assert!(list("process.link").is_readonly());
    }

    /// Each `1, "process.send"` of the prelude: position and name.
    fn checks(source: &str) -> Vec<(usize, &str)> {
        let mut found = Vec::new();
        for (at, _) in source.match_indices(", \"") {
            let (before, name) = (&source[..at], &source[at + 3..]);
            let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            // Where the type depends on the value, the prelude says both.
            let says_it_itself = before[..before.len() - digits].ends_with("mismatch(");
            if let (Ok(position), false) = (before[before.len() - digits..].parse(), says_it_itself)
            {
                found.push((position, name.split('"').next().unwrap_or_default()));
            }
        }
        found
    }

    #[test]
    fn the_prelude_checks_what_the_table_has() {
        let found: Vec<_> = PRELUDE.iter().flat_map(|(_, source)| checks(source)).collect();
        assert!(found.len() > 40, "{found:?}");
        for (position, name) in found {
            let words = words_of(name);
            let word = words.get(position - 1);
            assert!(
                word.is_some_and(|word| word != ANYTHING),
                "the prelude checks #{position} of '{name}', of which the table of the API says {words:?}"
            );
        }
    }
}
