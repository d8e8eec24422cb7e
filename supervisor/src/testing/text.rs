//! What people read of tests.

use super::show::{output, reasons, seconds};
use super::verdict::{Summary, Tested, Verdict};
use std::time::Duration;

/// Whether words have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Colours,
}

impl Paint {
    fn green(self, word: &str) -> String {
        self.with("32", word)
    }

    fn red(self, word: &str) -> String {
        self.with("31", word)
    }

    fn with(self, code: &str, word: &str) -> String {
        match self {
            Paint::Plain => word.to_owned(),
            Paint::Colours => format!("\x1b[{code}m{word}\x1b[0m"),
        }
    }
}

/// The line of a test, below the one of its suite.
pub(crate) fn line(tested: &Tested, paint: Paint) -> String {
    let word = match tested.verdict {
        Verdict::Passed => paint.green("passed   "),
        Verdict::Failed => paint.red("FAILED   "),
        Verdict::Leaked => paint.red("LEAKED   "),
        Verdict::TimedOut => paint.red("TIMED OUT"),
        Verdict::Interrupted => paint.red("STOPPED  "),
    };
    let indent = if tested.test.suite.is_empty() { "" } else { "  " };
    format!("{indent}{word} {} ({})", tested.test.id, seconds(tested.took))
}

/// All that is known of one that has not passed.
pub(crate) fn failure(tested: &Tested, paint: Paint) -> String {
    let mut text = format!("\n{}\n", paint.red(&format!("{}:", tested.test.id)));
    for line in reasons(tested) {
        text.push_str(&format!("  {line}\n"));
    }
    let mut lines = output(tested).peekable();
    if lines.peek().is_some() {
        text.push_str("  printed:\n");
    }
    for line in lines {
        text.push_str(&format!("    {line}\n"));
    }
    text
}

/// The last line.
pub(crate) fn summary(summary: &Summary, took: Duration, paint: Paint) -> String {
    let Summary { passed, failed, timed_out, leaked, interrupted, not_run } = *summary;
    let passed = format!("{passed} passed");
    let mut text = if summary.is_well() { paint.green(&passed) } else { passed };
    if failed > 0 {
        let why = [(leaked, "leaked"), (timed_out, "timed out"), (interrupted, "interrupted")];
        let why = why.iter().filter(|(count, _)| *count > 0);
        let why: Vec<_> = why.map(|(count, what)| format!("{count} {what}")).collect();
        let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
        text.push_str(&format!(", {}{why}", paint.red(&format!("{failed} failed"))));
    }
    if not_run > 0 {
        text.push_str(&format!(", {not_run} not run"));
    }
    format!("{text}, in {}", seconds(took))
}

/// Bytes of a line that is rewritten: one that wraps could not be.
const PROGRESS_MAX: usize = 79;

/// The line that a terminal shows meanwhile.
pub(crate) fn progress(done: usize, all: usize, failed: usize, running: &[&str]) -> String {
    let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
    let mut line = format!("{done} of {all}{failures}: {}", running.join(", "));
    line.truncate(line.floor_char_boundary(PROGRESS_MAX));
    line
}

#[cfg(test)]
mod tests {
    use super::super::record::Record;
    use super::super::verdict::tests::{left, test};
    use super::*;

    fn tested(suite: &str, verdict: Verdict) -> Tested {
        let record = Record {
            error: Some("t.lua:3: no\x1b[2J".to_owned()),
            trace: vec!["t.lua:3 function check".to_owned()],
            leaked: vec![left()],
            unnamed: 2,
            ..Record::default()
        };
        let output = "hello\n[app:w 0x2] \x07\n".to_owned();
        let test = test(suite, "app:t");
        Tested { test, verdict, record, output, took: Duration::from_millis(1234) }
    }

    #[test]
    fn a_line_says_what_came_of_a_test() {
        let passed = line(&tested("", Verdict::Passed), Paint::Plain);
        assert_eq!(passed, "passed    app:t (1.234 s)");
        let late = line(&tested("pool", Verdict::TimedOut), Paint::Plain);
        assert_eq!(late, "  TIMED OUT app:t (1.234 s)");
        let failed = line(&tested("", Verdict::Failed), Paint::Colours);
        assert_eq!(failed, "\x1b[31mFAILED   \x1b[0m app:t (1.234 s)");
    }

    #[test]
    fn a_failure_has_its_place_who_was_left_and_what_was_printed() {
        let expected = "
app:t:
  t.lua:3: no\\x1b[2J
      at t.lua:3 function check
      still there: {app:p|0x00002-aa} is app:w in OS process 7
      and 2 more
  printed:
    hello
    [app:w 0x2] \\x07
";
        assert_eq!(failure(&tested("", Verdict::Failed), Paint::Plain), expected);
    }

    #[test]
    fn the_summary_counts() {
        let text = |counts| summary(&counts, Duration::from_millis(20), Paint::Plain);
        let well = Summary { passed: 2, ..Summary::default() };
        assert_eq!(text(well), "2 passed, in 0.020 s");
        let ill = Summary { failed: 4, leaked: 1, timed_out: 2, not_run: 3, ..well };
        assert_eq!(text(ill), "2 passed, 4 failed (1 leaked, 2 timed out), 3 not run, in 0.020 s");
        assert_eq!(text(Summary { failed: 1, ..well }), "2 passed, 1 failed, in 0.020 s");
    }

    #[test]
    fn progress_is_one_line_that_does_not_wrap() {
        assert_eq!(progress(1, 3, 0, &["app:a", "app:b"]), "1 of 3: app:a, app:b");
        let long = progress(1, 3, 1, &["ü"; 100]);
        assert!(long.starts_with("1 of 3, 1 failed: ü, ") && long.len() <= PROGRESS_MAX);
    }
}
