//! What machines read of tests: a line for each, and one for all.

use super::record::Record;
use super::verdict::{Summary, Tested};
use serde_json::{Value, json};
use std::time::Duration;

/// The line of a test.
pub(crate) fn line(tested: &Tested) -> Value {
    let Tested { test, verdict, record, output, took } = tested;
    let Record { error, trace, exit, leaked, unnamed } = record;
    json!({
        "type": "test",
        "id": test.id,
        "suite": if test.suite.is_empty() { Value::Null } else { test.suite.as_str().into() },
        "verdict": verdict.as_str(),
        "error": error,
        "trace": trace,
        "exit": exit,
        "leaked": leaked,
        "leaked_unnamed": unnamed,
        "output": output,
        "seconds": took.as_secs_f64(),
    })
}

/// The last line.
pub(crate) fn summary(summary: &Summary, took: Duration) -> Value {
    let Summary { passed, failed, timed_out, leaked, interrupted, not_run } = summary;
    json!({
        "type": "summary",
        "passed": passed,
        "failed": failed,
        "leaked": leaked,
        "timed_out": timed_out,
        "interrupted": interrupted,
        "not_run": not_run,
        "seconds": took.as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::verdict::tests::test;
    use super::super::verdict::{Cut, Seen, judge};
    use super::*;
    use node::ChildEnd;

    #[test]
    fn a_line_has_every_field_and_no_line_break() {
        let cut = Some(Cut::Interrupted);
        let (output, took) = (b"a\nb\xff\n".to_vec(), Duration::from_millis(1500));
        let seen = Seen { record: None, end: ChildEnd::Code(1), cut, output, took };
        let line = line(&judge(test("", "app:t"), seen));
        let expected = json!({
            "type": "test", "id": "app:t", "suite": null, "verdict": "interrupted",
            "error": "interrupted", "trace": [], "exit": null, "leaked": [], "leaked_unnamed": 0,
            "output": "a\nb\u{fffd}\n", "seconds": 1.5,
        });
        assert_eq!(line, expected);
        assert!(!line.to_string().contains('\n'));
    }
}
