//! Why a process ended: what its worker, the node and the kernel say, and which of them counts.

use super::*;
use crate::world::{Act, Birth, JAILED};
use ipc::LimitUse;
use ipc::frame::{EXIT_MEMORY, FromWorker, Outcome, OwnLimit};
use ipc::limits::TEXT_MAX;
use node::{ChildEnd, Stuck, Usage};

const CPU: Usage = Usage { cpu_ns: 2_100_000_000, out_of_memory: false };
const OUT_OF_MEMORY: Usage = Usage { cpu_ns: 0, out_of_memory: true };
const NOTHING: Usage = Usage { cpu_ns: 0, out_of_memory: false };

const SIGABRT: ChildEnd = ChildEnd::Signal(6);
const SIGKILL: ChildEnd = ChildEnd::Signal(9);
const SIGXCPU: ChildEnd = ChildEnd::Signal(24);
const SIGSYS: ChildEnd = ChildEnd::Signal(31);

/// The end of one of the jailed after these steps, D.
fn jailed(reaping: Reaping, steps: &[Step]) -> ExitReason {
    let mut world = after(reaping, &[Step::Want(JAILED, Birth::Loads)]);
    take(&mut world, steps);
    let end = end_of(&world, D);
    close(world);
    end
}

fn ends(steps: &[Step]) -> (ExitKind, String, Option<LimitUse>) {
    let end = jailed(Reaping::Later, steps);
    (end.kind, end.message.unwrap_or_default(), end.limit)
}

fn over(kind: ExitKind, text: &str, limit: u64, used: u64) -> (ExitKind, String, Option<LimitUse>) {
    (kind, text.to_owned(), Some(LimitUse { limit, used }))
}

fn bare(kind: ExitKind, text: &str) -> (ExitKind, String, Option<LimitUse>) {
    (kind, text.to_owned(), None)
}

#[test]
fn a_worker_says_that_it_is_out_of_memory() {
    let (limit, used) = (8 << 20, (8 << 20) + 500_000);
    let text = "memory limit of 8 MiB exceeded (used 8.5 MiB): main.lua:3";
    let due = over(ExitKind::Memory, text, limit, used);
    assert_eq!(ends(&[Step::Over(D, OwnLimit::Memory, used)]), due);
}

#[test]
fn a_worker_says_that_it_did_not_yield() {
    let text = "turn limit of 100 ms exceeded (used 1.1 s): main.lua:3";
    let due = over(ExitKind::Turn, text, 100_000_000, 1_100_000_000);
    assert_eq!(ends(&[Step::Over(D, OwnLimit::Turn, 1_100_000_000)]), due);
}

/// It lies of nobody but itself, yet the text must not contradict itself.
#[test]
fn who_is_over_a_limit_has_used_no_less_than_the_limit() {
    let text = "memory limit of 8 MiB exceeded (used 8 MiB): main.lua:3";
    let due = over(ExitKind::Memory, text, 8 << 20, 8 << 20);
    assert_eq!(ends(&[Step::Over(D, OwnLimit::Memory, 7)]), due);
}

#[test]
fn where_it_was_may_be_unknown_and_is_cut() {
    for (at, length) in [("", "memory limit of 8 MiB exceeded (used 8 MiB)".len()), ("x", TEXT_MAX)]
    {
        let mut world = after(Reaping::AtOnce, &[Step::Want(JAILED, Birth::Loads)]);
        let at = at.repeat(2 * TEXT_MAX);
        let outcome = Outcome::Over { limit: OwnLimit::Memory, used: 0, at };
        world.say(pid(&world, D), &FromWorker::Done { outcome }, 10);
        take(&mut world, &[Step::Exit(D, ChildEnd::Code(0))]);
        assert_eq!(end_of(&world, D).message.map(|message| message.len()), Some(length));
        close(world);
    }
}

#[test]
fn a_worker_that_cannot_say_so_exits_with_a_code() {
    let text = "memory limit of 8 MiB exceeded (used 8 MiB)";
    let due = over(ExitKind::Memory, text, 8 << 20, 8 << 20);
    let end = jailed(Reaping::Later, &[Step::Exit(D, ChildEnd::Code(EXIT_MEMORY))]);
    assert_eq!(end.code, Some(EXIT_MEMORY));
    assert_eq!((end.kind, end.message.unwrap_or_default(), end.limit), due);
}

/// After a finished body its code says nothing.
#[test]
fn the_code_of_a_finished_worker_does_not_count() {
    let steps = [Step::Done(D), Step::Exit(D, ChildEnd::Code(EXIT_MEMORY))];
    assert_eq!(ends(&steps).0, ExitKind::Normal);
}

#[test]
fn the_filter_kills_with_sigsys() {
    let text = "killed by the sandbox: it made a system call that workers may not make (SIGSYS)";
    assert_eq!(ends(&[Step::Exit(D, SIGSYS)]), bare(ExitKind::Sandbox, text));
}

