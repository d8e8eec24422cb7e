//! Permissions: what is denied, with the text, what is counted, and what a refusal does not tell.

use super::*;
use crate::world::{Act, Birth, CRAMPED, ENTRY, JAILED, OTHER, ROOMY};
use ipc::frame::{Op, With};
use node::Denial;

const fn by_d(act: Act) -> Step {
    Step::Call(D, act)
}

/// The last call of D was denied in these words.
fn denied(world: &World, what: &str) {
    let who = text(world, D, JAILED);
    let text = format!("denied: {who} (app:worker) {what} of host app:jailed");
    let controlled = format!("{text} to any");
    let (kind, message) = refused(world, D);
    assert_eq!(kind, FaultKind::PermissionDenied);
    assert!(message == text || message == controlled, "{message:?} is not {text:?}");
}

/// What the node said to whoever runs it.
fn denials(world: &World) -> Vec<(Denial, String)> {
    let denied = |output: &Output| match output {
        Output::Denied { denial, text, .. } => Some((denial.clone(), text.to_string())),
        _ => None,
    };
    world.transcript.iter().filter_map(denied).collect()
}

#[test]
fn an_entry_must_be_allowed() {
    let mut world = jail(&[by_d(Act::SpawnOther(JAILED))]);
    denied(&world, "process.spawn app:other, to allow add it to permissions.spawn");
    assert_eq!(world.born.len(), 4, "nobody was born");
    take(&mut world, &[by_d(Act::Spawn(NO_TIES, JAILED, Birth::Loads, 10))]);
    assert_eq!(last_answer(&world, D), Ok(Granted::Pid(pid(&world, E))));
    close(world);
}

/// Whether there is such an entry or host is nobody's business.
#[test]
fn what_there_is_not_is_denied_as_well() {
    let mut world = jail(&[]);
    let from = pid(&world, D);
    world.call(
        from,
        Op::Spawn { entry: "app:none", host: JAILED, ties: BOTH_TIES, with: With::default() },
        10,
    );
    denied(&world, "process.spawn app:none, to allow add it to permissions.spawn");
    world.call(
        from,
        Op::Spawn { entry: ENTRY, host: "app:none", ties: BOTH_TIES, with: With::default() },
        10,
    );
    denied(&world, "process.spawn on host app:none, to allow add it to permissions.hosts");
    close(world);
}

#[test]
fn a_host_must_be_allowed() {
    let world = jail(&[by_d(Act::Spawn(NO_TIES, CRAMPED, Birth::Loads, 10))]);
    denied(&world, "process.spawn on host app:cramped, to allow add it to permissions.hosts");
    close(world);
}

#[test]
fn the_node_itself_may_spawn_anything() {
    let world = jail(&[]);
    assert!(lives(&world, D));
    assert_eq!(denials(&world), []);
    close(world);
}

/// `gamma` belongs to A, `delta` to nobody: both answers are the same.
#[test]
fn names_are_denied_whether_or_not_somebody_has_them() {
    for name in ["gamma", "delta"] {
        let mut world = jail(&[Step::Call(A, Act::Register("gamma", None))]);
        let allow = format!("{name}, to allow add it to permissions.names");
        let dest = Dest::Name(name);
        for (call, act) in [
            ("registry.register", Act::Register(name, None)),
            ("registry.lookup", Act::Lookup(name)),
            ("send", Act::Ask(dest, 10)),
            ("monitor", Act::Monitor(dest)),
            ("unmonitor", Act::Unmonitor(dest)),
            ("link", Act::Link(dest)),
            ("unlink", Act::Unlink(dest)),
            ("cancel", Act::Cancel(dest, None)),
            ("terminate", Act::Terminate(dest)),
            ("registry.register", Act::Register("alpha", Some(dest))),
        ] {
            take(&mut world, &[by_d(act)]);
            denied(&world, &format!("process.{call} {allow}"));
        }
        take(&mut world, &[by_d(Act::Unregister(name))]);
        assert_eq!(last_answer(&world, D), Ok(Granted::Flag(false)), "it needs no permission");
        close(world);
    }
}

#[test]
fn names_that_are_allowed_are_free() {
    let steps = [
        by_d(Act::Register("alpha", None)),
        by_d(Act::Lookup("alpha")),
        by_d(Act::Lookup("beta")),
        Step::Call(A, Act::Register("beta", None)),
        by_d(Act::Ask(Dest::Name("beta"), 10)),
    ];
    let world = jail(&steps);
    let answers = answers(&world, D);
    assert_eq!(answers[0], Ok(Granted::Done));
    assert_eq!(answers[1], Ok(Granted::Pid(pid(&world, D))));
    assert_eq!(answers[2], Err(Refusal::NameUnknown("beta".to_owned())));
    assert_eq!(messages(&world, A), [pid(&world, D)]);
    close(world);
}

