//! Places with their clocks: how far from UTC, at what time, and under what name.

use super::civil::{Fields, in_range, seconds_of};
use tz::TimeZone;
use tz::timezone::{LocalTimeType, TransitionRule};

/// A place with its clocks.
#[derive(Debug)]
pub(crate) enum Zone {
    /// Always the same.
    Fixed {
        /// What stands for it in a time; without one, the offset does.
        abbreviation: String,
        offset: i32,
    },
    /// By the rules of a file of the system's database.
    Ruled(Box<TimeZone>),
}

/// What holds at a place at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local<'a> {
    /// Seconds east of UTC.
    pub(crate) offset: i32,
    pub(crate) abbreviation: &'a str,
}

impl Zone {
    pub(crate) fn utc() -> Self {
        Zone::Fixed { abbreviation: "UTC".to_owned(), offset: 0 }
    }

    /// The rules in a TZif file (RFC 9636); `None` where it is none.
    pub(crate) fn read(file: &[u8]) -> Option<Self> {
        TimeZone::from_tz_data(file).ok().map(|rules| Zone::Ruled(Box::new(rules)))
    }

    /// What holds there so many seconds after 1970 began in UTC.
    pub(crate) fn at(&self, seconds: i64) -> Local<'_> {
        match self {
            Zone::Fixed { abbreviation, offset } => Local { offset: *offset, abbreviation },
            Zone::Ruled(rules) => match rules.find_local_time_type(seconds) {
                Ok(found) => local(found),
                // After all that a file without a rule for later knows, its last word holds.
                Err(_) => local(last(rules)),
            },
        }
    }

    /// Seconds of fields that the clocks of the place show. What is skipped there in spring is counted
    /// from before the step; of what comes twice in autumn, the first.
    pub(crate) fn seconds_of(&self, fields: Fields) -> Option<i64> {
        let seconds = seconds_of(fields)?;
        // As Go does: first as if the place were at UTC, then with the offset that this gives.
        let near = self.at(seconds).offset;
        let offset = if near == 0 { 0 } else { self.at(seconds - i64::from(near)).offset };
        in_range(i128::from(seconds) - i128::from(offset))
    }

    /// The offset that an abbreviation means there, best at a time that the clocks show.
    pub(crate) fn offset_of(&self, abbreviation: &str, seconds: i64) -> Option<i32> {
        let Zone::Ruled(rules) = self else {
            let here = self.at(seconds);
            return (here.abbreviation == abbreviation).then_some(here.offset);
        };
        let named = |local: &Local<'_>| local.abbreviation == abbreviation;
        let mut known = known(rules).filter(named);
        let first = known.clone().next()?;
        let holds = |local: &Local<'_>| named(&self.at(seconds - i64::from(local.offset)));
        let offset = |local: Local<'_>| self.at(seconds - i64::from(local.offset)).offset;
        Some(known.find(holds).map_or(first.offset, offset))
    }
}

/// What may hold there, at whatever time.
fn known(rules: &TimeZone) -> impl Iterator<Item = Local<'_>> + Clone {
    let rules = rules.as_ref();
    let later = match rules.extra_rule() {
        Some(TransitionRule::Fixed(only)) => [Some(only), None],
        Some(TransitionRule::Alternate(both)) => [Some(both.std()), Some(both.dst())],
        None => [None, None],
    };
    rules.local_time_types().iter().chain(later.into_iter().flatten()).map(local)
}

fn local(of: &LocalTimeType) -> Local<'_> {
    Local { offset: of.ut_offset(), abbreviation: of.time_zone_designation() }
}

fn last(rules: &TimeZone) -> &LocalTimeType {
    let rules = rules.as_ref();
    match (rules.extra_rule(), rules.transitions().last()) {
        (Some(TransitionRule::Fixed(only)), _) => only,
        (Some(TransitionRule::Alternate(both)), _) => both.std(),
        (None, Some(last)) => &rules.local_time_types()[last.local_time_type_index()],
        (None, None) => &rules.local_time_types()[0],
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A file with nothing but a rule, as in RFC 9636.
    pub(crate) fn ruled(rule: &str) -> Zone {
        Zone::read(&ipc::zones::file_of(rule)).expect("a good rule")
    }

    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    #[test]
    fn clocks_step_in_spring_and_autumn() {
        let berlin = ruled(BERLIN);
        let spring = 1_711_846_800; // 2024-03-31 01:00 UTC
        assert_eq!(berlin.at(spring - 1), Local { offset: 3600, abbreviation: "CET" });
        assert_eq!(berlin.at(spring), Local { offset: 7200, abbreviation: "CEST" });
        let autumn = 1_729_990_800; // 2024-10-27 01:00 UTC
        assert_eq!(berlin.at(autumn - 1).abbreviation, "CEST");
        assert_eq!(berlin.at(autumn).abbreviation, "CET");
        assert_eq!(berlin.seconds_of([2024, 3, 31, 1, 59, 59]), Some(spring - 1));
        assert_eq!(berlin.seconds_of([2024, 3, 31, 3, 0, 0]), Some(spring));
        assert_eq!(berlin.seconds_of([2024, 7, 1, 12, 0, 0]), Some(1_719_828_000));
    }

    #[test]
    fn an_abbreviation_means_what_holds_then() {
        let berlin = ruled(BERLIN);
        let noon_in_july = seconds_of([2024, 7, 1, 12, 0, 0]).expect("in range");
        assert_eq!(berlin.offset_of("CEST", noon_in_july), Some(7200));
        assert_eq!(berlin.offset_of("CET", noon_in_july), Some(3600), "it is one of the place");
        assert_eq!(berlin.offset_of("EST", noon_in_july), None);
        assert_eq!(Zone::utc().offset_of("UTC", 0), Some(0));
        assert_eq!(Zone::utc().offset_of("CET", 0), None);
    }

    #[test]
    fn what_is_no_file_gives_no_zone() {
        for bytes in [&b""[..], b"TZif", b"TZif2", &[0; 100]] {
            assert!(Zone::read(bytes).is_none(), "{bytes:?}");
        }
        let file = ipc::zones::file_of(BERLIN);
        for len in 0..file.len() {
            Zone::read(&file[..len]);
        }
        assert!(Zone::read(&ipc::zones::file_of("no rule at all!")).is_none());
    }
}
