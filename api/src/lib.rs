//! The Lua API as one table.
//!
//! Every module, function, method and field that a script finds, with its types and one line of
//! documentation. From it come what a worker checks of arguments and says of wrong ones ([`params`],
//! [`expected`]), the definitions for editors and for `wabe check` ([`luau`], [`luals`]), the reference
//! `docs/api.md` ([`docs`]), and the test that calls everything in a real worker with wrong types. Plain
//! data: no IO, no dependencies, so that everybody may see it.
//!
//! To add a function is to add one line to its module. Types are written in Luau's syntax.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod docs;
pub mod luals;
pub mod luau;

mod data;
mod functions;
mod globals;
mod item;
mod named;
mod process;
mod time;
mod waiting;

pub use globals::STANDARD;
pub use item::{Alias, Class, Function, Item, Module, Param, expected, params, split};

/// The modules, each a global that `require` gives as well; `""` holds the functions that are globals.
pub const MODULES: &[Module] = &[
    globals::GLOBALS,
    named::BASE64,
    waiting::CHANNEL,
    functions::CHAOS,
    globals::COROUTINE,
    functions::CTX,
    globals::DEBUG,
    data::ERRORS,
    functions::FUNCS,
    named::HASH,
    data::JSON,
    named::LOGGER,
    data::PAYLOAD,
    process::PROCESS,
    time::TIME,
    named::UUID,
];

/// What scripts meet as objects.
pub const CLASSES: &[Class] = &[
    data::ERROR,
    data::PAYLOAD_OBJECT,
    data::MESSAGE,
    process::BUILDER,
    time::TIME_OBJECT,
    time::DURATION,
    time::LOCATION,
    waiting::CHANNEL_OBJECT,
    waiting::CASE,
    time::TIMER,
    time::TICKER,
    functions::FUTURE,
    named::LOGGER_OBJECT,
];

/// Types that are no objects: tables with known fields, and unions.
pub const ALIASES: &[Alias] = &[
    time::SPAN,
    data::TEXT,
    data::ERROR_FIELDS,
    data::STACK,
    process::EXIT,
    process::EVENT,
    process::OPTIONS,
    process::OPTION_CHANGES,
    waiting::SELECTED,
];

/// Modules that an entry has only where its manifest names them.
pub const NAMED: &[&str] = &["base64", "chaos", "funcs", "hash", "logger", "uuid"];

/// The module that is an object, `logger:info(…)`, and its class.
pub const OBJECT: (&str, &str) = ("logger", "Logger");

/// Names that an entry may have under `modules` and that a script may require.
pub fn module_names() -> impl Iterator<Item = &'static str> {
    let names = MODULES.iter().map(|module| module.name);
    // `debug` is part of the standard library: a global, and no module.
    names.filter(|name| !["", "debug"].contains(name))
}
