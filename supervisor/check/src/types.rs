//! The Luau analyzer on the sources of an app.

use crate::look::Look;
use crate::text::Lines;
use crate::wanted::is_wanted;
use crate::{Code, Finding, Spot, Unit};
use luau_analysis::diagnostics::error::{TypeError, TypeErrorData};
use luau_analysis::frontend::resolver::ModuleInfo;
use luau_analysis::{
    AnalysisError, AnalysisResult, ConfigResolver, DefinitionEnvironment, FileResolver, Frontend,
    FrontendOptions, ModuleName, SourceCode, SourceCodeType, TypeCheckLimits,
};
use luau_common::BString;
use luau_config::{Config, ConfigOptions, Mode};
use luau_syntax::ast::Expression;
use luau_syntax::location::Location;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Modules of the API, as the analyzer knows them.
const BUILT_IN: &str = "@wabe/";

/// A source as the analyzer sees it: with what it imports as locals before its first statement.
struct Prepared<'a> {
    unit: &'a Unit<'a>,
    text: Lines<String>,
    at: usize,
    added: usize,
}

impl<'a> Prepared<'a> {
    /// Imports are globals of an entry: where the source uses one so, a local stands for it.
    fn new(unit: &'a Unit<'a>, look: &Look) -> Self {
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
    fn span(&self, location: Location) -> Option<Spot> {
        let span = self.text.span(location);
        let back = |at: usize| if at >= self.at + self.added { at - self.added } else { at };
        let is_added = (self.at..self.at + self.added).contains(&span.start);
        (!is_added).then(|| Spot::Source(back(span.start), back(span.end)))
    }
}

/// The sources by the ids of their entries.
struct Sources<'a>(HashMap<&'a [u8], Prepared<'a>>);

impl<'a> Sources<'a> {
    fn of(&self, name: &ModuleName) -> Option<&Prepared<'a>> {
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

struct Configured(Config);

impl ConfigResolver for Configured {
    fn config(&self, _name: &ModuleName, _limits: &TypeCheckLimits) -> &Config {
        &self.0
    }
}

type Analyzer<'a> = Frontend<Sources<'a>, Configured>;

/// Strict, where neither the app nor a source says otherwise.
fn config(text: &str) -> Config {
    let mut config = Config::default();
    config.mode = Mode::Strict;
    if !text.is_empty() {
        // Editors say what is wrong with it; what can be read of it holds.
        let _ = config.parse(text, ConfigOptions::default());
    }
    config
}

fn analyzer<'a>(sources: Vec<Prepared<'a>>, config_text: &str) -> Result<Analyzer<'a>, String> {
    let options = FrontendOptions { run_lint_checks: true, ..FrontendOptions::default() };
    let sources = sources.into_iter().map(|source| (source.unit.id.as_bytes(), source));
    let mut analyzer =
        Frontend::new(Sources(sources.collect()), Configured(config(config_text)), options);
    let failed = |error: AnalysisError| error.into_internal_compiler_error().message.to_string();
    analyzer.register_builtin_globals(DefinitionEnvironment::Globals).map_err(failed)?;
    let scope = analyzer.global_scope(DefinitionEnvironment::Globals);
    let definitions = api::luau::definitions();
    let loaded = analyzer.load_definition_file(scope, definitions, "@wabe", false);
    let loaded = loaded.map_err(failed)?;
    match loaded.success {
        true => Ok(analyzer),
        false => Err(format!(
            "the definitions of the API are wrong: {:?}",
            loaded.source_module.parse_errors.first()
        )),
    }
}

