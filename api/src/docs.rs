//! The table as a document.

use crate::item::{Function, Item, params};
use crate::{ALIASES, CLASSES, MODULES, NAMED, OBJECT};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

const HEAD: &str = "\
# API reference

Every module, function, method and field that a script finds, with its types in Luau's syntax. What
they promise is in [lua-api.md](lua-api.md). Made from the crate `api`, which is also what
[`wabe check`](check.md) and editors know: `cargo run -p tests --example api -- --write` writes this
page anew.

A wrong type of a parameter raises, of `process.set_options` alone it gives false and an Error. One with
`?` or of type `any` may be left out. A call that can fail gives nil and an Error, of one of the kinds in
the last column. Besides what is below, Luau's own library is there but for what loads code or reaches
other processes.
";

/// The whole page.
#[must_use]
pub fn page() -> String {
    let mut text = HEAD.to_string();
    for module in MODULES {
        let name = if module.name.is_empty() { "globals" } else { module.name };
        let _ = writeln!(text, "\n## {name}\n\n{}.{}\n", module.doc, remark(module.name));
        let prefix = if module.name.is_empty() { String::new() } else { format!("{name}.") };
        match module.name == OBJECT.0 {
            true => {
                let _ = writeln!(text, "It is a {}, see below.", OBJECT.1);
            }
            false => table(&mut text, &prefix, module.items),
        }
    }
    text.push_str("\n# Objects\n");
    for class in CLASSES {
        let name = class.bare_name();
        let _ = writeln!(text, "\n## {name}\n\n{}.\n", class.doc);
        table(&mut text, &format!("{name}:"), class.items);
    }
    text.push_str("\n# Types\n\n| type | | |\n|---|---|---|\n");
    for alias in ALIASES {
        let luau = cell(alias.luau);
        let _ = writeln!(text, "| `{}` | `{luau}` | {} |", alias.name, alias.doc);
    }
    text
}

/// Where a module is.
fn remark(name: &str) -> &'static str {
    match NAMED.contains(&name) {
        true => " There where the entry names it under `modules`.",
        false => "",
    }
}

fn table(text: &mut String, prefix: &str, items: &[Item]) {
    if items.is_empty() {
        return;
    }
    text.push_str("| | gives | what it does | failures |\n|---|---|---|---|\n");
    rows(text, prefix, items);
}

fn rows(text: &mut String, prefix: &str, items: &[Item]) {
    for item in items {
        let name = format!("{prefix}{}", item.name());
        match item {
            Item::Function(one) => {
                let (call, results) = (signature(&name, one), cell(one.results));
                let failures = one.failures;
                let _ = writeln!(text, "| `{call}` | `{results}` | {}. | {failures} |", one.doc);
            }
            Item::Field { luau, doc, .. } => {
                let name = name.replace(':', ".");
                let _ = writeln!(text, "| `{name}` | `{}` | {doc}. | |", cell(luau));
            }
            Item::Table { items, .. } => rows(text, &format!("{name}."), items),
        }
    }
}

fn signature(name: &str, function: &Function) -> String {
    let one = |param: &crate::Param<'_>| format!("{}: {}", param.name, cell(param.luau));
    let parameters = params(function.params).iter().map(one).collect::<Vec<_>>().join(", ");
    format!("{name}({parameters})")
}

/// A bar ends a cell, also in code.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
