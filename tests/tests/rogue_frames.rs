//! A worker that breaks the protocol is ended for it, its watcher is told so exactly once, and
//! nobody else notices: see `tests::rogue`.

use tests::rogue::{end_of, refusal_of};

const ROGUE: &str = env!("CARGO_BIN_EXE_rogue-worker");

/// The deed ends the rogue with kind `protocol` and a text that has this in it.
fn violates(deed: &str, text: &str) {
    let end = end_of(deed, ROGUE);
    // A worker that exits by itself before it is killed has a code instead of the signal.
    assert!(end.starts_with("protocol\t"), "{end}");
    let (_, error) = end.split_once("\tnil\tprotocol violation: ").unwrap_or_default();
    assert!(!error.is_empty() && error.contains(text), "{end}");
}

#[test]
fn random_bytes() {
    violates("rubbish", "");
}

#[test]
fn a_frame_of_4_gib() {
    violates("giant-frame", "frame of 4294967295 bytes is over the limit");
}

#[test]
fn a_frame_of_nothing() {
    violates("empty-frame", "header of 0 bytes in a frame of 0");
}

#[test]
fn a_header_longer_than_its_frame() {
    violates("long-header", "header of 9 bytes in a frame of 4");
}

#[test]
fn a_header_nested_16_384_deep() {
    violates("nested-header", "header does not decode");
}

#[test]
fn a_header_that_claims_an_array_of_4_billion() {
    violates("endless-header", "header does not decode");
}

#[test]
fn a_message_with_a_forged_sender() {
    violates("forged-deliver", "header does not decode");
}

#[test]
fn a_forged_exit_of_another() {
    violates("forged-exit", "header does not decode");
}

#[test]
fn a_message_on_a_route_that_was_never_opened() {
    violates("unknown-route", "unknown route");
}

#[test]
fn the_release_of_a_route_that_was_never_opened() {
    violates("unknown-release", "release of an unknown route");
}

#[test]
fn a_message_over_the_credit_of_its_route() {
    violates("over-credit", "message over the credit of its route");
}

#[test]
fn a_message_over_the_size_limit() {
    violates("over-size", "is over the limit of");
}

#[test]
fn a_reserved_topic_on_a_route() {
    violates("reserved-topic", "reserved topic on a route");
}

#[test]
fn a_text_to_print_that_no_honest_worker_sends() {
    violates("endless-print", "text of 200000 bytes to print");
}

#[test]
fn loaded_said_twice() {
    violates("loaded-twice", "frame out of order");
}

#[test]
fn done_said_twice() {
    violates("done-twice", "frame after the last");
}

#[test]
fn words_after_the_last() {
    violates("done-then-print", "frame after the last");
}

#[test]
fn done_said_before_loaded_fails_the_spawn_and_is_no_exit() {
    let refusal = refusal_of("done-unloaded", ROGUE);
    let expected = "entry 'app:rogue-done-unloaded' did not load: protocol violation: ";
    assert_eq!(refusal, format!("{expected}frame out of order"));
}

#[test]
fn something_handed_back_by_one_that_goes_on() {
    violates("hands-back", "frame out of order");
}

#[test]
fn something_that_is_no_mail_handed_back() {
    violates("upgrade-hands-nonsense", "frame after an upgrade");
}

#[test]
fn mail_handed_back_that_is_longer_when_it_is_said_again() {
    violates("upgrade-hands-length", "handed back with a header that is too long");
}

#[test]
fn a_word_after_an_upgrade() {
    violates("upgrade-speaks", "frame after an upgrade");
}
