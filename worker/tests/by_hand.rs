//! A worker that nobody's supervisor has started says so and does nothing.
//!
//! (Being an integration test of this package, it also makes `cargo test` build the binary that the
//! tests of the whole run.)

use std::process::{Command, Stdio};

#[test]
fn a_worker_started_by_hand_says_what_to_do_instead() {
    let worker = Command::new(env!("CARGO_BIN_EXE_wabe-worker")).stdin(Stdio::null()).output();
    let output = worker.expect("the binary is built with this test");
    assert_eq!(output.status.code(), Some(64));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("started by 'wabe run'"), "{said}");
}
