//! Right programs of the contract, in which nothing is found, and wrong ones, in which it is.

mod calls;
mod large;
mod order;
mod right;
mod wrong;

use check::{Around, Severity, Spot, Unit, check};

/// Entries that there are.
const KINDS: [(&str, &str); 4] = [
    ("app:main", "process.lua"),
    ("app:worker", "process.lua"),
    ("app:sum", "function.lua"),
    ("app:processes", "process.host"),
];

/// The errors in each of some sources, with the text underlined and the message.
fn all_errors(texts: &[&str]) -> Vec<Vec<String>> {
    let ids: Vec<_> = (0..texts.len()).map(|index| format!("app:p{index}")).collect();
    let units = ids.iter().zip(texts).map(|(id, text)| {
        let modules = api::NAMED.to_vec();
        Unit { id, file: "main.lua", text, imports: Vec::new(), modules }
    });
    let around = Around { kinds: KINDS.to_vec(), config: "" };
    let found = check(&units.collect::<Vec<_>>(), &around).expect("there is memory for a stack");
    let mut errors = vec![Vec::new(); texts.len()];
    for one in found.iter().filter(|one| one.code.severity() == Severity::Error) {
        let Spot::Source(start, end) = one.spot else { panic!("{one:?} is in no source") };
        let text = &texts[one.unit][start..end];
        errors[one.unit].push(format!("{}: {text}: {}", one.code, one.message));
    }
    errors
}

/// The errors in one source.
fn errors(text: &str) -> Vec<String> {
    all_errors(&[text]).remove(0)
}
