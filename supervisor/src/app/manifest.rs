//! Manifests: YAML files with `namespace` and `entries`.

use super::entry::{Code, CodeKind, Entry, Kind, Place};
use super::fields::{CodeFields, Entries, EntryHead, Fields, Head, Meta, Named};
use super::{App, ENTRIES_MAX, host, invalid, limits, service, source};
use crate::diagnostic::Diagnostic;
use ipc::Limits;
use serde::de::DeserializeSeed;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Manifests of one app.
const MANIFESTS_MAX: usize = 10_000;

/// Loads every manifest under a folder.
pub(super) fn load_folder(folder: &Path) -> Result<App, Diagnostic> {
    let root = folder.canonicalize().map_err(|error| {
        Diagnostic::general(format!("cannot read app {}: {error}", folder.display()), "")
    })?;
    let mut app = App::default();
    let mut found = false;
    for path in yaml_files(&root)? {
        found |= load_file(&root, &path, &mut app)?;
    }
    match found {
        true => Ok(app),
        false => Err(Diagnostic::general(
            format!("no manifest in {}", folder.display()),
            "add an _index.yaml with a namespace and entries, or give a .lua file",
        )),
    }
}

/// All YAML files in a stable order; hidden folders and links are left out.
fn yaml_files(root: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        let unreadable = |error: std::io::Error| {
            let message = format!("cannot read {}: {error}", folder.display());
            Diagnostic::general(message, "make the app's folder readable")
        };
        for item in std::fs::read_dir(&folder).map_err(unreadable)? {
            let item = item.map_err(unreadable)?;
            let (kind, path) = (item.file_type().map_err(unreadable)?, item.path());
            let hidden = item.file_name().to_string_lossy().starts_with('.');
            let yaml = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
            if kind.is_dir() && !hidden {
                folders.push(path);
            } else if yaml && !hidden && !kind.is_dir() && !kind.is_symlink() {
                // What is no regular file is refused where it is read.
                files.push(path);
            }
        }
        if files.len() > MANIFESTS_MAX {
            let message = format!("more than {MANIFESTS_MAX} YAML files in {}", root.display());
            return Err(Diagnostic::general(message, "give the app's own folder"));
        }
    }
    files.sort();
    Ok(files)
}

/// Loads one file; false where it is no manifest.
fn load_file(root: &Path, path: &Path, app: &mut App) -> Result<bool, Diagnostic> {
    let name = path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
    let text = match source::read_limited(path) {
        Ok(text) if may_be_manifest(&text) => text,
        Ok(_) => return Ok(false),
        // What is not UTF-8 does not name the two fields either.
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Ok(false),
        Err(error) => {
            let message = format!("cannot read {name}: {error}");
            return Err(Diagnostic::general(message, "a manifest is text in a regular file"));
        }
    };
    let file = File { root, path, name: Rc::from(name), text: Rc::from(text) };
    let head: Head = serde_saphyr::from_str(&file.text).map_err(|error| file.invalid(&error))?;
    let (Some(namespace), Some(heads)) = (head.namespace, head.entries) else { return Ok(false) };
    file.check_id(&namespace, "namespace")?;
    let heads = heads.into_iter().map(|head| file.named(head)).collect::<Result<Vec<_>, _>>()?;
    file.count(&heads, app)?;
    let all = Entries(heads.iter().map(|head| head.kind.value.as_str()).collect());
    let all = serde_saphyr::with_deserializer_from_str(&file.text, |de| all.deserialize(de));
    for (head, fields) in heads.iter().zip(all.map_err(|error| file.invalid(&error))?) {
        let id = format!("{}:{}", namespace.value, head.name.value);
        match fields {
            Some(fields) => file.add(id, head, fields, app)?,
            None => app.skip(&head.kind.value, &file.name, head.kind.referenced.line()),
        }
    }
    Ok(true)
}

/// An app's folder may hold YAML of others, in whatever form: what does not even name the two fields
/// is none of ours.
fn may_be_manifest(text: &str) -> bool {
    text.contains("namespace") && text.contains("entries")
}

/// A manifest that is being read.
pub(super) struct File<'a> {
    root: &'a Path,
    path: &'a Path,
    name: Rc<str>,
    text: Rc<str>,
}

