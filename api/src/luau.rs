//! The table as a Luau definition file, for `wabe check`, luau-lsp and luau-analyze.

use crate::item::{Alias, Class, Function, Item, Module, params, split};
use crate::{ALIASES, CLASSES, MODULES, OBJECT};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

const HEAD: &str = "\
-- What wabe adds to Luau, for editors and `wabe check`. Made by wabe: `wabe init --types DIR` writes it anew.

";

/// Luau's own has no place for an Error, which `assert(process.spawn(…))` gives it.
const ASSERT: &str = "declare function assert<T>(value: T?, ...: any): T\n";

/// With Luau's own types a call through `pcall` would have to give every optional argument.
const PCALL: &str = "\
declare function pcall(f: (...any) -> ...any, ...: any): (boolean, ...any)
declare function xpcall(f: (...any) -> ...any, err: (...any) -> ...any, ...: any): (boolean, ...any)
";

/// The library, with an Error wherever it takes a text, and the cast `string(x)`.
const STRING: &str = "\
declare string: ((value: any) -> string) & {
    byte: (text: Text, i: number?, j: number?) -> ...number,
    char: (...number) -> string,
    find: (text: Text, pattern: Text, init: number?, plain: boolean?) -> (number?, number?, ...string),
    format: (template: Text, ...any) -> string,
    gmatch: (text: Text, pattern: Text) -> () -> (...string),
    gsub: (text: Text, pattern: Text, repl: any, max: number?) -> (string, number),
    len: (text: Text) -> number,
    lower: (text: Text) -> string,
    match: (text: Text, pattern: Text, init: number?) -> (...string),
    pack: (format: string, ...any) -> string,
    packsize: (format: string) -> number,
    rep: (text: Text, count: number) -> string,
    reverse: (text: Text) -> string,
    split: (text: Text, separator: Text?) -> {string},
    sub: (text: Text, i: number, j: number?) -> string,
    unpack: (format: string, text: Text, init: number?) -> ...any,
    upper: (text: Text) -> string,
}
";

/// The definitions of everything.
#[must_use]
pub fn definitions() -> String {
    let mut text = HEAD.to_string();
    for alias in ALIASES {
        let luau = lenient(alias);
        let _ = writeln!(text, "-- {}\nexport type {} = {luau}", alias.doc, alias.name);
    }
    CLASSES.iter().for_each(|one| class(&mut text, one));
    text.push('\n');
    text.push_str(ASSERT);
    text.push_str(PCALL);
    text.push_str(STRING);
    MODULES.iter().for_each(|one| module(&mut text, one));
    // Whether there is an error a script learns from the value before it; no type says that, so the
    // error is one wherever it is looked at.
    text = text.replace(", Error?)", ", Error)");
    // Extern types have no parameters: each kind of channel is one of its own.
    text = text.replace("Channel<any>", "Channel");
    for element in ELEMENTS {
        text = text.replace(&format!("Channel<{element}>"), &format!("{element}Channel"));
    }
    text
}

/// A type for scripts that know by one field which others are there: the kind of an event says so, and
/// a select gives a channel of any kind. Options that are got can be set again, which a table with optional
/// fields can be no type for: what is got has no `?`, and tables must agree in that.
fn lenient(alias: &Alias) -> String {
    match alias.name {
        "Event" | "Exit" => alias.luau.replace('?', ""),
        "Options" => alias.luau.replace("boolean", "any"),
        "Selected" => alias.luau.replace("Channel<any>", "any"),
        _ => alias.luau.to_string(),
    }
}

/// What channels of their own kind give.
const ELEMENTS: [&str; 3] = ["Event", "Message", "Time"];

fn class(text: &mut String, class: &Class) {
    let _ = writeln!(text, "\n-- {}\ndeclare extern type {} with", class.doc, class.bare_name());
    for item in class.items {
        match item {
            Item::Function(function) => {
                let _ = writeln!(text, "    -- {}", function.doc);
                method(text, function, "any");
            }
            Item::Field { name, luau, doc } => {
                let _ = writeln!(text, "    -- {doc}\n    {name}: {luau}");
            }
            Item::Table { .. } => {}
        }
    }
    if class.name == "Error" {
        text.push_str("    function __concat(self, other: any): string\n");
    }
    text.push_str("end\n");
    for element in ELEMENTS.iter().filter(|_| class.name.contains('<')) {
        let _ = writeln!(text, "\ndeclare extern type {element}Channel extends Channel with");
        for item in class.items {
            if let Item::Function(function) = item
                && function.results.contains('T')
            {
                method(text, function, element);
            }
        }
        text.push_str("end\n");
    }
}

/// A method; `element` stands for the parameter of its class.
fn method(text: &mut String, function: &Function, element: &str) {
    let results = match function.results.strip_prefix("(T,") {
        Some(others) => format!("({element},{others}"),
        None => function.results.to_string(),
    };
    let rest = declared(function.params);
    let rest = if rest.is_empty() { rest } else { format!(", {rest}") };
    let _ = writeln!(text, "    function {}(self{rest}): {results}", function.name);
}

fn module(text: &mut String, module: &Module) {
    if module.name.is_empty() {
        return globals(text, module);
    }
    if module.name == OBJECT.0 {
        let _ = writeln!(text, "\n-- {}\ndeclare {}: {}", module.doc, OBJECT.0, OBJECT.1);
        return;
    }
    let _ = writeln!(text, "\n-- {}\ndeclare {}: {{", module.doc, module.name);
    module.items.iter().for_each(|item| member(text, item, 1));
    text.push_str("}\n");
}

fn globals(text: &mut String, module: &Module) {
    for item in module.items {
        // Luau's own `require` knows the types of what it gives, and `string` is above.
        if let Item::Function(function) = item
            && !["require", "string"].contains(&function.name)
        {
            let (name, doc, results) = (function.name, function.doc, function.results);
            let rest = declared(function.params);
            let _ = writeln!(text, "\n-- {doc}\ndeclare function {name}({rest}): {results}");
        }
    }
}

fn member(text: &mut String, item: &Item, depth: usize) {
    let indent = "    ".repeat(depth);
    match item {
        Item::Function(function) => {
            let (name, doc, results) = (function.name, function.doc, function.results);
            let rest = parameters(function.params);
            let _ = writeln!(text, "{indent}-- {doc}\n{indent}{name}: ({rest}) -> {results},");
        }
        Item::Field { name, luau, doc } => {
            let _ = writeln!(text, "{indent}-- {doc}\n{indent}{name}: {luau},");
        }
        Item::Table { name, doc, items } => {
            let _ = writeln!(text, "{indent}-- {doc}\n{indent}{name}: {{");
            items.iter().for_each(|item| member(text, item, depth + 1));
            let _ = writeln!(text, "{indent}}},");
        }
    }
}

/// Parameters as a declaration has them.
fn declared(text: &str) -> String {
    parameters(text).replace("...any", "...: any")
}

/// Parameters as a type has them.
fn parameters(text: &str) -> String {
    let one = |param: &crate::Param<'_>| match param.is_rest() {
        true => format!("...{}", param.luau),
        false => format!("{}: {}", param.name, param.luau),
    };
    params(text).iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Results one by one: those of `(string?, Error?)` are two, of `()` none.
#[must_use]
pub fn results(text: &str) -> Vec<&str> {
    let bare = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
    match bare {
        Some("") => Vec::new(),
        // A function type begins with a bracket too.
        Some(list) if split(text, '>').len() == 1 && !list.contains("->") => split(list, ','),
        _ => alloc::vec![text],
    }
}
