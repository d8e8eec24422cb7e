//! Texts as times, as Go's `time.Parse` reads them.

use super::civil::{SECOND_NS, days_in, month_and_day, seconds_of};
use super::format::{MONTHS, SHORT, WEEKDAYS};
use super::layout::{Field, next};
use super::take::{
    Fault::{Absent, Range},
    Read, abbreviation_at, decimals_at, skip, take, take_fraction, take_name, take_offset, take_pm,
    take_within,
};
use super::zone::Zone;

/// A time that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) seconds: i64,
    pub(crate) nanosecond: u32,
    pub(crate) place: Place,
}

/// Where the text says that it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// It says nothing.
    Unsaid,
    Utc,
    /// In the local zone: what it says holds there.
    Local,
    /// Somewhere else.
    Made {
        abbreviation: String,
        offset: i32,
    },
}

/// What the fields have said so far.
#[derive(Default)]
struct Said {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    /// True for PM.
    afternoon: Option<bool>,
    utc: bool,
    offset: Option<i32>,
    abbreviation: Option<String>,
}

/// Reads a text by a layout. `unsaid`: the place of a text that names none; `local`: the place that one
/// means by its offset or its abbreviation, if they hold there.
///
/// # Errors
/// What is wrong, in Go's words.
pub(crate) fn parse(
    layout: &[u8],
    text: &[u8],
    unsaid: &Zone,
    local: &Zone,
) -> Result<Parsed, String> {
    let (mut said, mut layout_rest, mut value) = (Said::default(), layout, text);
    let cannot = |part: &[u8], at: &[u8]| {
        let [text, layout, at, part] = [text, layout, at, part].map(quoted);
        format!("parsing time {text} as {layout}: cannot parse {at} as {part}")
    };
    let wrong = |what: &str| format!("parsing time {}: {what}", quoted(text));
    loop {
        let chunk = next(layout_rest);
        value = skip(value, chunk.prefix).map_err(|at| cannot(chunk.prefix, at))?;
        let Some((field, written)) = chunk.field else { break };
        layout_rest = chunk.rest;
        let hold = value;
        match said.field(field, &mut value, layout_rest) {
            Ok(()) => {}
            Err(Absent) => return Err(cannot(written, hold)),
            Err(Range(what)) => return Err(wrong(&format!("{what} out of range"))),
        }
    }
    if !value.is_empty() {
        return Err(wrong(&format!("extra text: {}", quoted(value))));
    }
    said.settle().map_err(wrong)?;
    said.place(unsaid, local).ok_or_else(|| wrong("year out of range"))
}

/// Bytes of a text that an error repeats.
const QUOTED_MAX: usize = 128;

fn quoted(text: &[u8]) -> String {
    let shown = String::from_utf8_lossy(&text[..text.len().min(QUOTED_MAX)]);
    match text.len() > QUOTED_MAX {
        true => format!("{:?}", shown + "…"),
        false => format!("{shown:?}"),
    }
}

impl Said {
    /// Takes one field. `later`: what follows in the layout.
    fn field(&mut self, field: Field, value: &mut &[u8], later: &[u8]) -> Read<()> {
        match field {
            Field::Year => {
                let year = take(value, 2, true)?;
                self.year = if year >= 69 { year + 1900 } else { year + 2000 };
            }
            Field::LongYear => self.year = take(value, 4, true)?,
            Field::Month => self.month = Some(take_name(value, &MONTHS, Some(SHORT))?),
            Field::LongMonth => self.month = Some(take_name(value, &MONTHS, None)?),
            Field::NumMonth | Field::ZeroMonth => {
                let fixed = field == Field::ZeroMonth;
                self.month = Some(take_within(value, fixed, (1, 12), "month")?);
            }
            // The day of the week follows from the others; it is only looked at.
            Field::WeekDay => {
                take_name(value, &WEEKDAYS, Some(SHORT))?;
            }
            Field::LongWeekDay => {
                take_name(value, &WEEKDAYS, None)?;
            }
            Field::Day | Field::UnderDay | Field::ZeroDay => {
                if field == Field::UnderDay {
                    *value = value.strip_prefix(b" ").unwrap_or(value);
                }
                self.day = Some(take(value, 2, field == Field::ZeroDay)?);
            }
            Field::UnderYearDay | Field::ZeroYearDay => {
                if field == Field::UnderYearDay {
                    let spaces = value.iter().take(2).take_while(|byte| **byte == b' ').count();
                    *value = &value[spaces..];
                }
                self.year_day = Some(take(value, 3, field == Field::ZeroYearDay)?);
            }
            _ => return self.clock(field, value, later),
        }
        Ok(())
    }

