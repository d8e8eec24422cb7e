//! Probes: each tries one forbidden thing from inside a worker, as a script, as frames, or as native
//! code that has taken the worker over.
//!
//! A probe is worth something only in pairs. Without a layer of the sandbox it must **succeed**
//! (the file was really read, the signal really came, the code really ran); with the layers that it
//! lists, each alone, it must fail; with all it must fail as listed. `tests/tests/probes.rs` holds
//! all three against the lists here, `cargo run -p tests --example probes` prints what it saw.
//!
//! A probe harms nobody even where nothing stops it: it signals only with what
//! everybody ignores (SIGURG, SIGCONT), sets what it may
//! set to the value that was there, bounds what it takes, and removes what it makes.

pub mod env;
pub mod measure;
pub mod outdoors;
pub mod sys;
pub mod table;
pub mod talk;

mod channels;
mod elf;
mod files;
mod frames;
mod info;
mod kernel;
mod lua;
mod lua_bombs;
mod memory;
mod network;
mod outside;
mod processes;
mod resources;
mod stoppers;
mod tasks;

use env::Env;
use ipc::sandbox::Layer;
use std::fmt;
use sys::Reached;
use talk::Talk;

/// What tries it.
#[derive(Clone, Copy)]
pub enum By {
    /// Native code that has taken the worker over.
    Native(fn(&Env) -> Reached),
    /// Frames that no honest worker sends.
    Frames(fn(&Talk, &Env) -> Reached),
    /// A script.
    Lua(&'static str),
}

/// One attempt, and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// What it tries, as words with `-` between them.
    pub name: &'static str,
    /// What tries it.
    pub by: By,
    /// The layers of which each alone stops it.
    pub stopped_by: &'static [Layer],
    /// What comes of it with all layers.
    pub with_all: &'static str,
    /// Why it cannot succeed on every machine even without a layer.
    pub needs: Option<&'static str>,
}

/// What the filter makes of a system call that is not on its list.
pub const KILLED: &str = "killed: SIGSYS";

/// What comes of a probe that did it.
pub const SUCCEEDED: &str = "succeeded";

const fn probe(name: &'static str, by: By, with_all: &'static str) -> Probe {
    Probe { name, by, stopped_by: &[], with_all, needs: None }
}

/// A probe of native code. The filter kills it, unless it says otherwise.
const fn native(name: &'static str, run: fn(&Env) -> Reached) -> Probe {
    probe(name, By::Native(run), KILLED)
}

/// A probe of frames, ended by the supervisor with or without a sandbox.
const fn frames(name: &'static str, run: fn(&Talk, &Env) -> Reached) -> Probe {
    probe(name, By::Frames(run), "ended: protocol")
}

/// A probe of a script, refused by the VM with or without a sandbox.
const fn lua(name: &'static str, script: &'static str) -> Probe {
    probe(name, By::Lua(script), "failed")
}

impl Probe {
    const fn stopped_by(self, layers: &'static [Layer]) -> Self {
        Probe { stopped_by: layers, ..self }
    }

    const fn with_all(self, outcome: &'static str) -> Self {
        Probe { with_all: outcome, ..self }
    }

    const fn needs(self, what: &'static str) -> Self {
        Probe { needs: Some(what), ..self }
    }

    /// The group that it is in.
    #[must_use]
    pub fn group(&self) -> &'static str {
        let mut groups = GROUPS.iter();
        let own = groups.find(|(_, probes)| probes.iter().any(|probe| probe.name == self.name));
        own.map_or("", |(group, _)| group)
    }

    /// True for what a layer of the sandbox is there to stop. The others the VM, the protocol or the
    /// kernel itself stops in any case.
    #[must_use]
    pub const fn is_for_the_sandbox(&self) -> bool {
        matches!(self.by, By::Native(_))
    }
}

impl By {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            By::Native(_) => "native",
            By::Frames(_) => "frames",
            By::Lua(_) => "Lua",
        }
    }
}

impl fmt::Debug for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The groups, in the order of the table.
pub const GROUPS: &[(&str, &[Probe])] = &[
    ("Lua", lua::PROBES),
    ("Lua, bombs", lua_bombs::PROBES),
    ("frames", frames::PROBES),
    ("files", files::PROBES),
    ("files of the node", outside::PROBES),
    ("processes", processes::PROBES),
    ("tasks", tasks::PROBES),
    ("network", network::PROBES),
    ("IPC", channels::PROBES),
    ("kernel", kernel::PROBES),
    ("memory", memory::PROBES),
    ("resources", resources::PROBES),
    ("information", info::PROBES),
];

/// All probes.
pub fn all() -> impl Iterator<Item = &'static Probe> {
    GROUPS.iter().flat_map(|(_, probes)| probes.iter())
}

/// The probe of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Probe> {
    all().find(|probe| probe.name == name)
}
