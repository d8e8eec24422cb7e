//! A running app read again: on SIGHUP, or where its files have changed (`--watch`).
//!
//! 1. The manifests and sources are read and checked as at the start.
//! 2. Where code has changed, what is new of it and can run is loaded by workers that are nobody
//!    ([`crate::loading`]). Up to here nothing has changed for anybody, and an error leaves it so.
//! 3. Spawns find the new entries; zygotes and warm workers of the old code go, as soon as the zygotes owe
//!    no answer; services that have changed start again; processes that asked are told.

use crate::app::{App, Code, Entry, Kind};
use crate::diagnostic::Diagnostic;
use crate::loading::Loads;
use crate::report;
use crate::run::add_entries;
use crate::serving;
use crate::supervisor::Supervisor;
use crate::task::Task;
use crate::terminal::{rendered, say, say_line};
use crate::watch::Watch;
use ipc::Limits;
use node::services::{Key, State};
use node::{Config, HostSpec, Input};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IsTerminal};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;

/// What it takes to read the app again.
#[derive(Debug)]
pub(crate) struct Reload {
    pub(crate) app: App,
    path: PathBuf,
    /// Hosts may say `sandbox: none`.
    unenclosed: bool,
    /// Standard input is the terminal from which the run was started.
    has_terminal: bool,
    pub(crate) watch: Option<Watch>,
    /// What is being loaded.
    pub(crate) pending: Option<Pending>,
    /// It is to be read once more after that.
    again: bool,
}

/// A new version of the app that is being loaded.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) app: App,
    /// Its code is another one.
    is_new: bool,
    /// Its code, once a zygote has been started with it.
    pub(crate) code: Option<OwnedFd>,
    changed: BTreeSet<String>,
    pub(crate) loads: Loads,
}

impl Reload {
    pub(crate) fn new(app: App, path: PathBuf, unenclosed: bool, watch: Option<Watch>) -> Self {
        let has_terminal = io::stdin().is_terminal();
        let (pending, again) = (None, false);
        Reload { app, path, unenclosed, has_terminal, watch, pending, again }
    }

