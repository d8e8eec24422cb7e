//! `process.host`: a group of processes with common limits, permissions and a common sandbox.

use super::amount::Amount;
use super::entry::Place;
use super::limits::{self, Form, LimitName, Written};
use super::manifest::File;
use super::permissions::{self, Named, PermissionFields};
use crate::diagnostic::Diagnostic;
use ipc::Limits;
use ipc::limits::{PROCESSES_MAX, PROCESSES_UNTRUSTED};
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
}

impl Host {
    /// A host that says nothing.
    pub(super) fn unsaid() -> Self {
        Host {
            spec: HostSpec::DEFAULT,
            enclosure: Enclosure::default(),
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
    trust: Option<Spanned<String>>,
    sandbox: Option<Spanned<String>>,
    optional: Vec<Spanned<String>>,
    permissions: PermissionFields,
}

/// The name of a field that a host has.
struct FieldName(&'static str);

/// The names of all fields: those of limits are as [`limits::NAMES`] has them.
const FIELDS: [&str; 15] = {
    let own = ["max_processes", "trust", "sandbox", "optional", "permissions"];
    let mut fields = [""; 15];
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
                "trust" => fields.trust = Some(map.next_value()?),
                "sandbox" => fields.sandbox = Some(map.next_value()?),
                "optional" => fields.optional = map.next_value()?,
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
pub(super) fn read(file: &File<'_>, id: &str, fields: &HostFields) -> Result<Host, Diagnostic> {
    let trusts = [("trusted", Trust::Trusted), ("untrusted", Trust::Untrusted)];
    let trust = file.choice_or(&fields.trust, "trust", &trusts, Trust::Trusted)?;
    let base = trust.base(id);
    let max_processes = max_processes(file, fields, base.max_processes)?;
    let limits = limits::read(file, &fields.limits, base.limits)?;
    let (permissions, named) = permissions::read(file, &fields.permissions, base.permissions)?;
    let enclosure = enclosure(file, fields)?;
    let unenclosed = fields.sandbox.as_ref().filter(|_| enclosure.sandbox == Sandbox::None);
    let unenclosed = unenclosed.map(|at| file.place(at));
    let spec = HostSpec { max_processes, limits, permissions };
    Ok(Host { spec, enclosure, unenclosed, named })
}

fn max_processes(file: &File<'_>, fields: &HostFields, base: u32) -> Result<u32, Diagnostic> {
    let Some(at) = &fields.max_processes else { return Ok(base) };
    let range = (1, u64::from(PROCESSES_MAX));
    let count = limits::amount(file, "max_processes", Form::Count, range, at)?;
    Ok(u32::try_from(count).unwrap_or(PROCESSES_MAX))
}

fn enclosure(file: &File<'_>, fields: &HostFields) -> Result<Enclosure, Diagnostic> {
    let sandboxes =
        [("standard", Sandbox::Standard), ("strict", Sandbox::Strict), ("none", Sandbox::None)];
    let sandbox = file.choice_or(&fields.sandbox, "sandbox", &sandboxes, Sandbox::default())?;
    let optional = fields.optional.iter().map(|at| optional(file, at));
    Ok(Enclosure { sandbox, optional: optional.collect::<Result<_, _>>()? })
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
