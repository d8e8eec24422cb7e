//! How processes end: links, monitors, deadlines, and what the kernel says of it.

use super::*;
use crate::world::{AGES, Act, ROOMY};
use ipc::LimitUse;
use ipc::frame::{FromWorker, Op, Outcome};
use ipc::limits::{EXIT_MAX_NS, TEXT_MAX};
use node::{ChildEnd, Input};

const fn link(one: Who, other: Who) -> Step {
    Step::Call(one, Act::Link(to(other)))
}

const fn monitor(one: Who, other: Who) -> Step {
    Step::Call(one, Act::Monitor(to(other)))
}

const CAUSE: &str = "main.lua:2: no such luck";

fn dies_of_link(world: &World, who: Who) {
    let end = end_of(world, who);
    assert_eq!(end.kind, ExitKind::Link);
    assert_eq!(end.message, Some(format!("linked process failed: {CAUSE}")));
    assert_eq!(end.signal, Some(9));
}

/// Linked from either side, in any order: the whole chain names the first cause.
#[test]
fn a_whole_chain_names_the_first_cause() {
    for length in [2_usize, 3, 10, 40] {
        for first in [0, length / 2, length - 1] {
            let mut world = World::after(Reaping::AtOnce, length, &[]);
            for nth in 1..length {
                let (one, other) = (Who::Born(nth - nth % 2), Who::Born(nth - 1 + nth % 2));
                world.take(&link(one, other));
            }
            world.take(&Step::Fail(Who::Born(first)));
            let others = (0..length).filter(|nth| *nth != first);
            others.for_each(|nth| dies_of_link(&world, Who::Born(nth)));
            close(world);
        }
    }
}

/// A text travels in a header, and a header has its limit.
#[test]
fn a_cause_too_long_for_a_header_is_cut() {
    let mut world = after(Reaping::AtOnce, &[link(A, B), link(B, C)]);
    let outcome = Outcome::Failed { message: "x".repeat(2 * TEXT_MAX) };
    world.say(pid(&world, A), &FromWorker::Done { outcome }, 10);
    take(&mut world, &[Step::Exit(A, ChildEnd::Code(0))]);
    for who in [A, B, C] {
        let message = end_of(&world, who).message.expect("an abnormal end has its text");
        assert_eq!(message.len(), TEXT_MAX);
        assert!(message.ends_with("xxx"));
    }
    close(world);
}

#[test]
fn in_a_ring_everybody_is_killed_once() {
    let world = after(Reaping::AtOnce, &[link(A, B), link(B, C), link(C, A), Step::Fail(B)]);
    dies_of_link(&world, A);
    dies_of_link(&world, C);
    let kills = world.transcript.iter().filter(|output| matches!(output, Output::Kill { .. }));
    assert_eq!(kills.count(), 2);
    close(world);
}

#[test]
fn whoever_traps_links_is_told_and_the_chain_ends_there() {
    let trap = Step::Call(B, Act::Trap(true));
    let world = after(Reaping::AtOnce, &[link(A, B), link(B, C), trap, Step::Fail(A)]);
    assert_eq!(link_downs(&world, B), [(pid(&world, A), ExitKind::Error)]);
    assert!(lives(&world, B) && lives(&world, C));
    close(world);
}

#[test]
fn a_normal_end_leaves_linked_processes_alone() {
    let trap = Step::Call(C, Act::Trap(true));
    let world = after(Reaping::AtOnce, &[link(A, B), link(A, C), trap, Step::Return(A)]);
    assert!(lives(&world, B) && lives(&world, C));
    assert_eq!(link_downs(&world, C), []);
    close(world);
}

