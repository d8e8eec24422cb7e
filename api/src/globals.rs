//! What is global: casts, printing, and what differs from Luau's own library.

use crate::item::{Module, f};

#[rustfmt::skip]
pub(crate) const GLOBALS: Module = Module {
    name: "",
    doc: "Functions that are globals, besides Luau's own",
    items: &[
        f("require", "name: string", "any", "", "A module, or what a library of the entry's `imports` returns; raises for others"),
        f("print", "...: any", "()", "", "Prints a line"),
        f("string", "value: any", "string", "", "The value as a text; `string` is Luau's library as well"),
        f("number", "value: any", "number", "", "The value as a number; raises where it is none"),
        f("integer", "value: any", "number", "", "The value as a whole number; raises where it is none"),
        f("boolean", "value: any", "boolean", "", "The value as a boolean; raises where it is none"),
    ],
};

#[rustfmt::skip]
pub(crate) const COROUTINE: Module = Module {
    name: "coroutine",
    doc: "Luau's library, and `spawn`",
    items: &[
        f("spawn", "fn: (...any) -> ...any, ...: any", "thread", "", "Runs a function concurrently"),
        f("create", "fn: (...any) -> ...any", "thread", "", "A coroutine that somebody resumes"),
        f("resume", "co: thread, ...: any", "(boolean, ...any)", "", "Goes on with it"),
        f("yield", "...: any", "...any", "", "Gives values to whoever has resumed it"),
        f("wrap", "fn: (...any) -> ...any", "(...any) -> ...any", "", "A function that resumes it"),
        f("status", "co: thread", "string", "", "What it does"),
        f("running", "", "thread", "", "The coroutine that runs"),
        f("isyieldable", "", "boolean", "", "True where it may yield"),
        f("close", "co: thread", "(boolean, any)", "", "Ends it"),
    ],
};

#[rustfmt::skip]
pub(crate) const DEBUG: Module = Module {
    name: "debug",
    doc: "Of Luau's library, what shows no other process's secrets",
    items: &[
        f("traceback", "first: (thread | Text)?, second: (Text | number)?, level: number?", "string", "", "The stack of a coroutine, or of the caller, as a text: `traceback(co?, message?, level?)`"),
    ],
};

/// What there is of Luau's own globals. Their fields are Luau's.
pub const STANDARD: &[&str] = &[
    "_VERSION",
    "assert",
    "bit32",
    "buffer",
    "error",
    "getmetatable",
    "ipairs",
    "math",
    "next",
    "os",
    "pairs",
    "pcall",
    "rawequal",
    "rawget",
    "rawlen",
    "rawset",
    "select",
    "setmetatable",
    "string",
    "table",
    "tonumber",
    "tostring",
    "type",
    "typeof",
    "unpack",
    "utf8",
    "vector",
    "xpcall",
];
