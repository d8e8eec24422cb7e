//! Spawning: answered once, after the entry has loaded or with the reason why not.

use super::*;
use crate::world::{Act, Birth, CRAMPED, ENTRY, LIBRARY, ROOMY};
use ipc::frame::{FromWorker, Op, With};
use ipc::limits::{START_MAX_NS, TEXT_MAX};
use ipc::{Fault, FaultKind};
use node::{ChildEnd, Input, Stop};

const fn spawn(ties: Ties, birth: Birth) -> Step {
    Step::Call(A, Act::Spawn(ties, ROOMY, birth, 10))
}

/// A failed spawn is an answer to its spawner, and never an EXIT, a LINK_DOWN or its death.
fn fails_quietly(steps: &[Step], fits: fn(&Refusal) -> bool) {
    for trap in [false, true] {
        let mut world = after(Reaping::AtOnce, &[Step::Call(A, Act::Trap(trap))]);
        take(&mut world, steps);
        let answer = last_answer(&world, A).expect_err("the spawn fails");
        assert!(fits(&answer), "{answer:?}");
        assert_eq!(answers(&world, A).len(), 2, "one for the trap, one for the spawn");
        assert_eq!((exits(&world, A), link_downs(&world, A)), (vec![], vec![]));
        assert!(lives(&world, A) && !killed(&world, A));
        assert!(!lives(&world, D));
        close(world);
    }
}

#[test]
fn a_load_failure_is_no_exit_even_with_ties() {
    let exits = Step::Exit(D, ChildEnd::Code(1));
    fails_quietly(
        &[spawn(BOTH_TIES, Birth::Fails), exits],
        |answer| matches!(answer, Refusal::NotLoaded(fault) if fault.message.contains("syntax error")),
    );
}

/// A worker may make its text as long as it likes; a header may not be.
#[test]
fn the_text_of_a_load_failure_is_cut() {
    let mut world = after(Reaping::AtOnce, &[spawn(NO_TIES, Birth::Waits)]);
    let fault = Fault { kind: FaultKind::Invalid, message: "x".repeat(2 * TEXT_MAX) };
    world.say(pid(&world, D), &FromWorker::LoadFailed { fault }, 10);
    let refusal = last_answer(&world, A).expect_err("it did not load");
    assert_eq!(refusal.fault().message.len(), TEXT_MAX);
    close(world);
}

#[test]
fn the_death_of_a_loading_worker_is_no_exit_even_with_ties() {
    fails_quietly(
        &[spawn(BOTH_TIES, Birth::Dies)],
        |answer| matches!(answer, Refusal::StartDied { how, .. } if how.contains("SIGSEGV")),
    );
}

#[test]
fn no_worker_is_no_exit_even_with_ties() {
    fails_quietly(&[spawn(BOTH_TIES, Birth::NoWorker)], |answer| {
        matches!(answer, Refusal::NotLoaded(_))
    });
}

#[test]
fn who_does_not_load_in_time_is_killed_and_no_exit() {
    let steps = [spawn(BOTH_TIES, Birth::Waits), Step::Time(START_MAX_NS)];
    fails_quietly(&steps, |answer| matches!(answer, Refusal::StartTimeout(_)));
}

#[test]
fn whoever_loads_in_time_is_not_timed_out() {
    let steps = [
        spawn(NO_TIES, Birth::Waits),
        Step::Time(START_MAX_NS - 1),
        Step::Load(D, Birth::Loads),
        Step::Time(START_MAX_NS),
    ];
    let world = after(Reaping::AtOnce, &steps);
    assert_eq!(last_answer(&world, A), Ok(Granted::Pid(pid(&world, D))));
    assert!(lives(&world, D));
    assert_eq!(world.next_deadline(), None);
    close(world);
}

#[test]
fn loaded_after_the_timeout_changes_nothing() {
    let steps = [spawn(BOTH_TIES, Birth::Waits), Step::Time(START_MAX_NS)];
    let mut world = after(Reaping::Later, &steps);
    let late = pid(&world, D);
    world.say(late, &FromWorker::Loaded, 10);
    take(&mut world, &[Step::Reap(D)]);
    assert_eq!(end_of(&world, D).kind, ExitKind::Watchdog);
    assert_eq!(answers(&world, A).len(), 1);
    close(world);
}