impl File<'_> {
    /// Where a value stands.
    pub(super) fn place<T>(&self, at: &Spanned<T>) -> Place {
        let span = at.referenced.span();
        let start = span.byte_offset().unwrap_or(0) as usize;
        let end = start + span.byte_len().unwrap_or(0) as usize;
        let written = self.text.get(start..end).unwrap_or_default();
        Place {
            file: self.name.clone(),
            text: self.text.clone(),
            // The parser counts what follows a scalar on its line as part of it.
            span: start..start + written.trim_end().len(),
        }
    }

    /// The first line of a map: the parser knows only where one begins.
    fn line_from<T>(&self, at: &Spanned<T>) -> Place {
        let mut place = self.place(at);
        place.span.end = place.span.start + place.line().trim_end().len();
        place
    }

    /// What the YAML parser or serde found.
    fn invalid(&self, error: &serde_saphyr::Error) -> Diagnostic {
        invalid::diagnostic(&self.name, &self.text, error)
    }

    fn named(&self, head: Spanned<EntryHead>) -> Result<Named, Diagnostic> {
        let (place, head) = (self.line_from(&head), head.value);
        let Some(name) = head.name else {
            return Err(place.error("entry without a name", "add name: to it"));
        };
        self.check_id(&name, "name")?;
        let Some(kind) = head.kind else {
            let message = format!("entry '{}' has no kind", name.value);
            return Err(self.place(&name).error(message, "add kind: process.lua, or another"));
        };
        Ok(Named { name, kind })
    }

    /// Counts the entries of the file among those of the app.
    fn count(&self, heads: &[Named], app: &mut App) -> Result<(), Diagnostic> {
        if let Some(beyond) = heads.get(ENTRIES_MAX - app.count) {
            let message = format!("an app has at most {ENTRIES_MAX} entries");
            let help = "make it several apps, or give the arguments to one entry that differ";
            return Err(self.place(&beyond.name).error(message, help));
        }
        app.count += heads.len();
        Ok(())
    }

    fn check_id(&self, part: &Spanned<String>, what: &str) -> Result<(), Diagnostic> {
        let text = &part.value;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        if !text.is_empty() && text.len() <= ipc::limits::ID_MAX / 2 && text.chars().all(allowed) {
            return Ok(());
        }
        let message = format!("{what} '{text}' is not allowed");
        let help = "use letters, digits and . _ - / (at most 127)";
        Err(self.place(part).error(message, help))
    }

    fn add(
        &self,
        id: String,
        head: &Named,
        fields: Fields,
        app: &mut App,
    ) -> Result<(), Diagnostic> {
        let place = self.place(&head.name);
        if let Some(earlier) = app.entries.get(&id) {
            let first = earlier.place.error("", "");
            let message = format!("entry '{id}' is defined twice");
            let help = format!("rename one: the first is at {}:{}", first.file, first.line());
            return Err(place.error(message, help));
        }
        let (kind, meta) = match fields {
            Fields::Code(kind, fields) => self.code(kind, fields)?,
            Fields::Host(fields) => (Kind::Host(host::read(self, &id, &fields)?), fields.meta),
            Fields::Service(fields) => (Kind::Service(service::read(self, &fields)?), fields.meta),
            Fields::Group(fields) => {
                (Kind::Group(service::read_group(self, &fields)?), fields.meta)
            }
        };
        app.entries.insert(id, Entry { kind, meta, place });
        Ok(())
    }

    fn code(
        &self,
        kind: CodeKind,
        fields: CodeFields,
    ) -> Result<(Kind, Map<String, Value>), Diagnostic> {
        for module in &fields.modules {
            if !api::module_names().any(|name| name == module.value) {
                let message = format!("module '{}' not found", module.value);
                let names: Vec<_> = api::module_names().collect();
                let help = format!("the modules are {}", names.join(", "));
                return Err(self.place(module).error(message, help));
            }
        }
        let limits = self.entry_limits(kind, fields.limits.as_ref())?;
        let default_host = self.default_host(kind, &fields.meta)?;
        let place = self.place(&fields.source);
        let (file, text) = source::read(self.root, self.path, &fields.source.value, &place)?;
        let imports = fields.imports.into_iter();
        let imports = imports.map(|(alias, id)| (alias, id.value.clone(), self.place(&id)));
        let modules = fields.modules.iter().map(|at| (at.value.clone(), self.place(at))).collect();
        let (method, imports) = (fields.method, imports.collect());
        let code = Code { file, text, method, limits, imports, modules, default_host };
        Ok((Kind::Code(kind, code), fields.meta.all))
    }

    /// The host that the entry names itself. A library runs on that of its users.
    fn default_host(
        &self,
        kind: CodeKind,
        meta: &Meta,
    ) -> Result<Option<(String, Place)>, Diagnostic> {
        match &meta.default_host {
            Some(at) if kind != CodeKind::Library => match &at.value {
                Value::String(host) => Ok(Some((host.clone(), self.place(at)))),
                _ => {
                    let place = self.place(at);
                    let message = format!("default_host cannot be {}", place.written());
                    Err(place.error(message, "write the id of an entry of kind process.host"))
                }
            },
            _ => Ok(None),
        }
    }

    /// What code lowers of its host's limits, if it is the body of processes.
    fn entry_limits(
        &self,
        kind: CodeKind,
        written: Option<&Spanned<limits::Written>>,
    ) -> Result<Limits, Diagnostic> {
        match (kind, written) {
            (_, None) => Ok(Limits::NONE),
            (CodeKind::Library, Some(at)) => Err(self
                .line_from(at)
                .error("a library has no limits", "give them to the processes that import it")),
            (CodeKind::Process | CodeKind::Function, Some(at)) => {
                limits::read(self, &at.value, Limits::NONE)
            }
        }
    }

    /// What one of a few words stands for, and `default` where there is none.
    pub(super) fn choice_or<T: Copy>(
        &self,
        field: &Option<Spanned<String>>,
        name: &str,
        choices: &[(&str, T)],
        default: T,
    ) -> Result<T, Diagnostic> {
        let Some(at) = field else { return Ok(default) };
        let chosen = choices.iter().find(|(word, _)| *word == at.value);
        chosen.map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            let (place, words) = (self.place(at), words.join(", "));
            let message = format!("{name} cannot be {}", place.written());
            place.error(message, format!("write one of {words}"))
        })
    }
}
