//! The tricky cases, one by one, with what must come of each written out. The world judges every
//! step of these too.

mod births;
mod ends;
mod limits;
mod messages;
mod names;
mod permissions;
mod protocol;
mod quotas;
mod reasons;
mod stopping;

#[expect(dead_code, reason = "the world can do more than these scenarios ask of it")]
#[path = "../world/mod.rs"]
mod world;

use ipc::frame::Ties;
use ipc::{ExitKind, ExitReason, FaultKind, Pid, PidText};
use node::{Granted, Output, Refusal};
use world::{Birth, Dest, JAILED, Reaping, Step, Who, World};

const A: Who = Who::Born(0);
const B: Who = Who::Born(1);
const C: Who = Who::Born(2);
const D: Who = Who::Born(3);
const E: Who = Who::Born(4);
const F: Who = Who::Born(5);

const NO_TIES: Ties = Ties { link: false, monitor: false };
const BOTH_TIES: Ties = Ties { link: true, monitor: true };

const fn to(who: Who) -> Dest {
    Dest::To(who)
}

fn pid(world: &World, who: Who) -> Pid {
    match who {
        Who::Born(nth) => world.born[nth],
        Who::Living(_) => panic!("a scenario names its processes by birth"),
    }
}

fn told(world: &World, who: Who) -> Vec<Output> {
    world.told.get(&pid(world, who)).cloned().unwrap_or_default()
}

/// The answers to its calls, in order.
fn answers(world: &World, who: Who) -> Vec<Result<Granted, Refusal>> {
    let answer = |output| match output {
        Output::Reply { result, .. } => Some(result),
        _ => None,
    };
    told(world, who).into_iter().filter_map(answer).collect()
}

fn last_answer(world: &World, who: Who) -> Result<Granted, Refusal> {
    answers(world, who).pop().expect("there was a call")
}

/// What is refused to one on the roomy host.
fn at_limit(what: &'static str, field: &'static str, max: u64) -> Refusal {
    Refusal::AtLimit { what, max, field, of: "host 'app:roomy'".to_owned() }
}

/// The kind and text of the last refusal.
fn refused(world: &World, who: Who) -> (FaultKind, String) {
    let fault = last_answer(world, who).expect_err("it was refused").fault();
    (fault.kind, fault.message)
}

/// The text of a PID.
fn text(world: &World, who: Who, host: &str) -> String {
    PidText { host, pid: pid(world, who) }.to_string()
}

/// The messages that it got: from whom.
fn messages(world: &World, who: Who) -> Vec<Pid> {
    let from = |output| match output {
        Output::Deliver { from, .. } => Some(from),
        _ => None,
    };
    told(world, who).into_iter().filter_map(from).collect()
}

/// The EXITs that it got: of whom and of which kind.
fn exits(world: &World, who: Who) -> Vec<(Pid, ExitKind)> {
    let exit = |output| match output {
        Output::Exit { from, reason, .. } => Some((from, reason.kind)),
        _ => None,
    };
    told(world, who).into_iter().filter_map(exit).collect()
}

fn link_downs(world: &World, who: Who) -> Vec<(Pid, ExitKind)> {
    let link_down = |output| match output {
        Output::LinkDown { from, reason, .. } => Some((from, reason.kind)),
        _ => None,
    };
    told(world, who).into_iter().filter_map(link_down).collect()
}

/// The deadlines of the CANCELs that it got.
fn cancels(world: &World, who: Who) -> Vec<Option<u64>> {
    let cancel = |output| match output {
        Output::Cancel { deadline_ns, .. } => Some(deadline_ns),
        _ => None,
    };
    told(world, who).into_iter().filter_map(cancel).collect()
}

fn killed(world: &World, who: Who) -> bool {
    told(world, who).iter().any(|output| matches!(output, Output::Kill { .. }))
}

/// Why it ended.
fn end_of(world: &World, who: Who) -> ExitReason {
    let pid = pid(world, who);
    let ended = |output: &Output| match output {
        Output::Ended { pid: ended, reason, .. } if *ended == pid => Some((**reason).clone()),
        _ => None,
    };
    world.transcript.iter().find_map(ended).expect("it ended")
}

fn lives(world: &World, who: Who) -> bool {
    let pid = pid(world, who);
    let ended =
        |output: &Output| matches!(output, Output::Ended { pid: ended, .. } if *ended == pid);
    !world.transcript.iter().any(ended)
}

/// The world after these steps of three processes.
fn after(reaping: Reaping, steps: &[Step]) -> World {
    World::after(reaping, 3, steps)
}

fn take(world: &mut World, steps: &[Step]) {
    steps.iter().for_each(|step| world.take(step));
}

/// Ends the scenario: no law was broken on the way, and nothing is left.
fn close(mut world: World) {
    world.close();
    assert!(world.breaches.is_empty(), "{:#?}", world.breaches);
}

/// D is one of the jailed, who may have two of each; A, B and C are free.
fn jail(steps: &[Step]) -> World {
    let mut world = after(Reaping::AtOnce, &[Step::Want(JAILED, Birth::Loads)]);
    take(&mut world, steps);
    world
}
