//! Signals that processes have sent to each other: in a node that allows it, and in one that does not.

use ipc::chaos::ChaosSignal;
use ipc::frame::{FromWorker, Op, Outcome, Ties, With};
use ipc::{FaultKind, Limits, Pid, PidText};
use node::{ChildEnd, Config, Granted, HostSpec, Input, Node, Output, Refusal, Usage};

const HOST: &str = "app:processes";

fn config() -> Config {
    let mut config = Config::new([7; 16]);
    config.add_host(HOST, HostSpec::DEFAULT);
    config.add_entry("app:main", "process.lua", Limits::NONE);
    config.add_entry("app:test", "function.lua", Limits::NONE);
    config
}

fn outputs(node: &mut Node, input: Input<'_>) -> Vec<Output> {
    node.handle(0, input);
    std::iter::from_fn(|| node.poll_output()).collect()
}

fn started(node: &mut Node, entry: &str) -> Pid {
    let out = outputs(node, Input::Spawn { token: 0, entry, host: HOST });
    let [Output::Start { pid, .. }] = out[..] else { panic!("no start: {out:?}") };
    say(node, pid, &FromWorker::Loaded);
    pid
}

fn say(node: &mut Node, from: Pid, frame: &FromWorker<'_>) -> Vec<Output> {
    outputs(node, Input::Frame { from, frame, charge: 10 })
}

fn ask(node: &mut Node, from: Pid, dest: &str, signal: ChaosSignal) -> Vec<Output> {
    say(node, from, &FromWorker::Call { call: 5, op: Op::Chaos { dest, signal } })
}

#[test]
fn the_signal_goes_before_the_answer() {
    let mut config = config();
    config.allow_chaos();
    let mut node = Node::new(config);
    let (from, to) = (started(&mut node, "app:test"), started(&mut node, "app:main"));
    let dest = PidText { host: HOST, pid: to }.to_string();
    for signal in [ChaosSignal::Segv, ChaosSignal::Stop, ChaosSignal::Stop] {
        let answer = Output::Reply { to: from, call: 5, result: Ok(Granted::Done) };
        let expected = [Output::Signal { pid: to, signal }, answer];
        assert_eq!(ask(&mut node, from, &dest, signal), expected);
    }
    assert!(node.would_live_on(to), "only the kernel ends anybody");
    let wrong = PidText { host: HOST, pid: Pid { tag: to.tag ^ 1, ..to } }.to_string();
    let answer = Output::Reply { to: from, call: 5, result: Err(Refusal::Gone) };
    assert_eq!(ask(&mut node, from, &wrong, ChaosSignal::Kill), [answer]);
}

#[test]
fn without_leave_nothing_is_sent_and_nobody_is_looked_for() {
    let mut node = Node::new(config());
    let from = started(&mut node, "app:main");
    let own = PidText { host: HOST, pid: from }.to_string();
    for dest in [own.as_str(), "nobody"] {
        let answer = Output::Reply { to: from, call: 5, result: Err(Refusal::NoChaos) };
        assert_eq!(ask(&mut node, from, dest, ChaosSignal::Kill), [answer]);
    }
    assert_eq!(Refusal::NoChaos.fault().kind, FaultKind::PermissionDenied);
}

/// Also a function, which no process can spawn.
#[test]
fn the_node_starts_what_has_a_body() {
    let mut node = Node::new(config());
    let from = started(&mut node, "app:test");
    let spawn =
        Op::Spawn { entry: "app:test", host: HOST, ties: Ties::default(), with: With::default() };
    let out = say(&mut node, from, &FromWorker::Call { call: 1, op: spawn });
    let [Output::Reply { result: Err(Refusal::NotAProcess { .. }), .. }] = &out[..] else {
        panic!("{out:?}")
    };
}

#[test]
fn who_has_ended_or_is_to_end_would_not_live_on() {
    let mut node = Node::new(config());
    let (a, b, c) = (
        started(&mut node, "app:main"),
        started(&mut node, "app:main"),
        started(&mut node, "app:main"),
    );
    assert!([a, b, c].iter().all(|pid| node.would_live_on(*pid)));
    let dest = PidText { host: HOST, pid: b }.to_string();
    say(&mut node, a, &FromWorker::Call { call: 1, op: Op::Terminate { dest: &dest } });
    assert!(!node.would_live_on(b), "its end was ordered");
    say(&mut node, a, &FromWorker::Done { outcome: Outcome::Normal });
    assert!(!node.would_live_on(a), "its body has ended");
    let end = ChildEnd::Signal(9);
    outputs(&mut node, Input::Exited { pid: c, os_pid: 1, end, usage: Usage::default() });
    assert!(!node.would_live_on(c), "it has ended");
}
