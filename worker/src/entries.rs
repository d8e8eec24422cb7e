//! The app's code as a worker knows it: compiled once in the zygote, shared by all its copies.

use ipc::zygote::Source;
use mlua::chunk::Compiler;
use std::collections::HashMap;

/// Entries by id.
#[derive(Debug, Default)]
pub struct Entries(HashMap<String, Entry>);

/// One entry with code.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) file: String,
    pub(crate) method: String,
    pub(crate) imports: Vec<(String, String)>,
    /// Bytecode, or why the text does not compile: whoever spawns the entry is told.
    pub(crate) code: Result<Vec<u8>, String>,
}

impl Entries {
    /// Compiles each source. The text is always taken as text: bytecode is refused, since a forged
    /// one could do anything to the VM.
    #[must_use]
    pub fn compile(sources: Vec<Source>) -> Self {
        let compiler = Compiler::new().set_optimization_level(1).set_debug_level(1);
        let compiled = sources.into_iter().map(|source| {
            let code = compiler.compile(&source.text).map_err(|error| match error {
                // "3: Expected …": the file's name is all that is missing.
                mlua::Error::SyntaxError { message, .. } => format!("{}:{message}", source.file),
                other => other.to_string(),
            });
            let Source { id, file, method, imports, .. } = source;
            (id, Entry { file, method, imports, code })
        });
        Entries(compiled.collect())
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.0.get(id)
    }
}
