//! The registry.

use super::*;
use crate::world::Act;
use ipc::frame::Op;
use ipc::limits::{NAME_MAX, NAMES_MAX};

const fn register(who: Who, name: &'static str) -> Step {
    Step::Call(who, Act::Register(name, None))
}

const DONE: Result<Granted, Refusal> = Ok(Granted::Done);

#[test]
fn a_name_is_taken_but_not_from_its_owner() {
    let again = register(A, "alpha");
    let world = after(Reaping::AtOnce, &[again, again, register(B, "alpha")]);
    assert_eq!(answers(&world, A), [DONE, DONE]);
    assert_eq!(answers(&world, B), [Err(Refusal::NameTaken)]);
    close(world);
}

#[test]
fn a_name_can_be_given_to_another_but_not_to_the_dead() {
    let give = |whom| Step::Call(A, Act::Register("alpha", Some(to(whom))));
    let take_back = Step::Call(A, Act::Unregister("alpha"));
    let lookup = Step::Call(C, Act::Lookup("alpha"));
    let world = after(Reaping::AtOnce, &[give(B), take_back, lookup, Step::Return(B), give(B)]);
    let not_its_own = Ok(Granted::Flag(false));
    assert_eq!(answers(&world, A), [DONE, not_its_own, Err(Refusal::Gone)]);
    assert_eq!(answers(&world, C), [Ok(Granted::Pid(pid(&world, B)))]);
    close(world);
}

#[test]
fn whoever_sees_the_exit_can_have_the_name() {
    let monitor = Step::Call(B, Act::Monitor(to(A)));
    let ends = [register(A, "alpha"), register(A, "beta"), monitor, Step::Fail(A)];
    let mut world = after(Reaping::AtOnce, &ends);
    assert_eq!(exits(&world, B).len(), 1);
    take(&mut world, &[Step::Call(B, Act::Lookup("alpha")), register(B, "alpha")]);
    assert_eq!(answers(&world, B)[1], Err(Refusal::NameUnknown("alpha".to_owned())));
    assert_eq!(last_answer(&world, B), DONE);
    close(world);
}

#[test]
fn a_name_given_up_is_free() {
    let give_up = Step::Call(A, Act::Unregister("alpha"));
    let steps = [register(A, "alpha"), give_up, give_up, register(B, "alpha")];
    let world = after(Reaping::AtOnce, &steps);
    let (yes, no) = (Ok(Granted::Flag(true)), Ok(Granted::Flag(false)));
    assert_eq!(answers(&world, A), [DONE, yes, no]);
    assert_eq!(answers(&world, B), [DONE]);
    close(world);
}

#[test]
fn a_name_is_short_and_looks_like_no_pid() {
    let mut world = after(Reaping::AtOnce, &[]);
    let from = pid(&world, A);
    let (longest, longer) = ("x".repeat(NAME_MAX), "x".repeat(NAME_MAX + 1));
    let own = PidText { host: "app:p", pid: from }.to_string();
    for name in ["", "{", &own, &longer] {
        world.call(from, Op::Register { name, dest: None }, 10);
        assert_eq!(last_answer(&world, A), Err(Refusal::BadName));
    }
    world.call(from, Op::Register { name: &longest, dest: None }, 10);
    assert_eq!(last_answer(&world, A), DONE);
    close(world);
}

#[test]
fn a_process_has_only_so_many_names() {
    let mut world = after(Reaping::AtOnce, &[]);
    let from = pid(&world, A);
    for nth in 0..=NAMES_MAX {
        world.call(from, Op::Register { name: &format!("name-{nth}"), dest: None }, 10);
    }
    let refused = Err(at_limit("names", "names", NAMES_MAX as u64));
    assert_eq!(last_answer(&world, A), refused);
    assert_eq!(answers(&world, A).iter().filter(|answer| **answer == DONE).count(), NAMES_MAX);
    close(world);
}