    fn clock(&mut self, field: Field, value: &mut &[u8], later: &[u8]) -> Read<()> {
        match field {
            Field::Hour => self.hour = take_within(value, false, (0, 23), "hour")?,
            Field::Hour12 | Field::ZeroHour12 => {
                let fixed = field == Field::ZeroHour12;
                self.hour = take_within(value, fixed, (0, 12), "hour")?;
            }
            Field::Minute | Field::ZeroMinute => {
                let fixed = field == Field::ZeroMinute;
                self.minute = take_within(value, fixed, (0, 59), "minute")?;
            }
            Field::Second | Field::ZeroSecond => {
                let fixed = field == Field::ZeroSecond;
                self.second = take_within(value, fixed, (0, 59), "second")?;
                // A text may have decimals that its layout does not speak of.
                let foreseen = matches!(next(later).field, Some((Field::Fraction { .. }, _)));
                let decimals = decimals_at(value);
                if decimals > 0 && !foreseen {
                    self.nanosecond = take_fraction(value, decimals)?;
                }
            }
            Field::Fraction { digits, trimmed: false, .. } => {
                self.nanosecond = take_fraction(value, digits)?;
            }
            Field::Fraction { .. } => {
                let decimals = decimals_at(value);
                if decimals > 0 {
                    self.nanosecond = take_fraction(value, decimals)?;
                }
            }
            Field::Pm => self.afternoon = Some(take_pm(value, b"AM", b"PM")?),
            Field::LowerPm => self.afternoon = Some(take_pm(value, b"am", b"pm")?),
            _ => return self.zone(field, value),
        }
        Ok(())
    }

    fn zone(&mut self, field: Field, value: &mut &[u8]) -> Read<()> {
        match field {
            Field::OrZ(_) if value.starts_with(b"Z") => {
                (self.utc, *value) = (true, &value[1..]);
            }
            Field::OrZ(form) | Field::Offset(form) => {
                self.offset = Some(take_offset(value, form)?);
            }
            _ if value.starts_with(b"UTC") => (self.utc, *value) = (true, &value[3..]),
            _ => {
                let (name, rest) = value.split_at(abbreviation_at(value));
                if name.is_empty() {
                    return Err(Absent);
                }
                *value = rest;
                self.abbreviation = Some(String::from_utf8_lossy(name).into_owned());
            }
        }
        Ok(())
    }

    /// Makes one date of all that was said of it.
    fn settle(&mut self) -> Result<(), &'static str> {
        match self.afternoon {
            Some(true) if self.hour < 12 => self.hour += 12,
            Some(false) if self.hour == 12 => self.hour = 0,
            _ => {}
        }
        if let Some(year_day) = self.year_day {
            let found = month_and_day(self.year, year_day);
            let (month, day) = found.ok_or("day-of-year out of range")?;
            if self.month.is_some_and(|said| said != month) {
                return Err("day-of-year does not match month");
            }
            if self.day.is_some_and(|said| said != day) {
                return Err("day-of-year does not match day");
            }
            (self.month, self.day) = (Some(month), Some(day));
        }
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        (self.month, self.day) = (Some(month), Some(day));
        match day >= 1 && day <= days_in(self.year, month) {
            true => Ok(()),
            false => Err("day out of range"),
        }
    }

    fn place(self, unsaid: &Zone, local: &Zone) -> Option<Parsed> {
        let (month, day) = (self.month.unwrap_or(1), self.day.unwrap_or(1));
        let fields = [self.year, month, day, self.hour, self.minute, self.second];
        debug_assert!(self.nanosecond < SECOND_NS);
        let nanosecond = self.nanosecond as u32;
        let parsed = |seconds, place| Some(Parsed { seconds, nanosecond, place });
        let shown = seconds_of(fields)?;
        if self.utc {
            return parsed(shown, Place::Utc);
        }
        let abbreviation = self.abbreviation.unwrap_or_default();
        if let Some(offset) = self.offset {
            let seconds = shown - i64::from(offset);
            let there = local.at(seconds);
            let fits = abbreviation.is_empty() || there.abbreviation == abbreviation;
            return match there.offset == offset && fits {
                true => parsed(seconds, Place::Local),
                false => parsed(seconds, Place::Made { abbreviation, offset }),
            };
        }
        if abbreviation.is_empty() {
            return parsed(unsaid.seconds_of(fields)?, Place::Unsaid);
        }
        if let Some(offset) = local.offset_of(&abbreviation, shown) {
            return parsed(shown - i64::from(offset), Place::Local);
        }
        // What it means is not known, but for an offset from Greenwich. As in Go, the clock is then
        // taken for that of UTC.
        let hours = abbreviation.strip_prefix("GMT").and_then(|hours| hours.parse::<i32>().ok());
        parsed(shown, Place::Made { abbreviation, offset: hours.unwrap_or(0) * 3600 })
    }
}
