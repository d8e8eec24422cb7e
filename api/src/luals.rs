//! The table as LuaLS annotations, for the Lua language server.

use crate::item::{Class, Function, Item, Module, params};
use crate::luau::results;
use crate::{ALIASES, CLASSES, MODULES, OBJECT};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Write;

const HEAD: &str = "\
---@meta
-- What wabe adds to Lua, for editors. Made by wabe: `wabe init --types DIR` writes it anew.

---Bytes that can be changed, a type of Luau's
---@class buffer
";

/// The definitions of everything that exists.
#[must_use]
pub fn definitions() -> String {
    let mut text = HEAD.to_string();
    for alias in ALIASES {
        let _ = writeln!(text, "\n---{}\n---@alias {} {}", alias.doc, alias.name, lua(alias.luau));
    }
    CLASSES.iter().for_each(|one| class(&mut text, one));
    MODULES.iter().for_each(|one| module(&mut text, one));
    text
}

fn class(text: &mut String, class: &Class) {
    let name = class.bare_name();
    let _ = writeln!(text, "\n---{}\n---@class {}", class.doc, class.name);
    for item in class.items {
        if let Item::Field { name, luau, doc } = item {
            let _ = writeln!(text, "---@field {name} {} {doc}", lua(luau));
        }
    }
    let _ = writeln!(text, "local {name} = {{}}");
    for item in class.items {
        if let Item::Function(one) = item {
            function(text, &format!("{name}:{}", one.name), one);
        }
    }
}

fn module(text: &mut String, module: &Module) {
    if module.name == OBJECT.0 {
        let _ = writeln!(text, "\n---{}\n---@type {}\n{} = nil", module.doc, OBJECT.1, OBJECT.0);
        return;
    }
    if !module.name.is_empty() {
        let _ = writeln!(text, "\n---{}\n{} = {{}}", module.doc, module.name);
    }
    members(text, module.name, module.items);
}

fn members(text: &mut String, owner: &str, items: &[Item]) {
    for item in items {
        let name = match owner {
            "" => item.name().to_string(),
            _ => format!("{owner}.{}", item.name()),
        };
        // `string` is Lua's library first.
        if name == "string" {
            continue;
        }
        match item {
            Item::Function(one) => function(text, &name, one),
            Item::Field { luau, doc, .. } => {
                let _ = writeln!(text, "\n---{doc}\n---@type {}\n{name} = nil", lua(luau));
            }
            Item::Table { doc, items, .. } => {
                let _ = writeln!(text, "\n---{doc}\n{name} = {{}}");
                members(text, &name, items);
            }
        }
    }
}

fn function(text: &mut String, name: &str, function: &Function) {
    let _ = writeln!(text, "\n---{}", function.doc);
    let mut names = String::new();
    for param in params(function.params) {
        // Who reads Lua calls what is optional so by its name.
        let (bare, mark) = match param.luau.strip_suffix('?') {
            Some(bare) => (bare, "?"),
            None => (param.luau, ""),
        };
        let word = if param.name == "end" { "end_" } else { param.name };
        let _ = writeln!(text, "---@param {word}{mark} {}", lua(bare));
        names.push_str(if names.is_empty() { "" } else { ", " });
        names.push_str(word);
    }
    for result in results(function.results) {
        let _ = writeln!(text, "---@return {}", lua(result));
    }
    let _ = writeln!(text, "function {name}({names}) end");
}

/// A type in LuaLS's syntax.
fn lua(luau: &str) -> String {
    if let Some(optional) = luau.strip_suffix('?').filter(|inner| !inner.contains(' ')) {
        return format!("{}?", lua(optional));
    }
    match luau {
        "never" => "nil".to_string(),
        _ if luau.starts_with("{{") => "table[]".to_string(),
        _ if luau.starts_with('{') => "table".to_string(),
        _ if luau.starts_with('(') && luau.contains("->") => "function".to_string(),
        _ => luau.trim_start_matches("...").to_string(),
    }
}