/// The spawn was never B's, so B's monitor is one like any other.
#[test]
fn a_monitor_of_somebody_else_sees_the_end_of_a_failed_spawn() {
    let steps = [
        spawn(BOTH_TIES, Birth::Waits),
        Step::Call(B, Act::Monitor(to(D))),
        Step::Load(D, Birth::Fails),
        Step::Exit(D, ChildEnd::Code(1)),
    ];
    let world = after(Reaping::AtOnce, &steps);
    assert_eq!(exits(&world, A), []);
    assert_eq!(exits(&world, B), [(pid(&world, D), ExitKind::Code)]);
    close(world);
}

#[test]
fn what_cannot_be_spawned_is_refused_at_once() {
    let mut world = after(Reaping::AtOnce, &[]);
    let spawner = pid(&world, A);
    for (entry, host) in [("app:none", ROOMY), (LIBRARY, ROOMY), (ENTRY, "app:none")] {
        world.call(spawner, Op::Spawn { entry, host, ties: BOTH_TIES, with: With::default() }, 10);
    }
    let refusals = answers(&world, A);
    assert_eq!(refusals[0], Err(Refusal::UnknownEntry("app:none".to_owned())));
    assert!(matches!(refusals[1], Err(Refusal::NotAProcess { .. })));
    assert_eq!(refusals[2], Err(Refusal::UnknownHost("app:none".to_owned())));
    assert_eq!(world.born.len(), 3, "nobody was born");
    close(world);
}

#[test]
fn nothing_starts_while_the_node_stops() {
    let steps = [Step::Stop(Stop::Asked, 10), spawn(BOTH_TIES, Birth::Loads)];
    let mut world = after(Reaping::AtOnce, &steps);
    assert_eq!(last_answer(&world, A), Err(Refusal::Stopping));
    world.feed(Input::Spawn { token: 77, entry: ENTRY, host: ROOMY });
    let refused = Output::NodeReply { token: 77, result: Err(Refusal::Stopping) };
    assert_eq!(world.transcript.last(), Some(&refused));
    close(world);
}

/// A place is taken from the start until the kernel's report, whatever happens in between.
#[test]
fn a_host_counts_the_loading_the_failed_and_the_finished() {
    let mut world = World::new(Reaping::Later);
    for birth in [Birth::Waits, Birth::Fails, Birth::Loads, Birth::Loads] {
        world.take(&Step::Want(CRAMPED, birth));
    }
    let want = Step::Want(CRAMPED, Birth::Loads);
    take(&mut world, &[Step::Done(D), want]);
    let full = |output: Option<&Output>| {
        matches!(
            output,
            Some(Output::NodeReply { result: Err(Refusal::HostFull { max: 4, .. }), .. })
        )
    };
    assert!(full(world.transcript.last()));
    take(&mut world, &[Step::Exit(B, ChildEnd::Code(1)), want]);
    assert_eq!(world.born.len(), 5);
    take(&mut world, &[want]);
    assert!(full(world.transcript.last()));
    close(world);
}

#[test]
fn the_answer_to_one_who_is_gone_goes_to_nobody() {
    let steps = [spawn(NO_TIES, Birth::Waits), Step::Return(A), Step::Load(D, Birth::Loads)];
    let world = after(Reaping::AtOnce, &steps);
    assert_eq!(answers(&world, A), []);
    assert!(lives(&world, D), "nothing tied it to its spawner");
    close(world);
}

#[test]
fn a_loading_process_shares_the_fate_of_its_spawner() {
    let steps = [spawn(BOTH_TIES, Birth::Waits), Step::Fail(A)];
    let world = after(Reaping::AtOnce, &steps);
    let end = end_of(&world, D);
    assert_eq!(end.kind, ExitKind::Link);
    assert_eq!(end.message.as_deref(), Some("linked process failed: main.lua:2: no such luck"));
    close(world);
}

