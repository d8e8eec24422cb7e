//! Times as texts.

use super::civil::Civil;
use super::layout::{Field, Offset, next};
use super::zone::{Local, Zone};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Letters of a short name of a month or a day of the week.
pub(super) const SHORT: usize = 3;

/// A time that is to be written.
struct Moment<'a> {
    civil: Civil,
    nanosecond: u32,
    local: Local<'a>,
}

/// The text that a layout makes of a time at a place.
pub(crate) fn format(zone: &Zone, seconds: i64, nanosecond: u32, layout: &[u8]) -> Vec<u8> {
    let local = zone.at(seconds);
    let civil = Civil::at(seconds + i64::from(local.offset));
    let moment = Moment { civil, nanosecond, local };
    let (mut out, mut rest) = (Vec::with_capacity(layout.len() + 16), layout);
    loop {
        let chunk = next(rest);
        out.extend_from_slice(chunk.prefix);
        let Some((field, _)) = chunk.field else { return out };
        out.extend_from_slice(moment.text(field).as_bytes());
        rest = chunk.rest;
    }
}

impl Moment<'_> {
    fn text(&self, field: Field) -> String {
        let Civil { year, month, day, hour, minute, second, weekday, year_day } = self.civil;
        let (month_name, day_name) =
            (MONTHS[usize::from(month) - 1], WEEKDAYS[usize::from(weekday)]);
        let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
        match field {
            Field::LongMonth => month_name.to_owned(),
            Field::Month => month_name[..SHORT].to_owned(),
            Field::NumMonth => month.to_string(),
            Field::ZeroMonth => format!("{month:02}"),
            Field::LongWeekDay => day_name.to_owned(),
            Field::WeekDay => day_name[..SHORT].to_owned(),
            Field::Day => day.to_string(),
            Field::UnderDay => format!("{day:2}"),
            Field::ZeroDay => format!("{day:02}"),
            Field::UnderYearDay => format!("{year_day:3}"),
            Field::ZeroYearDay => format!("{year_day:03}"),
            Field::Hour => format!("{hour:02}"),
            Field::Hour12 => hour12.to_string(),
            Field::ZeroHour12 => format!("{hour12:02}"),
            Field::Minute => minute.to_string(),
            Field::ZeroMinute => format!("{minute:02}"),
            Field::Second => second.to_string(),
            Field::ZeroSecond => format!("{second:02}"),
            // The sign is no part of the width.
            Field::LongYear if year < 0 => format!("-{:04}", -year),
            Field::LongYear => format!("{year:04}"),
            Field::Year => format!("{:02}", year.max(0) % 100),
            Field::Pm => (if hour < 12 { "AM" } else { "PM" }).to_owned(),
            Field::LowerPm => (if hour < 12 { "am" } else { "pm" }).to_owned(),
            Field::Abbreviation if self.local.abbreviation.is_empty() => {
                offset(self.local.offset, Offset::Minutes)
            }
            Field::Abbreviation => self.local.abbreviation.to_owned(),
            Field::OrZ(_) if self.local.offset == 0 => "Z".to_owned(),
            Field::OrZ(form) | Field::Offset(form) => offset(self.local.offset, form),
            Field::Fraction { digits, trimmed, comma } => {
                fraction(self.nanosecond, digits, trimmed, comma)
            }
        }
    }
}

fn offset(seconds: i32, form: Offset) -> String {
    // As Go: the sign is that of whole minutes.
    let sign = if seconds / 60 < 0 { '-' } else { '+' };
    let seconds = seconds.unsigned_abs();
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match form {
        Offset::Hours => format!("{sign}{hours:02}"),
        Offset::Minutes => format!("{sign}{hours:02}{minutes:02}"),
        Offset::Seconds => format!("{sign}{hours:02}{minutes:02}{rest:02}"),
        Offset::ColonMinutes => format!("{sign}{hours:02}:{minutes:02}"),
        Offset::ColonSeconds => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}

/// There are at most nine decimals, however many the layout has.
fn fraction(nanosecond: u32, digits: usize, trimmed: bool, comma: bool) -> String {
    let decimals = format!("{nanosecond:09}");
    let mut decimals = &decimals[..digits.min(decimals.len())];
    if trimmed {
        decimals = decimals.trim_end_matches('0');
        if decimals.is_empty() {
            return String::new();
        }
    }
    format!("{}{decimals}", if comma { ',' } else { '.' })
}