/// By its PID and by a name, which is shown as it was given.
#[test]
fn only_descendants_are_ones_own_affair() {
    let mut world = jail(&[Step::Call(A, Act::Register("alpha", None))]);
    let of_a = text(&world, A, ROOMY);
    for (dest, shown) in [(to(A), of_a.as_str()), (Dest::Name("alpha"), "alpha")] {
        for (call, act) in [
            ("monitor", Act::Monitor(dest)),
            ("link", Act::Link(dest)),
            ("cancel", Act::Cancel(dest, Some(5))),
            ("terminate", Act::Terminate(dest)),
            ("registry.register", Act::Register("beta", Some(dest))),
        ] {
            take(&mut world, &[by_d(act)]);
            denied(&world, &format!("process.{call} {shown}, to allow set permissions.control"));
        }
    }
    assert_eq!(world.next_deadline(), Some(1_000_000_000), "its wall, and no cancel of A");
    assert!(lives(&world, A));
    close(world);
}

/// Who was told of a PID may send to it, and undo ties that others have made.
#[test]
fn sending_to_a_pid_and_undoing_ties_need_no_control() {
    let steps = [
        Step::Call(A, Act::Link(to(D))),
        by_d(Act::Ask(to(A), 10)),
        by_d(Act::Unlink(to(A))),
        by_d(Act::Unmonitor(to(A))),
        Step::Fail(A),
    ];
    let world = jail(&steps);
    assert!(answers(&world, D).iter().all(Result::is_ok));
    assert!(lives(&world, D), "the link was undone");
    close(world);
}

/// E is D's child, F that of E; D is nobody's child, and no sibling is a descendant.
#[test]
fn control_goes_down_and_never_up() {
    let spawn = |who| Step::Call(who, Act::Spawn(NO_TIES, JAILED, Birth::Loads, 10));
    let monitor = |one, other| Step::Call(one, Act::Monitor(to(other)));
    let mut world = jail(&[spawn(D), spawn(E), monitor(D, E), monitor(D, F), monitor(E, F)]);
    assert_eq!(answers(&world, D)[1..], [Ok(Granted::Done), Ok(Granted::Done)]);
    assert_eq!(last_answer(&world, E), Ok(Granted::Done));
    take(&mut world, &[Step::Call(F, Act::Terminate(to(D))), Step::Call(E, Act::Link(to(D)))]);
    assert_eq!(refused(&world, F).0, FaultKind::PermissionDenied);
    assert_eq!(refused(&world, E).0, FaultKind::PermissionDenied);
    take(&mut world, &[spawn(D), Step::Call(Who::Born(6), Act::Terminate(to(F)))]);
    assert_eq!(refused(&world, Who::Born(6)).0, FaultKind::PermissionDenied);
    take(&mut world, &[Step::Call(F, Act::Terminate(to(F)))]);
    assert_eq!(end_of(&world, F).kind, ExitKind::Terminated, "itself is its own affair");
    close(world);
}

/// What a parent leaves behind is still the affair of those before it, and of nobody else.
#[test]
fn the_children_of_the_dead_are_adopted() {
    let spawn = |who| Step::Call(who, Act::Spawn(NO_TIES, JAILED, Birth::Loads, 10));
    let ends = [spawn(D), spawn(E), Step::Return(E), by_d(Act::Cancel(to(F), None))];
    let mut world = jail(&ends);
    assert_eq!(last_answer(&world, D), Ok(Granted::Done));
    take(&mut world, &[spawn(F), Step::Return(D), Step::Return(F)]);
    assert!(lives(&world, Who::Born(6)), "it has nobody now");
    close(world);
}

/// A refusal must not tell that a process is there.
#[test]
fn who_is_not_there_is_not_found() {
    let steps = [Step::Return(B), by_d(Act::Terminate(to(B)))];
    let mut world = jail(&steps);
    assert_eq!(refused(&world, D), (FaultKind::NotFound, "process not found".to_owned()));
    take(&mut world, &[by_d(Act::Terminate(Dest::Forged(A)))]);
    assert_eq!(refused(&world, D), (FaultKind::NotFound, "process not found".to_owned()));
    assert_eq!(denials(&world), []);
    close(world);
}

#[test]
fn a_kind_is_told_once_and_counted() {
    let other = by_d(Act::SpawnOther(JAILED));
    let mut world = jail(&[other, other, other]);
    let (denial, text) = denials(&world).pop().expect("it was told");
    assert_eq!(denials(&world).len(), 1);
    assert_eq!((&*denial.host, denial.call, denial.field), (JAILED, "process.spawn", "spawn"));
    assert_eq!(
        (&*denial.object, denial.remedy()),
        (OTHER, "add it to permissions.spawn of host app:jailed".to_owned())
    );
    assert_eq!(text, refused(&world, D).1);
    assert_eq!(world.denials().get(&denial), Some(&3));
    take(&mut world, &[by_d(Act::Lookup("gamma"))]);
    assert_eq!(denials(&world).len(), 2);
    close(world);
}

/// Their PIDs are without end, so it is their entry that is counted.
#[test]
fn control_is_counted_by_the_entry_of_the_other() {
    let world = jail(&[by_d(Act::Terminate(to(A))), by_d(Act::Terminate(to(B)))]);
    let [(denial, text)] = &denials(&world)[..] else { panic!("{:?}", denials(&world)) };
    assert_eq!((&*denial.object, denial.field), (ENTRY, "control"));
    assert_eq!(denial.remedy(), "set permissions.control of host app:jailed to any");
    assert!(text.contains(&format!("process.terminate {{{ROOMY}|0x00001-")), "{text}");
    assert_eq!(world.denials().get(denial), Some(&2));
    close(world);
}
