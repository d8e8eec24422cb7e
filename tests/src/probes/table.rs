//! The table of all probes, as Markdown.

use super::measure::{Measured, outcome_of};
use super::{Probe, SUCCEEDED, all};
use ipc::sandbox::Layer;

/// Before the table in `docs/sandbox.md`.
pub const BEGIN: &str = "<!-- probes: made by `cargo run -p tests --example probes -- --write` -->";
/// After it.
pub const END: &str = "<!-- end of probes -->";

/// Its head.
pub const HEAD: &str = "\
| probe | group | by | without a sandbox | stopped by each of | with all |
|---|---|---|---|---|---|";

/// What the lists say.
#[must_use]
pub fn listed() -> String {
    let rows = all().map(|probe| row(probe, &without(probe), &stoppers(probe), probe.with_all));
    [HEAD.to_owned()].into_iter().chain(rows).map(|row| row + "\n").collect()
}

/// What came of a probe.
#[must_use]
pub fn measured(probe: &Probe, measured: &Measured) -> String {
    let [none, with_all] =
        [&measured.none, &measured.all].map(|outcomes| outcome_of(outcomes, probe));
    row(probe, none, &layers(&measured.stoppers(probe)), with_all)
}

fn row(probe: &Probe, without: &str, stoppers: &str, with_all: &str) -> String {
    let Probe { name, by, .. } = probe;
    let (group, by) = (probe.group(), by.as_str());
    format!("| {name} | {group} | {by} | {without} | {stoppers} | {with_all} |")
}

fn without(probe: &Probe) -> String {
    match (probe.is_for_the_sandbox(), probe.needs) {
        (true, None) => SUCCEEDED.to_owned(),
        (true, Some(needs)) => format!("{SUCCEEDED}; needs {needs}"),
        (false, _) => probe.with_all.to_owned(),
    }
}

fn stoppers(probe: &Probe) -> String {
    match probe.by {
        super::By::Native(_) => layers(probe.stopped_by),
        super::By::Frames(_) => "the protocol".to_owned(),
        super::By::Lua(_) => "the VM".to_owned(),
    }
}

/// Layers by their names.
#[must_use]
pub fn layers(layers: &[Layer]) -> String {
    layers.iter().map(|layer| layer.as_str()).collect::<Vec<_>>().join(", ")
}

/// The text with the table between its marks replaced; `None` where it has no marks.
#[must_use]
pub fn placed_in(text: &str, table: &str) -> Option<String> {
    let (head, rest) = text.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}\n\n{table}\n{END}{tail}"))
}
