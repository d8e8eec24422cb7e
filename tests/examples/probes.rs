//! Runs all probes without a layer, with each layer alone and with all, and prints what came of
//! them, with a `!` where the lists say otherwise. Arguments name probes to print, all without any;
//! `--write` puts what the lists say into `docs/sandbox.md` instead, `--layers LIST` runs them all
//! under just those layers.

use ipc::sandbox::{Layer, Layers};
use std::path::Path;
use std::{env, fs, io};
use tests::probes::measure::{Measured, measure};
use tests::probes::{all, table};

fn main() -> io::Result<()> {
    let wanted: Vec<_> = env::args().skip(1).collect();
    if wanted.iter().any(|word| word == "--write") {
        return write();
    }
    if let [word, list] = &wanted[..]
        && word == "--layers"
    {
        let outcomes = measure(match list.as_str() {
            "all" => Layers::ALL,
            _ => list.split(',').filter_map(Layer::named).collect(),
        })?;
        outcomes.iter().for_each(|(name, outcome)| println!("{name}: {outcome}"));
        return Ok(());
    }
    let measured = Measured::new()?;
    println!("{}", table::HEAD);
    for probe in all().filter(|probe| wanted.is_empty() || wanted.iter().any(|w| w == probe.name)) {
        let surprise = if measured.surprises(probe).is_empty() { "" } else { " !" };
        println!("{}{surprise}", table::measured(probe, &measured));
    }
    Ok(())
}

fn write() -> io::Result<()> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sandbox.md");
    let text = fs::read_to_string(&document).unwrap_or_default();
    let text = if text.is_empty() { format!("{}\n{}\n", table::BEGIN, table::END) } else { text };
    let placed = table::placed_in(&text, &table::listed());
    fs::write(document, placed.ok_or_else(|| io::Error::other("the document has no marks"))?)
}
