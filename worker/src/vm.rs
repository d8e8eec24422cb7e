//! [`Vm`]: a Luau state with the process API in it, ready to become any process of its app.

use crate::clock::Steps;
use crate::native::{Context, Prelude, Session};
use crate::{
    Entries, clock, document, entries, hygiene, memory, modules, native, objects, over, parameters,
    post, safepoint, stack, time, turn,
};
use ipc::frame::{Birth, EventResult};
use ipc::{Limits, Zones};
use mlua::chunk::Compiler;
use mlua::{Function, Lua, LuaOptions, Result, StdLib, Table, Value};
use rustix::rand::{GetRandomFlags, getrandom};
use std::cell::{OnceCell, RefCell};
use std::io;
use std::rc::Rc;

/// The files of the prelude in the order in which they build on each other.
pub(crate) const PRELUDE: [(&str, &str); 15] = [
    ("objects", include_str!("prelude/objects.luau")),
    ("errors", include_str!("prelude/errors.luau")),
    ("scheduler", include_str!("prelude/scheduler.luau")),
    ("channel", include_str!("prelude/channel.luau")),
    ("select", include_str!("prelude/select.luau")),
    ("json", include_str!("prelude/json.luau")),
    ("payload", include_str!("prelude/payload.luau")),
    ("time", include_str!("prelude/time.luau")),
    ("timers", include_str!("prelude/timers.luau")),
    ("process", include_str!("prelude/process.luau")),
    ("births", include_str!("prelude/births.luau")),
    ("mailbox", include_str!("prelude/mailbox.luau")),
    ("modules", include_str!("prelude/modules.luau")),
    ("chaos", include_str!("prelude/chaos.luau")),
    ("globals", include_str!("prelude/globals.luau")),
];

/// The files that every wake goes through. Small local functions are inlined in them, so that a process
/// which wakes touches less memory; so none of those may raise at a level.
const INLINED: [&str; 2] = ["scheduler", "channel"];

/// A Luau state, the prelude's functions, and what the native functions need.
#[derive(Debug)]
pub struct Vm {
    pub(crate) lua: Lua,
    /// The prelude's own table.
    pub(crate) wabe: Table,
    pub(crate) hooks: Hooks,
    pub(crate) context: &'static Context,
    pub(crate) steps: Steps,
    entries: Rc<RefCell<Entries>>,
}

/// The functions of the prelude that Rust calls.
#[derive(Debug)]
pub(crate) struct Hooks {
    pub(crate) run: Function,
    pub(crate) live: Function,
    pub(crate) born: Function,
    pub(crate) hand_out: Function,
    pub(crate) event: Function,
    pub(crate) reply: Function,
    pub(crate) returned: Function,
    pub(crate) has_room: Function,
    pub(crate) blocked_for_ever: Function,
    pub(crate) preload: Function,
    pub(crate) rehearse: Function,
    pub(crate) forget: Function,
}

