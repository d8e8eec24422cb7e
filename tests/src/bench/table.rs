//! Figures, what they are held against, and the table of both.

use super::median;
use std::fmt::Write;

/// Which figures are good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The smaller, the better.
    Less,
    /// The larger, the better.
    More,
}

/// What one measurement gives.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// wabe's figure.
    pub own: f64,
    /// What it is held against; where there is nothing, `must` and `aim` are figures.
    pub other: Option<f64>,
}

/// A line of the table.
#[derive(Debug)]
pub struct Line<'a> {
    /// What is measured.
    pub what: &'a str,
    /// The unit of both figures.
    pub unit: &'a str,
    /// What it is held against.
    pub against: &'a str,
    /// Which figures are good.
    pub better: Better,
    /// The floor of the ratio, or of the figure.
    pub must: f64,
    /// What to work for.
    pub aim: f64,
    /// What each round gave; at least one.
    pub samples: &'a [Sample],
}

/// What is shown has two digits after the point: of a bound of none, so much is still none.
const NOTHING: f64 = 0.005;

impl Line<'_> {
    fn medians(&self) -> (f64, Option<f64>) {
        let own = median(&mut self.samples.iter().map(|sample| sample.own).collect::<Vec<_>>());
        let mut other: Vec<_> = self.samples.iter().filter_map(|sample| sample.other).collect();
        (own, (!other.is_empty()).then(|| median(&mut other)))
    }

    fn passes(&self, value: f64, bound: f64) -> bool {
        match self.better {
            Better::Less => value <= bound.max(NOTHING),
            Better::More => value >= bound,
        }
    }

    fn past(&self, value: f64) -> &'static str {
        match (self.passes(value, self.must), self.passes(value, self.aim)) {
            (_, true) => "aim",
            (true, false) => "must",
            (false, false) => "no",
        }
    }
}

impl std::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (own, other) = self.medians();
        let ratio = other.map(|other| own / other);
        let shown = |value: f64| figure(value, self.unit);
        let against = match other {
            Some(other) => format!("{} ({})", shown(other), self.against),
            None => "–".to_owned(),
        };
        let (ratio_text, bound): (_, &dyn Fn(f64) -> String) = match ratio {
            Some(ratio) if ratio < 0.1 => (format!("{ratio:.3}"), &|bound| format!("{bound:.2}")),
            Some(ratio) => (format!("{ratio:.2}"), &|bound| format!("{bound:.2}")),
            None => ("–".to_owned(), &shown),
        };
        let (must, aim) = (bound(self.must), bound(self.aim));
        let past = self.past(ratio.unwrap_or(own));
        write!(
            f,
            "| {} | {} | {against} | {ratio_text} | {must} | {aim} | {past} |",
            self.what,
            shown(own)
        )
    }
}

/// The table of these lines, in Markdown.
#[must_use]
pub fn table(lines: &[Line<'_>]) -> String {
    let mut text = "| what | wabe | reference | ratio | must | aim | past |\n\
                    |---|---|---|---|---|---|---|\n"
        .to_owned();
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// A number with three digits or more, and its unit.
#[must_use]
pub fn figure(value: f64, unit: &str) -> String {
    let number = match value.abs() {
        large if large >= 99.95 => count(value.round()),
        middle if middle >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    };
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// A whole number, with a comma before each three digits.
#[must_use]
pub fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(better: Better, must: f64, aim: f64, samples: &[Sample]) -> Line<'_> {
        Line { what: "w", unit: "us", against: "r", better, must, aim, samples }
    }

    #[test]
    fn figures_are_readable() {
        let all = [1_234_567.8, 999.5, 100.0, 42.26, 7.125, 0.0, -1234.0];
        let shown = all.map(|value| figure(value, ""));
        assert_eq!(shown, ["1,234,568", "1,000", "100", "42.3", "7.12", "0.00", "-1,234"]);
        assert_eq!(figure(12.0, "us"), "12.0 us");
    }

    #[test]
    fn a_ratio_of_medians_is_held_against_must_and_aim() {
        let samples = [(30.0, 10.0), (10.0, 10.0), (20.0, 10.0)]
            .map(|(own, other)| Sample { own, other: Some(other) });
        let text = line(Better::Less, 3.0, 2.0, &samples).to_string();
        assert_eq!(text, "| w | 20.0 us | 10.0 us (r) | 2.00 | 3.00 | 2.00 | aim |");
        assert!(line(Better::Less, 2.0, 1.5, &samples).to_string().ends_with("| must |"));
        assert!(line(Better::Less, 1.5, 1.0, &samples).to_string().ends_with("| no |"));
        assert!(line(Better::More, 1.5, 2.5, &samples).to_string().ends_with("| must |"));
    }

    #[test]
    fn what_is_nearly_there_is_not_there() {
        let samples = [Sample { own: 46.0, other: Some(1000.0) }];
        let text = line(Better::More, 0.05, 0.15, &samples).to_string();
        assert_eq!(text, "| w | 46.0 us | 1,000 us (r) | 0.046 | 0.05 | 0.15 | no |");
        let none = [Sample { own: 0.004, other: None }];
        assert!(line(Better::Less, 0.05, 0.0, &none).to_string().ends_with("| aim |"));
    }

    #[test]
    fn without_a_reference_the_figure_itself_is_held() {
        let samples = [Sample { own: 0.03, other: None }];
        let text = line(Better::Less, 0.05, 0.0, &samples).to_string();
        assert_eq!(text, "| w | 0.03 us | – | – | 0.05 us | 0.00 us | must |");
    }
}
