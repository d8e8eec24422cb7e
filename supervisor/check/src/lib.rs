//! What is wrong with the sources of an app, before anything runs.
//!
//! Two looks at each source. The first walks its syntax ([`look`]) and compares what it names with what
//! there is ([`names`], [`calls`]). The second is the Luau analyzer ([`types`]), which knows the API by
//! the definitions that the crate `api` makes, where the source asks no more of it than it may
//! ([`effort`]). Pure, but for the clock of the analyzer: sources go in, findings come out.
#![forbid(unsafe_code)]

mod calls;
mod code;
mod effort;
mod excused;
mod finding;
mod locals;
mod look;
mod names;
mod sources;
mod text;
mod types;
mod values;
mod wanted;

pub use code::{Code, Severity};
pub use finding::{Finding, Spot};

use look::Look;
use std::{io, thread};

/// One entry with code.
#[derive(Clone, Debug)]
pub struct Unit<'a> {
    /// Its id, `ns:name`.
    pub id: &'a str,
    /// Its file, as errors name it.
    pub file: &'a str,
    /// Its source.
    pub text: &'a str,
    /// Libraries by the name under which the source requires them.
    pub imports: Vec<(&'a str, &'a str)>,
    /// Modules that its manifest names.
    pub modules: Vec<&'a str>,
}

/// What there is in the app besides.
#[derive(Clone, Debug, Default)]
pub struct Around<'a> {
    /// Every entry with its kind, such as `process.lua`.
    pub kinds: Vec<(&'a str, &'a str)>,
    /// The text of `.luaurc` in the app's folder, or empty.
    pub config: &'a str,
}

/// Room for the analyzer, which goes as deep as the types of a source: on the stack of a program's first
/// thread a table of some hundred tables in each other would end the program.
const STACK: usize = 256 * 1024 * 1024;

/// All that is wrong, in the order of the units and of the places in each.
///
/// # Errors
/// Where the system gives no thread with so large a stack.
pub fn check(units: &[Unit<'_>], around: &Around<'_>) -> io::Result<Vec<Finding>> {
    thread::scope(|scope| {
        let wide = thread::Builder::new().stack_size(STACK);
        let checking = wide.spawn_scoped(scope, || check_here(units, around))?;
        checking.join().map_err(|_| io::Error::other("the check failed"))
    })
}

fn check_here(units: &[Unit<'_>], around: &Around<'_>) -> Vec<Finding> {
    let looks: Vec<_> = units.iter().map(|unit| look::look(unit.text)).collect();
    let kinds = around.kinds.iter().copied().collect();
    let mut findings = Vec::new();
    for (index, (unit, look)) in units.iter().zip(&looks).enumerate() {
        match look {
            Ok(look) => {
                names::check(index, unit, look, &mut findings);
                calls::check(index, look, &kinds, &mut findings);
            }
            Err((span, message)) => {
                findings.push(Finding::in_source(index, Code::Source, span.clone(), message));
            }
        }
    }
    let looks: Vec<Option<&Look>> = looks.iter().map(|look| look.as_ref().ok()).collect();
    types::check(units, &looks, around.config, &mut findings);
    findings.sort_by_key(|finding| (finding.unit, finding.spot.clone(), finding.code));
    findings.dedup();
    findings
}
