//! What a trial came to.

use super::plan::Test;
use super::record::Record;
use node::ChildEnd;
use std::time::Duration;

/// Whether a test has passed, and why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    /// It raised, returned an error or false, was ended, or could not be started.
    Failed,
    /// It ended well, and processes of it lived on.
    Leaked,
    /// It had not ended when its time was over.
    TimedOut,
    /// Whoever runs the tests did not want to wait for it.
    Interrupted,
}

impl Verdict {
    /// As `--json` names it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Failed => "failed",
            Verdict::Leaked => "leaked",
            Verdict::TimedOut => "timed_out",
            Verdict::Interrupted => "interrupted",
        }
    }
}

/// Why a trial was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Its time, so much, was over.
    Late(Duration),
    Interrupted,
}

/// What the runner saw of a trial.
#[derive(Debug)]
pub(crate) struct Seen {
    /// What it said, where it said something.
    pub(crate) record: Option<Record>,
    /// How its supervisor ended.
    pub(crate) end: ChildEnd,
    pub(crate) cut: Option<Cut>,
    /// What its processes have printed.
    pub(crate) output: Vec<u8>,
    pub(crate) took: Duration,
}

/// A test and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tested {
    pub(crate) test: Test,
    pub(crate) verdict: Verdict,
    /// What it said, with the error that the verdict has.
    pub(crate) record: Record,
    pub(crate) output: String,
    pub(crate) took: Duration,
}

/// What a trial came to.
pub(crate) fn judge(test: Test, seen: Seen) -> Tested {
    let Seen { record, end, cut, output, took } = seen;
    let (verdict, error) = match (cut, &record) {
        // Its body had ended well before, and only who was left had still some time.
        (Some(_), Some(record)) if record.error.is_none() => judge_record(record),
        (Some(Cut::Late(limit)), _) => {
            let limit = humantime::format_duration(limit);
            (Verdict::TimedOut, Some(format!("timed out: it had not ended after {limit}")))
        }
        (Some(Cut::Interrupted), _) => (Verdict::Interrupted, Some("interrupted".to_owned())),
        (None, None) => (Verdict::Failed, Some(lost(end))),
        (None, Some(record)) => judge_record(record),
    };
    let mut record = Record { error, ..record.unwrap_or_default() };
    if cut.is_some() {
        // What a test has raised when it was ended tells nothing of it.
        record.trace.clear();
    }
    let output = String::from_utf8_lossy(&output).into_owned();
    Tested { test, verdict, record, output, took }
}

fn judge_record(record: &Record) -> (Verdict, Option<String>) {
    match (&record.error, record.left()) {
        (Some(error), _) => (Verdict::Failed, Some(error.clone())),
        (None, 0) => (Verdict::Passed, None),
        (None, 1) => {
            (Verdict::Leaked, Some("leaked: 1 process lived on when the test had ended".to_owned()))
        }
        (None, left) => {
            let error = format!("leaked: {left} processes lived on when the test had ended");
            (Verdict::Leaked, Some(error))
        }
    }
}

fn lost(end: ChildEnd) -> String {
    let how = match end {
        ChildEnd::Code(code) => format!("exited with code {code}"),
        ChildEnd::Signal(signal) => {
            format!("was killed by signal {signal} ({})", ipc::signal_name(signal))
        }
    };
    format!("its supervisor {how} before it had said what came of the test")
}

/// How many tests came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) passed: usize,
    /// All that have not passed, also for one of the following reasons.
    pub(crate) failed: usize,
    pub(crate) timed_out: usize,
    pub(crate) leaked: usize,
    pub(crate) interrupted: usize,
    /// Those that were never begun.
    pub(crate) not_run: usize,
}

