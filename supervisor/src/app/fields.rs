//! The fields of manifests, as serde reads them.
//!
//! A file is looked at twice: first for the kinds of its entries, then for the fields of those kinds
//! that wabe knows. So a wrong field of a known kind is an error at its place, and an entry of an
//! unknown kind may hold anything.

use super::entry::CodeKind;
use super::host::HostFields;
use super::limits::Written;
use super::service::{GroupFields, ServiceFields};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;
use std::collections::BTreeMap;
use std::fmt;

/// What every manifest has; the first look at a file.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) namespace: Option<Spanned<String>>,
    pub(super) entries: Option<Vec<Spanned<EntryHead>>>,
}

#[derive(Deserialize)]
pub(super) struct EntryHead {
    pub(super) name: Option<Spanned<String>>,
    pub(super) kind: Option<Spanned<String>>,
}

/// The name and the kind of an entry, which every one has.
pub(super) struct Named {
    pub(super) name: Spanned<String>,
    pub(super) kind: Spanned<String>,
}

/// An entry of `process.lua`, `library.lua`, `function.lua`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeFields {
    #[serde(rename = "name")]
    _name: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(default)]
    pub(super) meta: Meta,
    pub(super) source: Spanned<String>,
    #[serde(default = "main")]
    pub(super) method: String,
    #[serde(default)]
    pub(super) modules: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) imports: BTreeMap<String, Spanned<String>>,
    #[serde(default, deserialize_with = "given")]
    pub(super) limits: Option<Spanned<Written>>,
}

/// `meta` of an entry with code: free data, of which wabe reads the host.
#[derive(Default)]
pub(super) struct Meta {
    pub(super) all: Map<String, Value>,
    pub(super) default_host: Option<Spanned<Value>>,
}

impl<'de> Deserialize<'de> for Meta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MetaVisitor)
    }
}

struct MetaVisitor;

impl<'de> Visitor<'de> for MetaVisitor {
    type Value = Meta;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Meta, A::Error> {
        let mut meta = Meta::default();
        while let Some(key) = map.next_key::<String>()? {
            let value = match key.as_str() {
                "default_host" => {
                    meta.default_host.insert(map.next_value::<Spanned<Value>>()?).value.clone()
                }
                _ => map.next_value()?,
            };
            meta.all.insert(key, value);
        }
        Ok(meta)
    }
}

/// A field that is there has a value: `field:` and nothing after it does not mean the default.
pub(super) fn given<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

fn main() -> String {
    "main".to_owned()
}

/// An entry of `process.host`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostEntry {
    #[serde(rename = "name")]
    _name: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(default)]
    pub(super) meta: Map<String, Value>,
    #[serde(default)]
    pub(super) host: HostFields,
    #[serde(default)]
    pub(super) lifecycle: HostLifecycle,
}

/// `lifecycle` of a host. It stays as long as the node, and is nothing that fails or starts again by
/// itself, so only when it starts has an effect.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostLifecycle {
    #[serde(default)]
    pub(super) auto_start: bool,
    #[serde(rename = "start_timeout")]
    _start_timeout: Option<IgnoredAny>,
    #[serde(rename = "stop_timeout")]
    _stop_timeout: Option<IgnoredAny>,
    #[serde(rename = "stable_threshold")]
    _stable_threshold: Option<IgnoredAny>,
    #[serde(rename = "requires")]
    _requires: Option<IgnoredAny>,
    #[serde(rename = "restart")]
    _restart: Option<IgnoredAny>,
}

/// The fields of an entry, by its kind; `None` for a kind that wabe does not know.
pub(super) enum Fields {
    Code(CodeKind, CodeFields),
    Host(Box<HostEntry>),
    Service(Box<ServiceFields>),
    Group(GroupFields),
}

/// The second look at a file: the fields of each entry, by the kinds that the first one found.
pub(super) struct Entries<'a>(pub(super) Vec<&'a str>);

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = Vec<Option<Fields>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = Vec<Option<Fields>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a manifest with namespace and entries")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "entries" => all = map.next_value_seed(EntryList(&self.0))?,
                "namespace" | "version" => {
                    map.next_value::<IgnoredAny>()?;
                }
                other => {
                    let known = &["version", "namespace", "entries"];
                    return Err(serde::de::Error::unknown_field(other, known));
                }
            }
        }
        Ok(all)
    }
}

struct EntryList<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for EntryList<'_> {
    type Value = Vec<Option<Fields>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for EntryList<'_> {
    type Value = Vec<Option<Fields>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        for kind in self.0 {
            all.push(match *kind {
                "process.lua" => code(&mut seq, CodeKind::Process)?,
                "library.lua" => code(&mut seq, CodeKind::Library)?,
                "function.lua" => code(&mut seq, CodeKind::Function)?,
                "process.host" => seq.next_element()?.map(|fields| Fields::Host(Box::new(fields))),
                "process.service" => {
                    seq.next_element()?.map(|fields| Fields::Service(Box::new(fields)))
                }
                "process.group" => seq.next_element()?.map(Fields::Group),
                _ => {
                    seq.next_element::<IgnoredAny>()?;
                    None
                }
            });
        }
        Ok(all)
    }
}

fn code<'de, A: SeqAccess<'de>>(seq: &mut A, kind: CodeKind) -> Result<Option<Fields>, A::Error> {
    Ok(seq.next_element()?.map(|fields| Fields::Code(kind, fields)))
}
