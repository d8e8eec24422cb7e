//! The cases that docs/manifests.md speaks of.

use crate::world::{Step, World};
use crate::{SECOND, group, plan, service};
use node::services::{Key, Notice, Order, Ready, State, Strategy};

/// Who was started, asked to end and given up, in order.
fn deeds(world: &mut World) -> Vec<String> {
    let text = |order| match order {
        Order::Start(key) => Some(format!("start {key}")),
        Order::Cancel { key, .. } => Some(format!("cancel {key}")),
        Order::Terminate { key, .. } => Some(format!("terminate {key}")),
        Order::Say(Notice::GaveUp { key, .. }) => Some(format!("give up {key}")),
        Order::Say(Notice::Lacks { key, required }) => Some(format!("{key} lacks {required}")),
        Order::Over => Some("over".to_owned()),
        Order::Say(Notice::Restarts { .. }) => None,
    };
    std::mem::take(&mut world.orders).into_iter().filter_map(text).collect()
}

fn states(world: &World, keys: &[Key]) -> Vec<State> {
    keys.iter().map(|key| world.services.state(*key)).collect()
}

#[test]
fn what_is_independent_starts_at_once_and_the_rest_when_all_it_requires_is_up() {
    let mut said = service(&[]);
    said.ready = Ready::Said;
    let mut world = World::new(plan(vec![service(&[]), said, service(&[0, 1])], vec![]), 0);
    assert_eq!(deeds(&mut world), ["start 0", "start 1"]);
    world.take(Step::Loaded(0));
    world.take(Step::Loaded(1));
    assert_eq!(states(&world, &[0, 1, 2]), [State::Running, State::Starting, State::Starting]);
    assert!(deeds(&mut world).is_empty(), "1 has not said that it is ready");
    world.take(Step::Ready(1));
    assert_eq!(deeds(&mut world), ["start 2"]);
}

#[test]
fn only_what_starts_by_itself_is_wanted_and_what_that_requires() {
    let mut quiet = service(&[]);
    quiet.auto_start = false;
    let services = vec![quiet.clone(), quiet, service(&[0])];
    let mut world = World::new(plan(services, vec![]), 0);
    assert_eq!(deeds(&mut world), ["start 0"]);
    world.up_all(&[0, 2]);
    assert_eq!(deeds(&mut world), ["start 2"]);
    assert_eq!(world.services.state(1), State::Unknown);
}

#[test]
fn who_is_not_ready_in_time_is_terminated_and_has_failed_for_that() {
    let mut said = service(&[]);
    said.ready = Ready::Said;
    let mut world = World::new(plan(vec![said], vec![]), 0);
    world.take(Step::Loaded(0));
    world.take(Step::Due);
    assert_eq!(deeds(&mut world), ["start 0", "terminate 0"]);
    world.take(Step::Fail(0));
    let expected = "did not call process.ready() within 10 s (start_timeout)";
    let told = |order: &Order| matches!(order, Order::Say(Notice::Restarts { why, .. }) if why == expected);
    assert!(world.orders.iter().any(told), "{:?}", world.orders);
}

#[test]
fn attempts_count_anew_after_it_has_run_well() {
    let mut one = service(&[]);
    one.backoff.max_attempts = Some(1);
    let mut world = World::new(plan(vec![one], vec![]), 0);
    for _ in 0..3 {
        world.up_all(&[0]);
        world.take(Step::Pass(10 * SECOND));
        world.take(Step::Fail(0));
        world.take(Step::Due);
    }
    world.take(Step::Fail(0));
    assert_eq!(
        deeds(&mut world),
        ["start 0", "start 0", "start 0", "start 0", "give up 0", "over"]
    );
    assert_eq!(world.services.attempts(0), 1);
}

