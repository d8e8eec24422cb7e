//! The name table: a name has at most one owner, and none that is gone.

use crate::process::{Number, Process};
use crate::quota::Counted;
use crate::{Granted, Node, Refusal};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use ipc::limits::NAME_MAX;

impl Node {
    pub(crate) fn register(
        &mut self,
        from: Number,
        name: &str,
        dest: Option<&str>,
    ) -> Result<Granted, Refusal> {
        let call = "process.registry.register";
        self.check_new_name(from, call, name)?;
        let owner = dest.map_or(Ok(from), |dest| self.reach(from, call, dest))?;
        if let Some(present) = self.names.get(name) {
            return if *present == owner { Ok(Granted::Done) } else { Err(Refusal::NameTaken) };
        }
        self.room_for(owner, Counted::Names)?;
        let process = self.processes.get_mut(&owner).ok_or(Refusal::Gone)?;
        let name: Rc<str> = Rc::from(name);
        process.names.insert(name.clone());
        self.names.insert(name, owner);
        Ok(Granted::Done)
    }

    /// Whether that can be a name, and the caller may give it.
    pub(crate) fn check_new_name(
        &mut self,
        from: Number,
        call: &'static str,
        name: &str,
    ) -> Result<(), Refusal> {
        // A name that looks like a PID could stand in for one.
        if name.is_empty() || name.len() > NAME_MAX || name.starts_with('{') {
            return Err(Refusal::BadName);
        }
        self.check_name(from, call, name)
    }

    pub(crate) fn lookup(&mut self, from: Number, name: &str) -> Result<Granted, Refusal> {
        self.check_name(from, "process.registry.lookup", name)?;
        let owner = self.names.get(name).and_then(|owner| self.pid_of(*owner));
        owner.map(Granted::Pid).ok_or_else(|| Refusal::NameUnknown(name.to_owned()))
    }

    pub(crate) fn unregister(&mut self, from: Number, name: &str) -> Result<Granted, Refusal> {
        if self.names.get(name) != Some(&from) {
            return Ok(Granted::Flag(false));
        }
        self.names.remove(name);
        if let Some(process) = self.processes.get_mut(&from) {
            process.names.remove(name);
        }
        self.close_routes_by_name(from, name);
        Ok(Granted::Flag(true))
    }

    pub(crate) fn broken_names(&self, number: Number, process: &Process, out: &mut Vec<String>) {
        for name in &process.names {
            if self.names.get(name) != Some(&number) {
                out.push(format!("{number} believes to own the name '{name}'"));
            }
        }
    }
}
