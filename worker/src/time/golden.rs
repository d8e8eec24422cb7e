//! Times and texts against what Go's time package makes of them (`go.txt`), and both ways round.

use super::civil::SECONDS_MAX;
use super::format::format;
use super::parse::{Place, parse};
use super::zone::Zone;
use super::zone::tests::ruled;
use proptest::prelude::*;

const GO: &str = include_str!("go.txt");

/// Go knows these places from the database, and knows more of their past.
const PAST: i64 = -1_000_000_000;

fn zone(name: &str) -> Zone {
    let fixed = |name: &str, offset| Zone::Fixed { abbreviation: name.to_owned(), offset };
    match name {
        "utc" => Zone::utc(),
        "berlin" => ruled("CET-1CEST,M3.5.0,M10.5.0/3"),
        "new_york" => ruled("EST5EDT,M3.2.0,M11.1.0"),
        "minus" => fixed("", -(3 * 3600 + 30 * 60 + 15)),
        "plus" => fixed("XST", 5 * 3600 + 45 * 60),
        _ => panic!("no such zone: {name}"),
    }
}

fn written(zone: &Zone, seconds: i64, nanosecond: u32, layout: &str) -> String {
    String::from_utf8(format(zone, seconds, nanosecond, layout.as_bytes())).expect("text")
}

fn lines(kind: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let rows = GO.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(move |row| row[0] == kind)
}

#[test]
fn times_are_written_as_go_writes_them() {
    let mut count = 0;
    for row in lines("format") {
        let [_, place, seconds, nanosecond, layout, wanted] = row[..] else { panic!("{row:?}") };
        let (seconds, nanosecond) = (seconds.parse(), nanosecond.parse());
        let (seconds, nanosecond) = (seconds.expect("seconds"), nanosecond.expect("nanoseconds"));
        assert_eq!(written(&zone(place), seconds, nanosecond, layout), wanted, "{row:?}");
        count += 1;
    }
    assert!(count > 300, "{count} rows");
}

#[test]
fn texts_are_read_as_go_reads_them() {
    const LAYOUT: &str = "2006-01-02 15:04:05.999999999 -07:00:00 MST";
    let mut count = 0;
    for row in lines("parse") {
        let [_, layout, text, place, seconds, nanosecond, wanted] = row[..] else {
            panic!("{row:?}")
        };
        let here = zone(place);
        let parsed = parse(layout.as_bytes(), text.as_bytes(), &here, &here);
        let parsed = parsed.unwrap_or_else(|why| panic!("{row:?}: {why}"));
        if place != "utc" && seconds.parse::<i64>().expect("seconds") < PAST {
            continue;
        }
        let found = (parsed.seconds.to_string(), parsed.nanosecond.to_string());
        assert_eq!(found, (seconds.to_owned(), nanosecond.to_owned()), "{row:?}");
        let there = match parsed.place {
            Place::Unsaid | Place::Local => here,
            Place::Utc => Zone::utc(),
            Place::Made { abbreviation, offset } => Zone::Fixed { abbreviation, offset },
        };
        assert_eq!(written(&there, parsed.seconds, parsed.nanosecond, LAYOUT), wanted, "{row:?}");
        count += 1;
    }
    assert!(count > 100, "{count} rows");
}

#[test]
fn what_go_refuses_is_refused_in_its_words() {
    for row in lines("error") {
        let [_, layout, text, place, wanted] = row[..] else { panic!("{row:?}") };
        let here = zone(place);
        let parsed = parse(layout.as_bytes(), text.as_bytes(), &here, &here);
        assert_eq!(parsed.expect_err(text), wanted, "{row:?}");
    }
}

/// Layouts that say all that there is to say of a time.
const WHOLE: [&str; 4] = [
    "2006-01-02T15:04:05.999999999Z07:00:00",
    "Mon Jan _2 03:04:05.000000000 PM 2006 -070000",
    "Monday, 02-January-2006 15:4:5,999999999 Z070000",
    "2006 002 15h04m05s .000000000 -07:00:00",
];

fn places() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["utc", "berlin", "new_york", "minus", "plus"])
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(
        place in places(),
        // Four digits for the year, with a day's room for offsets.
        seconds in -62_167_100_000i64..253_402_200_000,
        nanosecond in 0u32..1_000_000_000,
        layout in prop::sample::select(WHOLE.to_vec()),
    ) {
        let here = zone(place);
        let text = written(&here, seconds, nanosecond, layout);
        let parsed = parse(layout.as_bytes(), text.as_bytes(), &here, &here);
        let parsed = parsed.map_err(|why| TestCaseError::fail(format!("{text}: {why}")))?;
        prop_assert_eq!((parsed.seconds, parsed.nanosecond), (seconds, nanosecond), "{}", text);
    }

    #[test]
    fn clocks_give_their_seconds_back(place in places(), seconds in -SECONDS_MAX / 2..SECONDS_MAX / 2) {
        let here = zone(place);
        let at = super::civil::Civil::at(seconds + i64::from(here.at(seconds).offset));
        let [month, day, hour, minute, second] =
            [at.month, at.day, at.hour, at.minute, at.second].map(i64::from);
        let again = here.seconds_of([at.year, month, day, hour, minute, second]);
        // One hour in a year comes twice.
        let apart = again.map(|again| (again - seconds).abs());
        prop_assert!(apart == Some(0) || apart == Some(3600), "{apart:?}");
    }

    #[test]
    fn any_layout_and_any_text_do_no_harm(layout in ".{0,40}", text in ".{0,40}") {
        let here = zone("berlin");
        let _ = parse(layout.as_bytes(), text.as_bytes(), &here, &here);
        let made = format(&here, 1_709_210_096, 5, layout.as_bytes());
        let _ = parse(layout.as_bytes(), &made, &here, &here);
        let _ = parse(text.as_bytes(), text.as_bytes(), &here, &here);
    }
}
