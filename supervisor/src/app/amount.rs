//! Amounts as a person writes them: bytes (`65536`, `64 MiB`), times (`1h30m`), counts.

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use std::fmt;

/// A scalar of a manifest that stands for an amount: a number, or a text that is one with its unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

struct AmountVisitor;

impl Visitor<'_> for AmountVisitor {
    type Value = Amount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or a text with a unit")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Amount, E> {
        Ok(Amount::Number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Amount, E> {
        Ok(u64::try_from(number).map_or_else(|_| Amount::Text(number.to_string()), Amount::Number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Amount, E> {
        Ok(Amount::Text(number.to_string()))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Amount, E> {
        Ok(Amount::Text(truth.to_string()))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
        Ok(Amount::Text(text.to_owned()))
    }

    /// An empty field must not mean the default: who wrote it meant something.
    fn visit_unit<E: Error>(self) -> Result<Amount, E> {
        Err(E::custom("a field without a value"))
    }
}

impl Amount {
    /// True for the word that lifts a limit.
    pub(super) fn is_none(&self) -> bool {
        matches!(self, Amount::Text(text) if text == "none")
    }

    /// A whole number.
    pub(super) fn count(&self) -> Option<u64> {
        match self {
            Amount::Number(number) => Some(*number),
            Amount::Text(text) => text.parse().ok(),
        }
    }

    /// A number that need not be whole.
    pub(super) fn ratio(&self) -> Option<f64> {
        match self {
            Amount::Number(number) => Some(*number as f64),
            Amount::Text(text) => text.parse().ok().filter(|ratio: &f64| ratio.is_finite()),
        }
    }

    /// Bytes: a whole number, with a unit or without.
    pub(super) fn bytes(&self) -> Option<u64> {
        let Amount::Text(text) = self else { return self.count() };
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let size: u64 = match unit.trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            "kB" | "KB" => 1000,
            "MB" => 1_000_000,
            "GB" => 1_000_000_000,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(size)
    }

    /// Nanoseconds: a duration as the Lua API takes it, such as `100ms` or `1h30m`.
    pub(super) fn nanoseconds(&self) -> Option<u64> {
        let Amount::Text(text) = self else { return None };
        let (mut rest, mut total) = (text.as_str(), 0u64);
        loop {
            let (number, after) = rest.split_at(rest.find(|c| !is_number(c))?);
            let (unit, next) = after.split_at(after.find(is_number).unwrap_or(after.len()));
            total = total.checked_add(part(number, unit)?)?;
            if next.is_empty() {
                return Some(total);
            }
            rest = next;
        }
    }
}

fn is_number(c: char) -> bool {
    c.is_ascii_digit() || c == '.'
}

/// Nanoseconds of one number with its unit; digits below a nanosecond are cut.
fn part(number: &str, unit: &str) -> Option<u64> {
    let size: u128 = match unit {
        "ns" => 1,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let places = u32::try_from(fraction.len()).ok()?;
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    u64::try_from(digits.checked_mul(size)? / 10u128.checked_pow(places)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Amount {
        Amount::Text(text.to_owned())
    }

    #[test]
    fn sizes() {
        let good = [
            ("65536", 65_536),
            ("0", 0),
            ("512B", 512),
            ("512KiB", 512 << 10),
            ("64MiB", 64 << 20),
            ("64 MiB", 64 << 20),
            ("1GiB", 1 << 30),
            ("3kB", 3_000),
            ("64MB", 64_000_000),
            ("2 GB", 2_000_000_000),
        ];
        for (written, bytes) in good {
            assert_eq!(text(written).bytes(), Some(bytes), "{written}");
        }
        assert_eq!(Amount::Number(7).bytes(), Some(7));
        let bad = ["", "MiB", "64M", "64mib", "64 TiB", "1.5GiB", "-1", "64MiB x", "none", "٣"];
        for written in bad.into_iter().chain(["99999999999999999999", "99999999999999GiB"]) {
            assert_eq!(text(written).bytes(), None, "{written}");
        }
    }

    #[test]
    fn durations() {
        let good = [
            ("100ms", 100_000_000),
            ("1h30m", 5_400_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("7us", 7_000),
            ("7µs", 7_000),
            ("2m0.5s", 120_500_000_000),
            ("0s", 0),
            ("0s5ns", 5),
            ("1.9999999999ns", 1),
        ];
        for (written, ns) in good {
            assert_eq!(text(written).nanoseconds(), Some(ns), "{written}");
        }
        assert_eq!(Amount::Number(60).nanoseconds(), None);
        let bad = ["", "60", "s", ".s", "1.2.3s", "-1s", "1 s", "1d", "1s2", "none", "1h 30m"];
        for written in bad.into_iter().chain(["9999999999h", "99999999999999999999999999999999h"]) {
            assert_eq!(text(written).nanoseconds(), None, "{written}");
        }
    }

    #[test]
    fn counts() {
        assert_eq!(Amount::Number(5).count(), Some(5));
        assert_eq!(text("5").count(), Some(5));
        for written in ["", "-1", "1.5", "5 ", "many"] {
            assert_eq!(text(written).count(), None, "{written}");
        }
    }
}
