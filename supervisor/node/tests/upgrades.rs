//! Processes that go on in another worker: what stays, what goes with the old worker, and how it can
//! fail.

mod by_hand;

use by_hand::{drain, end, say};
use ipc::frame::{CallId, FromWorker, Op, Outcome, Ties, With};
use ipc::{ExitKind, Fault, FaultKind, Limits, Pid, PidText};
use node::{ChildEnd, Config, Granted, HostSpec, Input, Node, Output, Stop};

const KILLED: ChildEnd = ChildEnd::Signal(9);
const SECOND: u64 = 1_000_000_000;

fn call(node: &mut Node, from: Pid, call: CallId, op: Op<'_>) -> Vec<Output> {
    say(node, from, &FromWorker::Call { call, op })
}

fn born(node: &mut Node) -> Pid {
    node.handle(0, Input::Spawn { token: 5, entry: "app:worker", host: "app:host" });
    let Some(Output::Start { pid, .. }) = node.poll_output() else { panic!("it starts") };
    say(node, pid, &FromWorker::Loaded);
    pid
}

fn text(pid: Pid) -> String {
    PidText { host: "app:host", pid }.to_string()
}

/// A process and one that knows it.
fn world() -> (Node, Pid, Pid) {
    let mut config = Config::new([7; 16]);
    config.add_host("app:host", HostSpec::DEFAULT);
    config.add_entry("app:worker", "process.lua", Limits::NONE);
    let small = Limits { mailbox: 4096, children: 1, ..Limits::NONE };
    config.add_entry("app:small", "process.lua", small);
    config.add_entry("app:library", "library.lua", Limits::NONE);
    let mut node = Node::new(config);
    let (one, other) = (born(&mut node), born(&mut node));
    (node, one, other)
}

fn upgrade(node: &mut Node, pid: Pid, entry: Option<&str>) -> Vec<Output> {
    say(node, pid, &FromWorker::Upgrade { entry })
}

fn exits(outputs: &[Output]) -> Vec<(Pid, ExitKind, String)> {
    let exit = |output: &Output| match output {
        Output::Exit { to, reason, .. } => {
            Some((*to, reason.kind, reason.message.clone().unwrap_or_default()))
        }
        _ => None,
    };
    outputs.iter().filter_map(exit).collect()
}

#[test]
fn names_ties_and_routes_to_it_stay_and_it_traps_links_no_more() {
    let (mut node, one, other) = world();
    let (one_text, other_text) = (text(one), text(other));
    call(&mut node, one, 1, Op::Register { name: "it", dest: None });
    call(&mut node, one, 2, Op::Monitor { dest: &other_text });
    call(&mut node, one, 3, Op::TrapLinks { on: true });
    call(&mut node, other, 1, Op::Link { dest: &one_text });
    call(&mut node, other, 2, Op::Monitor { dest: &one_text });
    call(&mut node, other, 3, Op::Send { dest: "it", topic: "t" });
    let outputs = upgrade(&mut node, one, Some("app:small"));
    let [Output::Upgrade { pid, entry, limits }] = &outputs[..] else { panic!("{outputs:?}") };
    assert_eq!((*pid, &**entry, limits.children), (one, "app:small", 1));
    assert_eq!(limits.mailbox, Limits::DEFAULT.mailbox, "what was promised holds");
    let send = FromWorker::Send { route: 0, topic: "t" };
    assert_eq!(say(&mut node, other, &send), [Output::Deliver { to: one, from: other }]);
    assert_eq!(say(&mut node, one, &FromWorker::Loaded), [], "nobody waits for that");
    let found = call(&mut node, other, 4, Op::Lookup { name: "it" });
    assert!(
        matches!(found[..], [Output::Reply { result: Ok(Granted::Pid(pid)), .. }] if pid == one)
    );
    let outputs = end(&mut node, other, ChildEnd::Code(3));
    assert_eq!(exits(&outputs).len(), 1, "it monitors as before");
    assert!(outputs.contains(&Output::Kill { pid: one }), "linked as before, and traps no links");
    end(&mut node, one, KILLED);
    assert!(node.is_empty());
}