#[test]
fn who_requires_what_is_given_up_is_stopped_in_reverse_order() {
    let mut frail = service(&[]);
    frail.backoff.max_attempts = Some(0);
    let services = vec![frail, service(&[0]), service(&[1]), service(&[])];
    let mut world = World::new(plan(services, vec![]), 0);
    world.up_all(&[0, 1, 2, 3]);
    deeds(&mut world);
    world.take(Step::Fail(0));
    assert_eq!(deeds(&mut world), ["give up 0", "1 lacks 0", "2 lacks 1", "cancel 2"]);
    world.take(Step::Fail(2));
    assert_eq!(deeds(&mut world), ["cancel 1"]);
    world.take(Step::Finish(1));
    let expected = [State::Failed, State::Stopped, State::Stopped, State::Running];
    assert_eq!(states(&world, &[0, 1, 2, 3]), expected);
    world.take(Step::Finish(3));
    assert_eq!(deeds(&mut world), ["over"]);
}

/// A group of three with a strategy, all up, of which the second has failed.
fn second_of_three_failed(strategy: Strategy) -> World {
    let services = vec![service(&[]), service(&[]), service(&[])];
    let mut world = World::new(plan(services, vec![group(&[0, 1, 2], strategy, 1)]), 0);
    world.up_all(&[0, 1, 2]);
    deeds(&mut world);
    world.take(Step::Fail(1));
    world
}

#[test]
fn one_for_one_leaves_the_others_alone() {
    let mut world = second_of_three_failed(Strategy::OneForOne);
    world.take(Step::Due);
    assert_eq!(deeds(&mut world), ["start 1"]);
}

#[test]
fn one_for_all_waits_until_all_have_ended_and_starts_all() {
    let mut world = second_of_three_failed(Strategy::OneForAll);
    assert_eq!(deeds(&mut world), ["cancel 0", "cancel 2"]);
    world.take(Step::Finish(0));
    world.take(Step::Pass(SECOND));
    assert!(deeds(&mut world).is_empty(), "2 still lives");
    world.take(Step::Finish(2));
    world.take(Step::Due);
    assert_eq!(deeds(&mut world), ["start 0", "start 1", "start 2"]);
}

#[test]
fn rest_for_one_starts_those_behind_it_again() {
    let mut world = second_of_three_failed(Strategy::RestForOne);
    assert_eq!(deeds(&mut world), ["cancel 2"]);
    world.take(Step::Finish(2));
    world.take(Step::Due);
    assert_eq!(deeds(&mut world), ["start 1", "start 2"]);
    assert_eq!(states(&world, &[0]), [State::Running]);
}

#[test]
fn a_group_that_fails_too_often_is_given_up_whole() {
    let mut world = second_of_three_failed(Strategy::OneForOne);
    world.take(Step::Due);
    deeds(&mut world);
    world.take(Step::Fail(2));
    assert_eq!(deeds(&mut world), ["give up 2", "cancel 0", "cancel 1"]);
    world.take(Step::Fail(0));
    world.take(Step::Fail(1));
    assert_eq!(states(&world, &[0, 1, 2]), [State::Failed; 3]);
    assert_eq!(deeds(&mut world), ["over"]);
}

#[test]
fn a_changed_service_starts_again_and_so_does_what_waited_for_it() {
    let mut frail = service(&[]);
    frail.backoff.max_attempts = Some(0);
    let services = vec![frail, service(&[0]), service(&[])];
    let mut world = World::new(plan(services, vec![]), 0);
    world.up_all(&[2]);
    world.take(Step::Fail(0));
    assert_eq!(states(&world, &[0, 1, 2]), [State::Failed, State::Stopped, State::Running]);
    deeds(&mut world);
    world.take(Step::Change(0));
    assert_eq!(deeds(&mut world), ["start 0"]);
    world.up_all(&[0, 1]);
    assert_eq!(deeds(&mut world), ["start 1"]);
    world.take(Step::Change(2));
    assert_eq!(deeds(&mut world), ["cancel 2"]);
    world.take(Step::Finish(2));
    world.take(Step::Due);
    assert_eq!(deeds(&mut world), ["start 2"]);
}
