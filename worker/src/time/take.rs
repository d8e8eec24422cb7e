//! Pieces of a text that is a time: each is taken from the front of what is left.

use super::layout::Offset;

/// Why a field cannot be read.
pub(super) enum Fault {
    /// It does not stand there.
    Absent,
    /// It is not in its range.
    Range(&'static str),
}

use Fault::{Absent, Range};

pub(super) type Read<T> = Result<T, Fault>;

/// Steps over what stands for itself. Spaces of the layout are any number of spaces.
pub(super) fn skip<'a>(mut value: &'a [u8], mut prefix: &[u8]) -> Result<&'a [u8], &'a [u8]> {
    while let [first, rest @ ..] = prefix {
        if *first == b' ' {
            if value.first().is_some_and(|byte| *byte != b' ') {
                return Err(value);
            }
            (prefix, value) = (spaces_cut(prefix), spaces_cut(value));
        } else {
            value = value.strip_prefix(&[*first]).ok_or(value)?;
            prefix = rest;
        }
    }
    Ok(value)
}

fn spaces_cut(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| **byte == b' ').count()..]
}

fn digits_of(value: &[u8]) -> usize {
    value.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// A number of digits, of which there are few.
fn number(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
}

/// Takes a number of at most `most` digits; of exactly so many, where it is `fixed`.
pub(super) fn take(value: &mut &[u8], most: usize, fixed: bool) -> Read<i64> {
    let len = digits_of(value).min(most);
    if len == 0 || (fixed && len != most) {
        return Err(Absent);
    }
    let (digits, rest) = value.split_at(len);
    *value = rest;
    Ok(number(digits))
}

pub(super) fn take_within(
    value: &mut &[u8],
    fixed: bool,
    range: (i64, i64),
    name: &'static str,
) -> Read<i64> {
    let number = take(value, 2, fixed)?;
    if number < range.0 || number > range.1 { Err(Range(name)) } else { Ok(number) }
}

/// Takes one of the names, in whatever case. Which one: from 1.
pub(super) fn take_name(value: &mut &[u8], names: &[&str], len: Option<usize>) -> Read<i64> {
    for (name, number) in names.iter().zip(1..) {
        let name = &name.as_bytes()[..len.unwrap_or(name.len())];
        if let Some((head, rest)) = value.split_at_checked(name.len())
            && head.eq_ignore_ascii_case(name)
        {
            *value = rest;
            return Ok(number);
        }
    }
    Err(Absent)
}

/// Takes a point or comma and decimals: all that there are, or just so many.
pub(super) fn take_fraction(value: &mut &[u8], digits: usize) -> Read<i64> {
    let Some(([b'.' | b',', decimals @ ..], rest)) = value.split_at_checked(1 + digits) else {
        return Err(Absent);
    };
    if digits_of(decimals) != digits {
        return Err(Absent);
    }
    *value = rest;
    let decimals = &decimals[..digits.min(9)];
    Ok(number(decimals) * 10i64.pow(9 - decimals.len() as u32))
}

/// Decimals that stand here, after a point or a comma.
pub(super) fn decimals_at(value: &[u8]) -> usize {
    match value {
        [b'.' | b',', rest @ ..] => digits_of(rest),
        _ => 0,
    }
}

pub(super) fn take_pm(value: &mut &[u8], am: &[u8; 2], pm: &[u8; 2]) -> Read<bool> {
    let (head, rest) = value.split_at_checked(2).ok_or(Absent)?;
    *value = rest;
    match head {
        _ if head == pm => Ok(true),
        _ if head == am => Ok(false),
        _ => Err(Absent),
    }
}

/// Takes an offset, in seconds east of UTC.
pub(super) fn take_offset(value: &mut &[u8], form: Offset) -> Read<i32> {
    let (sign, mut rest) = match value {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return Err(Absent),
    };
    let (parts, colons) = match form {
        Offset::Hours => (1, false),
        Offset::Minutes => (2, false),
        Offset::Seconds => (3, false),
        Offset::ColonMinutes => (2, true),
        Offset::ColonSeconds => (3, true),
    };
    let mut seconds = 0;
    // Some people write offsets of 24 hours or 60 minutes.
    let fields = [
        (3600, 24, "time zone offset hour"),
        (60, 60, "time zone offset minute"),
        (1, 60, "time zone offset second"),
    ];
    for (index, (unit, most, name)) in fields.into_iter().take(parts).enumerate() {
        if index > 0 && colons {
            rest = rest.strip_prefix(b":").ok_or(Absent)?;
        }
        let number = take(&mut rest, 2, true)?;
        if number > most {
            return Err(Range(name));
        }
        seconds += number as i32 * unit;
    }
    *value = rest;
    Ok(sign * seconds)
}

/// How long the abbreviation of a time zone is that stands here; 0 where none does.
pub(super) fn abbreviation_at(value: &[u8]) -> usize {
    match value {
        [b'C', b'h', b'S', b'T', ..] | [b'M', b'e', b'S', b'T', ..] => return 4,
        [b'G', b'M', b'T', rest @ ..] => return 3 + signed_offset_at(rest),
        [b'+' | b'-', _, _, ..] => return signed_offset_at(value),
        _ => {}
    }
    let letters = value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    match (letters, value) {
        (3, _) => 3,
        (4, [_, _, _, b'T', ..] | [b'W', b'I', b'T', b'A', ..]) => 4,
        (5, [_, _, _, _, b'T', ..]) => 5,
        _ => 0,
    }
}

/// How long the hours with a sign are that stand here.
fn signed_offset_at(value: &[u8]) -> usize {
    let [b'+' | b'-', digits @ ..] = value else { return 0 };
    let len = digits_of(digits);
    let fits = (1..=18).contains(&len) && number(&digits[..len]) <= 23;
    if fits { 1 + len } else { 0 }
}