    /// True where the terminal of the run has hung up: whoever started it is gone.
    pub(crate) fn has_hung_up(&self) -> bool {
        let stdin = io::stdin();
        let mut seen = [PollFd::new(&stdin, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let polled = self.has_terminal && poll(&mut seen, Some(&now)).is_ok();
        polled && seen[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
    }

    fn load(&self) -> Result<App, Diagnostic> {
        let app = App::load(&self.path)?;
        match self.unenclosed {
            true => Ok(app),
            false => app.refuse_unenclosed().map(|()| app),
        }
    }

    fn refuse(&self, diagnostic: Diagnostic) {
        let diagnostic = diagnostic.seen_from_outside(&self.path);
        rendered(&diagnostic.render(io::stderr().is_terminal()));
    }
}

/// The app stays what it is.
fn goes_on() {
    say("the app goes on as it was, until it can be read again");
}

impl Supervisor {
    /// Reads the app again.
    pub(crate) fn reload(&mut self) {
        if self.is_stopping() {
            return;
        }
        if let Some(watch) = &self.reload.watch
            && let Err(error) = watch.folders()
        {
            say(&format!("cannot watch all folders of the app: {error}"));
        }
        if self.reload.pending.is_some() {
            self.reload.again = true;
            return;
        }
        let app = match self.reload.load() {
            Ok(app) => app,
            Err(diagnostic) => {
                self.reload.refuse(diagnostic);
                return goes_on();
            }
        };
        let changed = changed_code(&self.reload.app, &app);
        let is_new = self.reload.app.sources() != app.sources();
        let loads = Loads::new(&app, &changed);
        self.reload.pending = Some(Pending { app, is_new, code: None, changed, loads });
        self.check_loads();
    }

    /// Reads the app again where its files have changed and are quiet now.
    pub(crate) fn check_watch(&mut self) {
        let now = self.now();
        if self.reload.watch.as_mut().is_some_and(|watch| watch.quiet.take(now)) {
            self.reload();
        }
    }

    fn once_more(&mut self) {
        if std::mem::take(&mut self.reload.again) {
            self.reload();
        }
    }

    /// The new version takes the place of the old one, where all of it that is new loads.
    pub(crate) fn adopt(&mut self) {
        let Some(pending) = self.reload.pending.take().filter(|_| !self.is_stopping()) else {
            return;
        };
        for (entry, message) in &pending.loads.broken {
            let (what, help) = (format!("cannot reload {entry}"), "correct the script");
            self.reload.refuse(report::at_fault(&pending.app, &what, message, help));
        }
        match pending.loads.broken.is_empty() {
            true => self.replace(pending),
            false => goes_on(),
        }
        self.retire_loading_nest();
        self.once_more();
    }

    fn replace(&mut self, pending: Pending) {
        let Pending { app, is_new, code, changed, .. } = pending;
        let services = match self.tasks.first().is_some_and(Task::is_main) {
            true => None,
            false => match self.new_services(&app, &changed) {
                Ok(services) => Some(services),
                Err(diagnostic) => {
                    self.reload.refuse(diagnostic);
                    return goes_on();
                }
            },
        };
        app.warnings.iter().for_each(|warning| say(warning));
        if changed.is_empty() {
            say("the app was read again: no code has changed");
        } else {
            let all: Vec<_> = changed.iter().map(String::as_str).collect();
            say_line(&format!("the app was read again: {} changed", all.join(", ")));
        }
        let config = self.hosts_and_entries(&app);
        self.node.reconfigure(config);
        if is_new {
            self.code = code;
            self.retire_code();
        }
        // Those that have a zygote keep it.
        self.hosts_due = app.auto_start_hosts().map(Rc::from).collect();
        self.reload.app = app;
        if let Some((plan, keys)) = services {
            self.plan_services(plan, keys);
        }
        self.input(Input::Outdated { entries: &changed });
    }

    /// The hosts that there were stay as they are: what their workers are enclosed in is decided once.
    fn hosts_and_entries(&mut self, app: &App) -> Config {
        let mut config = Config::new([0; 16]);
        for (id, spec) in self.hosts() {
            let same = app.hosts().any(|(other, new)| other == id && new == spec)
                && self.enclosures.get(id) == Some(&app.enclosure(id))
                && self.warm.get(id) == Some(&app.warm(id));
            if !same {
                say(&format!("host '{id}' has changed: that has an effect when wabe starts again"));
            }
            config.add_host(id, spec.clone());
        }
        for (id, spec) in app.hosts().filter(|(id, _)| !self.enclosures.contains_key(*id)) {
            config.add_host(id, spec.clone());
        }
        let results = app.event_results().into_iter();
        let new = results.filter(|(id, _)| !self.enclosures.contains_key(id));
        self.event_results.extend(new);
        for (id, _) in app.hosts() {
            self.enclosures.entry(id.to_owned()).or_insert_with(|| app.enclosure(id));
            self.warm.entry(id.to_owned()).or_insert_with(|| app.warm(id));
        }
        add_entries(&mut config, app);
        config
    }

    /// The hosts that there are.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (&String, &HostSpec)> {
        self.enclosures.keys().filter_map(|id| Some((id, self.node.host(id)?)))
    }

    /// The new plan of services, and those that are to start again: what they run, where or with which
    /// arguments has changed, or the code of it. One that asked to be told of that is told instead.
    fn new_services(
        &mut self,
        app: &App,
        changed: &BTreeSet<String>,
    ) -> Result<(node::services::Plan, BTreeSet<Key>), Diagnostic> {
        let before = self.tasks.iter();
        let before: Vec<_> =
            before.map(|t| (t.entry.clone(), t.host.clone(), t.arguments.clone())).collect();
        let plan = serving::plan(app, &mut self.tasks, self.grace_ns)?;
        let is_changed = |key: &Key| {
            let task = &self.tasks[*key as usize];
            let Some((entry, host, arguments)) = before.get(*key as usize) else { return false };
            let redefined = (entry, host, arguments) != (&task.entry, &task.host, &task.arguments);
            let upgrades = task.process.is_some_and(|pid| self.node.is_upgradable(pid));
            let running = self.services.state(*key) == State::Running;
            redefined || changed.contains(&task.entry) && !(upgrades && running)
        };
        let keys = plan.services.keys().copied().filter(is_changed).collect();
        Ok((plan, keys))
    }

    /// No further process gets the old code.
    fn retire_code(&mut self) {
        for nest in 0..self.nests.len() {
            if self.is_loading_nest(nest) {
                continue;
            }
            self.nests[nest].stale = true;
            for id in std::mem::take(&mut self.nests[nest].pool.warm) {
                self.doom(id);
            }
            self.retire_stale(nest);
        }
        self.pools_due = true;
    }

    /// A zygote of old code goes when it owes no answer; until then it is asked nothing more.
    pub(crate) fn retire_stale(&mut self, nest: usize) {
        let of = &mut self.nests[nest];
        if of.stale
            && of.in_flight.is_empty()
            && of.zygote.as_ref().is_none_or(|z| z.born.is_some())
        {
            of.stale = false;
            of.deadline = None;
            self.retire_zygote(nest);
        }
    }
}

/// Entries with code that are new or not what they were, or import one that is.
fn changed_code(old: &App, new: &App) -> BTreeSet<String> {
    let differs = |(id, entry): &(&String, &Entry)| {
        let code = code_of(entry);
        code.is_some() && old.entries.get(*id).and_then(code_of) != code
    };
    let mut importers = importers(new);
    let mut due: Vec<_> = new.entries.iter().filter(differs).map(|(id, _)| id).collect();
    let mut changed = BTreeSet::new();
    while let Some(id) = due.pop() {
        if changed.insert(id.clone()) {
            due.extend(importers.remove(id.as_str()).into_iter().flatten());
        }
    }
    changed
}

/// Who imports each library.
fn importers(app: &App) -> BTreeMap<&str, Vec<&String>> {
    let mut importers = BTreeMap::<&str, Vec<&String>>::new();
    for (id, entry) in &app.entries {
        let Kind::Code(_, code) = &entry.kind else { continue };
        for (_, library, _) in &code.imports {
            importers.entry(library).or_default().push(id);
        }
    }
    importers
}

/// What of code can change: its kind, file, text and method, its limits, what it imports, the modules
/// that it names.
type Changeable<'a> = (&'a str, [&'a str; 3], Limits, Vec<(&'a str, &'a str)>, Vec<&'a str>);

fn code_of(entry: &Entry) -> Option<Changeable<'_>> {
    let Kind::Code(_, Code { file, text, method, limits, imports, modules, .. }) = &entry.kind
    else {
        return None;
    };
    let imports = imports.iter().map(|(alias, id, _)| (alias.as_str(), id.as_str())).collect();
    let modules = modules.iter().map(|(name, _)| name.as_str()).collect();
    Some((entry.kind_name(), [file, text, method], *limits, imports, modules))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Were it gone through once for each way that leads to it, this would have no end.
    #[test]
    fn a_change_goes_through_all_that_imports_it_once() {
        let (old, new) = (App::chain(10_000, "old"), App::chain(10_000, "new"));
        assert_eq!(changed_code(&old, &new).len(), 10_000);
        assert!(changed_code(&new, &new).is_empty());
    }
}
