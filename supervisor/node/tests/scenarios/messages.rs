//! Messages: credits, full mailboxes, routes that close.

use super::*;
use crate::world::{Act, Birth, CRAMPED, Lie, ROOMY};
use ipc::frame::{FromWorker, Op, RouteId};
use ipc::limits::HEADER_MAX;

const ASK_B: Step = Step::Call(A, Act::Ask(to(B), 100));

fn route(world: &World, who: Who) -> (RouteId, u64) {
    match last_answer(world, who) {
        Ok(Granted::Route { route: Some(route), credit }) => (route, credit),
        other => panic!("no route: {other:?}"),
    }
}

fn send(world: &mut World, who: Who, route: RouteId, charge: u64) {
    let from = pid(world, who);
    world.say(from, &FromWorker::Send { route, topic: "topic" }, charge as usize);
}

fn closed(world: &World, who: Who) -> Vec<RouteId> {
    let closed = |output| match output {
        Output::Closed { route, .. } => Some(route),
        _ => None,
    };
    told(world, who).into_iter().filter_map(closed).collect()
}

#[test]
fn a_credit_can_be_used_to_its_last_byte_and_asked_for_again() {
    let mut world = after(Reaping::AtOnce, &[ASK_B]);
    let (first, credit) = route(&world, A);
    send(&mut world, A, first, credit - 1);
    send(&mut world, A, first, 1);
    take(&mut world, &[Step::Release(A, 0), ASK_B]);
    assert_eq!(messages(&world, B).len(), 4);
    assert_eq!(route(&world, A).0, first, "what was released is used again");
    assert!(!killed(&world, A));
    close(world);
}

#[test]
fn one_byte_over_the_credit_is_a_lie_and_not_delivered() {
    let mut world = after(Reaping::AtOnce, &[ASK_B]);
    let (first, credit) = route(&world, A);
    send(&mut world, A, first, credit);
    take(&mut world, &[Step::Lie(A, Lie::OverCredit)]);
    assert_eq!(messages(&world, B).len(), 2);
    assert_eq!(end_of(&world, A).kind, ExitKind::Protocol);
    close(world);
}

/// Where the route's bytes make the mailbox full all its senders are told, and what they had sent
/// before they knew is delivered all the same.
#[test]
fn a_full_mailbox_closes_its_routes_and_loses_nothing() {
    let asks = Step::Call(C, Act::Ask(to(B), 20_000));
    let mut world = after(Reaping::AtOnce, &[ASK_B, asks, asks, asks]);
    let (first, credit) = (0, 8192);
    let room = 64 * 1024 - 60_100;
    send(&mut world, A, first, room);
    assert_eq!(closed(&world, A), [], "to the last byte");
    send(&mut world, A, first, 1);
    assert_eq!(closed(&world, A), [first]);
    assert_eq!(closed(&world, C), [0, 1, 2]);
    send(&mut world, A, first, credit - room - 1);
    assert_eq!(messages(&world, B).len(), 7, "sent before it knew");
    take(&mut world, &[ASK_B]);
    assert_eq!(last_answer(&world, A), Err(Refusal::MailboxFull));
    assert_eq!(closed(&world, A), [first], "told once");
    let room = [Step::Consume(B, 60_000), Step::Release(A, 0), ASK_B];
    take(&mut world, &room);
    assert!(route(&world, A).1 > 0);
    close(world);
}

#[test]
fn whoever_asks_too_much_is_refused_and_lives() {
    let mut world = after(Reaping::AtOnce, &[]);
    let (from, max) = (pid(&world, A), 4096 + HEADER_MAX);
    let dest = PidText { host: ROOMY, pid: pid(&world, B) }.to_string();
    world.call(from, Op::Send { dest: &dest, topic: "topic" }, max);
    assert!(last_answer(&world, A).is_ok());
    world.call(from, Op::Send { dest: &dest, topic: "topic" }, max + 1);
    assert_eq!(last_answer(&world, A), Err(Refusal::TooLarge { bytes: max + 1, max }));
    let long = "x".repeat(ipc::limits::TOPIC_MAX + 1);
    for topic in ["", "@pid", &long] {
        world.call(from, Op::Send { dest: &dest, topic }, 10);
        assert_eq!(last_answer(&world, A), Err(Refusal::BadTopic));
    }
    assert_eq!(messages(&world, B).len(), 1);
    assert!(lives(&world, A));
    close(world);
}

