//! Whether what a process does costs more as the node grows, or when many have died:
//! `cargo bench -p tests --bench growth`.
//!
//! One of every kind of operation, beside few live processes and beside many, and after as many have
//! come and gone. After `--`: words, of which an operation must have one in its name; `--rounds N`;
//! `--live N`, the largest number; `--write`, which puts the table into `docs/performance.md`.

use serde_json::Value;
use std::fmt::Write;
use tests::bench::speed::{allow_many_descriptors, figures, number};
use tests::bench::table::{count, figure};
use tests::bench::{Args, document, median};

/// Calls of each operation in a round.
const CALLS: &str = "200";

const FEW: u32 = 10;
const SOME: u32 = 1_000;

/// A node on which the operations are measured.
struct Stand {
    live: u32,
    died: u32,
    rounds: Vec<Value>,
}

impl Stand {
    fn name(&self) -> String {
        match self.died {
            0 => format!("{} live", count(self.live.into())),
            died => format!("after {} have died", count(died.into())),
        }
    }

    fn measure(&mut self) -> Result<(), String> {
        let (live, died) = (self.live.to_string(), self.died.to_string());
        self.rounds.push(figures("growth", &[CALLS, &live, &died])?);
        Ok(())
    }

    fn p50(&self, operation: &str) -> Result<f64, String> {
        let all = self.rounds.iter().map(|round| number(round, operation));
        Ok(median(&mut all.collect::<Result<Vec<_>, _>>()?))
    }
}

fn main() -> Result<(), String> {
    let args = Args::of_program(3);
    allow_many_descriptors();
    let many = [(FEW, 0), (SOME, 0), (args.live, 0), (FEW, args.live)];
    let mut stands = many.map(|(live, died)| Stand { live, died, rounds: Vec::new() });
    for round in 1..=args.rounds {
        for stand in &mut stands {
            eprintln!("round {round} of {}: {}", args.rounds, stand.name());
            stand.measure()?;
        }
    }
    let text = report(&args, &stands)?;
    print!("{text}");
    if args.write { document::write("growth", &text) } else { Ok(()) }
}

/// A median for each operation and node, and how many times that of the first node it is.
fn report(args: &Args, stands: &[Stand]) -> Result<String, String> {
    let mut text = format!("{}. Medians of {} rounds.\n\n", document::machine(), args.rounds);
    let (mut head, mut rule) = ("| p50, us |".to_owned(), "|---|".to_owned());
    for stand in stands {
        let _ = write!(head, " {} |", stand.name());
        rule += "---|";
    }
    let _ = writeln!(text, "{head}\n{rule}");
    let operations = stands[0].rounds[0].as_object().ok_or("no figures")?;
    for operation in operations.keys().filter(|operation| args.wants(operation)) {
        let first = stands[0].p50(operation)?;
        let _ = write!(text, "| {operation} |");
        for stand in stands {
            let p50 = stand.p50(operation)?;
            let _ = write!(text, " {} ({:.2}) |", figure(p50, ""), p50 / first);
        }
        text.push('\n');
    }
    Ok(text)
}
