//! An app: the entries and hosts that manifests define, checked as a whole before anything starts.

mod amount;
mod check;
mod circle;
mod entry;
mod fields;
mod host;
mod invalid;
mod limits;
mod manifest;
mod order;
mod permissions;
mod service;
mod source;

pub use entry::{Code, CodeKind, Entry, Kind, Place};
pub use host::{Enclosure, Host};
pub use service::{Service, ServiceGroup};
pub(crate) use source::read_limited;

use crate::diagnostic::Diagnostic;
use ipc::frame::EventResult;
use ipc::limits::WARM_DEFAULT;
use ipc::zygote::Source;
use node::HostSpec;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The host that every app has, unless a manifest defines one of that name itself.
pub const DEFAULT_HOST: &str = "app:processes";

/// Entries of one app, also those of unknown kinds.
pub const ENTRIES_MAX: usize = 10_000;

/// A loaded app.
#[derive(Debug, Default)]
pub struct App {
    /// Entries by id, `ns:name`.
    pub entries: BTreeMap<String, Entry>,
    /// What the user should know though it is no error, such as entries of unknown kinds.
    pub warnings: Vec<String>,
    /// Entries that were read.
    count: usize,
    /// Kinds that are said to be unknown.
    skipped: BTreeSet<String>,
}

impl App {
    /// Loads an app: a folder with manifests, or a single `.lua` file.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place and the remedy. Nothing is half loaded.
    pub fn load(path: &Path) -> Result<Self, Diagnostic> {
        let metadata = std::fs::metadata(path).map_err(|error| {
            let message = format!("cannot read app {}: {error}", path.display());
            Diagnostic::general(message, "give a folder with manifests, or a .lua file")
        })?;
        let mut app = match metadata.is_dir() {
            true => manifest::load_folder(path)?,
            false => source::single_file(path)?,
        };
        app.entries.entry(DEFAULT_HOST.to_owned()).or_insert_with(Entry::default_host);
        check::all(&app)?;
        Ok(app)
    }

    /// An entry of a kind that wabe does not know: said once for each kind.
    fn skip(&mut self, kind: &str, file: &str, line: u64) {
        if self.skipped.insert(kind.to_owned()) {
            let said = format!("entries of unknown kind '{kind}' are skipped");
            self.warnings.push(format!("{file}:{line}: {said}"));
        }
    }

    /// The code of the app, for zygotes.
    #[must_use]
    pub fn sources(&self) -> Vec<Source> {
        self.entries.iter().filter_map(|(id, entry)| entry.source(id)).collect()
    }

    /// Hosts with their limits.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, &HostSpec)> {
        self.entries.iter().filter_map(|(id, entry)| match &entry.kind {
            Kind::Host(host) => Some((id.as_str(), &host.spec)),
            _ => None,
        })
    }

    /// What the workers of a host are to be enclosed in; of one that does not exist, the default.
    #[must_use]
    pub fn enclosure(&self, host: &str) -> Enclosure {
        match self.entries.get(host).map(|entry| &entry.kind) {
            Some(Kind::Host(host)) => host.enclosure,
            _ => Enclosure::default(),
        }
    }

    /// How many workers of a host are kept warm; of one that does not exist, the default.
    #[must_use]
    pub fn warm(&self, host: &str) -> u32 {
        match self.entries.get(host).map(|entry| &entry.kind) {
            Some(Kind::Host(host)) => host.warm,
            _ => WARM_DEFAULT,
        }
    }

    /// Hosts whose zygote starts with the node.
    pub fn auto_start_hosts(&self) -> impl Iterator<Item = &str> {
        let starts = |entry: &Entry| matches!(&entry.kind, Kind::Host(host) if host.auto_start);
        self.entries.iter().filter(move |(_, entry)| starts(entry)).map(|(id, _)| id.as_str())
    }

    /// How events show results, on hosts that do not say the usual.
    #[must_use]
    pub fn event_results(&self) -> BTreeMap<String, EventResult> {
        let said = self.entries.iter().filter_map(|(id, entry)| match &entry.kind {
            Kind::Host(host) => Some((id.clone(), host.event_result)),
            _ => None,
        });
        said.filter(|(_, result)| *result != EventResult::default()).collect()
    }

    /// Refuses hosts that say `sandbox: none`, for whoever was not asked to allow them.
    ///
    /// # Errors
    /// The first such host, at its place.
    pub fn refuse_unenclosed(&self) -> Result<(), Diagnostic> {
        for (id, entry) in &self.entries {
            if let Kind::Host(Host { unenclosed: Some(place), .. }) = &entry.kind {
                let message = format!("host '{id}' has no sandbox");
                let help = "run wabe with --allow-no-sandbox, for debugging only";
                return Err(place.error(message, help));
            }
        }
        Ok(())
    }

    /// All services.
    pub fn services(&self) -> impl Iterator<Item = (&str, &Service)> {
        self.entries.iter().filter_map(|(id, entry)| match &entry.kind {
            Kind::Service(service) => Some((id.as_str(), service)),
            _ => None,
        })
    }

    /// All groups of services.
    pub fn groups(&self) -> impl Iterator<Item = (&str, &ServiceGroup)> {
        self.entries.iter().filter_map(|(id, entry)| match &entry.kind {
            Kind::Group(group) => Some((id.as_str(), group)),
            _ => None,
        })
    }

    /// Services that start with the node.
    pub fn auto_start(&self) -> impl Iterator<Item = (&str, &Service)> {
        self.services().filter(|(_, service)| service.auto_start)
    }

    /// Entries that `wabe run` can run.
    pub fn runnable(&self) -> impl Iterator<Item = &str> {
        let runnable = |entry: &Entry| matches!(&entry.kind, Kind::Code(CodeKind::Process, _));
        self.entries.iter().filter(move |(_, entry)| runnable(entry)).map(|(id, _)| id.as_str())
    }

    /// The host on which an entry runs where nobody names one: its `meta.default_host`, else the
    /// only host that the manifests define, else [`DEFAULT_HOST`].
    #[must_use]
    pub fn host_for(&self, entry: &str) -> String {
        if let Some(host) = self.entries.get(entry).and_then(Entry::default_host_named) {
            return host.to_owned();
        }
        let mut declared = self.hosts().filter(|(id, _)| *id != DEFAULT_HOST);
        match (declared.next(), declared.next()) {
            (Some((only, _)), None) if self.default_host_is_implied() => only.to_owned(),
            _ => DEFAULT_HOST.to_owned(),
        }
    }

    fn default_host_is_implied(&self) -> bool {
        self.entries.get(DEFAULT_HOST).is_some_and(|host| host.place.file.is_empty())
    }
}
