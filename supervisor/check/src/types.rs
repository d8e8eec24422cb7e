//! The Luau analyzer on the sources of an app.

use crate::effort::{Budget, SECONDS_MAX};
use crate::look::Look;
use crate::sources::{Configured, Prepared, Sources};
use crate::wanted::is_wanted;
use crate::{Code, Finding, Spot, Unit};
use luau_analysis::diagnostics::error::{TypeError, TypeErrorData};
use luau_analysis::{
    AnalysisError, AnalysisResult, DefinitionEnvironment, Frontend, FrontendOptions,
};
use luau_common::BString;
use luau_config::{Config, ConfigOptions, Mode};
use luau_syntax::parser::Mode as Said;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

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

fn options(seconds: f64) -> FrontendOptions {
    FrontendOptions {
        run_lint_checks: true,
        module_time_limit_sec: Some(seconds),
        ..FrontendOptions::default()
    }
}

fn analyzer<'a>(sources: Vec<Prepared<'a>>, config: Config) -> Result<Analyzer<'a>, String> {
    let sources = sources.into_iter().map(|source| (source.unit.id.as_bytes(), source));
    let mut analyzer =
        Frontend::new(Sources(sources.collect()), Configured(config), options(SECONDS_MAX));
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
    let config = self::config(config);
    let mode = config.mode;
    let mut analyzer = match analyzer(prepared, config) {
        Ok(analyzer) => analyzer,
        Err(why) => {
            return findings.extend(
                units.iter().enumerate().map(|(index, unit)| given_up(index, unit, &why, SIMPLER)),
            );
        }
    };
    let budget = Budget::new();
    for (index, (unit, look)) in units.iter().zip(looks).enumerate() {
        let Some(look) = look else { continue };
        findings.extend(match &look.excess {
            // Who says that the types are not to be checked has heard it.
            Some(_) if look.mode.map_or(mode == Mode::NoCheck, |mode| mode == Said::NoCheck) => {
                Vec::new()
            }
            Some((why, help)) => vec![given_up(index, unit, why, help)],
            None => {
                let found = guarded(&mut analyzer, index, unit, look, budget.seconds());
                known_by_name(index, found, findings)
            }
        });
    }
}

/// The analyzer is code of others, on whatever a user wrote: its failure is a finding.
fn guarded(
    analyzer: &mut Analyzer<'_>,
    index: usize,
    unit: &Unit<'_>,
    look: &Look,
    seconds: f64,
) -> Vec<Finding> {
    let one = || one(analyzer, index, unit, look, seconds);
    match catch_unwind(AssertUnwindSafe(one)) {
        Ok(Ok(found)) => found,
        Ok(Err(_)) | Err(_) => vec![given_up(index, unit, "the analyzer failed", SIMPLER)],
    }
}

const SIMPLER: &str = "write it simpler";

/// A source that is not checked, or not to its end.
fn given_up(index: usize, unit: &Unit<'_>, why: &str, help: &str) -> Finding {
    let message = format!("the types of {} could not be checked: {why}", unit.file);
    let help = format!("{help}, or put '--!nocheck' before the script");
    Finding::in_source(index, Code::Unchecked, 0..0, message).helped(help)
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
    seconds: f64,
) -> AnalysisResult<Vec<Finding>> {
    let name = BString::from(unit.id);
    let result = analyzer.check(&name, Some(options(seconds)))?;
    let mut found = Vec::new();
    if result.timeout_hits.contains(&name) {
        let why = format!("its types are not known after {seconds:.0} s");
        found.push(given_up(index, unit, &why, "write down types, or divide it"));
    }
    let (Some(model), Some(source)) =
        (analyzer.semantic_model(&name), analyzer.file_resolver().of(&name))
    else {
        return Ok(found);
    };
    for error in result.errors.iter().filter(|error| error.module_name == name) {
        let Some(spot) = source.span(error.location) else { continue };
        let message = model.error_message(error).to_string();
        if is_wanted(error, &message, &spot, look) {
            found.push(match code_of(error) {
                Code::Unchecked => in_part(index, unit, &spot),
                code => finding(index, code, &spot, &message),
            });
        }
    }
    // Once for a source.
    let first = found.iter().filter(|one| one.code == Code::Unchecked).map(|one| one.spot.clone());
    let first = first.min();
    found.retain(|one| one.code != Code::Unchecked || Some(&one.spot) == first.as_ref());
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

/// A source of which the analyzer gives up on some part.
fn in_part(index: usize, unit: &Unit<'_>, spot: &Spot) -> Finding {
    let why = "this is too complex for the analyzer";
    Finding { spot: spot.clone(), ..given_up(index, unit, why, SIMPLER) }
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
        assert_eq!(analyzer(Vec::new(), config("")).err(), None);
    }

    #[test]
    fn types_that_take_too_long_are_given_up_and_so_said() {
        let text = "local x: number = tostring(1);print(x)";
        let (id, file) = ("app:a", "a.lua");
        let unit = Unit { id, file, text, imports: Vec::new(), modules: Vec::new() };
        let look = crate::look::look(text).expect("it can be loaded");
        let found = |seconds| {
            let prepared = vec![Prepared::new(&unit, &look)];
            let mut analyzer = analyzer(prepared, config("")).expect("it starts");
            let found = guarded(&mut analyzer, 0, &unit, &look, seconds);
            found.into_iter().map(|one| (one.code, one.message)).collect::<Vec<_>>()
        };
        let message = "the types of a.lua could not be checked: its types are not known after 0 s";
        assert_eq!(found(0.0), [(Code::Unchecked, message.to_owned())]);
        assert_eq!(found(SECONDS_MAX)[0].0, Code::Type);
    }
}
