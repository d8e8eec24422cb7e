//! Limits that take a crowd to reach: driven without the world, whose book has no eye for speed.

use ipc::frame::{FromWorker, Op, With};
use ipc::limits::{DENIALS_MAX, ROUTES_MAX};
use ipc::{Limits, Pid};
use node::{ChildEnd, Config, Granted, HostSpec, Input, Node, Output, Permissions, Usage};

fn drain(node: &mut Node) -> Vec<Output> {
    std::iter::from_fn(|| node.poll_output()).collect()
}

fn born(node: &mut Node) -> Pid {
    node.handle(0, Input::Spawn { token: 0, entry: "app:worker", host: "app:host" });
    let Some(Output::Start { pid, .. }) = node.poll_output() else { panic!("it starts") };
    node.handle(0, Input::Frame { from: pid, frame: &FromWorker::Loaded, charge: 10 });
    drain(node);
    pid
}

fn crowd(size: usize) -> (Node, Vec<Pid>) {
    let mut config = Config::new([7; 16]);
    config.add_host("app:host", HostSpec::DEFAULT);
    config.add_entry("app:worker", "process.lua", Limits::NONE);
    let mut node = Node::new(config);
    let all = (0..size).map(|_| born(&mut node)).collect();
    (node, all)
}

fn call(node: &mut Node, from: Pid, op: Op<'_>) -> Vec<Output> {
    let frame = FromWorker::Call { call: 1, op };
    node.handle(0, Input::Frame { from, frame: &frame, charge: 10 });
    drain(node)
}

fn text(pid: Pid) -> String {
    ipc::PidText { host: "app:host", pid }.to_string()
}

/// Beyond the limit every message asks, which is slower but not wrong.
#[test]
fn beyond_its_routes_a_sender_asks_each_time() {
    let (mut node, all) = crowd(ROUTES_MAX + 2);
    let mut routes = 0;
    for to in &all[1..] {
        let outputs = call(&mut node, all[0], Op::Send { dest: &text(*to), topic: "topic" });
        let [Output::Deliver { .. }, Output::Reply { result, .. }] = &outputs[..] else {
            panic!("{outputs:?}")
        };
        match result {
            Ok(Granted::Route { route: Some(_), .. }) => routes += 1,
            other => assert_eq!(*other, Ok(Granted::Route { route: None, credit: 0 })),
        }
    }
    assert_eq!(routes, ROUTES_MAX);
    assert_eq!(node.broken_laws(), Vec::<String>::new());
}

/// A process can ask for names without end, and for long ones.
#[test]
fn what_is_counted_of_denials_has_an_end() {
    let mut config = Config::new([7; 16]);
    config.add_host("app:host", HostSpec { permissions: Permissions::NONE, ..HostSpec::DEFAULT });
    config.add_entry("app:worker", "process.lua", Limits::NONE);
    let mut node = Node::new(config);
    let from = born(&mut node);
    let mut told = 0;
    for nth in 0..2 * DENIALS_MAX {
        let name = format!("{nth}-{}", "ä".repeat(2000));
        for op in [Op::Lookup { name: &name }, Op::Send { dest: &name, topic: "topic" }] {
            let outputs = call(&mut node, from, op);
            let text = outputs.iter().find_map(|output| match output {
                Output::Reply { result: Err(refusal), .. } => Some(refusal.fault().message),
                _ => None,
            });
            let text = text.expect("it is denied");
            assert!(text.len() < 1000 && text.contains("to allow add it to"), "{text}");
            told += outputs.len() - 1;
        }
    }
    // Beyond the limit: one for each call.
    assert_eq!(node.denials().len(), DENIALS_MAX + 2);
    assert_eq!(told, DENIALS_MAX + 2);
    assert_eq!(node.denials().values().sum::<u64>(), 4 * DENIALS_MAX as u64);
    let of_all = node.denials().iter().filter(|(denial, _)| denial.object.is_empty());
    assert_eq!(of_all.map(|(_, times)| times).sum::<u64>(), 3 * DENIALS_MAX as u64);
    assert!(node.denials().keys().all(|denial| denial.object.len() < 1000));
}

/// Ends go on one input at a time, so the length of a chain is no depth of the stack.
#[test]
fn a_long_chain_falls_without_a_deep_stack() {
    let (mut node, all) = crowd(5000);
    for two in all.windows(2) {
        call(&mut node, two[0], Op::Link { dest: &text(two[1]) });
    }
    let mut ending = vec![(all[0], ChildEnd::Code(1))];
    let mut ended = 0;
    while let Some((pid, end)) = ending.pop() {
        node.handle(0, Input::Exited { pid, os_pid: 1, end, usage: Usage::default() });
        for output in drain(&mut node) {
            match output {
                Output::Kill { pid } => ending.push((pid, ChildEnd::Signal(9))),
                Output::Ended { .. } => ended += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(ended, all.len());
    assert!(node.is_empty());
}

/// Whoever starts workers lets spawners take turns, and makes no more than there is room for.
#[test]
fn a_start_names_its_spawner_and_a_host_its_room() {
    let (mut node, all) = crowd(1);
    let max = HostSpec::DEFAULT.max_processes;
    assert_eq!((node.room("app:host"), node.room("app:none")), (max - 1, 0));
    let ties = ipc::frame::Ties::default();
    let spawn = Op::Spawn { entry: "app:worker", host: "app:host", ties, with: With::default() };
    let outputs = call(&mut node, all[0], spawn);
    let [Output::Start { pid, spawner, .. }] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!((*spawner, node.room("app:host")), (Some(all[0]), max - 2));
    let (pid, usage) = (*pid, Usage::default());
    node.handle(0, Input::Exited { pid, os_pid: 1, end: ChildEnd::Code(0), usage });
    drain(&mut node);
    assert_eq!(node.room("app:host"), max - 1);
    node.handle(0, Input::Spawn { token: 0, entry: "app:worker", host: "app:host" });
    assert!(matches!(node.poll_output(), Some(Output::Start { spawner: None, .. })));
}