impl Vm {
    /// Opens Luau, installs the API and makes what scripts can reach read-only.
    ///
    /// `zones`: what `time` knows of places, for good.
    ///
    /// # Errors
    /// Where Luau has no memory, or the prelude is broken.
    pub fn new(zones: Zones) -> Result<Self> {
        // What `tostring` shows of a table is then a cipher of its address. A Luau that has no such
        // switch any more does so without.
        let _ = Lua::set_fflag("LuauNewPointerEncode", true);
        let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::default())?;
        let (entries, steps) = (Rc::default(), Steps::default());
        // As long as the state, which is as long as the process.
        let context: &'static Context =
            Box::leak(Box::new(Context { session: Rc::default(), kept: OnceCell::new() }));
        let wabe = lua.create_table()?;
        wabe.set("modules", lua.create_table()?)?;
        // Those that only entries which name them have.
        wabe.set("named_modules", lua.create_table()?)?;
        wabe.set("parameters", parameters::table(&lua)?)?;
        let native = lua.create_table()?;
        objects::install(&lua, &native)?;
        clock::install(&lua, &native, &steps)?;
        native::install(&lua, &native, context)?;
        post::install(&lua, &native, context)?;
        entries::install(&lua, &native, &entries)?;
        time::install(&lua, &native, zones)?;
        document::install(&lua, &native, context)?;
        modules::install(&lua, &native)?;
        for (name, source) in PRELUDE {
            let level = if INLINED.contains(&name) { 2 } else { 1 };
            let compiler = Compiler::new().set_optimization_level(level);
            let chunk = lua.load(source).set_name(format!("=[wabe/{name}]"));
            chunk.set_compiler(compiler).call::<()>((&wabe, &native))?;
        }
        let kept = Prelude {
            unwrap: stack::keep(&lua, &wabe.get("unwrap")?)?,
            error_from: stack::keep(&lua, &wabe.get("error_from")?)?,
        };
        // There was none before.
        let _ = context.kept.set(kept);
        let hooks = Hooks {
            run: wabe.get("run")?,
            live: wabe.get("live")?,
            born: wabe.get("born")?,
            hand_out: wabe.get("hand_out")?,
            event: wabe.get("event")?,
            reply: wabe.get("reply")?,
            returned: wabe.get("returned")?,
            has_room: wabe.get("has_room")?,
            blocked_for_ever: wabe.get("blocked_for_ever")?,
            preload: wabe.get("preload")?,
            rehearse: wabe.get("rehearse")?,
            forget: wabe.get("forget")?,
        };
        Ok(Vm { lua, wabe, hooks, context, steps, entries })
    }

    /// The code that processes are made of.
    #[must_use]
    pub fn entries(&self) -> &RefCell<Entries> {
        &self.entries
    }

    /// Makes every clock that scripts can read as coarse as this, where it is not coarser already.
    pub fn set_clock_step(&self, ns: u64) {
        self.steps.set(ns);
    }

    /// Loads the code, where that can be done before there is a process: no line of it runs.
    pub fn preload(&self) {
        for id in self.entries.borrow().compiled() {
            // Where it fails, so it does in the worker that needs it, which tells of it.
            let _ = self.hooks.preload.call::<()>(id);
        }
    }

    /// Begins the process: from here on its script runs under these limits.
    pub(crate) fn begin(&self, session: Session, limits: &Limits) -> Result<()> {
        self.context.session.replace(Some(session));
        over::remember(&self.context.session);
        safepoint::install(&self.lua)?;
        turn::limit(limits.turn_ns);
        memory::watch(limits.memory);
        Ok(())
    }

    /// How the process begins.
    pub(crate) fn set_birth(&self, birth: &Birth<'_>) -> Result<()> {
        let Birth { trap_links, event_result, .. } = birth;
        self.hooks.born.call((*trap_links, *event_result == EventResult::Record))
    }

    /// What copies of one zygote would else have in common: the seed of `math.random`, and the key
    /// with which addresses are hidden where a script can see one.
    pub(crate) fn set_secrets(&self) -> Result<()> {
        objects::hide_addresses(&self.lua, random_key().map_err(mlua::Error::external)?)?;
        let math: Table = self.lua.globals().get("math")?;
        let seed = hygiene::fresh_seed().map_err(mlua::Error::external)?;
        // Luau takes a C int, and makes the same one of every number that is none.
        math.get::<Function>("randomseed")?.call(seed.cast_signed())
    }

    /// The end that the prelude has recorded: a value or an error.
    pub(crate) fn ending(&self) -> Result<std::result::Result<Value, Value>> {
        let ending: Table = self.wabe.get("ending")?;
        match ending.get("error")? {
            Value::Nil => Ok(Ok(ending.get("value")?)),
            error => Ok(Err(error)),
        }
    }
}

fn random_key() -> io::Result<[u64; 4]> {
    let mut bytes = [0; 32];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty())?;
    if filled != bytes.len() {
        return Err(io::Error::other("getrandom gave too few bytes"));
    }
    let (numbers, _) = bytes.as_chunks::<8>();
    Ok(std::array::from_fn(|index| u64::from_ne_bytes(numbers[index])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names in a table, and those in the tables in it.
    fn names(table: &Table) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for pair in table.pairs::<String, Value>() {
            match pair? {
                (name, Value::Table(inner)) => {
                    let inner = self::names(&inner)?;
                    names.push(format!("{name}: {}", inner.join(" ")));
                }
                (name, _) => names.push(name),
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Whatever is added here has to be looked at: does it show an address, read a clock, a file or
    /// the environment, change what others see, or load code?
    #[test]
    fn scripts_find_these_globals_and_no_others() {
        let vm = Vm::new(Zones::default()).expect("a state");
        let globals: Table = vm.wabe.get("globals").expect("the prelude's globals");
        let found = names(&globals).expect("names").join("\n");
        assert_eq!(found, include_str!("prelude/globals.txt").trim_end());
    }
}
