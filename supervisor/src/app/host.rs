//! `process.host`: a group of processes with common limits, permissions and a common sandbox.

use super::amount::Amount;
use super::entry::Place;
use super::fields::HostEntry;
use super::limits::{self, Form, LimitName, Written};
use super::manifest::File;
use super::permissions::{self, Named, PermissionFields};
use crate::diagnostic::Diagnostic;
use ipc::Limits;
use ipc::frame::EventResult;
use ipc::limits::{
    NICE_MAX, NICE_UNTRUSTED, PROCESSES_MAX, PROCESSES_UNTRUSTED, WARM_DEFAULT, WARM_MAX,
    WARM_STRICT,
};
use ipc::sandbox::{Layer, Layers, Sandbox};
use node::{Allowed, HostSpec, Pattern, Permissions};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_saphyr::Spanned;
use std::fmt;

/// A host as its manifest has it.
#[derive(Debug)]
pub struct Host {
    /// What the node holds its processes to.
    pub spec: HostSpec,
    /// What its workers are enclosed in.
    pub enclosure: Enclosure,
    /// Workers that are forked and enclosed before a process needs them.
    pub warm: u32,
    /// Its zygote starts with the node, and not when it is first needed.
    pub auto_start: bool,
    /// How the events of its processes show results.
    pub event_result: EventResult,
    /// Where it says `sandbox: none`, if it does.
    pub(super) unenclosed: Option<Place>,
    /// Ids that its permissions name.
    pub(super) named: Named,
}

/// What the workers of a host are to be enclosed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enclosure {
    /// Standard, strict or none.
    pub sandbox: Sandbox,
    /// Layers that may be missing where the machine does not give them.
    pub optional: Layers,
    /// How far they stand back where there is not enough CPU for all (nice(1)).
    pub nice: u8,
}

impl Host {
    /// A host that says nothing.
    pub(super) fn unsaid() -> Self {
        Host {
            spec: HostSpec::DEFAULT,
            enclosure: Enclosure::default(),
            warm: WARM_DEFAULT,
            auto_start: false,
            event_result: EventResult::default(),
            unenclosed: None,
            named: Named::default(),
        }
    }
}

/// The field `host` as it is written.
#[derive(Default)]
pub(super) struct HostFields {
    limits: Written,
    max_processes: Option<Spanned<Amount>>,
    warm: Option<Spanned<Amount>>,
    nice: Option<Spanned<Amount>>,
    trust: Option<Spanned<String>>,
    sandbox: Option<Spanned<String>>,
    optional: Vec<Spanned<String>>,
    event_result: Option<Spanned<String>>,
    permissions: PermissionFields,
}

/// The name of a field that a host has.
struct FieldName(&'static str);

/// The names of all fields: those of limits are as [`limits::NAMES`] has them.
const FIELDS: [&str; 18] = {
    let own = [
        "max_processes",
        "warm",
        "nice",
        "trust",
        "sandbox",
        "optional",
        "permissions",
        "event_result",
    ];
    let mut fields = [""; 18];
    let mut index = 0;
    while index < fields.len() {
        let limit = index.checked_sub(own.len());
        fields[index] = match limit {
            Some(limit) => limits::NAMES[limit],
            None => own[index],
        };
        index += 1;
    }
    fields
};

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = FIELDS.into_iter().find(|known| *known == name);
        known.map(FieldName).ok_or_else(|| Error::unknown_field(&name, &FIELDS))
    }
}

impl<'de> Deserialize<'de> for HostFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HostVisitor)
    }
}

struct HostVisitor;

impl<'de> Visitor<'de> for HostVisitor {
    type Value = HostFields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the fields of a host")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HostFields, A::Error> {
        let mut fields = HostFields::default();
        while let Some(FieldName(name)) = map.next_key()? {
            match name {
                "max_processes" => fields.max_processes = Some(map.next_value()?),
                "warm" => fields.warm = Some(map.next_value()?),
                "nice" => fields.nice = Some(map.next_value()?),
                "trust" => fields.trust = Some(map.next_value()?),
                "sandbox" => fields.sandbox = Some(map.next_value()?),
                "optional" => fields.optional = map.next_value()?,
                "event_result" => fields.event_result = Some(map.next_value()?),
                "permissions" => fields.permissions = map.next_value()?,
                limit => {
                    fields.limits.insert(LimitName(limit), map.next_value()?);
                }
            }
        }
        Ok(fields)
    }
}

/// How far the code on a host is trusted: what holds where the manifest says nothing else.
#[derive(Clone, Copy)]
enum Trust {
    Trusted,
    Untrusted,
}

