//! A worker that ends too early or not at all, that does not read, or whose payloads are none:
//! the others go on as if it was not there. See `tests::rogue`.

use tests::rogue::{enclosed_end_of, end_after, end_of};

const ROGUE: &str = env!("CARGO_BIN_EXE_rogue-worker");

#[test]
fn an_exit_code_is_told_as_such() {
    let text = "worker exited with code 3 before its body ended";
    assert_eq!(end_of("exit-3", ROGUE), format!("code\tnil\t3\tnil\t{text}"));
}

#[test]
fn an_abort_is_told_as_its_signal() {
    assert_eq!(end_of("abort", ROGUE), "signal\tSIGABRT\tnil\tnil\tkilled by signal 6 (SIGABRT)");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn an_abort_in_the_sandbox_ends_in_an_instruction_that_is_refused() {
    let text = "killed by signal 11 (SIGSEGV)";
    assert_eq!(enclosed_end_of("abort", ROGUE), format!("signal\tSIGSEGV\tnil\tnil\t{text}"));
}

#[test]
fn half_a_frame_and_an_exit_is_an_exit() {
    let text = "worker exited with code 0 before its body ended";
    assert_eq!(end_of("half-frame-exit", ROGUE), format!("code\tnil\t0\tnil\t{text}"));
}

#[test]
fn half_a_frame_for_ever_disturbs_nobody_and_can_be_terminated() {
    let meanwhile = " for _ = 1, 5 do go_on() end assert(process.terminate(rogue))";
    let end = end_after("half-frame", ROGUE, meanwhile);
    assert_eq!(end, "terminated\tSIGKILL\tnil\tnil\tterminated");
}

#[test]
fn whoever_says_that_it_is_done_and_stays_is_ended_and_its_result_counts() {
    assert_eq!(end_of("done-stays", ROGUE), "normal\tSIGKILL\tnil\t7\tnil");
}

#[test]
fn whoever_closes_its_side_and_stays_is_ended() {
    let text = "worker did not exit after its last frame";
    assert_eq!(end_of("no-more-words", ROGUE), format!("watchdog\tSIGKILL\tnil\tnil\t{text}"));
}

#[test]
fn whoever_does_not_read_costs_its_senders_a_refusal_and_others_nothing() {
    let flood = r#"
  local ok, err = true, nil
  while ok do
    ok, err = process.send(rogue, "flood", string.rep("x", 10000))
  end
  assert(err:kind() == errors.RATE_LIMITED, tostring(err))
  for _ = 1, 5 do go_on() end
  assert(process.terminate(rogue))"#;
    let end = end_after("deaf", ROGUE, flood);
    assert_eq!(end, "terminated\tSIGKILL\tnil\tnil\tterminated");
}

/// It claims to take what it never reads, so that its mailbox never seems full.
#[test]
fn whoever_does_not_read_and_lies_about_it_is_ended() {
    let flood = r#"
  local ok, err
  repeat
    ok, err = process.send(rogue, "flood", string.rep("x", 100000))
  until err and err:kind() ~= errors.RATE_LIMITED
  assert(err:kind() == errors.NOT_FOUND, tostring(err))"#;
    assert_mailbox(&end_after("deaf-liar", ROGUE, flood));
}

#[test]
fn whoever_calls_and_never_reads_the_answers_is_ended() {
    assert_mailbox(&end_of("deaf-caller", ROGUE));
}

fn assert_mailbox(end: &str) {
    assert!(end.starts_with("mailbox\tSIGKILL\tnil\tnil\tmailbox limit of "), "{end}");
    assert!(end.ends_with(": the process does not read"), "{end}");
}

#[test]
fn more_consumed_than_there_was_harms_nobody() {
    assert_eq!(end_of("consumed", ROGUE), "normal\tnil\t0\t7\tnil");
}

#[test]
fn descriptors_sent_to_the_supervisor_do_not_arrive() {
    assert_eq!(end_of("descriptors", ROGUE), "normal\tnil\t0\t7\tnil");
}

#[test]
fn malformed_payloads_arguments_and_results_harm_nobody() {
    assert_eq!(end_of("payloads", ROGUE), "normal\tnil\t0\tnil\tnil");
}

#[test]
fn a_malformed_error_leaves_its_text() {
    for deed in ["error-body", "nested-error-body", "number-for-error"] {
        assert_eq!(end_of(deed, ROGUE), "error\tnil\t0\tnil\ta text", "{deed}");
    }
}

#[test]
fn whoever_exits_while_its_process_is_to_go_on_elsewhere_ends_it() {
    let text = "worker exited with code 7 before its body ended";
    assert_eq!(end_of("upgrade-exits", ROGUE), format!("code\tnil\t7\tnil\t{text}"));
}

#[test]
fn whoever_hands_nothing_back_can_be_terminated_and_disturbs_nobody() {
    let meanwhile = " for _ = 1, 5 do go_on() end assert(process.terminate(rogue))";
    let end = end_after("upgrade-mute", ROGUE, meanwhile);
    assert_eq!(end, "terminated\tSIGKILL\tnil\tnil\tterminated");
}

/// What it says after its HandedOver is nobody's: its process goes on, and knows nothing of it.
#[test]
fn whoever_goes_on_speaking_when_it_has_handed_over_is_not_heard() {
    let meanwhile = " go_on() assert(process.send(rogue, 'last', true))";
    let end = end_after("upgrade-hands-over-again", ROGUE, meanwhile);
    assert_eq!(end, "normal\tnil\t0\tfirst last\tnil");
}

#[test]
fn whoever_says_that_it_has_loaded_before_all_is_handed_over_ends_its_process() {
    let text = "protocol violation: frame before all was handed over";
    assert_eq!(end_of("upgrade-to-itself", ROGUE), format!("protocol\tSIGKILL\tnil\tnil\t{text}"));
}