/// Its watcher sees the cause, not the bare signal that was used.
#[test]
fn exit_comes_before_link_down_and_names_the_cause() {
    let trap = Step::Call(C, Act::Trap(true));
    let ties = [link(A, B), link(C, B), monitor(C, B), trap];
    let mut world = after(Reaping::AtOnce, &ties);
    take(&mut world, &[Step::Fail(A)]);
    let heard: Vec<_> = told(&world, C).into_iter().skip(3).collect();
    let Output::Exit { reason, .. } = &heard[0] else { panic!("{heard:?}") };
    assert_eq!(reason.message, Some(format!("linked process failed: {CAUSE}")));
    assert!(matches!(&heard[1], Output::LinkDown { reason: same, .. } if same == reason));
    close(world);
}

#[test]
fn whoever_undid_its_ties_hears_nothing() {
    let undo = [Step::Call(B, Act::Unlink(to(A))), Step::Call(C, Act::Unmonitor(to(A)))];
    let mut world = after(Reaping::AtOnce, &[link(A, B), monitor(C, A)]);
    take(&mut world, &undo);
    take(&mut world, &[Step::Fail(A)]);
    assert!(lives(&world, B));
    assert_eq!(exits(&world, C), []);
    close(world);
}

#[test]
fn ties_with_the_dead_and_with_oneself() {
    let steps = [
        Step::Return(A),
        link(B, A),
        monitor(B, A),
        Step::Call(B, Act::Unlink(to(A))),
        Step::Call(B, Act::Unmonitor(to(A))),
        Step::Call(B, Act::Unlink(Dest::Name("alpha"))),
        link(B, B),
        monitor(C, B),
        monitor(C, B),
    ];
    let mut world = after(Reaping::AtOnce, &steps);
    let nobody = Err(Refusal::Unresolved("alpha".to_owned()));
    let done = Ok(Granted::Done);
    let of_b = [Err(Refusal::Gone), Err(Refusal::Gone), done.clone(), done.clone(), nobody, done];
    assert_eq!(answers(&world, B), of_b);
    assert_eq!(answers(&world, C), [Ok(Granted::Done), Err(Refusal::AlreadyMonitored)]);
    take(&mut world, &[Step::Fail(B)]);
    assert_eq!(end_of(&world, B).kind, ExitKind::Error, "its link to itself is none");
    close(world);
}

#[test]
fn done_but_not_exiting_is_killed_and_still_a_normal_end() {
    let mut world = after(Reaping::AtOnce, &[monitor(B, A), link(C, A), Step::Done(A)]);
    take(&mut world, &[Step::Time(EXIT_MAX_NS - 1)]);
    assert!(!killed(&world, A));
    take(&mut world, &[Step::Time(1)]);
    assert!(killed(&world, A));
    assert_eq!(exits(&world, B), [(pid(&world, A), ExitKind::Normal)]);
    assert!(lives(&world, C));
    close(world);
}

/// Nothing can be heard of it any more, but only the kernel's report ends it.
#[test]
fn a_worker_that_hangs_up_has_its_time_to_exit() {
    let hang_up = [monitor(B, A), Step::Close(A), Step::Time(EXIT_MAX_NS - 1)];
    let mut world = after(Reaping::AtOnce, &hang_up);
    assert!(lives(&world, A) && !killed(&world, A));
    take(&mut world, &[Step::Time(1)]);
    assert_eq!(exits(&world, B), [(pid(&world, A), ExitKind::Watchdog)]);
    close(world);
}

#[test]
fn a_worker_that_hangs_up_and_exits_is_not_killed() {
    let steps = [Step::Done(A), Step::Close(A), Step::Exit(A, ChildEnd::Code(0))];
    let world = after(Reaping::AtOnce, &steps);
    assert_eq!(end_of(&world, A).kind, ExitKind::Normal);
    assert_eq!(world.next_deadline(), None);
    close(world);
}

#[test]
fn a_kill_after_the_body_ended_changes_nothing() {
    let steps = [monitor(B, A), link(A, C), Step::Done(A), Step::Fail(C), Step::Reap(A)];
    let world = after(Reaping::Later, &steps);
    assert!(killed(&world, A));
    assert_eq!(exits(&world, B), [(pid(&world, A), ExitKind::Normal)]);
    close(world);
}