/// Checks all sources that compile.
pub(crate) fn check(
    units: &[Unit<'_>],
    looks: &[Option<&Look>],
    config: &str,
    findings: &mut Vec<Finding>,
) {
    let of = |(unit, look): (_, &Option<&Look>)| look.map(|look| Prepared::new(unit, look));
    let prepared: Vec<_> = units.iter().zip(looks).filter_map(of).collect();
    let mut analyzer = match analyzer(prepared, config) {
        Ok(analyzer) => analyzer,
        Err(why) => {
            return findings.extend(units.iter().enumerate().map(|(index, unit)| {
                let message = format!("{} could not be analyzed: {why}", unit.file);
                Finding::in_source(index, Code::Unchecked, 0..0, message)
            }));
        }
    };
    for (index, (unit, look)) in units.iter().zip(looks).enumerate() {
        let Some(look) = look else { continue };
        // The analyzer is code of others, on whatever a user wrote: its failure is a finding.
        let found = catch_unwind(AssertUnwindSafe(|| one(&mut analyzer, index, unit, look)));
        findings.extend(match found {
            Ok(Ok(found)) => known_by_name(index, found, findings),
            Ok(Err(_)) | Err(_) => {
                let message = format!("{} could not be analyzed", unit.file);
                vec![Finding::in_source(index, Code::Unchecked, 0..0, message)]
            }
        });
    }
}

/// Leaves out what the look at names has found already, in better words.
fn known_by_name(index: usize, found: Vec<Finding>, before: &[Finding]) -> Vec<Finding> {
    let names = before.iter().filter(|one| one.unit == index && one.code == Code::UnknownName);
    let names: BTreeSet<_> = names.map(|one| &one.spot).collect();
    let is_known = |finding: &Finding| {
        let Spot::Source(from, to) = finding.spot else { return false };
        // The analyzer underlines `process.sent` where the name is `sent`.
        names
            .range(Spot::Source(from, 0)..Spot::Source(to, 0))
            .any(|name| matches!(name, Spot::Source(_, end) if *end <= to))
    };
    found.into_iter().filter(|finding| finding.code != Code::Type || !is_known(finding)).collect()
}

fn one(
    analyzer: &mut Analyzer<'_>,
    index: usize,
    unit: &Unit<'_>,
    look: &Look,
) -> AnalysisResult<Vec<Finding>> {
    let name = BString::from(unit.id);
    let result = analyzer.check(&name, None)?;
    let mut found = Vec::new();
    let (Some(model), Some(source)) =
        (analyzer.semantic_model(&name), analyzer.file_resolver().of(&name))
    else {
        return Ok(found);
    };
    for error in result.errors.iter().filter(|error| error.module_name == name) {
        let Some(spot) = source.span(error.location) else { continue };
        let message = model.error_message(error).to_string();
        if is_wanted(error, &message, &spot, look) {
            found.push(finding(index, code_of(error), &spot, &message));
        }
    }
    let lints = result.lint_result.errors.iter().chain(&result.lint_result.warnings);
    for lint in lints {
        // Our own look at globals knows the imports.
        let Some(spot) = source.span(lint.location) else { continue };
        if lint.code != luau_config::LintCode::UnknownGlobal {
            found.push(finding(index, Code::Lint, &spot, &lint.text.to_string()));
        }
    }
    Ok(found)
}

fn finding(index: usize, code: Code, spot: &Spot, message: &str) -> Finding {
    let Spot::Source(start, end) = *spot else {
        return Finding::in_source(index, code, 0..0, message);
    };
    // What follows repeats it in the words of type theory.
    let words = message.split("; \n").next().unwrap_or_default().split_whitespace();
    let message = words.collect::<Vec<_>>().join(" ");
    let message = message.trim_end_matches([';', ' ']).replace("' but got", "', but got");
    let found = Finding::in_source(index, code, start..end, &*message);
    match code == Code::Type && message.contains("but got '") && message.contains("?'") {
        true => found.helped("it may be nil: test it with 'if' or 'assert' before"),
        false => found,
    }
}

/// What the analyzer gives up on is no mistake of the app.
fn code_of(error: &TypeError) -> Code {
    match error.data {
        TypeErrorData::CodeTooComplex(_)
        | TypeErrorData::UnificationTooComplex(_)
        | TypeErrorData::NormalizationTooComplex(_)
        | TypeErrorData::ConstraintSolvingIncompleteError(_)
        | TypeErrorData::InternalError(_) => Code::Unchecked,
        _ => Code::Type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_for_editors_can_be_read() {
        assert!(crate::look::look(&api::luals::definitions()).is_ok());
        assert_eq!(analyzer(Vec::new(), "").err(), None);
    }
}
