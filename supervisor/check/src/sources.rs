//! The sources of an app as the analyzer reads them, and what it finds under the names they require.

use crate::look::Look;
use crate::text::Lines;
use crate::{Spot, Unit};
use luau_analysis::frontend::resolver::ModuleInfo;
use luau_analysis::{
    ConfigResolver, FileResolver, ModuleName, SourceCode, SourceCodeType, TypeCheckLimits,
};
use luau_common::BString;
use luau_config::Config;
use luau_syntax::ast::Expression;
use luau_syntax::location::Location;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// Modules of the API, as the analyzer knows them.
const BUILT_IN: &str = "@wabe/";

/// What a source is to others that the analyzer does not get.
const ANYTHING: &str = "local anything: any = nil return anything";

/// A source as the analyzer sees it: with what it imports as locals before its first statement.
pub(crate) struct Prepared<'a> {
    pub(crate) unit: &'a Unit<'a>,
    text: Lines<String>,
    at: usize,
    added: usize,
}

impl<'a> Prepared<'a> {
    /// Imports are globals of an entry: where the source uses one so, a local stands for it.
    pub(crate) fn new(unit: &'a Unit<'a>, look: &Look) -> Self {
        if look.excess.is_some() {
            // Who imports it knows nothing of it, and so finds nothing wrong with it.
            return Prepared { unit, text: Lines::new(ANYTHING.to_owned()), at: 0, added: 0 };
        }
        let mut locals = String::new();
        let globals: HashSet<_> = look.globals.iter().map(|(name, _)| &**name).collect();
        for (alias, _) in &unit.imports {
            if globals.contains(alias) {
                let _ = write!(locals, "local {alias} = require(\"{alias}\"); ");
            }
        }
        let (before, after) = unit.text.split_at(look.first);
        let (text, at, added) = (format!("{before}{locals}{after}"), look.first, locals.len());
        Prepared { unit, text: Lines::new(text), at, added }
    }

    /// The place in the source as it was written; `None` for what was added.
    pub(crate) fn span(&self, location: Location) -> Option<Spot> {
        let span = self.text.span(location);
        let back = |at: usize| if at >= self.at + self.added { at - self.added } else { at };
        let is_added = (self.at..self.at + self.added).contains(&span.start);
        (!is_added).then(|| Spot::Source(back(span.start), back(span.end)))
    }
}

/// The sources by the ids of their entries.
pub(crate) struct Sources<'a>(pub(crate) HashMap<&'a [u8], Prepared<'a>>);

impl<'a> Sources<'a> {
    pub(crate) fn of(&self, name: &ModuleName) -> Option<&Prepared<'a>> {
        self.0.get(name.as_slice())
    }
}

impl FileResolver for Sources<'_> {
    fn read_source(&mut self, name: &ModuleName) -> Option<SourceCode> {
        let text = match name.strip_prefix(BUILT_IN.as_bytes()) {
            Some(module) => format!("return {}", String::from_utf8_lossy(module)),
            None => self.of(name)?.text.text().to_owned(),
        };
        Some(SourceCode { source: BString::from(text), kind: SourceCodeType::Module })
    }

    fn resolve_module(
        &mut self,
        context: Option<&ModuleInfo>,
        expression: Expression<'_>,
        _limits: &TypeCheckLimits,
    ) -> Option<ModuleInfo> {
        let wanted = String::from_utf8_lossy(expression.as_string()?.value.as_bytes()).into_owned();
        let prepared = self.of(&context?.name)?;
        let import = prepared.unit.imports.iter().find(|(alias, _)| *alias == wanted);
        let name = match import {
            Some((_, id)) => (*id).to_owned(),
            None => format!("{BUILT_IN}{}", api::module_names().find(|name| *name == wanted)?),
        };
        Some(ModuleInfo { name: BString::from(name), optional: false })
    }
}

pub(crate) struct Configured(pub(crate) Config);

impl ConfigResolver for Configured {
    fn config(&self, _name: &ModuleName, _limits: &TypeCheckLimits) -> &Config {
        &self.0
    }
}
