//! Whether the targets are reached: `cargo bench -p tests --bench report`.
//!
//! Each figure of wabe is held against one of a bare C program (`tests/benches/limits.c`) that is
//! measured in the same round, each part once: a machine that is busy for a while is so for both. The
//! table shows the medians of the rounds. After `--`: words, of which a row must have one in its
//! name; `--rounds N`; `--live N` and `--idle N`, the numbers of processes of the rows with most;
//! `--write`, which puts the table into `docs/performance.md`.

mod crowds;
mod pairs;
mod rows;

use rows::{ROWS, Repeat, Row};
use std::time::Instant;
use tests::bench::table::{Line, Sample, count, table};
use tests::bench::{Args, Reference, document, speed};

/// What measurements need.
struct Bench {
    args: Args,
    reference: Reference,
}

/// A row and what came of it.
struct Measured {
    row: &'static Row,
    samples: Vec<Sample>,
    /// Why there is no more of it.
    failed: Option<String>,
}

impl Measured {
    fn measure(&mut self, bench: &mut Bench) {
        if self.failed.is_some() || (self.row.repeat == Repeat::Once && !self.samples.is_empty()) {
            return;
        }
        let began = Instant::now();
        match (self.row.measure)(bench) {
            Ok(sample) => self.samples.push(sample),
            Err(error) => self.failed = Some(error),
        }
        eprintln!("  {}: {:.1?}", self.row.name, began.elapsed());
    }

    fn line(&self) -> Option<Line<'_>> {
        let row = self.row;
        (!self.samples.is_empty() && self.failed.is_none()).then_some(Line {
            what: row.name,
            unit: row.unit,
            against: row.against,
            better: row.better,
            must: row.must,
            aim: row.aim,
            samples: &self.samples,
        })
    }
}

fn main() -> Result<(), String> {
    let args = Args::of_program(5);
    speed::allow_many_descriptors();
    let chosen = ROWS.iter().filter(|row| args.wants(row.name));
    let mut all: Vec<_> =
        chosen.map(|row| Measured { row, samples: Vec::new(), failed: None }).collect();
    let mut bench = Bench { reference: Reference::compile()?, args };
    for round in 1..=bench.args.rounds {
        eprintln!("round {round} of {}", bench.args.rounds);
        bench.reference.begin_round();
        all.iter_mut().for_each(|measured| measured.measure(&mut bench));
    }
    let text = report(&bench.args, &all);
    print!("{text}");
    if bench.args.write { document::write("report", &text) } else { Ok(()) }
}

fn report(args: &Args, all: &[Measured]) -> String {
    let lines: Vec<_> = all.iter().filter_map(Measured::line).collect();
    let mut text = format!(
        "{}. Medians of {} rounds; {} live and {} idle processes at most.\n\n{}",
        document::machine(),
        args.rounds,
        count(args.live.into()),
        count(args.idle.into()),
        table(&lines)
    );
    let failed = all.iter().filter_map(|one| Some((one.row.name, one.failed.as_deref()?)));
    let left_out = ROWS.iter().filter(|row| !args.wants(row.name));
    let missing: Vec<_> = failed.chain(left_out.map(|row| (row.name, "not asked for"))).collect();
    if !missing.is_empty() {
        text += "\nMissing:\n\n";
        missing.iter().for_each(|(name, why)| text += &format!("- {name}: {why}\n"));
    }
    text
}
