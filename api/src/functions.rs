//! Functions as processes, what children inherit, and faults on purpose.

use crate::item::{Class, Module, f};

const CALL_FAILS: &str = "Invalid NotFound PermissionDenied RateLimited Timeout Unavailable";

#[rustfmt::skip]
pub(crate) const FUNCS: Module = Module {
    name: "funcs",
    doc: "Entries of kind `function.lua`, each call a process of its own",
    items: &[
        f("call", "id: string, ...: any", "(any, Error?)", CALL_FAILS, "Calls a function and waits for what it returns"),
        f("async", "id: string, ...: any", "Future", "", "Calls a function without waiting"),
    ],
};

#[rustfmt::skip]
pub(crate) const FUTURE: Class = Class {
    name: "Future",
    runtime: "future",
    doc: "A call under way, what `funcs.async` gives",
    items: &[
        f("response", "", "Channel<any>", "", "The channel that gives the result, or the Error, then is closed"),
        f("result", "", "(any, Error?)", CALL_FAILS, "The result, waiting for it"),
        f("is_complete", "", "boolean", "", "True where the result is there"),
        f("cancel", "", "boolean", "", "Ends the call; false where the result is there"),
    ],
};

#[rustfmt::skip]
pub(crate) const CTX: Module = Module {
    name: "ctx",
    doc: "Values that children inherit",
    items: &[
        f("get", "key: string", "(any, Error?)", "NotFound", "The value of a key that `with_context` gave"),
    ],
};

const CHAOS_FAILS: &str = "NotFound PermissionDenied";

#[rustfmt::skip]
pub(crate) const CHAOS: Module = Module {
    name: "chaos",
    doc: "Faults on purpose, under `wabe test` only",
    items: &[
        f("kill", "dest: string, signal: string", "(boolean?, Error?)", "Invalid NotFound PermissionDenied", "Sends a signal that ends a process, such as `SIGKILL`"),
        f("stop", "dest: string", "(boolean?, Error?)", CHAOS_FAILS, "Halts a process (SIGSTOP)"),
        f("cont", "dest: string", "(boolean?, Error?)", CHAOS_FAILS, "Lets it go on (SIGCONT)"),
    ],
};
