//! Control groups under a kernel that has them, whatever this machine has: `tests/src/bin/guest.rs`
//! is the first process of a guest machine and goes through its cases there.

use std::path::Path;
use tests::bin;
use tests::guest::Guest;

/// The guest's first program. `deps` is where programs look for others in the folder above.
const FIRST: &str = "/bin/deps/guest";

#[test]
fn the_cases_of_the_guest_hold() {
    let guest = match Guest::find() {
        Ok(guest) => guest,
        Err(why) => return skip(&why),
    };
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let ran = guest
        .with_program(FIRST, &bin("guest"))
        .with_program("/bin/wabe", &bin("wabe"))
        .with_program("/bin/wabe-worker", &bin("wabe-worker"))
        .with_program("/bin/rogue-worker", &bin("rogue-worker"))
        .with_folder("/examples", &examples)
        .boot(FIRST);
    println!("{}", ran.stdout);
    if !ran.stdout.contains("guest: up") {
        return skip(&format!("the guest does not boot here: {}", ran.stderr));
    }
    assert!(!ran.late && ran.stdout.contains("guest: done"), "the guest did not end: {ran:#?}");
    assert!(!ran.stdout.contains("guest: FAILED"), "{}", ran.stdout);
}

/// Where `WABE_GUEST=required`, a guest that is not to be had is a failure.
fn skip(why: &str) {
    let required = std::env::var_os("WABE_GUEST").is_some_and(|guest| guest == "required");
    assert!(!required, "the guest is required (WABE_GUEST): {why}");
    println!("skipped: {why}");
}