#[test]
fn one_that_was_terminated_before_it_had_a_worker_was_terminated() {
    let steps = [
        spawn(NO_TIES, Birth::Waits),
        Step::Call(B, Act::Monitor(to(D))),
        Step::Call(B, Act::Terminate(to(D))),
        Step::Load(D, Birth::NoWorker),
    ];
    let world = after(Reaping::Later, &steps);
    assert_eq!(exits(&world, B), [(pid(&world, D), ExitKind::Terminated)]);
    assert_eq!(end_of(&world, D).os_pid, 0);
    close(world);
}

/// B may never have spoken with A, but it dies of what A died of.
#[test]
fn a_chain_goes_on_through_one_that_never_had_a_worker() {
    let steps = [
        spawn(BOTH_TIES, Birth::Waits),
        Step::Call(B, Act::Link(to(D))),
        Step::Fail(A),
        Step::Load(D, Birth::NoWorker),
        Step::Reap(B),
    ];
    let world = after(Reaping::Later, &steps);
    let cause = Some("linked process failed: main.lua:2: no such luck");
    assert_eq!(end_of(&world, D).message.as_deref(), cause);
    assert_eq!(end_of(&world, B).message.as_deref(), cause);
    close(world);
}

/// They lie in the supervisor until they are read, so they have a limit as messages have.
#[test]
fn the_arguments_of_spawns_under_way_have_the_room_of_a_mailbox() {
    let max = 64 * 1024;
    let spawn = |bytes| Step::Call(A, Act::Spawn(NO_TIES, ROOMY, Birth::Waits, bytes));
    let refused = || Err(at_limit("bytes in arguments of spawns under way", "mailbox", max as u64));
    for birth in [Birth::Loads, Birth::Fails, Birth::Dies, Birth::NoWorker] {
        let mut world = after(Reaping::AtOnce, &[spawn(max + 1), spawn(1)]);
        assert_eq!(last_answer(&world, A), refused(), "one has room, but it is alone");
        take(&mut world, &[Step::Load(D, birth), spawn(max - 1), spawn(2)]);
        assert_eq!(last_answer(&world, A), refused());
        take(&mut world, &[spawn(1)]);
        assert_eq!(world.born.len(), 6, "the limit itself is allowed");
        close(world);
    }
}

#[test]
fn several_spawns_are_under_way_at_once() {
    let e = Who::Born(4);
    let steps = [
        spawn(NO_TIES, Birth::Waits),
        spawn(NO_TIES, Birth::Waits),
        Step::Load(e, Birth::Loads),
        Step::Load(D, Birth::Loads),
    ];
    let world = after(Reaping::AtOnce, &steps);
    let reply = |output: Output| match output {
        Output::Reply { call, result: Ok(Granted::Pid(pid)), .. } => Some((call, pid)),
        _ => None,
    };
    let replies: Vec<_> = told(&world, A).into_iter().filter_map(reply).collect();
    assert_eq!(replies, [(2, pid(&world, e)), (1, pid(&world, D))]);
    close(world);
}

/// The top level of a script runs before `Loaded`, and it may send and be sent to.
#[test]
fn the_loading_take_part() {
    let steps = [
        spawn(BOTH_TIES, Birth::Waits),
        Step::Call(D, Act::Register("newcomer", None)),
        Step::Call(B, Act::Ask(Dest::Name("newcomer"), 100)),
        Step::Call(D, Act::Ask(to(B), 100)),
        Step::Load(D, Birth::Loads),
    ];
    let world = after(Reaping::AtOnce, &steps);
    assert_eq!(messages(&world, D), [pid(&world, B)]);
    assert_eq!(messages(&world, B), [pid(&world, D)]);
    close(world);
}

#[test]
fn ties_are_there_before_the_answer() {
    let trap = Step::Call(A, Act::Trap(true));
    let steps = [trap, spawn(BOTH_TIES, Birth::Loads), Step::Fail(D)];
    let world = after(Reaping::AtOnce, &steps);
    let child = pid(&world, D);
    let order: Vec<_> = told(&world, A).iter().skip(1).map(std::mem::discriminant).collect();
    assert_eq!(order.len(), 3, "the answer, EXIT, LINK_DOWN");
    assert_eq!(exits(&world, A), [(child, ExitKind::Error)]);
    assert_eq!(link_downs(&world, A), [(child, ExitKind::Error)]);
    close(world);
}
