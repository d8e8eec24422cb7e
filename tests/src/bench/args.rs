//! What is written after `--` of `cargo bench -p tests --bench NAME --`.

use std::env;
use std::process::exit;
use std::str::FromStr;

/// The words and options of a benchmark.
#[derive(Clone, Debug)]
pub struct Args {
    /// Only what has one of these words in its name is measured; all, where there is none.
    pub words: Vec<String>,
    /// How often everything is measured; what is shown are medians.
    pub rounds: usize,
    /// The largest number of live processes.
    pub live: u32,
    /// Idle processes beside those who are measured.
    pub idle: u32,
    /// The result is written into `docs/performance.md`.
    pub write: bool,
}

impl Args {
    /// The arguments of this program. Where they are wrong it says so and ends.
    #[must_use]
    pub fn of_program(rounds: usize) -> Self {
        let words = env::args().skip(1);
        Self::parse(rounds, words).unwrap_or_else(|error| {
            eprintln!("{error}; known are words, --rounds N, --live N, --idle N and --write");
            exit(2)
        })
    }

    fn parse(rounds: usize, mut all: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Args { words: vec![], rounds, live: 10_000, idle: 5_000, write: false };
        while let Some(word) = all.next() {
            match word.as_str() {
                // Cargo says this to every benchmark.
                "--bench" => {}
                "--write" => args.write = true,
                "--rounds" => args.rounds = number(&word, all.next().as_ref())?,
                "--live" => args.live = number(&word, all.next().as_ref())?,
                "--idle" => args.idle = number(&word, all.next().as_ref())?,
                option if option.starts_with("--") => return Err(format!("unknown {option}")),
                _ => args.words.push(word),
            }
        }
        if args.write && !args.words.is_empty() {
            return Err("--write is for all rows, without words".to_owned());
        }
        Ok(args)
    }

    /// True where something of that name is to be measured.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.words.is_empty() || self.words.iter().any(|word| name.contains(word))
    }
}

fn number<T: FromStr + PartialOrd + Default>(
    option: &str,
    text: Option<&String>,
) -> Result<T, String> {
    let number = text.and_then(|text| text.parse().ok());
    number.filter(|n| *n > T::default()).ok_or_else(|| format!("{option} needs a number over 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Args, String> {
        Args::parse(5, text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn words_choose_what_is_measured() {
        let args = parse("spawn flow --rounds 2 --live 100 --bench").expect("right arguments");
        assert_eq!((args.rounds, args.live, args.idle, args.write), (2, 100, 5000, false));
        assert!(args.wants("monitored spawn") && args.wants("one-way flow"));
        assert!(!args.wants("memory"));
        assert!(parse("").is_ok_and(|args| args.wants("memory") && args.rounds == 5));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for wrong in ["--rounds", "--rounds 0", "--rounds x", "--fast", "--write spawn"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
