//! What a host's permissions let its processes do, asked at each call that needs one.
//!
//! A name is denied whether or not somebody has it, so a refusal tells nothing of others. Who knows
//! a PID has been told of it: sending to it is always allowed, deciding its fate may not be.

use crate::permissions::{Control, Denial, Permissions};
use crate::process::Number;
use crate::{Node, Output, Refusal};
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use ipc::PidText;
use ipc::limits::{DENIALS_MAX, ID_MAX};

/// A call that permissions deny.
#[derive(Clone, Copy)]
struct Denied<'a> {
    call: &'static str,
    field: &'static str,
    /// What is counted.
    object: &'a str,
    /// What the caller is told, which names the object as it did.
    shown: &'a str,
}

impl Node {
    /// The process behind a PID's text, or behind a name that the caller may resolve.
    pub(crate) fn find(
        &mut self,
        from: Number,
        call: &'static str,
        dest: &str,
    ) -> Result<Number, Refusal> {
        // Nobody can have such a name, so it is a guess at a PID, and leads nowhere.
        if !dest.starts_with('{') {
            self.check_name(from, call, dest)?;
        }
        self.resolve(dest)
    }

    /// As [`Node::find`], where the caller may also decide the fate of the process.
    pub(crate) fn reach(
        &mut self,
        from: Number,
        call: &'static str,
        dest: &str,
    ) -> Result<Number, Refusal> {
        let target = self.find(from, call, dest)?;
        let any = self.permits(from, |permissions| permissions.control == Control::Any);
        if any || self.descends(target, from) {
            return Ok(target);
        }
        // PIDs without end would be kinds without end: its entry is counted instead.
        let entry = self.processes.get(&target).map(|target| target.entry.clone());
        let object = entry.as_deref().unwrap_or_default();
        Err(self.deny(from, Denied { call, field: "control", object, shown: dest }))
    }

    pub(crate) fn check_name(
        &mut self,
        from: Number,
        call: &'static str,
        name: &str,
    ) -> Result<(), Refusal> {
        match self.permits(from, |permissions| permissions.names.allows(name)) {
            true => Ok(()),
            false => {
                Err(self.deny(from, Denied { call, field: "names", object: name, shown: name }))
            }
        }
    }

    pub(crate) fn check_entry(&mut self, from: Number, entry: &str) -> Result<(), Refusal> {
        match self.permits(from, |permissions| permissions.spawn.allows(entry)) {
            true => Ok(()),
            false => {
                let (call, field) = ("process.spawn", "spawn");
                Err(self.deny(from, Denied { call, field, object: entry, shown: entry }))
            }
        }
    }

    pub(crate) fn check_spawn(
        &mut self,
        from: Number,
        entry: &str,
        host: &str,
    ) -> Result<(), Refusal> {
        let call = "process.spawn";
        self.check_entry(from, entry)?;
        if !self.permits(from, |permissions| permissions.hosts.allows(host)) {
            let shown = format!("on host {}", short(host));
            return Err(
                self.deny(from, Denied { call, field: "hosts", object: host, shown: &shown })
            );
        }
        Ok(())
    }

    fn permits(&self, from: Number, permit: impl Fn(&Permissions) -> bool) -> bool {
        let host = self.processes.get(&from).and_then(|from| self.config.hosts.get(&from.host));
        host.is_some_and(|host| permit(&host.permissions))
    }

    /// Counts a denial, and tells whoever runs the node of the first of its kind.
    fn deny(&mut self, from: Number, denied: Denied<'_>) -> Refusal {
        let Some(caller) = self.processes.get(&from) else { return Refusal::Gone };
        let (pid, host, entry) = (caller.pid, caller.host.clone(), caller.entry.clone());
        let who = PidText { host: &host, pid };
        let Denied { call, field, object, shown } = denied;
        let denial = Denial { host: host.clone(), call, object: short(object).to_owned(), field };
        let what = format!("{call} {}", short(shown));
        let text = format!("denied: {who} ({entry}) {what}, to allow {}", denial.remedy());
        let text: Rc<str> = Rc::from(text);
        if self.count(denial.clone()) {
            self.emit(Output::Denied { pid, entry, denial, text: text.clone() });
        }
        Refusal::Denied(text)
    }

    /// True for the first of its kind.
    fn count(&mut self, mut denial: Denial) -> bool {
        // A process can ask for names without end.
        if self.denials.len() >= DENIALS_MAX && !self.denials.contains_key(&denial) {
            denial.object = String::new();
        }
        let times = self.denials.entry(denial).or_insert(0);
        *times += 1;
        *times == 1
    }
}

/// As much of an object as a person reads, and more than any that is right: names and ids are no
/// longer, and PIDs but little.
fn short(object: &str) -> &str {
    &object[..object.floor_char_boundary(2 * ID_MAX)]
}
