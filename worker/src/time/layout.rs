//! Layouts as Go has them: a layout shows how the time `Mon Jan 2 15:04:05 MST 2006` (-0700) is written.

/// What stands in a layout for a part of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekDay,
    WeekDay,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    Pm,
    LowerPm,
    Abbreviation,
    /// An offset, or `Z` where it is none.
    OrZ(Offset),
    Offset(Offset),
    /// Decimals of a second, with the point or comma before them.
    Fraction {
        digits: usize,
        /// Zeros at the end are left out.
        trimmed: bool,
        comma: bool,
    },
}

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offset {
    /// `-07`
    Hours,
    /// `-0700`
    Minutes,
    /// `-070000`
    Seconds,
    /// `-07:00`
    ColonMinutes,
    /// `-07:00:00`
    ColonSeconds,
}

/// The texts of fields. Of those that begin alike the longest comes first.
const FIELDS: &[(&str, Field)] = &[
    ("January", Field::LongMonth),
    ("Jan", Field::Month),
    ("Monday", Field::LongWeekDay),
    ("Mon", Field::WeekDay),
    ("MST", Field::Abbreviation),
    ("01", Field::ZeroMonth),
    ("02", Field::ZeroDay),
    ("03", Field::ZeroHour12),
    ("04", Field::ZeroMinute),
    ("05", Field::ZeroSecond),
    ("06", Field::Year),
    ("002", Field::ZeroYearDay),
    ("15", Field::Hour),
    ("1", Field::NumMonth),
    ("2006", Field::LongYear),
    ("2", Field::Day),
    ("_2", Field::UnderDay),
    ("__2", Field::UnderYearDay),
    ("3", Field::Hour12),
    ("4", Field::Minute),
    ("5", Field::Second),
    ("PM", Field::Pm),
    ("pm", Field::LowerPm),
    ("Z07:00:00", Field::OrZ(Offset::ColonSeconds)),
    ("Z070000", Field::OrZ(Offset::Seconds)),
    ("Z07:00", Field::OrZ(Offset::ColonMinutes)),
    ("Z0700", Field::OrZ(Offset::Minutes)),
    ("Z07", Field::OrZ(Offset::Hours)),
    ("-07:00:00", Field::Offset(Offset::ColonSeconds)),
    ("-070000", Field::Offset(Offset::Seconds)),
    ("-07:00", Field::Offset(Offset::ColonMinutes)),
    ("-0700", Field::Offset(Offset::Minutes)),
    ("-07", Field::Offset(Offset::Hours)),
];

/// A piece of a layout.
#[derive(Debug)]
pub(crate) struct Chunk<'a> {
    /// What stands for itself.
    pub(crate) prefix: &'a [u8],
    /// The field after it, with its text; `None` at the end.
    pub(crate) field: Option<(Field, &'a [u8])>,
    pub(crate) rest: &'a [u8],
}

/// The first piece.
pub(crate) fn next(layout: &[u8]) -> Chunk<'_> {
    for at in 0..layout.len() {
        if let Some((field, skip, len)) = field_at(&layout[at..]) {
            let (start, end) = (at + skip, at + skip + len);
            let (prefix, text, rest) = (&layout[..start], &layout[start..end], &layout[end..]);
            return Chunk { prefix, field: Some((field, text)), rest };
        }
    }
    Chunk { prefix: layout, field: None, rest: &[] }
}

/// The field that begins here: how many bytes before it stand for themselves, and how long it is.
fn field_at(layout: &[u8]) -> Option<(Field, usize, usize)> {
    if matches!(layout, [b'.' | b',', b'0' | b'9', ..]) {
        return fraction(layout);
    }
    if layout.starts_with(b"_2006") {
        // A year after an underscore, and not a day before "006".
        return Some((Field::LongYear, 1, 4));
    }
    let (text, field) = FIELDS.iter().find(|(text, _)| {
        // A word that only begins like a name is none: "Janet", "Month".
        let is_word = matches!(*text, "Jan" | "Mon");
        let goes_on = || layout.get(text.len()).is_some_and(u8::is_ascii_lowercase);
        layout.starts_with(text.as_bytes()) && !(is_word && goes_on())
    })?;
    Some((*field, 0, text.len()))
}

fn fraction(layout: &[u8]) -> Option<(Field, usize, usize)> {
    let digit = layout[1];
    let digits = layout[1..].iter().take_while(|byte| **byte == digit).count();
    if layout.get(1 + digits).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let field = Field::Fraction { digits, trimmed: digit == b'9', comma: layout[0] == b',' };
    Some((field, 0, 1 + digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(layout: &str) -> Vec<Field> {
        let (mut found, mut rest) = (Vec::new(), layout.as_bytes());
        loop {
            let chunk = next(rest);
            let Some((field, _)) = chunk.field else { return found };
            found.push(field);
            rest = chunk.rest;
        }
    }

    #[test]
    fn each_text_is_the_field_that_it_stands_for() {
        for (text, field) in FIELDS {
            assert_eq!(fields(text), [*field], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_field_is_none() {
        assert_eq!(fields("Month Janet, Marches Z -9 ._ AM"), []);
        assert_eq!(fields(".0007"), [], "decimals with another digit after them");
    }

    #[test]
    fn a_year_after_an_underscore() {
        let chunk = next(b"x_2006y");
        assert_eq!((chunk.prefix, chunk.rest), (&b"x_"[..], &b"y"[..]));
        assert_eq!(chunk.field, Some((Field::LongYear, &b"2006"[..])));
    }
}