#[test]
fn cpu_time_has_a_soft_and_a_hard_limit() {
    let text = "cpu limit of 2 s exceeded (used 2.1 s)";
    let due = over(ExitKind::Cpu, text, 2_000_000_000, 2_100_000_000);
    assert_eq!(ends(&[Step::Used(D, SIGXCPU, CPU)]), due);
    assert_eq!(ends(&[Step::Used(D, SIGKILL, CPU)]), due);
    let coarse =
        over(ExitKind::Cpu, "cpu limit of 2 s exceeded (used 2 s)", 2_000_000_000, 2_000_000_000);
    assert_eq!(ends(&[Step::Used(D, SIGXCPU, NOTHING)]), coarse, "the kernel counts coarsely");
}

/// A is on a host without a limit of CPU time.
#[test]
fn without_a_limit_it_is_a_signal_like_any_other() {
    let world = after(Reaping::Later, &[Step::Used(A, SIGXCPU, CPU), Step::Used(B, SIGKILL, CPU)]);
    let message = |who| end_of(&world, who).message.unwrap_or_default();
    assert_eq!(message(A), "killed by signal 24 (SIGXCPU)");
    assert_eq!(message(B), "killed by signal 9 (SIGKILL)");
    close(world);
}

#[test]
fn a_control_group_out_of_memory_kills() {
    let text = "memory limit of 8 MiB exceeded: killed by the kernel's control group";
    let due = over(ExitKind::Memory, text, 8 << 20, 8 << 20);
    assert_eq!(ends(&[Step::Used(D, SIGKILL, OUT_OF_MEMORY)]), due);
}

#[test]
fn other_signals_stay_signals() {
    let due = bare(ExitKind::Signal, "killed by signal 6 (SIGABRT)");
    assert_eq!(ends(&[Step::Used(D, SIGABRT, CPU)]), due);
    let due = bare(ExitKind::Signal, "killed by signal 9 (SIGKILL)");
    assert_eq!(ends(&[Step::Used(D, SIGKILL, NOTHING)]), due);
}

/// The kill was on its way already.
#[test]
fn the_nodes_own_order_comes_first_where_it_kills() {
    let terminate = Step::Call(A, Act::Terminate(to(D)));
    for usage in [CPU, OUT_OF_MEMORY] {
        let killed = ends(&[terminate, Step::Used(D, SIGKILL, usage)]);
        assert_eq!(killed, bare(ExitKind::Terminated, "terminated"));
    }
    assert_eq!(ends(&[terminate, Step::Exit(D, SIGSYS)]).0, ExitKind::Sandbox);
    assert_eq!(ends(&[terminate, Step::Used(D, SIGXCPU, CPU)]).0, ExitKind::Cpu);
}

#[test]
fn who_does_not_read_and_computes_is_over_its_turn() {
    let stuck = Step::Stuck(D, Stuck::Busy { cpu_ns: 350_000_000 });
    let text = "turn limit of 100 ms exceeded (used 350 ms)";
    let due = over(ExitKind::Turn, text, 100_000_000, 350_000_000);
    assert_eq!(ends(&[stuck, Step::Reap(D)]), due);
}

#[test]
fn who_does_not_read_and_does_nothing_is_for_the_watchdog() {
    let stuck = Step::Stuck(D, Stuck::Silent { ns: 10_000_000_000 });
    let text = "did not read for 10 s and used no CPU: stopped or wedged";
    assert_eq!(ends(&[stuck, Step::Reap(D)]), bare(ExitKind::Watchdog, text));
    let terminate = Step::Call(A, Act::Terminate(to(D)));
    let first = ends(&[terminate, stuck, Step::Reap(D)]);
    assert_eq!(first.0, ExitKind::Terminated, "the first order stands");
}

/// A spawn that fails says what the end would have said.
#[test]
fn a_loading_worker_that_is_over_a_limit_fails_its_spawn() {
    let waits = Step::Call(A, Act::Spawn(BOTH_TIES, JAILED, Birth::Waits, 10));
    let steps = [waits, Step::Exit(D, ChildEnd::Code(EXIT_MEMORY))];
    let world = after(Reaping::AtOnce, &steps);
    let text = "entry 'app:worker' did not load: memory limit of 8 MiB exceeded (used 8 MiB)";
    assert_eq!(refused(&world, A), (FaultKind::Unavailable, text.to_owned()));
    close(world);
}

#[test]
fn linked_processes_die_of_a_limit_too() {
    let steps = [Step::Call(A, Act::Link(to(D))), Step::Exit(D, SIGSYS)];
    let mut world = after(Reaping::AtOnce, &[Step::Want(JAILED, Birth::Loads)]);
    take(&mut world, &steps);
    let message = end_of(&world, A).message.unwrap_or_default();
    assert!(message.starts_with("linked process failed: killed by the sandbox: "), "{message}");
    close(world);
}
