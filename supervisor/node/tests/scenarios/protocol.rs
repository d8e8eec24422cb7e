//! Workers that break the protocol: each ends with the reason `protocol`, whatever else it says.

use super::*;
use crate::world::{Act, Birth, Lie, ROOMY};
use ipc::frame::{FromWorker, Op, Outcome};
use ipc::limits::TEXT_MAX;
use node::{ChildEnd, Input};

const MONITORED: Step = Step::Call(B, Act::Monitor(to(A)));

fn ends_as_protocol(world: World) {
    assert_eq!(exits(&world, B), [(pid(&world, A), ExitKind::Protocol)]);
    let message = end_of(&world, A).message.expect("it is told what was wrong");
    assert!(message.starts_with("protocol violation: "), "{message}");
    close(world);
}

#[test]
fn every_lie_ends_the_liar() {
    use Lie::{Broken, Loaded, OverCredit, ReleaseUnknown, ReservedTopic, TooLarge, UnknownRoute};
    let lies = [Broken, Loaded, OverCredit, ReleaseUnknown, ReservedTopic, TooLarge, UnknownRoute];
    for lie in lies {
        let asks = Step::Call(A, Act::Ask(to(C), 10));
        let world = after(Reaping::AtOnce, &[MONITORED, asks, Step::Lie(A, lie)]);
        ends_as_protocol(world);
    }
}

#[test]
fn what_was_wrong_is_cut_to_what_a_header_holds() {
    let mut world = after(Reaping::AtOnce, &[MONITORED]);
    let (from, what) = (pid(&world, A), "x".repeat(2 * TEXT_MAX));
    world.feed(Input::Broken { from, what });
    take(&mut world, &[Step::Time(0)]);
    let message = end_of(&world, A).message.expect("it is told what was wrong");
    assert_eq!(message.len(), TEXT_MAX);
    ends_as_protocol(world);
}

#[test]
fn load_failed_after_loaded_is_a_lie() {
    let mut world = after(Reaping::Later, &[MONITORED]);
    let fault = ipc::Fault::new(FaultKind::Invalid, "too late");
    world.say(pid(&world, A), &FromWorker::LoadFailed { fault }, 10);
    take(&mut world, &[Step::Reap(A)]);
    ends_as_protocol(world);
}

#[test]
fn a_lie_after_done_takes_back_the_done() {
    for lie in [Lie::Done, Lie::Broken, Lie::Loaded] {
        let steps = [MONITORED, Step::Done(A), Step::Lie(A, lie)];
        ends_as_protocol(after(Reaping::AtOnce, &steps));
    }
}

/// Otherwise a worker could break the protocol and still end well, in one write.
#[test]
fn done_after_a_lie_does_not_count() {
    for lie in [Lie::Broken, Lie::UnknownRoute] {
        let steps = [MONITORED, Step::Lie(A, lie), Step::Lie(A, Lie::Done), Step::Reap(A)];
        ends_as_protocol(after(Reaping::Later, &steps));
    }
}

/// All that a worker wrote is handled before its end, so it may be gone before the kill arrives.
#[test]
fn a_liar_that_exits_of_itself_ends_for_its_lie() {
    for end in [ChildEnd::Code(0), ChildEnd::Code(1), ChildEnd::Signal(11)] {
        let steps = [MONITORED, Step::Lie(A, Lie::Broken), Step::Exit(A, end)];
        let world = after(Reaping::Later, &steps);
        let said = end_of(&world, A);
        let kernel = match end {
            ChildEnd::Code(code) => (Some(code), None),
            ChildEnd::Signal(signal) => (None, Some(signal)),
        };
        assert_eq!((said.code, said.signal), kernel);
        ends_as_protocol(world);
    }
}