#[test]
fn its_own_routes_go_and_what_they_were_promised_goes_back() {
    let (mut node, one, other) = world();
    let dest = text(other);
    for round in 0..50 {
        let outputs = call(&mut node, one, round, Op::Send { dest: &dest, topic: "t" });
        let route = outputs.iter().any(|output| {
            matches!(
                output,
                Output::Reply { result: Ok(Granted::Route { route: Some(0), .. }), .. }
            )
        });
        assert!(route, "the same room each time: {outputs:?}");
        say(&mut node, other, &FromWorker::Consumed { bytes: 1000 });
        upgrade(&mut node, one, None);
        say(&mut node, one, &FromWorker::Loaded);
    }
    let outputs = say(&mut node, one, &FromWorker::Send { route: 0, topic: "t" });
    assert_eq!(outputs, [Output::Kill { pid: one }], "the new worker has no routes");
}

#[test]
fn answers_to_calls_of_the_old_worker_are_not_told_to_the_new_one() {
    let (mut node, one, _) = world();
    let (entry, host, with) = ("app:worker", "app:host", With::default());
    let ties = Ties { link: false, monitor: true };
    let mut start = |op| match call(&mut node, one, 1, op).pop() {
        Some(Output::Start { pid, .. }) => pid,
        other => panic!("{other:?}"),
    };
    let spawned = start(Op::Spawn { entry, host, ties, with });
    let failing = start(Op::Spawn { entry, host, ties, with });
    let awaited = start(Op::Exec { entry, host: Some(host), with });
    let outputs = upgrade(&mut node, one, None);
    assert!(
        matches!(outputs[..], [Output::Kill { pid }, Output::Upgrade { .. }] if pid == awaited)
    );
    assert_eq!(say(&mut node, spawned, &FromWorker::Loaded), []);
    let fault = Fault::new(FaultKind::Invalid, "no");
    assert_eq!(say(&mut node, failing, &FromWorker::LoadFailed { fault }), []);
    assert_eq!(exits(&end(&mut node, failing, ChildEnd::Code(0))), [], "never an EXIT");
    assert!(matches!(end(&mut node, awaited, KILLED)[..], [Output::Ended { .. }]));
    say(&mut node, one, &FromWorker::Loaded);
    assert_eq!(exits(&end(&mut node, spawned, KILLED)).len(), 1, "its monitor stays");
}

#[test]
fn where_it_cannot_be_done_the_process_fails_with_why() {
    for (entry, why) in [
        ("app:none", "cannot upgrade: entry 'app:none' not found: no manifest defines it"),
        ("app:library", "cannot upgrade: entry 'app:library' is a library.lua"),
    ] {
        let (mut node, one, other) = world();
        call(&mut node, other, 1, Op::Monitor { dest: &text(one) });
        assert_eq!(upgrade(&mut node, one, Some(entry)), [Output::Kill { pid: one }]);
        let [(to, ExitKind::Error, message)] = &exits(&end(&mut node, one, KILLED))[..] else {
            panic!("one EXIT")
        };
        assert!(*to == other && message.starts_with(why), "{message}");
    }
    let (mut node, one, other) = world();
    call(&mut node, other, 1, Op::Monitor { dest: &text(one) });
    upgrade(&mut node, one, None);
    let fault = Fault::new(FaultKind::Invalid, "x.lua:1: no");
    assert_eq!(say(&mut node, one, &FromWorker::LoadFailed { fault }), []);
    let told = exits(&end(&mut node, one, ChildEnd::Code(0)));
    assert_eq!(told, [(other, ExitKind::Error, "cannot upgrade: x.lua:1: no".to_owned())]);
}