#[test]
fn a_route_to_the_dead_is_closed_before_the_exit_and_drops_the_rest() {
    let monitor = Step::Call(A, Act::Monitor(to(B)));
    let mut world = after(Reaping::AtOnce, &[monitor, ASK_B]);
    let (first, _) = route(&world, A);
    take(&mut world, &[Step::Return(B)]);
    let heard: Vec<_> = told(&world, A).into_iter().skip(2).collect();
    assert!(matches!(heard[..], [Output::Closed { .. }, Output::Exit { .. }]), "{heard:?}");
    send(&mut world, A, first, 10);
    assert_eq!(messages(&world, B).len(), 1);
    take(&mut world, &[Step::Release(A, 0), Step::Call(A, Act::Ask(to(C), 10))]);
    assert_eq!(route(&world, A).0, first);
    assert!(lives(&world, A));
    close(world);
}

/// A route by name ends with the name's owner; what was on its way goes to whom it was meant for.
#[test]
fn a_route_by_name_closes_when_the_name_moves() {
    let register = |who| Step::Call(who, Act::Register("alpha", None));
    let by_name = Step::Call(A, Act::Ask(Dest::Name("alpha"), 10));
    let mut world = after(Reaping::AtOnce, &[register(B), by_name]);
    let (first, _) = route(&world, A);
    take(&mut world, &[ASK_B]);
    let (by_pid, _) = route(&world, A);
    take(&mut world, &[Step::Call(B, Act::Unregister("alpha")), register(C)]);
    assert_eq!(closed(&world, A), [first], "the route by PID stays");
    send(&mut world, A, first, 10);
    send(&mut world, A, by_pid, 10);
    take(&mut world, &[by_name]);
    assert_eq!((messages(&world, B).len(), messages(&world, C).len()), (4, 1));
    close(world);
}

/// Credits add up to at most the mailbox, so one greedy sender gets no more than promises allow.
#[test]
fn promises_end_before_the_mailbox_does() {
    let greedy = [ASK_B; 40];
    let mut world = after(Reaping::AtOnce, &greedy);
    let open = answers(&world, A)
        .into_iter()
        .filter(|answer| matches!(answer, Ok(Granted::Route { route: Some(_), .. })));
    assert!(open.count() < 40);
    assert_eq!(last_answer(&world, A), Ok(Granted::Route { route: None, credit: 0 }));
    assert_eq!(messages(&world, B).len(), 40);
    // The promises of one that is gone are kept for others.
    take(&mut world, &[Step::Return(A), Step::Call(C, Act::Ask(to(B), 10))]);
    assert_eq!(route(&world, C).1, 64 * 1024 / 8);
    close(world);
}

#[test]
fn a_mailbox_too_small_for_a_route_still_gets_messages() {
    let mut world = World::new(Reaping::AtOnce);
    let ask = Step::Call(A, Act::Ask(to(A), 4000));
    take(&mut world, &[Step::Want(CRAMPED, Birth::Loads), ask, ask, ask]);
    assert_eq!(answers(&world, A)[0], Ok(Granted::Route { route: Some(0), credit: 9 * 1024 / 8 }));
    assert_eq!(last_answer(&world, A), Err(Refusal::MailboxFull));
    assert_eq!(messages(&world, A), [pid(&world, A); 2], "to itself, too");
    close(world);
}

#[test]
fn nobody_is_reached_by_a_pid_that_was_made_up() {
    let acts = [Act::Ask, |dest, _| Act::Link(dest), |dest, _| Act::Monitor(dest)];
    for act in acts {
        let world = after(Reaping::AtOnce, &[Step::Call(A, act(Dest::Forged(B), 10))]);
        assert_eq!(last_answer(&world, A), Err(Refusal::Gone));
        close(world);
    }
    let mut world = after(Reaping::AtOnce, &[]);
    let dest = PidText { host: CRAMPED, pid: pid(&world, B) }.to_string();
    world.call(pid(&world, A), Op::Terminate { dest: &dest }, 10);
    assert_eq!(last_answer(&world, A), Err(Refusal::Gone), "right number, wrong host");
    close(world);
}
