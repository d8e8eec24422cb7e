//! How the processes of a host see results.

use crate::{app, refused, try_host};
use ipc::frame::EventResult;

#[test]
fn a_host_shows_results_raw_unless_it_says_record() {
    for raw in ["{}", "event_result: raw"] {
        assert!(app(&[raw]).event_results().is_empty(), "{raw}");
    }
    let said = app(&["event_result: record"]).event_results();
    assert_eq!(said.into_iter().collect::<Vec<_>>(), [("app:pool".into(), EventResult::Record)]);
}

#[test]
fn there_is_no_third_form() {
    let wrong = try_host(&["event_result: both"]);
    refused(wrong, "event_result cannot be both", "both", "write one of raw, record");
}
