//! The bare C program that wabe is held against: `tests/benches/limits.c`.

use crate::bin;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// A part of the reference takes seconds; the one that forks from large processes some more.
const DEADLINE: Duration = Duration::from_secs(180);

/// What the reference can be asked for alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Processes that come and go.
    Spawn,
    /// Round trips through a relay.
    Rtt,
    /// One-way flow through a relay.
    Flow,
    /// `kill -9` until it is seen.
    Exit,
    /// Memory of 2,000 idle children.
    Mem,
}

impl Part {
    fn words(self) -> &'static [&'static str] {
        match self {
            Part::Spawn => &["spawn"],
            Part::Rtt => &["rtt"],
            Part::Flow => &["flow"],
            Part::Exit => &["exit"],
            Part::Mem => &["mem", "2000"],
        }
    }
}

/// The program, and what it has printed in this round.
#[derive(Debug)]
pub struct Reference {
    program: PathBuf,
    printed: BTreeMap<Part, String>,
}

impl Reference {
    /// Compiles it, beside the programs of wabe.
    ///
    /// # Errors
    /// Where there is no C compiler, or it fails.
    pub fn compile() -> Result<Self, String> {
        let program = bin("wabe").with_file_name("limits");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/limits.c");
        let mut command = Command::new("cc");
        command.args(["-O2", "-w", "-o"]).arg(&program).arg(source);
        let ran = command.status().map_err(|error| format!("cannot run cc: {error}"))?;
        match ran.success() {
            true => Ok(Reference { program, printed: BTreeMap::new() }),
            false => Err(format!("cc could not compile the reference: {ran}")),
        }
    }

    /// Forgets what was printed: each round runs each part anew, at most once.
    pub fn begin_round(&mut self) {
        self.printed.clear();
    }

    fn line(&mut self, part: Part, begins: &str) -> Result<&str, String> {
        if !self.printed.contains_key(&part) {
            let ran = crate::run(Command::new(&self.program).args(part.words()), DEADLINE);
            if ran.code != Some(0) {
                return Err(format!("the reference failed: {ran:?}"));
            }
            self.printed.insert(part, ran.stdout);
        }
        let mut lines = self.printed[&part].lines();
        let found = lines.find(|line| line.starts_with(begins));
        found.ok_or_else(|| format!("the reference has no line '{begins}'"))
    }

    /// The median of the line with that name, in microseconds.
    ///
    /// # Errors
    /// Where the program fails or has no such line.
    pub fn p50_us(&mut self, part: Part, name: &str) -> Result<f64, String> {
        let line = self.line(part, name)?;
        number(line, "p50=", "").ok_or_else(|| format!("no p50 in '{line}'"))
    }

    /// The flow with so many bytes a write, as the number before that unit.
    ///
    /// # Errors
    /// Likewise.
    pub fn flow(&mut self, write_bytes: u32, unit: &str) -> Result<f64, String> {
        let begins = format!("flow one-way via relay, msg 100 B, {write_bytes} B a write");
        let line = self.line(Part::Flow, &begins)?;
        if line.ends_with("BAD") {
            return Err(format!("the reference lost bytes: {line}"));
        }
        number(line, "", unit).ok_or_else(|| format!("no {unit} in '{line}'"))
    }

    /// Memory of an idle child, in KiB.
    ///
    /// # Errors
    /// Likewise.
    pub fn child_kib(&mut self) -> Result<f64, String> {
        let line = self.line(Part::Mem, "2000 idle forked children")?;
        number(line, "", "KiB").ok_or_else(|| format!("no KiB in '{line}'"))
    }
}

/// The number that begins so, or the one before that unit.
fn number(line: &str, begins: &str, unit: &str) -> Option<f64> {
    let words: Vec<_> = line.split_whitespace().collect();
    if unit.is_empty() {
        return words.iter().find_map(|word| word.strip_prefix(begins)?.parse().ok());
    }
    words.windows(2).find(|pair| pair[1] == unit).and_then(|pair| pair[0].parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_what_the_reference_prints() {
        let line = "RTT direct STREAM 100 B     n=20000 p50=11.5 p90=12.0 p99=30.1 us";
        assert_eq!(number(line, "p50=", ""), Some(11.5));
        let line = "flow one-way via relay, msg 100 B, 1600 B a write   9876543 msg/s  988 MB/s";
        assert_eq!(number(line, "", "msg/s"), Some(9_876_543.0));
        assert_eq!(number(line, "", "MB/s"), Some(988.0));
        let line = "2000 idle children: 228.4 KiB each of MemAvailable, 190.1 us a fork";
        assert_eq!(number(line, "", "KiB"), Some(228.4));
        assert_eq!(number(line, "", "GB"), None);
    }
}
