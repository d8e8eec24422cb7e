//! What permissions and limits must refuse, foreseen in another way than the node goes: patterns are
//! matched letter by letter, and lineage is never rewritten.

use ipc::Pid;
use node::{Allowed, Control, Denial, Permissions, Refusal};

use super::OTHER;
use super::ledger::Ledger;

/// A denial that must be told to whoever runs the node: who asked, what, and the text.
pub(crate) type Told = (Pid, Denial, String);

/// The plain meaning of a pattern, in any time that it takes.
pub(crate) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([b'*', rest @ ..], _) => {
            matches(rest, text) || (!text.is_empty() && matches(pattern, &text[1..]))
        }
        ([one, pattern @ ..], [other, text @ ..]) => one == other && matches(pattern, text),
        (_, _) => pattern.is_empty() && text.is_empty(),
    }
}

fn allows(allowed: &Allowed, text: &str) -> bool {
    match allowed {
        Allowed::All => true,
        Allowed::Only(any) => any.iter().any(|one| matches(one.0.as_bytes(), text.as_bytes())),
    }
}

impl Ledger {
    /// Who is meant, where the caller may know it.
    pub(crate) fn find(&mut self, from: Pid, call: &str, dest: &str) -> Result<Pid, Refusal> {
        if !dest.starts_with('{') {
            self.may_name(from, call, dest)?;
        }
        self.resolve(dest)
    }

    /// Who is meant, where the caller may decide its fate.
    pub(crate) fn reach(&mut self, from: Pid, call: &str, dest: &str) -> Result<Pid, Refusal> {
        let to = self.find(from, call, dest)?;
        let control = self.permissions(from).control;
        if control == Control::Any || self.forebears(to).contains(&from) {
            return Ok(to);
        }
        let entry = self.living[&to].entry.clone();
        Err(self.denied(from, (call, "control"), &entry, dest))
    }

    pub(crate) fn may_name(&mut self, from: Pid, call: &str, name: &str) -> Result<(), Refusal> {
        match allows(&self.permissions(from).names, name) {
            true => Ok(()),
            false => Err(self.denied(from, (call, "names"), name, name)),
        }
    }

    pub(crate) fn may_spawn_entry(&mut self, from: Pid, entry: &str) -> Result<(), Refusal> {
        match allows(&self.permissions(from).spawn, entry) {
            true => Ok(()),
            false => Err(self.denied(from, ("process.spawn", "spawn"), entry, entry)),
        }
    }

    pub(crate) fn may_spawn(&mut self, from: Pid, entry: &str, host: &str) -> Result<(), Refusal> {
        self.may_spawn_entry(from, entry)?;
        let hosts = self.permissions(from).hosts;
        let shown = format!("on host {host}");
        match allows(&hosts, host) {
            true => Ok(()),
            false => Err(self.denied(from, ("process.spawn", "hosts"), host, &shown)),
        }
    }

    fn permissions(&self, pid: Pid) -> Permissions {
        let record = self.living.get(&pid);
        let host = record.and_then(|record| self.hosts.get(&record.host));
        host.map_or(Permissions::NONE, |host| host.permissions.clone())
    }

    /// Itself, who spawned it, who spawned that one, and so on, dead or alive.
    fn forebears(&self, pid: Pid) -> Vec<Pid> {
        std::iter::successors(Some(pid), |pid| *self.spawners.get(pid)?).collect()
    }

    /// A process is the child of the first of its forebears who still lives.
    fn parent(&self, pid: Pid) -> Option<Pid> {
        let older = self.forebears(pid).into_iter().skip(1);
        older.into_iter().find(|pid| self.living.contains_key(pid))
    }

    fn denied(
        &mut self,
        from: Pid,
        (call, field): (&str, &'static str),
        object: &str,
        shown: &str,
    ) -> Refusal {
        let record = &self.living[&from];
        let (host, who) = (record.host.as_str(), &self.texts[&from]);
        let remedy = match field {
            "control" => format!("set permissions.control of host {host} to any"),
            _ => format!("add it to permissions.{field} of host {host}"),
        };
        let text = format!("denied: {who} ({}) {call} {shown}, to allow {remedy}", record.entry);
        let call = CALLS.into_iter().find(|known| *known == call).expect("a call that there is");
        let denial = Denial { host: host.into(), call, object: object.to_owned(), field };
        let times = self.denials.entry(denial.clone()).or_default();
        *times += 1;
        if *times == 1 {
            self.told.push((from, denial, text.clone()));
        }
        Refusal::Denied(text.into())
    }

    /// Refuses where a process holds as many of something as it may.
    pub(crate) fn room(&self, pid: Pid, what: &'static str) -> Result<(), Refusal> {
        let (held, max) = self.held(pid, what);
        let field = if what == "monitors" { "links" } else { what };
        match held < max as usize {
            true => Ok(()),
            false => Err(self.at_limit(pid, what, field, u64::from(max))),
        }
    }

    fn held(&self, pid: Pid, what: &str) -> (usize, u32) {
        let limits = self.limits(pid);
        let child = |other: &&Pid| self.parent(**other) == Some(pid);
        match what {
            "children" => (self.living.keys().filter(child).count(), limits.children),
            "links" => (self.peers(pid).len(), limits.links),
            "monitors" => {
                let watching = self.monitors.iter().filter(|(watcher, _)| *watcher == pid);
                (watching.count(), limits.links)
            }
            "names" => {
                let held = self.names.values().filter(|holder| **holder == pid);
                (held.count(), limits.names)
            }
            _ => unreachable!("{what} are not counted"),
        }
    }

    pub(crate) fn at_limit(
        &self,
        pid: Pid,
        what: &'static str,
        field: &'static str,
        max: u64,
    ) -> Refusal {
        let record = &self.living[&pid];
        // The only limit that an entry of this world lowers.
        let of = match (record.entry.as_str(), field) {
            (OTHER, "children") => format!("entry '{OTHER}'"),
            _ => format!("host '{}'", record.host),
        };
        Refusal::AtLimit { what, max, field, of }
    }

    /// What of its limits somebody exceeds. Children that it has adopted it did not ask for.
    pub(crate) fn over_limits(&self) -> Vec<String> {
        let mut over = Vec::new();
        for pid in self.living.keys() {
            for what in ["links", "monitors", "names"] {
                let (held, max) = self.held(*pid, what);
                if held > max as usize {
                    over.push(format!("{pid:?} holds {held} {what}, and may hold {max}"));
                }
            }
            if self.upgraded.contains(pid) {
                continue;
            }
            let own = |child: &&Pid| self.spawners.get(child) == Some(&Some(*pid));
            let own = self.living.keys().filter(own).count();
            if own > self.limits(*pid).children as usize {
                over.push(format!("{pid:?} has spawned {own} processes"));
            }
        }
        over
    }
}

const CALLS: [&str; 10] = [
    "process.spawn",
    "process.send",
    "process.monitor",
    "process.unmonitor",
    "process.link",
    "process.unlink",
    "process.cancel",
    "process.terminate",
    "process.registry.register",
    "process.registry.lookup",
];
