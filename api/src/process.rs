//! `process`: this process, the others, and what arrives from them.

use crate::item::{Alias, Class, Item, Module, f, v};

const SPAWN_FAILS: &str = "Invalid NotFound PermissionDenied RateLimited Timeout Unavailable";
/// A builder may register a name, too.
const BUILT_FAILS: &str =
    "AlreadyExists Invalid NotFound PermissionDenied RateLimited Timeout Unavailable";
const REACH_FAILS: &str = "NotFound PermissionDenied";

#[rustfmt::skip]
pub(crate) const PROCESS: Module = Module {
    name: "process",
    doc: "This process, the others, and what arrives from them",
    items: &[
        f("pid", "", "string", "", "The own PID, stable"),
        f("id", "", "string", "", "The own entry, `ns:name`"),
        f("spawn", "entry: string, host: string, ...: any", "(string?, Error?)", SPAWN_FAILS, "Starts a process of an entry; its PID once it has loaded"),
        f("spawn_monitored", "entry: string, host: string, ...: any", "(string?, Error?)", SPAWN_FAILS, "As `spawn`; this process gets its EXIT"),
        f("spawn_linked", "entry: string, host: string, ...: any", "(string?, Error?)", SPAWN_FAILS, "As `spawn`; the two are linked"),
        f("spawn_linked_monitored", "entry: string, host: string, ...: any", "(string?, Error?)", SPAWN_FAILS, "As `spawn`, monitored and linked"),
        f("exec", "entry: string, host: string, ...: any", "(any, Error?)", SPAWN_FAILS, "Starts a process and waits for what it returns"),
        f("send", "dest: string, topic: string, ...: any", "(boolean?, Error?)", "Invalid NotFound RateLimited PermissionDenied", "Sends a message; true once it is accepted, in order"),
        f("listen", "topic: string, options: {message: boolean?}?", "(Channel<any>, Error?)", "Invalid", "The channel of the messages with that topic"),
        f("unlisten", "channel: Channel<any>", "(boolean, Error?)", "NotFound", "Closes the channel of a topic"),
        f("inbox", "", "Channel<Message>", "", "The channel of messages whose topic has no listener"),
        f("events", "", "Channel<Event>", "", "The channel of events"),
        f("monitor", "dest: string", "(boolean?, Error?)", "NotFound AlreadyExists PermissionDenied RateLimited", "Asks for the EXIT of a process"),
        f("unmonitor", "dest: string", "(boolean?, Error?)", REACH_FAILS, "Asks for it no more"),
        f("link", "dest: string", "(boolean?, Error?)", "NotFound PermissionDenied RateLimited", "Links the two: an abnormal end of one ends the other"),
        f("unlink", "dest: string", "(boolean?, Error?)", REACH_FAILS, "Takes the link back"),
        f("cancel", "dest: string, reason: (Span | string)?", "(boolean?, Error?)", "Invalid NotFound PermissionDenied RateLimited", "Asks a process to end; with a duration it is terminated after it"),
        f("terminate", "dest: string", "(boolean?, Error?)", REACH_FAILS, "Ends a process: no Lua of it runs any more"),
        f("get_options", "", "Options", "", "The options of this process"),
        f("set_options", "~options: OptionChanges", "(boolean, Error?)", "Invalid", "Sets options of this process"),
        f("upgrade", "entry: string?, ...: any", "never", "", "Goes on as new code with the same PID; never returns"),
        f("ready", "", "true", "", "Tells that this service is up; nothing where this process is none"),
        f("with_context", "values: {[string]: any}", "Builder", "", "A builder of spawns whose children inherit these values"),
        Item::Table { name: "event", doc: "The kinds of events", items: &[
            v("EXIT", "\"EXIT\"", "A monitored process has ended"),
            v("LINK_DOWN", "\"LINK_DOWN\"", "A linked process has ended abnormally, and this one traps links"),
            v("CANCEL", "\"CANCEL\"", "Somebody asks this process to end"),
            v("OUTDATED", "\"OUTDATED\"", "The code of this process has changed, and it has set the option `upgradable`"),
        ] },
        Item::Table { name: "registry", doc: "Names of processes", items: &[
            f("register", "name: string, pid: string?", "(boolean?, Error?)", "AlreadyExists Invalid NotFound PermissionDenied RateLimited", "Gives a process a name, this one where no PID is given"),
            f("lookup", "name: string", "(string?, Error?)", "NotFound PermissionDenied", "The PID that has a name"),
            f("unregister", "name: string", "(boolean?, Error?)", "Invalid PermissionDenied", "Gives a name up; false where it was not this process's"),
        ] },
    ],
};

#[rustfmt::skip]
pub(crate) const BUILDER: Class = Class {
    name: "Builder",
    runtime: "builder",
    doc: "Spawns with something more; each method gives a new builder",
    items: &[
        f("with_name", "name: string", "Builder", "", "The child registers this name"),
        f("with_message", "topic: string, ...: any", "Builder", "", "The child finds this message"),
        f("with_options", "options: {trap_links: boolean?}", "Builder", "", "The child has these options"),
        f("spawn", "entry: string, host: string, ...: any", "(string?, Error?)", BUILT_FAILS, "As `process.spawn`"),
        f("spawn_monitored", "entry: string, host: string, ...: any", "(string?, Error?)", BUILT_FAILS, "As `process.spawn_monitored`"),
        f("spawn_linked", "entry: string, host: string, ...: any", "(string?, Error?)", BUILT_FAILS, "As `process.spawn_linked`"),
        f("spawn_linked_monitored", "entry: string, host: string, ...: any", "(string?, Error?)", BUILT_FAILS, "As `process.spawn_linked_monitored`"),
        f("exec", "entry: string, host: string, ...: any", "(any, Error?)", BUILT_FAILS, "As `process.exec`"),
    ],
};

pub(crate) const OPTIONS: Alias = Alias {
    name: "Options",
    luau: "{trap_links: boolean, upgradable: boolean}",
    runtime: "table",
    doc: "What a process has set about itself",
};

pub(crate) const OPTION_CHANGES: Alias = Alias {
    name: "OptionChanges",
    luau: "{trap_links: boolean?, upgradable: boolean?}",
    runtime: "table",
    doc: "What a process may set about itself",
};

pub(crate) const EXIT: Alias = Alias {
    name: "Exit",
    luau: "{kind: string, signal: string?, code: number?, limit: {limit: number, used: number}?, os_pid: number?}",
    runtime: "table",
    doc: "What the operating system saw of an end",
};

/// All fields of all kinds: a script tells them apart by `kind`, and uses the others only then.
pub(crate) const EVENT: Alias = Alias {
    name: "Event",
    luau: "{kind: string, from: string?, at: Time, result: any, error: Error?, exit: Exit, reason: string?, deadline: Time?}",
    runtime: "table",
    doc: "An EXIT, a LINK_DOWN, a CANCEL or an OUTDATED; that has only `kind` and `at`",
};
