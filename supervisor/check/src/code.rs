//! [`Code`]: the kinds of findings.

use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The app would fail where it gets there.
    Error,
    /// It works, and somebody should look at it.
    Warning,
}

/// The kind of a finding. A user sees its name, and looks it up in `docs/check.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A manifest that cannot be read, or that names what is not there.
    Manifest,
    /// A `.luaurc` that cannot be read.
    Config,
    /// A source that does not compile.
    Source,
    /// A global, or a field of a module, that does not exist.
    UnknownName,
    /// A `require` of what is neither a module nor an import.
    UnknownModule,
    /// A literal id of an entry that does not exist.
    UnknownEntry,
    /// A literal id of a host that does not exist.
    UnknownHost,
    /// A literal id of an entry of another kind.
    WrongKind,
    /// A value of a type that does not fit.
    Type,
    /// An import that the source does not use.
    UnusedImport,
    /// A module that the manifest names and the source does not use.
    UnusedModule,
    /// What Luau's linter warns of.
    Lint,
    /// What `wabe run` would warn of.
    Ignored,
    /// The analyzer failed on this source, or did not come to an end.
    Unchecked,
}

impl Code {
    /// All of them.
    pub const ALL: [Code; 14] = [
        Code::Manifest,
        Code::Config,
        Code::Source,
        Code::UnknownName,
        Code::UnknownModule,
        Code::UnknownEntry,
        Code::UnknownHost,
        Code::WrongKind,
        Code::Type,
        Code::UnusedImport,
        Code::UnusedModule,
        Code::Lint,
        Code::Ignored,
        Code::Unchecked,
    ];

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Code::Manifest => "manifest",
            Code::Config => "config",
            Code::Source => "source",
            Code::UnknownName => "unknown-name",
            Code::UnknownModule => "unknown-module",
            Code::UnknownEntry => "unknown-entry",
            Code::UnknownHost => "unknown-host",
            Code::WrongKind => "wrong-kind",
            Code::Type => "type",
            Code::UnusedImport => "unused-import",
            Code::UnusedModule => "unused-module",
            Code::Lint => "lint",
            Code::Ignored => "ignored",
            Code::Unchecked => "unchecked",
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Code::UnusedImport
            | Code::UnusedModule
            | Code::Lint
            | Code::Ignored
            | Code::Unchecked => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
