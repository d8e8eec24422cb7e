//! Many worlds, each from a seed: see `tests::simulation`.
//!
//! A failure prints its seed. To see what happened in that world, and to search further:
//!
//! ```text
//! WABE_SIM_SEED=1234 cargo test -p tests --test simulation      # one seed, with every line
//! WABE_SIM_SEEDS=100000 cargo test -p tests --test simulation   # more seeds than usual
//! ```

use std::env;
use std::num::NonZero;
use std::ops::Range;
use std::panic::catch_unwind;
use std::thread;
use tests::simulation::{Outcome, Record, Seen, Sight, run};

/// Seeds of an ordinary run.
const SEEDS: u64 = 2000;
/// Every so manieth seed is run twice.
const TWICE: u64 = 20;
/// Lines before a breach that are shown.
const LINES: usize = 60;

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// What is wrong with the world of a seed, or what was seen in it.
fn judge(seed: u64) -> Result<Outcome, String> {
    let first = live(seed, Record::Hash)?;
    let again =
        if seed.is_multiple_of(TWICE) { live(seed, Record::Hash)?.hash } else { first.hash };
    match first.breaches.first() {
        _ if first.hash != again => Err(format!("seed {seed} gives two different worlds")),
        Some(breach) => Err(format!("seed {seed}: {breach}\n\n{}", story(seed))),
        None => Ok(first),
    }
}

fn live(seed: u64, record: Record) -> Result<Outcome, String> {
    catch_unwind(|| run(seed, record)).map_err(|_| format!("seed {seed} panics, see above"))
}

/// The last lines before the first breach.
fn story(seed: u64) -> String {
    let Ok(outcome) = live(seed, Record::Lines) else { return String::new() };
    let breach = outcome.lines.iter().position(|line| line.starts_with("BREACH"));
    let end = breach.map_or(outcome.lines.len(), |breach| breach + 1);
    outcome.lines[end.saturating_sub(LINES)..end].join("\n")
}

/// Lives through a range of seeds, up to the first that fails.
fn search(seeds: Range<u64>, stride: usize) -> Result<(Seen, usize), String> {
    let mut all = (Seen::default(), 0);
    for seed in seeds.step_by(stride) {
        let outcome = judge(seed)?;
        all.0.add(&outcome.seen);
        all.1 += outcome.processes;
    }
    Ok(all)
}

fn search_all(seeds: u64) -> Result<(Seen, usize), String> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let searches: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || search(first as u64..seeds, threads)))
            .collect();
        let mut all = (Seen::default(), 0);
        for search in searches {
            let (seen, processes) = search.join().expect("a search catches panics")?;
            all.0.add(&seen);
            all.1 += processes;
        }
        Ok(all)
    })
}

#[test]
fn no_seed_breaks_a_law() {
    if let Some(seed) = number("WABE_SIM_SEED") {
        let outcome = live(seed, Record::Lines).unwrap_or_else(|how| panic!("{how}"));
        println!("{}", outcome.lines.join("\n"));
        assert!(outcome.breaches.is_empty(), "seed {seed}: {:#?}", outcome.breaches);
        return;
    }
    let seeds = number("WABE_SIM_SEEDS").unwrap_or(SEEDS);
    let (seen, processes) = search_all(seeds).unwrap_or_else(|how| panic!("{how}"));
    println!("{seeds} worlds, {processes} processes");
    Sight::ALL.iter().for_each(|sight| println!("{:>10} {sight:?}", seen.count(*sight)));
    assert!(seeds < SEEDS || seen.missing().is_empty(), "never seen: {:?}", seen.missing());
}

#[test]
fn another_seed_is_another_world() {
    assert_ne!(run(1, Record::Hash).hash, run(2, Record::Hash).hash);
}
