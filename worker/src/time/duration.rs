//! Durations as texts, as Go writes and reads them.

/// The units, by the names that a text may give them.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    // The micro sign and the Greek letter.
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

const MAX: u64 = i64::MAX as u64;

/// Nanoseconds of a text such as "1h30m" or "-1.5s"; `None` where it is none.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if text == "0" {
        return Some(0);
    }
    let (mut total, mut rest) = (0u64, text);
    loop {
        let (part, more) = first(rest)?;
        total = total.checked_add(part).filter(|total| *total <= MAX + 1)?;
        rest = more;
        if rest.is_empty() {
            break;
        }
    }
    match negative {
        true => 0i64.checked_sub_unsigned(total),
        false => i64::try_from(total).ok(),
    }
}

/// The first number with its unit, in nanoseconds, and what follows.
fn first(text: &str) -> Option<(u64, &str)> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (whole, rest) = text.split_at(digits(text));
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(digits(rest)),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let is_number = |c: char| c == '.' || c.is_ascii_digit();
    let (unit, rest) = rest.split_at(rest.find(is_number).unwrap_or(rest.len()));
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let ns = whole.checked_mul(*unit)?.checked_add(part_of(fraction, *unit))?;
    Some((ns, rest))
}

/// What digits after the point are of a unit. Digits beyond the 18th are less than any nanosecond.
fn part_of(fraction: &str, unit: u64) -> u64 {
    let fraction = &fraction[..fraction.len().min(18)];
    let (mut digits, mut scale) = (0u64, 1u64);
    for digit in fraction.bytes() {
        (digits, scale) = (digits * 10 + u64::from(digit - b'0'), scale * 10);
    }
    let part = u128::from(digits) * u128::from(unit) / u128::from(scale);
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// The text: in the largest unit below a second, else in hours, minutes and seconds.
pub(crate) fn text(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    match ns {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{ns}ns"),
        1_000..1_000_000 => format!("{sign}{}\u{b5}s", decimal(ns, 1_000)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", decimal(ns, 1_000_000)),
        _ => {
            let (minutes, rest) = (ns / 60_000_000_000, ns % 60_000_000_000);
            let seconds = decimal(rest, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{sign}{seconds}s"),
                (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// A number of units with as many decimals as it has. The unit is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let width = unit.ilog10() as usize;
    let rest = format!("{rest:0width$}");
    format!("{whole}.{}", rest.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Go's `Duration.String` says.
    #[test]
    fn durations_are_written_as_in_go() {
        for (ns, wanted) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1\u{b5}s"),
            (2_000, "2\u{b5}s"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (245_000_000_000, "4m5s"),
            (245_001_000_000, "4m5.001s"),
            (5 * 3_600_000_000_000 + 367_001_000_000, "5h6m7.001s"),
            (5_400_000_000_000, "1h30m0s"),
            (480_000_000_001, "8m0.000000001s"),
            (-1_500_000_000, "-1.5s"),
            (i64::MAX, "2562047h47m16.854775807s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(text(ns), wanted, "{ns}");
        }
    }

    /// What Go's `ParseDuration` takes.
    #[test]
    fn durations_are_read_as_in_go() {
        const S: i64 = 1_000_000_000;
        for (text, ns) in [
            ("0", 0),
            ("+0", 0),
            ("5s", 5 * S),
            ("1478s", 1478 * S),
            ("-5s", -5 * S),
            ("+5s", 5 * S),
            ("5.0s", 5 * S),
            ("5.6s", 5 * S + 600_000_000),
            ("5.s", 5 * S),
            (".5s", 500_000_000),
            ("1.004s", S + 4_000_000),
            ("100.00100s", 100 * S + 1_000_000),
            ("10ns", 10),
            ("11us", 11_000),
            ("12\u{b5}s", 12_000),
            ("12\u{3bc}s10ns", 12_010),
            ("13ms", 13_000_000),
            ("3h30m", 12_600 * S),
            ("10.5s4m", 250 * S + 500_000_000),
            ("-2m3.4s", -123 * S - 400_000_000),
            ("1h2m3s4ms5us6ns", 3723 * S + 4_005_006),
            ("39h9m14.425s", 140_954 * S + 425_000_000),
            ("52763797000ns", 52_763_797_000),
            ("0.3333333333333333333h", 1_200 * S - 1),
            ("9007199254740993ns", 9_007_199_254_740_993),
            ("9223372036854775807ns", i64::MAX),
            ("9223372036854775.807us", i64::MAX),
            ("-9223372036854775808ns", i64::MIN),
        ] {
            assert_eq!(parse(text), Some(ns), "{text}");
        }
    }

    #[test]
    fn other_texts_are_none() {
        for text in [
            "",
            "3",
            "-",
            "s",
            ".",
            "-.",
            ".s",
            "+.s",
            "1d",
            "1 s",
            " 1s",
            "1s ",
            "--1s",
            "1..5s",
            "3000000h",
            "9223372036854775808ns",
            "9223372036854775.808us",
            "-9223372036854775809ns",
            "99999999999999999999s",
            "1e3s",
            "1S",
            "\u{85}85s",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_the_same(ns in any::<i64>()) {
            prop_assert_eq!(parse(&text(ns)), Some(ns));
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".*") {
            parse(&text);
        }
    }
}