#[test]
fn whatever_ends_it_in_the_middle_is_one_end() {
    type Deed<'a> = &'a dyn Fn(&mut Node, Pid);
    let ends: [(Deed<'_>, ExitKind); 5] = [
        (&|_, _| {}, ExitKind::Signal),
        (&|node, _| node.handle(11 * SECOND, Input::Time), ExitKind::Watchdog),
        (
            &|node, _| node.handle(0, Input::Stop { how: Stop::Now, grace_ns: 0 }),
            ExitKind::Shutdown,
        ),
        (
            &|node, pid| node.handle(0, Input::Broken { from: pid, what: "lie".to_owned() }),
            ExitKind::Protocol,
        ),
        (
            &|node, pid| {
                let frame = &FromWorker::Done { outcome: Outcome::Normal };
                node.handle(0, Input::Frame { from: pid, frame, charge: 10 });
            },
            ExitKind::Protocol,
        ),
    ];
    for (what, kind) in ends {
        let (mut node, one, other) = world();
        call(&mut node, other, 1, Op::Monitor { dest: &text(one) });
        upgrade(&mut node, one, None);
        what(&mut node, one);
        drain(&mut node);
        let told = exits(&end(&mut node, one, KILLED));
        assert_eq!(
            told.iter().map(|(to, kind, _)| (*to, *kind)).collect::<Vec<_>>(),
            [(other, kind)]
        );
        end(&mut node, other, KILLED);
        assert!(node.is_empty());
    }
    let (mut node, one, other) = world();
    call(&mut node, other, 1, Op::Monitor { dest: &text(one) });
    upgrade(&mut node, one, None);
    let fault = Fault::new(FaultKind::Unavailable, "no worker to be had");
    node.handle(0, Input::NoWorker { pid: one, fault });
    let told = exits(&drain(&mut node));
    assert_eq!(told, [(other, ExitKind::Error, "no worker to be had".to_owned())]);
}

#[test]
fn one_that_is_being_killed_does_not_go_on() {
    let (mut node, one, other) = world();
    call(&mut node, other, 1, Op::Terminate { dest: &text(one) });
    assert_eq!(upgrade(&mut node, one, None), []);
    end(&mut node, one, KILLED);
}

#[test]
fn who_asks_after_its_code_has_changed_is_told_then() {
    let (mut node, one, other) = world();
    let changed = std::collections::BTreeSet::from(["app:worker".to_owned()]);
    let reload = |node: &mut Node| {
        node.handle(0, Input::Outdated { entries: &changed });
        drain(node)
    };
    let told = |outputs: &[Output]| {
        let told = outputs.iter().filter_map(|output| match output {
            Output::Outdated { to } => Some(*to),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    let asks = |node: &mut Node, pid, id, on| told(&call(node, pid, id, Op::Upgradable { on }));

    node.handle(0, Input::Spawn { token: 6, entry: "app:worker", host: "app:host" });
    let Some(Output::Start { pid: loading, .. }) = node.poll_output() else { panic!("it starts") };
    upgrade(&mut node, one, None);
    assert_eq!(told(&reload(&mut node)), [], "nobody has asked");
    for (pid, who) in [(loading, "one that loads"), (one, "an heir")] {
        say(&mut node, pid, &FromWorker::Loaded);
        assert_eq!(asks(&mut node, pid, 1, true), [pid], "{who}");
        assert_eq!(asks(&mut node, pid, 2, true), [], "{who} is told once");
    }
    assert_eq!(told(&reload(&mut node)), [one, loading], "both have asked");
    assert_eq!(asks(&mut node, other, 1, true), [other], "one that ran all the time");

    assert_eq!(asks(&mut node, other, 2, false), []);
    assert_eq!(told(&reload(&mut node)), [one, loading]);
    upgrade(&mut node, other, None);
    say(&mut node, other, &FromWorker::Loaded);
    assert_eq!(asks(&mut node, other, 3, true), [], "its new code is the newest");
}
