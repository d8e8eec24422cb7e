//! Limits of processes: what each is refused, with the text, and the end that time brings.

use super::*;
use crate::world::{Act, Birth, JAILED, OTHER, ROOMY};
use ipc::LimitUse;
use node::ChildEnd;

const fn spawn(who: Who) -> Step {
    Step::Call(who, Act::Spawn(NO_TIES, JAILED, Birth::Loads, 10))
}

fn limited(world: &World, who: Who, text: &str) {
    assert_eq!(refused(world, who), (FaultKind::RateLimited, text.to_owned()));
}

#[test]
fn a_process_has_only_so_many_children() {
    let mut world = jail(&[spawn(D), spawn(D), spawn(D)]);
    limited(&world, D, "limit of 2 children reached (children of host 'app:jailed')");
    take(&mut world, &[Step::Return(E), spawn(D)]);
    assert_eq!(last_answer(&world, D), Ok(Granted::Pid(pid(&world, Who::Born(6)))));
    close(world);
}

/// A place is taken from the spawn to the end, also by one that never loads.
#[test]
fn children_count_until_the_kernel_reports_their_end() {
    let fails = Step::Call(D, Act::Spawn(NO_TIES, JAILED, Birth::Fails, 10));
    let mut world = jail(&[fails, spawn(D), spawn(D)]);
    limited(&world, D, "limit of 2 children reached (children of host 'app:jailed')");
    take(&mut world, &[Step::Exit(E, ChildEnd::Code(1)), spawn(D)]);
    assert!(last_answer(&world, D).is_ok());
    close(world);
}

/// Else a chain of short-lived parents could spawn without end.
#[test]
fn the_children_of_a_child_that_ended_count_as_ones_own() {
    let g = Who::Born(6);
    let mut world = jail(&[spawn(D), spawn(E), spawn(E), Step::Return(E)]);
    take(&mut world, &[spawn(D)]);
    limited(&world, D, "limit of 2 children reached (children of host 'app:jailed')");
    take(&mut world, &[Step::Return(F), spawn(D), spawn(D)]);
    limited(&world, D, "limit of 2 children reached (children of host 'app:jailed')");
    take(&mut world, &[Step::Call(D, Act::Terminate(to(g)))]);
    assert_eq!(end_of(&world, g).kind, ExitKind::Terminated);
    close(world);
}

/// The manifest of the host would be the wrong place to change it.
#[test]
fn a_limit_that_an_entry_lowers_names_the_entry() {
    let spawn_from_d = Step::Call(D, Act::Spawn(NO_TIES, ROOMY, Birth::Loads, 10));
    let steps = [Step::Call(A, Act::SpawnOther(ROOMY)), spawn_from_d, spawn_from_d];
    let world = after(Reaping::AtOnce, &steps);
    limited(&world, D, &format!("limit of 1 children reached (children of entry '{OTHER}')"));
    close(world);
}

#[test]
fn a_process_has_only_so_many_names_of_its_host() {
    let register = |name| Step::Call(D, Act::Register(name, None));
    let mut world = jail(&[register("alpha"), register("beta"), register("wabe")]);
    limited(&world, D, "limit of 2 names reached (names of host 'app:jailed')");
    take(&mut world, &[register("beta")]);
    assert_eq!(last_answer(&world, D), Ok(Granted::Done), "its own already");
    close(world);
}

/// The limit is that of the one who gets the name.
#[test]
fn names_given_count_for_whom_they_are_given_to() {
    let give = |name| Step::Call(A, Act::Register(name, Some(to(D))));
    let world = jail(&[give("one"), give("two"), give("three")]);
    limited(&world, A, "limit of 2 names reached (names of host 'app:jailed')");
    close(world);
}

#[test]
fn links_have_a_limit_on_either_side() {
    let link = |one, other| Step::Call(one, Act::Link(to(other)));
    let text = "limit of 2 links reached (links of host 'app:jailed')";
    let mut world = jail(&[link(A, D), link(B, D), link(C, D)]);
    limited(&world, C, text);
    take(&mut world, &[link(A, D), link(D, D)]);
    assert_eq!(last_answer(&world, A), Ok(Granted::Done), "they are linked already");
    assert_eq!(last_answer(&world, D), Ok(Granted::Done), "a link to itself is none");
    let tied = Ties { link: true, monitor: false };
    take(&mut world, &[Step::Call(D, Act::Spawn(tied, JAILED, Birth::Loads, 10))]);
    limited(&world, D, text);
    close(world);
}

