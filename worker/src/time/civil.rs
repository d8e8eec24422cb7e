//! Seconds and the fields of a calendar, in both directions: the Gregorian one, for any year.

/// Seconds of a time are within this, so that a script's numbers hold them exactly.
pub(crate) const SECONDS_MAX: i64 = 1 << 53;

const DAY: i64 = 86_400;

/// Nanoseconds of a second.
pub(crate) const SECOND_NS: i64 = 1_000_000_000;

/// The fields of a time at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
    /// 0 is Sunday.
    pub(crate) weekday: u8,
    /// From 1.
    pub(crate) year_day: u16,
}

impl Civil {
    /// The fields of so many seconds after 1970 began, as the clocks of the place count them.
    pub(crate) fn at(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = date_of(days);
        let year_day = days - days_of(year, 1, 1) + 1;
        Civil {
            year,
            month: month as u8,
            day: day as u8,
            hour: (rest / 3600) as u8,
            minute: (rest % 3600 / 60) as u8,
            second: (rest % 60) as u8,
            // 1970 began on a Thursday.
            weekday: (days + 4).rem_euclid(7) as u8,
            year_day: year_day as u16,
        }
    }
}

/// What a script calls a time: year, month, day, hour, minute, second. Each may be beyond its range, as
/// the 32nd of a month: the next field up takes what is too much.
pub(crate) type Fields = [i64; 6];

/// Seconds of the fields; `None` where they are over [`SECONDS_MAX`].
pub(crate) fn seconds_of([year, month, day, hour, minute, second]: Fields) -> Option<i64> {
    let months = month.checked_sub(1)?;
    let year = year.checked_add(months.div_euclid(12))?;
    if year.unsigned_abs() > SECONDS_MAX.unsigned_abs() {
        return None;
    }
    let days = i128::from(days_of(year, months.rem_euclid(12) + 1, 1)) + i128::from(day) - 1;
    let [hour, minute, second] = [hour, minute, second].map(i128::from);
    let seconds = days * i128::from(DAY) + hour * 3600 + minute * 60 + second;
    in_range(seconds)
}

/// The number, where it may be seconds of a time.
pub(crate) fn in_range(seconds: i128) -> Option<i64> {
    i64::try_from(seconds).ok().filter(|seconds| seconds.abs() <= SECONDS_MAX)
}

/// Days from the beginning of 1970 to a date. The month is one of 1 to 12, the day may be any.
///
/// A year is counted from March here, so that a leap day is its last.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

/// Year, month and day.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (year * 365 + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

/// Days of a month, which is one of 1 to 12.
pub(crate) fn days_in(year: i64, month: i64) -> i64 {
    days_of(year + month / 12, month % 12 + 1, 1) - days_of(year, month, 1)
}

/// Month and day of a day of a year, which counts from 1; `None` where the year has no such day.
pub(crate) fn month_and_day(year: i64, year_day: i64) -> Option<(i64, i64)> {
    let first = days_of(year, 1, 1);
    let (found, month, day) = date_of(first + year_day - 1);
    (found == year && year_day >= 1).then_some((month, day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_that_are_known() {
        for (seconds, date, weekday, year_day) in [
            (0, (1970, 1, 1), 4, 1),
            (951_782_400, (2000, 2, 29), 2, 60),
            (1_709_164_800, (2024, 2, 29), 4, 60),
            (-62_135_596_800, (1, 1, 1), 1, 1),
            (-62_167_219_200, (0, 1, 1), 6, 1),
            (253_402_300_799, (9999, 12, 31), 5, 365),
        ] {
            let at = Civil::at(seconds);
            assert_eq!((at.year, at.month, at.day), date, "{seconds}");
            assert_eq!((at.weekday, at.year_day), (weekday, year_day), "{seconds}");
        }
    }

    #[test]
    fn fields_beyond_their_range_are_carried() {
        let same = [
            ([2024, 13, 1, 0, 0, 0], [2025, 1, 1, 0, 0, 0]),
            ([2024, 1, 31 + 29, 0, 0, 0], [2024, 2, 29, 0, 0, 0]),
            ([2023, 2, 29, 0, 0, 0], [2023, 3, 1, 0, 0, 0]),
            ([2024, 0, 1, 0, 0, 0], [2023, 12, 1, 0, 0, 0]),
            ([2024, -11, 1, 0, 0, 0], [2023, 1, 1, 0, 0, 0]),
            ([2024, 1, 1, 24, 60, 60], [2024, 1, 2, 1, 1, 0]),
            ([2024, 1, 1, 0, 0, -1], [2023, 12, 31, 23, 59, 59]),
        ];
        for (beyond, within) in same {
            assert_eq!(seconds_of(beyond), seconds_of(within), "{beyond:?}");
        }
        assert_eq!(seconds_of([i64::MAX, 1, 1, 0, 0, 0]), None);
        assert_eq!(seconds_of([1970, i64::MIN, 1, 0, 0, 0]), None);
        assert_eq!(seconds_of([1 << 53, 1, 1, 0, 0, 0]), None);
        assert_eq!(seconds_of([1970, 1, 1, 0, 0, SECONDS_MAX]), Some(SECONDS_MAX));
        assert_eq!(seconds_of([1970, 1, 1, 0, 0, SECONDS_MAX + 1]), None);
    }

    #[test]
    fn days_of_months_and_years() {
        assert_eq!(days_in(2023, 2), 28);
        assert_eq!(days_in(2024, 2), 29);
        assert_eq!(days_in(1900, 2), 28);
        assert_eq!(days_in(2023, 12), 31);
        assert_eq!(month_and_day(2024, 60), Some((2, 29)));
        assert_eq!(month_and_day(2023, 365), Some((12, 31)));
        assert_eq!(month_and_day(2023, 366), None);
        assert_eq!(month_and_day(2023, 0), None);
    }

    proptest! {
        #[test]
        fn fields_give_their_seconds_back(seconds in -SECONDS_MAX..=SECONDS_MAX) {
            let at = Civil::at(seconds);
            let fields = [at.month, at.day, at.hour, at.minute, at.second].map(i64::from);
            let [month, day, hour, minute, second] = fields;
            prop_assert_eq!(seconds_of([at.year, month, day, hour, minute, second]), Some(seconds));
            prop_assert_eq!(
                month_and_day(at.year, at.year_day.into()),
                Some((month, day))
            );
            prop_assert!(day <= days_in(at.year, month));
        }
    }
}
