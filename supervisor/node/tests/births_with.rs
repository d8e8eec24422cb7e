//! What a process has before its first instruction: a name, options, mail; and on which host a function
//! runs.

mod by_hand;

use by_hand::{end, say};
use ipc::frame::{FromWorker, Op, Ties, With};
use ipc::{Fault, FaultKind, Limits, Pid, PidText};
use node::{ChildEnd, Config, Granted, HostSpec, Input, Node, Output, Permissions};

const NAMED: With<'_> = With { name: Some("it"), trap_links: true, mail: 0 };

fn call(node: &mut Node, from: Pid, op: Op<'_>) -> Vec<Output> {
    say(node, from, &FromWorker::Call { call: 1, op })
}

fn spawn<'a>(entry: &'a str, with: With<'a>) -> Op<'a> {
    Op::Spawn { entry, host: "app:host", ties: Ties::default(), with }
}

fn started(outputs: &[Output]) -> (Pid, &str, bool) {
    match outputs {
        [Output::Start { pid, host, trap_links, .. }] => (*pid, host, *trap_links),
        other => panic!("{other:?}"),
    }
}

fn refused(outputs: &[Output]) -> FaultKind {
    match outputs.last() {
        Some(Output::Reply { result: Err(refusal), .. }) => refusal.fault().kind,
        other => panic!("{other:?}"),
    }
}

fn world() -> (Node, Pid) {
    let mut config = Config::new([7; 16]);
    config.add_host("app:host", HostSpec::DEFAULT);
    config.add_host("app:other", HostSpec::DEFAULT);
    config.add_host("app:jail", HostSpec { permissions: Permissions::NONE, ..HostSpec::DEFAULT });
    config.add_entry("app:worker", "process.lua", Limits::NONE);
    config.add_entry("app:nameless", "process.lua", Limits { names: 0, ..Limits::NONE });
    config.add_entry("app:placed", "process.lua", Limits::NONE);
    config.set_default_host("app:placed", "app:other");
    config.add_entry("app:function", "function.lua", Limits::NONE);
    config.add_entry("app:far", "function.lua", Limits::NONE);
    config.set_default_host("app:far", "app:other");
    config.add_entry("app:library", "library.lua", Limits::NONE);
    let mut node = Node::new(config);
    let spawner = born(&mut node, "app:host");
    (node, spawner)
}

fn born(node: &mut Node, host: &str) -> Pid {
    node.handle(0, Input::Spawn { token: 0, entry: "app:worker", host });
    let Some(Output::Start { pid, .. }) = node.poll_output() else { panic!("it starts") };
    say(node, pid, &FromWorker::Loaded);
    pid
}

#[test]
fn a_name_and_options_are_there_before_the_worker() {
    let (mut node, spawner) = world();
    let outputs = call(&mut node, spawner, spawn("app:worker", NAMED));
    let (child, _, trap_links) = started(&outputs);
    assert!(trap_links);
    let found = call(&mut node, spawner, Op::Lookup { name: "it" });
    assert!(
        matches!(found[..], [Output::Reply { result: Ok(Granted::Pid(it)), .. }] if it == child)
    );
    assert_eq!(
        refused(&call(&mut node, spawner, spawn("app:worker", NAMED))),
        FaultKind::AlreadyExists
    );
    let fault = Fault::new(FaultKind::Invalid, "no");
    let outputs = say(&mut node, child, &FromWorker::LoadFailed { fault });
    assert_eq!(refused(&outputs), FaultKind::Invalid);
    let found = call(&mut node, spawner, Op::Lookup { name: "it" });
    assert_eq!(refused(&found), FaultKind::NotFound, "free as soon as anybody knows");
    end(&mut node, child, ChildEnd::Code(0));
    started(&call(&mut node, spawner, spawn("app:worker", NAMED)));
}

#[test]
fn a_name_must_be_one_and_be_allowed() {
    let (mut node, spawner) = world();
    for name in ["", "{no", &"x".repeat(256)] {
        let with = With { name: Some(name), ..With::default() };
        assert_eq!(
            refused(&call(&mut node, spawner, spawn("app:worker", with))),
            FaultKind::Invalid
        );
    }
    let outputs = call(&mut node, spawner, spawn("app:nameless", NAMED));
    assert_eq!(refused(&outputs), FaultKind::RateLimited);
    let jailed = born(&mut node, "app:jail");
    let outputs = call(&mut node, jailed, spawn("app:worker", NAMED));
    assert_eq!(refused(&outputs), FaultKind::PermissionDenied);
}

#[test]
fn mail_from_the_beginning_counts_in_the_mailbox() {
    let (mut node, spawner) = world();
    let max = Limits::DEFAULT.mailbox;
    let with = |mail| With { mail, ..With::default() };
    let outputs = call(&mut node, spawner, spawn("app:worker", with(max + 1)));
    assert_eq!(refused(&outputs), FaultKind::RateLimited);
    let outputs = call(&mut node, spawner, spawn("app:worker", with(u64::MAX)));
    assert_eq!(refused(&outputs), FaultKind::RateLimited);
    let (child, ..) = started(&call(&mut node, spawner, spawn("app:worker", with(max))));
    let dest = PidText { host: "app:host", pid: child }.to_string();
    let send = Op::Send { dest: &dest, topic: "t" };
    assert_eq!(refused(&call(&mut node, spawner, send.clone())), FaultKind::RateLimited);
    say(&mut node, child, &FromWorker::Consumed { bytes: 1000 });
    assert!(matches!(call(&mut node, spawner, send)[..], [Output::Deliver { .. }, ..]));
}

#[test]
fn a_function_runs_where_its_entry_says_or_its_caller_is() {
    let (mut node, spawner) = world();
    for (entry, expected) in
        [("app:function", "app:host"), ("app:far", "app:other"), ("app:placed", "app:other")]
    {
        let op = Op::Exec { entry, host: None, with: With::default() };
        let frame = FromWorker::Call { call: entry.len() as u32, op };
        assert_eq!(started(&say(&mut node, spawner, &frame)).1, expected, "{entry}");
    }
    for entry in ["app:worker", "app:library"] {
        let op = Op::Exec { entry, host: None, with: With::default() };
        assert_eq!(refused(&call(&mut node, spawner, op)), FaultKind::Invalid, "{entry}");
    }
    for op in [
        spawn("app:function", With::default()),
        Op::Exec { entry: "app:function", host: Some("app:host"), with: With::default() },
    ] {
        assert_eq!(refused(&call(&mut node, spawner, op)), FaultKind::Invalid);
    }
    let jailed = born(&mut node, "app:jail");
    for entry in ["app:function", "app:none"] {
        let op = Op::Exec { entry, host: None, with: With::default() };
        assert_eq!(refused(&call(&mut node, jailed, op)), FaultKind::PermissionDenied, "{entry}");
    }
}
