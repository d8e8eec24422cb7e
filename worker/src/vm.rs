//! [`Vm`]: a Luau state with the process API in it, ready to become any process of its app.

use crate::clock::Steps;
use crate::native::Session;
use crate::{
    Entries, clock, entries, hygiene, memory, native, objects, over, post, safepoint, turn,
};
use ipc::Limits;
use mlua::{Function, Lua, LuaOptions, Result, StdLib, Table, Value};
use rustix::rand::{GetRandomFlags, getrandom};
use std::cell::RefCell;
use std::io;
use std::rc::Rc;

/// The files of the prelude in the order in which they build on each other.
const PRELUDE: [(&str, &str); 9] = [
    ("objects", include_str!("prelude/objects.luau")),
    ("errors", include_str!("prelude/errors.luau")),
    ("scheduler", include_str!("prelude/scheduler.luau")),
    ("channel", include_str!("prelude/channel.luau")),
    ("payload", include_str!("prelude/payload.luau")),
    ("time", include_str!("prelude/time.luau")),
    ("process", include_str!("prelude/process.luau")),
    ("mailbox", include_str!("prelude/mailbox.luau")),
    ("globals", include_str!("prelude/globals.luau")),
];

/// A Luau state, the prelude's functions, and what the native functions need.
#[derive(Debug)]
pub struct Vm {
    pub(crate) lua: Lua,
    /// The prelude's own table.
    pub(crate) wabe: Table,
    pub(crate) hooks: Hooks,
    pub(crate) session: Rc<RefCell<Option<Session>>>,
    pub(crate) steps: Steps,
    entries: Rc<RefCell<Entries>>,
}

/// The functions of the prelude that Rust calls.
#[derive(Debug)]
pub(crate) struct Hooks {
    pub(crate) run: Function,
    pub(crate) live: Function,
    pub(crate) deliver: Function,
    pub(crate) consume: Function,
    pub(crate) event: Function,
    pub(crate) reply: Function,
    pub(crate) has_room: Function,
    pub(crate) blocked_for_ever: Function,
    pub(crate) unwrap: Function,
    pub(crate) error_from: Function,
}

impl Vm {
    /// Opens Luau, installs the API and makes what scripts can reach read-only.
    ///
    /// # Errors
    /// Where Luau has no memory, or the prelude is broken.
    pub fn new() -> Result<Self> {
        // What `tostring` shows of a table is then a cipher of its address. A Luau that has no such
        // switch any more does so without.
        let _ = Lua::set_fflag("LuauNewPointerEncode", true);
        let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::default())?;
        let (session, entries, steps) = (Rc::default(), Rc::default(), Steps::default());
        let wabe = lua.create_table()?;
        wabe.set("modules", lua.create_table()?)?;
        let native = lua.create_table()?;
        objects::install(&lua, &native)?;
        clock::install(&lua, &native, &steps)?;
        native::install(&lua, &native, &wabe, &session)?;
        post::install(&lua, &native, &wabe, &session)?;
        entries::install(&lua, &native, &entries)?;
        for (name, source) in PRELUDE {
            let chunk = lua.load(source).set_name(format!("=[wabe/{name}]"));
            chunk.call::<()>((&wabe, &native))?;
        }
        let hooks = Hooks {
            run: wabe.get("run")?,
            live: wabe.get("live")?,
            deliver: wabe.get("deliver")?,
            consume: wabe.get("consume")?,
            event: wabe.get("event")?,
            reply: wabe.get("reply")?,
            has_room: wabe.get("has_room")?,
            blocked_for_ever: wabe.get("blocked_for_ever")?,
            unwrap: wabe.get("unwrap")?,
            error_from: wabe.get("error_from")?,
        };
        Ok(Vm { lua, wabe, hooks, session, steps, entries })
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

    /// Begins the process: from here on its script runs under these limits.
    pub(crate) fn begin(&self, session: Session, limits: &Limits) -> Result<()> {
        self.session.replace(Some(session));
        over::remember(&self.session);
        safepoint::install(&self.lua)?;
        self.set_secrets()?;
        turn::limit(limits.turn_ns);
        memory::watch(limits.memory);
        Ok(())
    }

    /// What copies of one zygote would else have in common: the seed of `math.random`, and the key
    /// with which addresses are hidden where a script can see one.
    fn set_secrets(&self) -> Result<()> {
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
        let vm = Vm::new().expect("a state");
        let globals: Table = vm.wabe.get("globals").expect("the prelude's globals");
        let found = names(&globals).expect("names").join("\n");
        assert_eq!(found, include_str!("prelude/globals.txt").trim_end());
    }
}
