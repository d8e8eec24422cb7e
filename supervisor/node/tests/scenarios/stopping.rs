//! How a node stops: asked, given time, ended; and then stopped, once.

use super::*;
use crate::world::{AGES, Act, Birth, ROOMY};
use node::Stop;

const GRACE: u64 = 100;

const fn stop(how: Stop) -> Step {
    Step::Stop(how, GRACE)
}

fn stopped(world: &World) -> usize {
    world.transcript.iter().filter(|output| **output == Output::Stopped).count()
}

#[test]
fn everybody_is_asked_and_has_its_time() {
    let mut world = after(Reaping::AtOnce, &[stop(Stop::Asked)]);
    for who in [A, B, C] {
        assert_eq!(cancels(&world, who), [Some(GRACE)]);
    }
    take(&mut world, &[Step::Return(A), Step::Time(GRACE - 1)]);
    assert!(lives(&world, B) && stopped(&world) == 0);
    take(&mut world, &[Step::Time(1)]);
    assert_eq!(end_of(&world, A).kind, ExitKind::Normal);
    assert_eq!(end_of(&world, B).kind, ExitKind::Shutdown);
    assert_eq!(world.transcript.last(), Some(&Output::Stopped));
    close(world);
}

#[test]
fn whoever_cannot_see_a_cancel_is_not_waited_for_when_main_ended() {
    let world = after(Reaping::AtOnce, &[Step::Listen(B), stop(Stop::MainEnded)]);
    assert_eq!(end_of(&world, A).kind, ExitKind::Shutdown);
    assert_eq!((cancels(&world, A), cancels(&world, B)), (vec![], vec![Some(GRACE)]));
    assert!(lives(&world, B) && !lives(&world, C));
    close(world);
}

#[test]
fn now_means_now() {
    let world = after(Reaping::AtOnce, &[Step::Listen(B), stop(Stop::Now)]);
    for who in [A, B, C] {
        assert_eq!(cancels(&world, who), []);
        assert_eq!(end_of(&world, who).kind, ExitKind::Shutdown);
    }
    assert_eq!(stopped(&world), 1);
    close(world);
}

#[test]
fn an_empty_node_stops_at_once_and_once() {
    for how in [Stop::MainEnded, Stop::Asked, Stop::Now] {
        let mut world = World::new(Reaping::AtOnce);
        take(&mut world, &[stop(how), stop(Stop::Asked), Step::Time(AGES), stop(Stop::Now)]);
        assert_eq!(world.transcript, [Output::Stopped]);
        assert_eq!(world.next_deadline(), None);
        close(world);
    }
}

#[test]
fn the_grace_is_over_when_all_have_ended() {
    let ends = [A, B, C].map(Step::Return);
    let mut world = after(Reaping::AtOnce, &[stop(Stop::Asked)]);
    take(&mut world, &ends);
    assert_eq!(stopped(&world), 1);
    assert_eq!(world.next_deadline(), None);
    close(world);
}

/// Somebody who loses patience may say so.
#[test]
fn stopping_can_be_made_harder_but_not_softer() {
    let mut world = after(Reaping::Later, &[Step::Listen(A), stop(Stop::Asked)]);
    take(&mut world, &[Step::Time(GRACE / 2), Step::Stop(Stop::Asked, AGES)]);
    assert_eq!(world.next_deadline(), Some(GRACE), "the first deadline stays");
    assert_eq!(cancels(&world, A), [Some(GRACE)], "and nobody is told of another");
    take(&mut world, &[stop(Stop::MainEnded)]);
    assert!(!killed(&world, A) && killed(&world, B) && killed(&world, C));
    take(&mut world, &[stop(Stop::Now)]);
    assert!(killed(&world, A));
    take(&mut world, &[Step::Reap(A), Step::Reap(B)]);
    assert_eq!(stopped(&world), 0, "one is left");
    take(&mut world, &[Step::Reap(C)]);
    assert_eq!(stopped(&world), 1);
    close(world);
}

/// A spawn that was under way when the node was to stop is still answered.
#[test]
fn stopping_ends_those_that_still_load() {
    let spawn = Step::Call(A, Act::Spawn(BOTH_TIES, ROOMY, Birth::Waits, 10));
    let mut world = after(Reaping::AtOnce, &[Step::Listen(A), spawn, stop(Stop::MainEnded)]);
    assert!(matches!(last_answer(&world, A), Err(Refusal::StartDied { .. })));
    assert!(lives(&world, A));
    take(&mut world, &[Step::Return(A)]);
    assert_eq!(stopped(&world), 1);
    close(world);
}

/// Nobody dies of a link to one that the stopping node ended before it could trap.
#[test]
fn the_order_to_shut_down_stands_against_links() {
    let link = Step::Call(A, Act::Link(to(B)));
    let world = after(Reaping::AtOnce, &[link, stop(Stop::Now)]);
    assert_eq!(end_of(&world, A).kind, ExitKind::Shutdown);
    assert_eq!(end_of(&world, B).kind, ExitKind::Shutdown);
    close(world);
}
