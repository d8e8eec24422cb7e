//! What must follow where a process goes on in another worker, and where one waits for another's end.

use ipc::frame::{CallId, Outcome};
use ipc::limits::{EXIT_MAX_NS, START_MAX_NS};
use ipc::{ExitKind, Pid, fault};
use node::Refusal;

use super::due::Due;
use super::ledger::{How, Ledger, Spawner, Stage, set};

impl Ledger {
    /// What only its old worker knew goes with that. One that is being killed goes nowhere.
    pub(crate) fn upgrades(&mut self, pid: Pid, entry: Option<&str>) -> Due {
        let record = &self.living[&pid];
        if record.is_killed() {
            return Due::default();
        }
        let own = record.entry.clone();
        let entry = entry.unwrap_or(&own).to_owned();
        if let Err(refusal) = self.may_go_on(pid, &own, &entry) {
            let mut due = self.cannot_go_on(pid, &refusal.fault().message);
            due.kills = self.ordered(pid, ExitKind::Error).kills;
            return due;
        }
        self.routes.retain(|(sender, _), _| *sender != pid);
        let start = self.now + START_MAX_NS;
        let record = self.living.get_mut(&pid).expect("it speaks");
        (record.traps, record.upgradable, record.outdated, record.listens) =
            (false, false, false, false);
        record.entry = entry.clone();
        record.stage = Stage::Upgrading;
        record.deadlines.start = Some(start);
        self.upgraded.insert(pid);
        let mut due = Due { upgrades: vec![(pid, entry)], ..Due::default() };
        for child in self.forget_awaited(pid) {
            due.kills.extend(self.ordered(child, ExitKind::Terminated).kills);
        }
        self.forget_spawns(pid);
        due
    }

    fn may_go_on(&mut self, pid: Pid, own: &str, entry: &str) -> Result<(), Refusal> {
        if entry == own {
            return Ok(());
        }
        self.may_spawn_entry(pid, entry)?;
        self.has_body(entry)
    }

    pub(crate) fn cannot_go_on(&mut self, pid: Pid, why: &str) -> Due {
        let exit = self.now + EXIT_MAX_NS;
        if let Some(record) = self.living.get_mut(&pid) {
            let message = fault::cut(format!("cannot upgrade: {why}"));
            record.outcome = Some(Outcome::Failed { message });
            record.stage = Stage::Ending;
            record.deadlines.start = None;
            set(&mut record.deadlines.exit, exit);
        }
        Due::default()
    }

    /// Its spawns that are under way load, and it never learns of them.
    fn forget_spawns(&mut self, by: Pid) {
        for record in self.living.values_mut() {
            if let Stage::Loading(Spawner::Process { pid, how, .. }) = &mut record.stage
                && *pid == by
            {
                *how = How::Nothing;
            }
        }
    }

    /// Those for whose end it waited.
    pub(crate) fn forget_awaited(&mut self, by: Pid) -> Vec<Pid> {
        let calls = self.awaited.keys().filter(|(caller, _)| *caller == by);
        let calls: Vec<_> = calls.copied().collect();
        calls.iter().filter_map(|call| self.awaited.remove(call)).collect()
    }

    pub(crate) fn gives_up(&mut self, pid: Pid, call: CallId) -> Due {
        match self.awaited.get(&(pid, call)).copied() {
            Some(child) => self.ordered(child, ExitKind::Terminated),
            None => Due::default(),
        }
    }
}