impl Summary {
    /// Counts one more.
    pub(crate) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::Failed => {}
            Verdict::Leaked => self.leaked += 1,
            Verdict::TimedOut => self.timed_out += 1,
            Verdict::Interrupted => self.interrupted += 1,
        }
        if verdict != Verdict::Passed {
            self.failed += 1;
        }
    }

    /// True where every test was run and has passed.
    pub(crate) fn is_well(&self) -> bool {
        self.failed == 0 && self.not_run == 0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::record::Leaked;
    use super::*;

    pub(crate) fn test(suite: &str, id: &str) -> Test {
        Test { suite: suite.to_owned(), order: 0.0, id: id.to_owned() }
    }

    pub(crate) fn left() -> Leaked {
        Leaked { pid: "{app:p|0x00002-aa}".into(), entry: "app:w".into(), os_pid: 7 }
    }

    fn seen(record: Option<Record>, cut: Option<Cut>) -> Seen {
        let (output, took) = (b"x\n".to_vec(), Duration::from_millis(5));
        Seen { record, end: ChildEnd::Code(0), cut, output, took }
    }

    fn judged(seen: Seen) -> (Verdict, String) {
        let tested = judge(test("", "app:t"), seen);
        (tested.verdict, tested.record.error.unwrap_or_default())
    }

    #[test]
    fn a_test_passes_where_nothing_is_wrong_and_nobody_is_left() {
        assert_eq!(judged(seen(Some(Record::default()), None)), (Verdict::Passed, String::new()));
        let one = Record { leaked: vec![left()], ..Record::default() };
        let two = Record { unnamed: 1, ..one.clone() };
        let says = |record, text: &str| {
            assert_eq!(judged(seen(Some(record), None)), (Verdict::Leaked, text.to_owned()));
        };
        says(one.clone(), "leaked: 1 process lived on when the test had ended");
        says(two, "leaked: 2 processes lived on when the test had ended");
        let failed = Record { error: Some("no".to_owned()), ..one };
        assert_eq!(judged(seen(Some(failed), None)), (Verdict::Failed, "no".to_owned()));
    }

    #[test]
    fn the_time_limit_comes_before_what_it_brought_about() {
        let record = Record {
            error: Some("terminated".to_owned()),
            trace: vec!["t.lua:1".to_owned()],
            leaked: vec![left()],
            ..Record::default()
        };
        for record in [Some(record), None] {
            let late = Some(Cut::Late(Duration::from_millis(1500)));
            let named = record.as_ref().map_or(0, Record::left);
            let tested = judge(test("", "app:t"), seen(record, late));
            assert_eq!(tested.verdict, Verdict::TimedOut);
            let error = "timed out: it had not ended after 1s 500ms";
            assert_eq!(tested.record.error.as_deref(), Some(error));
            assert_eq!((tested.record.trace.len(), tested.record.leaked.len()), (0, named));
        }
    }

    #[test]
    fn a_body_that_had_ended_is_not_late() {
        for cut in [Cut::Late(Duration::from_secs(1)), Cut::Interrupted] {
            let record = Record { leaked: vec![left()], ..Record::default() };
            let (verdict, _) = judged(seen(Some(record), Some(cut)));
            assert_eq!(verdict, Verdict::Leaked);
        }
    }

    #[test]
    fn a_trial_that_says_nothing_has_failed() {
        let killed = Seen { end: ChildEnd::Signal(9), ..seen(None, None) };
        let error = "its supervisor was killed by signal 9 (SIGKILL) before it had said what came of \
             the test";
        assert_eq!(judged(killed), (Verdict::Failed, error.to_owned()));
    }

    #[test]
    fn all_that_has_not_passed_has_failed() {
        let mut summary = Summary::default();
        assert!(summary.is_well());
        for verdict in [
            Verdict::Passed,
            Verdict::Failed,
            Verdict::Leaked,
            Verdict::TimedOut,
            Verdict::Interrupted,
        ] {
            summary.count(verdict);
        }
        assert_eq!((summary.passed, summary.failed), (1, 4));
        assert_eq!((summary.leaked, summary.timed_out, summary.interrupted), (1, 1, 1));
        assert!(!summary.is_well());
        assert!(!Summary { not_run: 1, passed: 1, ..Summary::default() }.is_well());
    }
}