impl Trust {
    fn base(self, id: &str) -> HostSpec {
        match self {
            Trust::Trusted => HostSpec::DEFAULT,
            Trust::Untrusted => HostSpec {
                max_processes: PROCESSES_UNTRUSTED,
                limits: Limits::UNTRUSTED,
                permissions: Permissions {
                    hosts: Allowed::Only(vec![Pattern(id.to_owned())]),
                    ..Permissions::NONE
                },
            },
        }
    }
}

/// The host that the fields describe.
pub(super) fn read(file: &File<'_>, id: &str, entry: &HostEntry) -> Result<Host, Diagnostic> {
    let (fields, auto_start) = (&entry.host, entry.lifecycle.auto_start);
    let trusts = [("trusted", Trust::Trusted), ("untrusted", Trust::Untrusted)];
    let trust = file.choice_or(&fields.trust, "trust", &trusts, Trust::Trusted)?;
    let base = trust.base(id);
    let max_processes = max_processes(file, fields, base.max_processes)?;
    let limits = limits::read(file, &fields.limits, base.limits)?;
    let (permissions, named) = permissions::read(file, &fields.permissions, base.permissions)?;
    let enclosure = enclosure(file, fields, trust)?;
    let warm = warm(file, fields, enclosure.sandbox)?;
    let results = [("raw", EventResult::Raw), ("record", EventResult::Record)];
    let event_result =
        file.choice_or(&fields.event_result, "event_result", &results, EventResult::Raw)?;
    let unenclosed = fields.sandbox.as_ref().filter(|_| enclosure.sandbox == Sandbox::None);
    let unenclosed = unenclosed.map(|at| file.place(at));
    let spec = HostSpec { max_processes, limits, permissions };
    Ok(Host { spec, enclosure, warm, auto_start, event_result, unenclosed, named })
}

fn max_processes(file: &File<'_>, fields: &HostFields, base: u32) -> Result<u32, Diagnostic> {
    let Some(at) = &fields.max_processes else { return Ok(base) };
    let range = (1, u64::from(PROCESSES_MAX));
    let count = limits::amount(file, "max_processes", Form::Count, range, at)?;
    Ok(u32::try_from(count).unwrap_or(PROCESSES_MAX))
}

fn warm(file: &File<'_>, fields: &HostFields, sandbox: Sandbox) -> Result<u32, Diagnostic> {
    let Some(at) = &fields.warm else {
        return Ok(if sandbox == Sandbox::Strict { WARM_STRICT } else { WARM_DEFAULT });
    };
    let count = limits::amount(file, "warm", Form::Count, (0, u64::from(WARM_MAX)), at)?;
    Ok(u32::try_from(count).unwrap_or(WARM_MAX))
}

fn nice(file: &File<'_>, fields: &HostFields, trust: Trust) -> Result<u8, Diagnostic> {
    let Some(at) = &fields.nice else {
        return Ok(if matches!(trust, Trust::Untrusted) { NICE_UNTRUSTED } else { 0 });
    };
    let nice = limits::amount(file, "nice", Form::Count, (0, u64::from(NICE_MAX)), at)?;
    Ok(u8::try_from(nice).unwrap_or(NICE_MAX))
}

fn enclosure(file: &File<'_>, fields: &HostFields, trust: Trust) -> Result<Enclosure, Diagnostic> {
    let sandboxes =
        [("standard", Sandbox::Standard), ("strict", Sandbox::Strict), ("none", Sandbox::None)];
    let sandbox = file.choice_or(&fields.sandbox, "sandbox", &sandboxes, Sandbox::default())?;
    let optional = fields.optional.iter().map(|at| optional(file, at));
    let nice = nice(file, fields, trust)?;
    Ok(Enclosure { sandbox, optional: optional.collect::<Result<_, _>>()?, nice })
}

fn optional(file: &File<'_>, at: &Spanned<String>) -> Result<Layer, Diagnostic> {
    let may_be = || Layer::MAY_BE_OPTIONAL.map(Layer::as_str).join(", ");
    match Layer::named(&at.value) {
        Some(layer) if Layer::MAY_BE_OPTIONAL.contains(&layer) => Ok(layer),
        Some(layer) => {
            let message = format!("layer '{layer}' is never optional");
            Err(file.place(at).error(message, format!("optional may be {}", may_be())))
        }
        None => {
            let message = format!("layer '{}' does not exist", at.value);
            Err(file.place(at).error(message, format!("optional may be {}", may_be())))
        }
    }
}
