//! What must follow from each call and from messages along routes.

use ipc::Pid;
use ipc::frame::{CallId, Op, RouteId, Ties};
use ipc::limits::{HEADER_MAX, NAME_MAX, TOPIC_MAX};
use node::{Granted, Refusal};

use super::due::{Answer, Due};
use super::law::Law;
use super::ledger::{How, Ledger, Spawner, set};

const LINK: Ties = Ties { link: true, monitor: false };
const MONITOR: Ties = Ties { link: false, monitor: true };

impl Ledger {
    pub(crate) fn call(&mut self, from: Pid, call: CallId, op: &Op<'_>, charge: u64) -> Due {
        let mut due = Due::default();
        let mut law = Law::Answers;
        let result = match *op {
            Op::Spawn { entry, host, ties, .. } => {
                let how = How::Loaded;
                let spawner = Spawner::Process { pid: from, call, ties, charge, how };
                return self.spawn(spawner, entry, host);
            }
            Op::Exec { entry, host, .. } => {
                let (ties, how) = (Ties::default(), How::Ended);
                let spawner = Spawner::Process { pid: from, call, ties, charge, how };
                // Functions, which name no host, are in tests/execs.rs.
                return self.spawn(spawner, entry, host.unwrap_or_default());
            }
            Op::Send { dest, topic } => return self.asked(from, call, dest, topic, charge),
            Op::Monitor { dest } => self.monitors(from, dest),
            Op::Link { dest } => self.links(from, dest),
            Op::Unmonitor { dest } => self.untied(from, "process.unmonitor", dest, MONITOR),
            Op::Unlink { dest } => self.untied(from, "process.unlink", dest, LINK),
            Op::Cancel { dest, deadline_ns, .. } => self.cancels(from, dest, deadline_ns, &mut due),
            Op::Terminate { dest } => self.terminates(from, dest, &mut due),
            Op::TrapLinks { on } => self.traps(from, on),
            // These worlds are no tests.
            Op::Chaos { .. } => Err(Refusal::NoChaos),
            Op::Upgradable { on } => self.wants_upgrades(from, on, &mut due),
            Op::Register { name, dest } => {
                law = Law::Names;
                self.registers(from, name, dest)
            }
            Op::Lookup { name } => {
                law = Law::Names;
                self.looks_up(from, name)
            }
            Op::Unregister { name } => {
                law = Law::Names;
                Ok(Granted::Flag(self.unregisters(from, name, &mut due)))
            }
        };
        due.replies = Due::answer(from, call, law, Answer::Exactly(result)).replies;
        due
    }

    fn asked(&mut self, from: Pid, call: CallId, dest: &str, topic: &str, charge: u64) -> Due {
        let (answer, asked) = match self.accepts(from, dest, topic, charge) {
            Ok(to) => {
                let name = self.names.contains_key(dest).then(|| dest.to_owned());
                (Answer::Accepted, Some((to, name)))
            }
            Err(refusal) => (Answer::Exactly(Err(refusal)), None),
        };
        let delivers = asked.iter().map(|(to, _)| (*to, from)).collect();
        Due { delivers, charge, asked, ..Due::answer(from, call, Law::Messages, answer) }
    }

    fn accepts(&mut self, from: Pid, dest: &str, topic: &str, charge: u64) -> Result<Pid, Refusal> {
        if topic.is_empty() || topic.len() > TOPIC_MAX || topic.starts_with('@') {
            return Err(Refusal::BadTopic);
        }
        let to = self.find(from, "process.send", dest)?;
        let max = self.limits(from).message_max() + HEADER_MAX;
        if charge > max as u64 {
            return Err(Refusal::TooLarge { bytes: charge as usize, max });
        }
        let waiting = self.living.get(&to).map_or(0, |record| record.waiting);
        if waiting + charge > self.mailbox_max(to) { Err(Refusal::MailboxFull) } else { Ok(to) }
    }

    /// A message along a route is never refused: it is delivered, dropped with its target, or a lie.
    pub(crate) fn routed(&mut self, from: Pid, id: RouteId, topic: &str, charge: u64) -> Due {
        let max = (self.limits(from).message_max() + HEADER_MAX) as u64;
        let Some(route) = self.routes.get_mut(&(from, id)) else { return self.violation(from) };
        if route.left < charge || charge > max || topic.starts_with('@') {
            return self.violation(from);
        }
        route.left -= charge;
        let to = route.target;
        let Some(record) = self.living.get(&to) else { return Due::default() };
        let full = record.waiting + charge > self.mailbox_max(to);
        let closed = if full { self.close(to, |_| true).closed } else { Default::default() };
        Due { delivers: vec![(to, from)], charge, closed, ..Due::default() }
    }