#[test]
fn what_the_kernel_says_of_an_end_that_nobody_ordered() {
    let signal = Step::Exit(A, ChildEnd::Signal(9));
    let world = after(Reaping::AtOnce, &[signal, Step::Exit(B, ChildEnd::Code(3))]);
    let (killed, exited) = (end_of(&world, A), end_of(&world, B));
    assert_eq!(killed.kind, ExitKind::Signal);
    assert_eq!(killed.message.as_deref(), Some("killed by signal 9 (SIGKILL)"));
    assert_eq!((exited.kind, exited.code), (ExitKind::Code, Some(3)));
    assert!(exited.message.is_some_and(|message| message.contains("code 3")));
    close(world);
}

#[test]
fn of_two_deadlines_the_earlier_one_stays() {
    let cancel = |after| Step::Call(B, Act::Cancel(to(A), Some(after)));
    let mut world = after(Reaping::AtOnce, &[cancel(100), cancel(50), cancel(200)]);
    assert_eq!(cancels(&world, A), [Some(100), Some(50), Some(200)]);
    assert_eq!(world.next_deadline(), Some(50));
    take(&mut world, &[Step::Time(50)]);
    assert_eq!(end_of(&world, A).kind, ExitKind::Terminated);
    assert_eq!(world.next_deadline(), None);
    close(world);
}

#[test]
fn whoever_obeys_its_cancel_is_not_terminated() {
    let cancel = Step::Call(B, Act::Cancel(to(A), Some(100)));
    let world = after(Reaping::AtOnce, &[cancel, Step::Return(A), Step::Time(AGES)]);
    assert_eq!(end_of(&world, A).kind, ExitKind::Normal);
    assert!(!killed(&world, A));
    close(world);
}

#[test]
fn the_reason_of_a_cancel_is_cut_to_what_a_header_holds() {
    let mut world = after(Reaping::AtOnce, &[]);
    let dest = PidText { host: ROOMY, pid: pid(&world, A) }.to_string();
    let long = "x".repeat(2 * TEXT_MAX);
    let cancel = Op::Cancel { dest: &dest, reason: Some(&long), deadline_ns: None };
    world.call(pid(&world, B), cancel, 10);
    let told = told(&world, A);
    let [Output::Cancel { reason: Some(reason), .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(reason.len(), TEXT_MAX);
    close(world);
}

#[test]
fn a_deadline_too_far_to_count_never_comes() {
    let cancel = Step::Call(B, Act::Cancel(to(A), Some(u64::MAX)));
    let world = after(Reaping::AtOnce, &[Step::Time(1), cancel, Step::Time(AGES)]);
    assert!(lives(&world, A));
    close(world);
}

#[test]
fn a_process_may_terminate_itself() {
    let world = after(Reaping::AtOnce, &[Step::Call(A, Act::Terminate(to(A)))]);
    assert_eq!(answers(&world, A), [Ok(Granted::Done)]);
    assert_eq!(end_of(&world, A).kind, ExitKind::Terminated);
    close(world);
}

#[test]
fn whoever_does_not_read_ends_with_its_limit() {
    let mut world = after(Reaping::Later, &[]);
    let pid = pid(&world, A);
    world.feed(Input::Overrun { pid, limit: 1000, used: 1234 });
    take(&mut world, &[Step::Reap(A)]);
    let end = end_of(&world, A);
    assert_eq!(end.kind, ExitKind::Mailbox);
    assert_eq!(end.limit, Some(LimitUse { limit: 1000, used: 1234 }));
    close(world);
}

#[test]
fn nothing_that_comes_after_an_end_counts() {
    let mut world = after(Reaping::AtOnce, &[monitor(B, A), Step::Exit(A, ChildEnd::Code(1))]);
    let pid = pid(&world, A);
    let before = world.transcript.clone();
    world.say(pid, &FromWorker::Loaded, 10);
    world.feed(Input::Broken { from: pid, what: "late".to_owned() });
    world.feed(Input::Overrun { pid, limit: 1, used: 2 });
    assert_eq!(world.transcript, before);
    close(world);
}
