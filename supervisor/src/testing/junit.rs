//! The report in JUnit's form, which most programs that run builds can show.

use super::show::{output, reasons};
use super::verdict::{Tested, Verdict};
use std::fmt::Write;
use std::time::Duration;

/// The whole file.
pub(crate) fn report(all: &[Tested], took: Duration) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (tests, failures) = (all.len(), failures(all));
    put(&mut xml, format_args!("<testsuites{}>\n", counts(tests, failures, took)));
    for suite in all.chunk_by(|a, b| a.test.suite == b.test.suite) {
        put_suite(&mut xml, suite);
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn put(xml: &mut String, text: std::fmt::Arguments<'_>) {
    // A String takes every text.
    let _ = xml.write_fmt(text);
}

fn failures(all: &[Tested]) -> usize {
    all.iter().filter(|tested| tested.verdict != Verdict::Passed).count()
}

fn counts(tests: usize, failures: usize, took: Duration) -> String {
    let time = took.as_secs_f64();
    format!(" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" time=\"{time:.3}\"")
}

/// The name of what has no suite: readers show nothing where there is none.
fn suite_name(tested: &Tested) -> String {
    let suite = tested.test.suite.as_str();
    escaped(if suite.is_empty() { "tests" } else { suite })
}

fn put_suite(xml: &mut String, suite: &[Tested]) {
    let name = suite.first().map(suite_name).unwrap_or_default();
    let took = suite.iter().map(|tested| tested.took).sum();
    let counts = counts(suite.len(), failures(suite), took);
    put(xml, format_args!("  <testsuite name=\"{name}\"{counts}>\n"));
    for tested in suite {
        let (id, time) = (escaped(&tested.test.id), tested.took.as_secs_f64());
        let case = format!("name=\"{id}\" classname=\"{name}\" time=\"{time:.3}\"");
        put(xml, format_args!("    <testcase {case}>\n"));
        put_outcome(xml, tested);
        xml.push_str("    </testcase>\n");
    }
    xml.push_str("  </testsuite>\n");
}

fn put_outcome(xml: &mut String, tested: &Tested) {
    if tested.verdict != Verdict::Passed {
        let kind = tested.verdict.as_str();
        let lines = reasons(tested);
        let message = lines.first().map(|line| escaped(line)).unwrap_or_default();
        let text = escaped(&lines.join("\n"));
        let attributes = format!("type=\"{kind}\" message=\"{message}\"");
        put(xml, format_args!("      <failure {attributes}>{text}</failure>\n"));
    }
    let printed: Vec<_> = output(tested).map(|line| escaped(&line)).collect();
    if !printed.is_empty() {
        let printed = printed.join("\n");
        put(xml, format_args!("      <system-out>{printed}</system-out>\n"));
    }
}

/// A text in XML, in an attribute too. What must not be in XML at all is shown as `\u{N}`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' | ' '..='\u{fffd}' | '\u{10000}'.. => out.push(c),
            other => out.extend(other.escape_unicode()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::verdict::tests::test;
    use super::super::verdict::{Seen, judge};
    use super::super::{plan::Test, record::Record};
    use super::*;
    use node::ChildEnd;

    fn tested(test: Test, error: Option<&str>) -> Tested {
        let record = Record { error: error.map(str::to_owned), ..Record::default() };
        let (output, took) = (b"<a> \x01\n".to_vec(), Duration::from_millis(500));
        judge(test, Seen { record: Some(record), end: ChildEnd::Code(0), cut: None, output, took })
    }

    #[test]
    fn a_report_has_suites_cases_and_failures() {
        let all = [
            tested(test("", "app:a"), None),
            tested(test("po\"ol", "app:b"), Some("t.lua:1: a < b\nand more")),
        ];
        let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="2" failures="1" errors="0" time="1.000">
  <testsuite name="tests" tests="1" failures="0" errors="0" time="0.500">
    <testcase name="app:a" classname="tests" time="0.500">
      <system-out>&lt;a&gt; \x01</system-out>
    </testcase>
  </testsuite>
  <testsuite name="po&quot;ol" tests="1" failures="1" errors="0" time="0.500">
    <testcase name="app:b" classname="po&quot;ol" time="0.500">
      <failure type="failed" message="t.lua:1: a &lt; b">t.lua:1: a &lt; b
and more</failure>
      <system-out>&lt;a&gt; \x01</system-out>
    </testcase>
  </testsuite>
</testsuites>
"#;
        assert_eq!(report(&all, Duration::from_secs(1)), expected);
    }

    #[test]
    fn what_xml_does_not_know_is_shown() {
        assert_eq!(escaped("a\u{1}\u{fffe}\u{1f41d}\r"), "a\\u{1}\\u{fffe}\u{1f41d}\\u{d}");
    }
}
