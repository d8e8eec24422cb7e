//! What an entry is, once its manifest is understood.

use super::host::Host;
use super::service::{Service, ServiceGroup};
use crate::diagnostic::Diagnostic;
use ipc::Limits;
use ipc::zygote::Source;
use serde_json::{Map, Value};
use std::ops::Range;
use std::rc::Rc;

/// An entry of a manifest.
#[derive(Debug)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Free data for the app and its tools.
    pub meta: Map<String, Value>,
    /// Where it is defined.
    pub place: Place,
}

/// The kinds that wabe knows.
#[derive(Debug)]
pub enum Kind {
    /// `process.lua`, `library.lua`, `function.lua`.
    Code(CodeKind, Code),
    /// `process.host`.
    Host(Host),
    /// `process.service`.
    Service(Service),
    /// `process.group`.
    Group(ServiceGroup),
}

/// What code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeKind {
    /// `process.lua`: the body of processes.
    Process,
    /// `library.lua`: what other code requires.
    Library,
    /// `function.lua`: a body to be called.
    Function,
}

/// An entry's code.
#[derive(Debug)]
pub struct Code {
    /// File as errors name it, relative to the app's folder.
    pub file: String,
    /// Luau source text.
    pub text: String,
    /// Field of the returned table that is the body.
    pub method: String,
    /// What it lowers of the limits of its host.
    pub limits: Limits,
    /// Libraries by the name under which the code requires them, each with its place.
    pub imports: Vec<(String, String, Place)>,
    /// Modules that its manifest names, each with its place.
    pub modules: Vec<(String, Place)>,
    /// The host on which it runs where nobody names one, with its place.
    pub default_host: Option<(String, Place)>,
}

/// Where something stands: a file, its text, and the bytes.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// File as errors name it.
    pub file: Rc<str>,
    /// The whole text of the file.
    pub text: Rc<str>,
    /// The bytes.
    pub span: Range<usize>,
}

impl Place {
    /// The rest of the line on which it begins.
    #[must_use]
    pub fn line(&self) -> &str {
        self.text[self.span.start..].lines().next().unwrap_or_default()
    }

    /// The text that stands there.
    #[must_use]
    pub fn written(&self) -> &str {
        self.text.get(self.span.clone()).unwrap_or_default()
    }

    /// An error at this place.
    #[must_use]
    pub fn error(&self, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        Diagnostic {
            message: message.into(),
            file: self.file.to_string(),
            text: self.text.to_string(),
            span: self.span.clone(),
            help: help.into(),
        }
    }
}

impl Entry {
    /// The host that exists without a manifest.
    #[must_use]
    pub(super) fn default_host() -> Self {
        let kind = Kind::Host(Host::unsaid());
        Entry { kind, meta: Map::new(), place: Place::default() }
    }

    /// The host that its `meta.default_host` names.
    #[must_use]
    pub fn default_host_named(&self) -> Option<&str> {
        let Kind::Code(_, Code { default_host, .. }) = &self.kind else { return None };
        default_host.as_ref().map(|(host, _)| host.as_str())
    }

    /// The kind as manifests name it.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Code(CodeKind::Process, _) => "process.lua",
            Kind::Code(CodeKind::Library, _) => "library.lua",
            Kind::Code(CodeKind::Function, _) => "function.lua",
            Kind::Host(_) => "process.host",
            Kind::Service(_) => "process.service",
            Kind::Group(_) => "process.group",
        }
    }

    /// What it lowers of the limits of its host.
    #[must_use]
    pub fn limits(&self) -> Limits {
        match &self.kind {
            Kind::Code(_, code) => code.limits,
            Kind::Host(_) | Kind::Service(_) | Kind::Group(_) => Limits::NONE,
        }
    }

    /// True where it has a body that can run in a process of its own.
    #[must_use]
    pub(crate) fn runs(&self) -> bool {
        matches!(self.kind, Kind::Code(CodeKind::Process | CodeKind::Function, _))
    }

    /// Its code as a zygote takes it; `None` for what has none.
    #[must_use]
    pub(super) fn source(&self, id: &str) -> Option<Source> {
        let Kind::Code(_, code) = &self.kind else { return None };
        let imports = code.imports.iter().map(|(alias, id, _)| (alias.clone(), id.clone()));
        // The others are everywhere.
        let modules = code.modules.iter().map(|(name, _)| name.clone());
        let modules = modules.filter(|name| api::NAMED.contains(&name.as_str()));
        Some(Source {
            id: id.to_owned(),
            file: code.file.clone(),
            text: code.text.clone(),
            method: code.method.clone(),
            imports: imports.collect(),
            modules: modules.collect(),
        })
    }
}
