//! [`Vm`]: a Luau state with the process API in it, ready to become any process of its app.

use crate::native::Session;
use crate::{Entries, native, objects};
use mlua::{Function, Lua, LuaOptions, Result, StdLib, Table, Value};
use std::cell::RefCell;
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
        let lua = Lua::new_with(StdLib::ALL_SAFE, LuaOptions::default())?;
        let (session, entries) = (Rc::default(), Rc::default());
        let wabe = lua.create_table()?;
        wabe.set("modules", lua.create_table()?)?;
        let native = lua.create_table()?;
        objects::install(&lua, &native)?;
        native::install(&lua, &native, &wabe, &session, &entries)?;
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
        Ok(Vm { lua, wabe, hooks, session, entries })
    }

    /// The code that processes are made of.
    #[must_use]
    pub fn entries(&self) -> &RefCell<Entries> {
        &self.entries
    }

    /// True until the script has run and its body is about to.
    pub(crate) fn is_loading(&self) -> bool {
        self.wabe.get("loading").unwrap_or(true)
    }

    /// Seeds `math.random` for this process alone.
    pub(crate) fn seed(&self, seed: u32) -> Result<()> {
        let math: Table = self.lua.globals().get("math")?;
        math.get::<Function>("randomseed")?.call(seed)
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
