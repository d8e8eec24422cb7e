//! Patterns, against their plain meaning.

use node::{Allowed, Pattern, Permissions};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// The plain meaning, in any time that it takes.
fn matches(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        (['*', rest @ ..], _) => {
            matches(rest, text) || (!text.is_empty() && matches(pattern, &text[1..]))
        }
        ([one, pattern @ ..], [other, text @ ..]) => one == other && matches(pattern, text),
        (_, _) => pattern.is_empty() && text.is_empty(),
    }
}

fn plain(pattern: &str, text: &str) -> bool {
    let chars = |text: &str| text.chars().collect::<Vec<_>>();
    matches(&chars(pattern), &chars(text))
}

fn fits(pattern: &str, text: &str) -> bool {
    Pattern(pattern.to_owned()).matches(text)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_pattern_means_what_it_plainly_means(pattern in "[abä*]{0,8}", text in "[abä*]{0,10}") {
        prop_assert_eq!(fits(&pattern, &text), plain(&pattern, &text));
    }

    #[test]
    fn a_pattern_fits_what_is_made_of_it(
        pieces in prop::collection::vec("[ab]{0,3}", 1..5),
        between in prop::collection::vec("[ab]{0,3}", 5),
    ) {
        let text: Vec<_> = pieces.iter().zip(&between).map(|(piece, other)| format!("{piece}{other}")).collect();
        let pattern = format!("{}*", pieces.join("*"));
        prop_assert!(fits(&pattern, &text.concat()), "{} {}", pattern, text.concat());
    }
}

#[test]
fn the_whole_text_must_fit() {
    for (pattern, text, due) in [
        ("app:worker", "app:worker", true),
        ("app:worker", "app:worker2", false),
        ("app:worker", "my.app:worker", false),
        ("app:*", "app:worker", true),
        ("app:*", "apps:worker", false),
        ("*", "", true),
        ("", "", true),
        ("", "a", false),
        ("a*a", "a", false),
        ("*a*b*", "ba", false),
        ("a**c", "abc", true),
        ("a.c", "abc", false),
    ] {
        assert_eq!(fits(pattern, text), due, "{pattern} {text}");
    }
}

/// A name that a script chose must not cost the node its time.
#[test]
fn evil_texts_take_no_longer() {
    let pattern = Pattern(format!("{}b", "a*".repeat(200)));
    let text = "a".repeat(4096);
    let begin = Instant::now();
    for _ in 0..100 {
        assert!(!pattern.matches(&text));
    }
    assert!(begin.elapsed() < Duration::from_secs(2));
}

#[test]
fn one_pattern_of_several_is_enough() {
    let any = ["a*", "b"].map(|pattern| Pattern(pattern.to_owned()));
    let only = Allowed::Only(any.to_vec());
    assert_eq!(["abc", "b", "bc"].map(|text| only.allows(text)), [true, true, false]);
    assert!(Permissions::ALL.names.allows("anything"));
    assert!(!Permissions::NONE.names.allows(""));
}
