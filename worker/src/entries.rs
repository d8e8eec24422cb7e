//! The app's code as a worker knows it: compiled once in the zygote, shared by all its copies.

use ipc::zygote::Source;
use mlua::chunk::{ChunkMode, Compiler};
use mlua::{Function, Lua, LuaString, Result, Table};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// Entries by id.
#[derive(Debug, Default)]
pub struct Entries(HashMap<String, Entry>);

/// One entry with code.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) file: String,
    pub(crate) method: String,
    pub(crate) imports: Vec<(String, String)>,
    pub(crate) modules: Vec<String>,
    code: Code,
}

/// The code of an entry.
#[derive(Debug)]
enum Code {
    /// Bytecode, or why the text does not compile: whoever spawns the entry is told.
    Compiled(std::result::Result<Vec<u8>, String>),
    /// The text, where there is much of it. Each worker that needs it compiles it, under its own
    /// limits: a source that takes for ever to compile holds up nobody else.
    Text(String),
}

/// Text that is compiled once, in the zygote, for all workers.
const COMPILED_MAX: usize = 256 * 1024;

impl Entries {
    /// Compiles each source. The text is always taken as text: bytecode is refused, since a forged
    /// one could do anything to the VM.
    #[must_use]
    pub fn compile(sources: Vec<Source>) -> Self {
        let mut left = COMPILED_MAX;
        let compiled = sources.into_iter().map(|source| {
            let Source { id, file, text, method, imports, modules } = source;
            let code = match left.checked_sub(text.len()) {
                Some(rest) => {
                    left = rest;
                    Code::Compiled(compile(&file, &text))
                }
                None => Code::Text(text),
            };
            (id, Entry { file, method, imports, modules, code })
        });
        Entries(compiled.collect())
    }

    /// Ids of what is compiled.
    pub(crate) fn compiled(&self) -> impl Iterator<Item = &str> {
        let compiled = |entry: &Entry| matches!(entry.code, Code::Compiled(Ok(_)));
        self.0.iter().filter(move |(_, entry)| compiled(entry)).map(|(id, _)| id.as_str())
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.0.get(id)
    }
}

fn compile(file: &str, text: &str) -> std::result::Result<Vec<u8>, String> {
    let compiler = Compiler::new().set_optimization_level(1).set_debug_level(1);
    compiler.compile(text).map_err(|error| match error {
        // "3: Expected …": the file's name is all that is missing.
        mlua::Error::SyntaxError { message, .. } => format!("{file}:{message}"),
        other => other.to_string(),
    })
}

/// Adds the functions with which the prelude loads code.
pub(crate) fn install(lua: &Lua, native: &Table, entries: &Rc<RefCell<Entries>>) -> Result<()> {
    native.set("set_string_index", lua.create_function(set_string_index)?)?;
    native.set("environment", lua.create_function(environment)?)?;
    let known = entries.clone();
    let describe = move |lua: &Lua, id: String| {
        known.borrow().get(&id).map(|entry| describe(lua, entry)).transpose()
    };
    native.set("entry", lua.create_function(describe)?)?;
    let known = entries.clone();
    let load = move |lua: &Lua, (id, environment): (String, Table)| match known.borrow().get(&id) {
        Some(entry) => load(lua, entry, environment),
        None => Err(mlua::Error::runtime("no such entry")),
    };
    native.set("load", lua.create_function(load)?)
}

/// Makes a table what methods of strings are looked up in, read-only from here on.
fn set_string_index(lua: &Lua, strings: Table) -> Result<()> {
    let metatable = lua.type_metatable::<LuaString>();
    let metatable = metatable.ok_or_else(|| mlua::Error::runtime("no string library"))?;
    // `table.freeze` refuses a table whose metatable is locked, as this one's is.
    strings.set_readonly(true);
    metatable.raw_set("__index", strings)?;
    metatable.raw_set("__metatable", "the metatable is locked")
}

/// A table of globals of its own, in front of the common ones.
fn environment(lua: &Lua, globals: Table) -> Result<Table> {
    let (environment, metatable) = (lua.create_table()?, lua.create_table()?);
    metatable.raw_set("__index", globals)?;
    metatable.raw_set("__metatable", "the metatable is locked")?;
    metatable.set_readonly(true);
    environment.set_metatable(Some(metatable))?;
    Ok(environment)
}

fn describe(lua: &Lua, entry: &Entry) -> Result<Table> {
    let described = lua.create_table()?;
    described.set("file", entry.file.as_str())?;
    described.set("method", entry.method.as_str())?;
    described.set("imports", lua.create_table_from(entry.imports.iter().cloned())?)?;
    described
        .set("modules", lua.create_sequence_from(entry.modules.iter().map(String::as_str))?)?;
    Ok(described)
}

/// The chunk of an entry in its globals, or why its text does not compile.
fn load(
    lua: &Lua,
    entry: &Entry,
    environment: Table,
) -> Result<(Option<Function>, Option<String>)> {
    let compiled;
    let code = match &entry.code {
        Code::Compiled(code) => code,
        Code::Text(text) => {
            compiled = compile(&entry.file, text);
            &compiled
        }
    };
    let code = match code {
        Ok(code) => code,
        Err(message) => return Ok((None, Some(message.clone()))),
    };
    // Luau resolves `math.floor` and the like when it loads a chunk, in the globals of the thread
    // that loads: they have to be the chunk's own, and safe, for just that long.
    environment.set_safeenv(true);
    let before = lua.globals();
    lua.set_globals(environment)?;
    let chunk = lua.load(code.as_slice()).set_name(format!("={}", entry.file));
    let loaded = chunk.set_mode(ChunkMode::Binary).into_function();
    lua.set_globals(before)?;
    Ok((Some(loaded?), None))
}