    pub(crate) fn released(&mut self, from: Pid, id: RouteId) -> Due {
        match self.routes.remove(&(from, id)) {
            Some(_) => Due::default(),
            None => self.violation(from),
        }
    }

    fn monitors(&mut self, from: Pid, dest: &str) -> Result<Granted, Refusal> {
        let to = self.reach(from, "process.monitor", dest)?;
        if self.monitors.contains(&(from, to)) {
            return Err(Refusal::AlreadyMonitored);
        }
        self.room(from, "monitors")?;
        Ok(self.tied(from, to, MONITOR))
    }

    fn links(&mut self, from: Pid, dest: &str) -> Result<Granted, Refusal> {
        let to = self.reach(from, "process.link", dest)?;
        if from != to && !self.peers(from).contains(&to) {
            self.room(from, "links")?;
            self.room(to, "links")?;
        }
        Ok(self.tied(from, to, LINK))
    }

    fn looks_up(&mut self, from: Pid, name: &str) -> Result<Granted, Refusal> {
        self.may_name(from, "process.registry.lookup", name)?;
        let owner = self.names.get(name).copied().map(Granted::Pid);
        owner.ok_or_else(|| Refusal::NameUnknown(name.to_owned()))
    }

    fn tied(&mut self, from: Pid, to: Pid, ties: Ties) -> Granted {
        self.tie(from, to, ties);
        Granted::Done
    }

    /// A tie to one who is gone is undone already; only a name can fail to resolve.
    fn untied(
        &mut self,
        from: Pid,
        call: &str,
        dest: &str,
        ties: Ties,
    ) -> Result<Granted, Refusal> {
        match self.find(from, call, dest) {
            Ok(to) => self.untie(from, to, ties),
            Err(Refusal::Gone) => {}
            Err(refusal) => return Err(refusal),
        }
        Ok(Granted::Done)
    }

    fn cancels(
        &mut self,
        from: Pid,
        dest: &str,
        deadline_ns: Option<u64>,
        due: &mut Due,
    ) -> Result<Granted, Refusal> {
        let to = self.reach(from, "process.cancel", dest)?;
        due.cancels.push((to, Some(from)));
        let at = deadline_ns.map(|after| self.now.saturating_add(after));
        if let (Some(at), Some(record)) = (at, self.living.get_mut(&to)) {
            set(&mut record.deadlines.cancel, at);
        }
        Ok(Granted::Done)
    }

    fn terminates(&mut self, from: Pid, dest: &str, due: &mut Due) -> Result<Granted, Refusal> {
        let to = self.reach(from, "process.terminate", dest)?;
        due.kills = self.ordered(to, ipc::ExitKind::Terminated).kills;
        Ok(Granted::Done)
    }

    fn traps(&mut self, from: Pid, on: bool) -> Result<Granted, Refusal> {
        if let Some(record) = self.living.get_mut(&from) {
            record.traps = on;
        }
        Ok(Granted::Done)
    }

    fn wants_upgrades(&mut self, from: Pid, on: bool, due: &mut Due) -> Result<Granted, Refusal> {
        if let Some(record) = self.living.get_mut(&from) {
            record.upgradable = on;
            if on && std::mem::take(&mut record.outdated) {
                due.outdated.insert(from);
            }
        }
        Ok(Granted::Done)
    }

    fn registers(&mut self, from: Pid, name: &str, dest: Option<&str>) -> Result<Granted, Refusal> {
        if name.is_empty() || name.len() > NAME_MAX || name.starts_with('{') {
            return Err(Refusal::BadName);
        }
        let call = "process.registry.register";
        self.may_name(from, call, name)?;
        let owner = dest.map_or(Ok(from), |dest| self.reach(from, call, dest))?;
        if !self.names.contains_key(name) {
            self.room(owner, "names")?;
        }
        let present = *self.names.entry(name.to_owned()).or_insert(owner);
        if present == owner { Ok(Granted::Done) } else { Err(Refusal::NameTaken) }
    }

    fn unregisters(&mut self, from: Pid, name: &str, due: &mut Due) -> bool {
        let own = self.names.get(name) == Some(&from);
        if own {
            self.names.remove(name);
            due.closed = self.close(from, |route| route.name.as_deref() == Some(name)).closed;
        }
        own
    }
}