#[test]
fn monitors_have_the_limit_of_links() {
    let monitored = Ties { link: false, monitor: true };
    let spawn = Step::Call(D, Act::Spawn(monitored, JAILED, Birth::Loads, 10));
    let monitor = |who| Step::Call(D, Act::Monitor(to(who)));
    let text = "limit of 2 monitors reached (links of host 'app:jailed')";
    let mut world = jail(&[spawn, monitor(D), spawn]);
    limited(&world, D, text);
    take(&mut world, &[Step::Call(E, Act::Spawn(NO_TIES, JAILED, Birth::Loads, 10)), monitor(F)]);
    limited(&world, D, text);
    take(&mut world, &[monitor(E)]);
    assert_eq!(last_answer(&world, D), Err(Refusal::AlreadyMonitored));
    close(world);
}

/// A full host is one thing, a spawner at its limit another.
#[test]
fn a_full_host_says_so() {
    let mut world = World::new(Reaping::AtOnce);
    for _ in 0..9 {
        world.take(&Step::Want(JAILED, Birth::Loads));
    }
    let full = "host 'app:jailed' is at its limit of 8 processes (max_processes)";
    let Some(Output::NodeReply { result: Err(refusal), .. }) = world.transcript.last() else {
        panic!("{:?}", world.transcript.last())
    };
    assert_eq!(refusal.fault().message, full);
    close(world);
}

#[test]
fn who_runs_longer_than_it_may_is_killed() {
    let monitor = Step::Call(A, Act::Monitor(to(D)));
    let mut world = jail(&[monitor, Step::Time(999_999_999)]);
    assert!(!killed(&world, D));
    take(&mut world, &[Step::Time(500_000_001)]);
    let end = end_of(&world, D);
    assert_eq!(exits(&world, A), [(pid(&world, D), ExitKind::Wall)]);
    assert_eq!(end.message.as_deref(), Some("wall limit of 1 s exceeded (used 1.5 s)"));
    assert_eq!(end.limit, Some(LimitUse { limit: 1_000_000_000, used: 1_500_000_000 }));
    assert_eq!(end.signal, Some(9));
    close(world);
}

/// Loading has its own time, and the wall begins where it ends.
#[test]
fn the_wall_begins_when_it_is_loaded() {
    let mut world = after(Reaping::AtOnce, &[Step::Want(JAILED, Birth::Waits)]);
    take(&mut world, &[Step::Time(5_000_000_000), Step::Load(D, Birth::Loads)]);
    assert_eq!(world.next_deadline(), Some(6_000_000_000));
    take(&mut world, &[Step::Time(1_000_000_000)]);
    let message = end_of(&world, D).message;
    assert_eq!(message.as_deref(), Some("wall limit of 1 s exceeded (used 1 s)"));
    close(world);
}

#[test]
fn who_ends_in_time_leaves_no_wall_behind() {
    let world = jail(&[Step::Return(D)]);
    assert_eq!(world.next_deadline(), None);
    close(world);
}

/// What it had said of its body counts, as with any kill.
#[test]
fn a_wall_after_the_body_ended_changes_nothing() {
    let world = jail(&[Step::Time(999_999_999), Step::Done(D), Step::Time(1)]);
    assert_eq!(end_of(&world, D).kind, ExitKind::Normal);
    close(world);
}

#[test]
fn without_a_limit_there_is_no_wall() {
    let world = after(Reaping::AtOnce, &[]);
    assert_eq!(world.next_deadline(), None);
    close(world);
}

#[test]
fn the_bytes_of_spawns_name_the_mailbox() {
    let spawn = |bytes| Step::Call(A, Act::Spawn(NO_TIES, ROOMY, Birth::Waits, bytes));
    let world = after(Reaping::AtOnce, &[spawn(65_536), spawn(1)]);
    let what = "limit of 65536 bytes in arguments of spawns under way reached";
    limited(&world, A, &format!("{what} (mailbox of host 'app:roomy')"));
    close(world);
}