#[test]
fn nothing_that_a_liar_says_is_done() {
    let steps = [MONITORED, Step::Lie(A, Lie::Broken)];
    let mut world = after(Reaping::Later, &steps);
    let (liar, victim) = (pid(&world, A), pid(&world, B));
    let text = PidText { host: ROOMY, pid: victim }.to_string();
    world.call(liar, Op::Terminate { dest: &text }, 10);
    world.call(liar, Op::Send { dest: &text, topic: "topic" }, 10);
    world.call(liar, Op::Register { name: "alpha", dest: None }, 10);
    assert_eq!(answers(&world, A), []);
    assert!(!killed(&world, B));
    assert_eq!(messages(&world, B), []);
    take(&mut world, &[Step::Reap(A)]);
    ends_as_protocol(world);
}

#[test]
fn a_liar_takes_its_links_with_it() {
    let steps = [Step::Call(A, Act::Link(to(C))), MONITORED, Step::Lie(A, Lie::Loaded)];
    let world = after(Reaping::AtOnce, &steps);
    let message = end_of(&world, C).message.expect("there is a cause");
    assert!(message.starts_with("linked process failed: protocol violation: "), "{message}");
    ends_as_protocol(world);
}

/// The kernel's report is what answers the spawner: the worker may be held up before it.
#[test]
fn a_lie_while_loading_fails_the_spawn() {
    for lie in [Lie::Done, Lie::Broken] {
        let spawn = Act::Spawn(BOTH_TIES, ROOMY, Birth::Waits, 10);
        let steps = [Step::Call(A, spawn), Step::Lie(D, lie)];
        let world = after(Reaping::AtOnce, &steps);
        let died = last_answer(&world, A).expect_err("it never loaded");
        assert!(matches!(died, Refusal::StartDied { how, .. } if how.contains("protocol")));
        assert!(lives(&world, A));
        assert_eq!(exits(&world, A), []);
        close(world);
    }
}

#[test]
fn a_liar_does_not_load_any_more() {
    let spawn = Act::Spawn(BOTH_TIES, ROOMY, Birth::Waits, 10);
    let steps = [Step::Call(A, spawn), Step::Lie(D, Lie::Done), Step::Lie(D, Lie::Loaded)];
    let world = after(Reaping::Later, &steps);
    assert_eq!(answers(&world, A), []);
    close(world);
}

#[test]
fn a_lie_after_the_load_failed_is_no_second_failure() {
    let spawn = Act::Spawn(BOTH_TIES, ROOMY, Birth::Fails, 10);
    let steps = [Step::Call(A, spawn), Step::Lie(D, Lie::Loaded)];
    let world = after(Reaping::AtOnce, &steps);
    assert_eq!(answers(&world, A).len(), 1);
    assert_eq!(end_of(&world, D).kind, ExitKind::Protocol);
    close(world);
}

#[test]
fn the_first_order_stands() {
    let terminate = Step::Call(B, Act::Terminate(to(A)));
    let lie = Step::Lie(A, Lie::Broken);
    for (steps, kind) in [
        ([MONITORED, terminate, lie, Step::Reap(A)], ExitKind::Terminated),
        ([MONITORED, lie, terminate, Step::Reap(A)], ExitKind::Protocol),
    ] {
        let world = after(Reaping::Later, &steps);
        assert_eq!(exits(&world, B), [(pid(&world, A), kind)]);
        close(world);
    }
}

/// A real body may end while the kill is on its way: then it has ended.
#[test]
fn done_while_the_kill_is_on_its_way_counts() {
    let terminate = Step::Call(B, Act::Terminate(to(A)));
    let mut world = after(Reaping::Later, &[MONITORED, terminate]);
    let outcome = Outcome::Failed { message: "its own".to_owned() };
    world.say(pid(&world, A), &FromWorker::Done { outcome }, 10);
    take(&mut world, &[Step::Reap(A)]);
    assert_eq!(end_of(&world, A).message.as_deref(), Some("its own"));
    assert_eq!(exits(&world, B), [(pid(&world, A), ExitKind::Error)]);
    close(world);
}
