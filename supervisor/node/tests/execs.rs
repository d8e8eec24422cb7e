//! Processes for whose end somebody waits: who is told what, and who goes with whom.

mod by_hand;

use by_hand::{end, say};
use ipc::frame::{CallId, FromWorker, Op, Outcome, With};
use ipc::{ExitKind, Fault, FaultKind, Limits, Pid};
use node::{ChildEnd, Config, HostSpec, Input, Node, Output, Refusal};

const KILLED: ChildEnd = ChildEnd::Signal(9);

/// The body has ended, and so has the worker.
fn over(node: &mut Node, pid: Pid, outcome: Outcome) -> Vec<Output> {
    assert_eq!(say(node, pid, &FromWorker::Done { outcome }), []);
    end(node, pid, ChildEnd::Code(0))
}

fn born(node: &mut Node) -> Pid {
    node.handle(0, Input::Spawn { token: 0, entry: "app:worker", host: "app:host" });
    let Some(Output::Start { pid, .. }) = node.poll_output() else { panic!("it starts") };
    say(node, pid, &FromWorker::Loaded);
    pid
}

fn world() -> (Node, Pid) {
    let mut config = Config::new([7; 16]);
    config.add_host("app:host", HostSpec { max_processes: 4, ..HostSpec::DEFAULT });
    config.add_entry("app:worker", "process.lua", Limits::NONE);
    config.add_entry("app:library", "library.lua", Limits::NONE);
    let mut node = Node::new(config);
    let caller = born(&mut node);
    (node, caller)
}

fn call(call: CallId, entry: &str) -> FromWorker<'_> {
    FromWorker::Call { call, op: Op::Exec { entry, host: Some("app:host"), with: With::default() } }
}

fn exec(node: &mut Node, from: Pid, number: CallId) -> Pid {
    match &say(node, from, &call(number, "app:worker"))[..] {
        [Output::Start { pid, spawner, .. }] if *spawner == Some(from) => *pid,
        other => panic!("{other:?}"),
    }
}

/// Who is told of an end by the number of its call, and of what kind it was.
fn returned(outputs: &[Output]) -> Vec<(Pid, CallId, ExitKind)> {
    let told = outputs.iter().filter_map(|output| match output {
        Output::Returned { to, call, reason } => Some((*to, *call, reason.kind)),
        _ => None,
    });
    told.collect()
}

fn killed(outputs: &[Output]) -> Vec<Pid> {
    let killed = outputs.iter().filter_map(|output| match output {
        Output::Kill { pid } => Some(*pid),
        _ => None,
    });
    killed.collect()
}

#[test]
fn the_caller_is_told_of_the_end_and_of_nothing_before() {
    let (mut node, caller) = world();
    let child = exec(&mut node, caller, 1);
    assert_eq!(say(&mut node, child, &FromWorker::Loaded), []);
    let outputs = over(&mut node, child, Outcome::Normal);
    assert_eq!(returned(&outputs), [(caller, 1, ExitKind::Normal)]);
    assert_eq!(outputs.len(), 2, "no EXIT: {outputs:?}");
    let child = exec(&mut node, caller, 1);
    say(&mut node, child, &FromWorker::Loaded);
    let outputs = over(&mut node, child, Outcome::Failed { message: "why".to_owned() });
    assert_eq!(returned(&outputs), [(caller, 1, ExitKind::Error)]);
    let child = exec(&mut node, caller, 2);
    say(&mut node, child, &FromWorker::Loaded);
    assert_eq!(returned(&end(&mut node, child, KILLED)), [(caller, 2, ExitKind::Signal)]);
}

#[test]
fn one_that_does_not_start_is_a_refusal() {
    let (mut node, caller) = world();
    let refused = |outputs: &[Output], kind: FaultKind| match outputs {
        [Output::Reply { to, call: 1, result: Err(refusal) }, ..] if *to == caller => {
            assert_eq!(refusal.fault().kind, kind);
        }
        other => panic!("{other:?}"),
    };
    refused(&say(&mut node, caller, &call(1, "app:none")), FaultKind::NotFound);
    refused(&say(&mut node, caller, &call(1, "app:library")), FaultKind::Invalid);
    let child = exec(&mut node, caller, 1);
    let fault = Fault::new(FaultKind::Invalid, "x.lua:1: no");
    refused(&say(&mut node, child, &FromWorker::LoadFailed { fault }), FaultKind::Invalid);
    assert_eq!(returned(&end(&mut node, child, ChildEnd::Code(0))), []);
    let child = exec(&mut node, caller, 1);
    let outputs = end(&mut node, child, KILLED);
    refused(&outputs, FaultKind::Unavailable);
    assert_eq!(returned(&outputs), []);
    let _child = exec(&mut node, caller, 1);
    let _second = exec(&mut node, caller, 2);
    let _third = exec(&mut node, caller, 3);
    let outputs = say(&mut node, caller, &call(4, "app:worker"));
    let [Output::Reply { result: Err(Refusal::HostFull { .. }), .. }] = &outputs[..] else {
        panic!("{outputs:?}")
    };
}

#[test]
fn whoever_gives_up_ends_it_and_is_answered_all_the_same() {
    let (mut node, caller) = world();
    let child = exec(&mut node, caller, 1);
    say(&mut node, child, &FromWorker::Loaded);
    let outputs = say(&mut node, caller, &FromWorker::GiveUp { call: 1 });
    assert_eq!(outputs, [Output::Kill { pid: child }]);
    assert_eq!(say(&mut node, caller, &FromWorker::GiveUp { call: 1 }), [], "it is killed once");
    let outputs = end(&mut node, child, KILLED);
    assert_eq!(returned(&outputs), [(caller, 1, ExitKind::Terminated)]);
    // The frames have crossed.
    assert_eq!(say(&mut node, caller, &FromWorker::GiveUp { call: 1 }), []);
    let loading = exec(&mut node, caller, 2);
    assert_eq!(killed(&say(&mut node, caller, &FromWorker::GiveUp { call: 2 })), [loading]);
    let outputs = end(&mut node, loading, KILLED);
    assert!(matches!(&outputs[..], [Output::Reply { call: 2, result: Err(_), .. }, ..]));
}

#[test]
fn whoever_ends_takes_with_it_those_for_whom_it_waits_and_nobody_else() {
    let (mut node, caller) = world();
    let (loading, running) = (exec(&mut node, caller, 1), exec(&mut node, caller, 2));
    say(&mut node, running, &FromWorker::Loaded);
    let inner = exec(&mut node, running, 1);
    say(&mut node, inner, &FromWorker::Loaded);
    let outputs = over(&mut node, caller, Outcome::Normal);
    assert_eq!(killed(&outputs), [loading, running]);
    assert_eq!(killed(&end(&mut node, loading, KILLED)), []);
    let outputs = end(&mut node, running, KILLED);
    assert_eq!((killed(&outputs), returned(&outputs)), (vec![inner], vec![]));
    end(&mut node, inner, KILLED);
    assert!(node.is_empty());
}

#[test]
fn a_number_waits_for_one_end_at_a_time() {
    let (mut node, caller) = world();
    let child = exec(&mut node, caller, 1);
    let outputs = say(&mut node, caller, &call(1, "app:worker"));
    assert_eq!(killed(&outputs), [caller], "it broke the protocol");
    assert_eq!(killed(&end(&mut node, caller, KILLED)), [child]);
    end(&mut node, child, KILLED);
    assert!(node.is_empty());
}
