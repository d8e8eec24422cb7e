//! Frames that no honest worker sends. `tests/tests/rogue_frames.rs` looks at the same from the
//! supervisor's side, and at more of them; here they are seen to end alike under every layer.

use super::env::Env;
use super::sys::{Failed, Reached};
use super::talk::Talk;
use super::{Probe, frames};
use ipc::frame::{Ended, FromWorker, Op, Outcome, Ties, ToWorker, With};
use ipc::{ExitKind, ExitReason};

pub(super) const PROBES: &[Probe] = &[
    frames("rubbish", |talk, _| says(talk, &[0xa5; 4096])),
    frames("frame-of-4-gib", |talk, _| says(talk, &u32::MAX.to_le_bytes())),
    frames("frame-of-nothing", |talk, _| says(talk, &[0; 4])),
    frames("header-longer-than-frame", |talk, _| says(talk, &[4, 0, 0, 0, 9, 0, 1, 2])),
    frames("nested-header", |talk, _| {
        talk.header(&[0x91; 16 * 1024]);
        talk.wait_for_the_end()
    }),
    frames("endless-header", |talk, _| {
        talk.header(&[0xdd, 0xff, 0xff, 0xff, 0xff]);
        talk.wait_for_the_end()
    }),
    frames("forged-sender", |talk, env| {
        talk.forge(&ToWorker::Deliver { from: &env.victim_pid, topic: "ping" });
        talk.wait_for_the_end()
    }),
    frames("forged-exit", |talk, env| {
        let kind = ExitKind::Normal;
        let (signal, code, limit, message) = (None, None, None, None);
        let reason = ExitReason { kind, signal, code, limit, os_pid: 1, message };
        talk.forge(&ToWorker::Exit(Ended { from: &env.victim_pid, at: 0, reason }));
        talk.wait_for_the_end()
    }),
    frames("unknown-route", |talk, _| {
        talk.say(&FromWorker::Send { route: 7, topic: "noise" }, &[]);
        talk.wait_for_the_end()
    }),
    frames("unknown-release", |talk, _| {
        talk.say(&FromWorker::Release { route: u32::MAX }, &[]);
        talk.wait_for_the_end()
    }),
    frames("message-over-credit", |talk, env| {
        let (route, credit) = route_to_victim(talk, env)?;
        let body = vec![0xc0; usize::try_from(credit).unwrap_or(0)];
        talk.say(&FromWorker::Send { route, topic: "noise" }, &body);
        talk.wait_for_the_end()
    }),
    frames("reserved-topic", |talk, env| {
        let (route, _) = route_to_victim(talk, env)?;
        talk.say(&FromWorker::Send { route, topic: "@cancel" }, &[]);
        talk.wait_for_the_end()
    }),
    frames("text-to-print-of-200-kb", |talk, _| {
        talk.say(&FromWorker::Print, &[b'\n'; 200_000]);
        talk.wait_for_the_end()
    }),
    frames("loaded-twice", |talk, _| {
        talk.say(&FromWorker::Loaded, &[]);
        talk.wait_for_the_end()
    }),
    frames("words-after-the-last", |talk, _| {
        talk.say(&FromWorker::Done { outcome: Outcome::Normal }, &[0xc0]);
        talk.say(&FromWorker::Print, b"from beyond");
        talk.wait_for_the_end()
    }),
    frames("consumed-what-never-came", |talk, env| {
        // It may say so, and gains nothing: what may wait for it stays what it was.
        talk.say(&FromWorker::Consumed { bytes: u64::MAX }, &[]);
        talk.ask(env)?;
        Err(Failed::Because("nothing gained"))
    })
    .with_all("failed: nothing gained"),
    frames("pid-with-a-wrong-tag", |talk, env| {
        let guess = guess(&env.victim_pid);
        asks(talk, Op::Monitor { dest: &guess })
    })
    .with_all("failed: NotFound"),
    frames("message-to-a-guessed-pid", |talk, env| {
        let guess = guess(&env.victim_pid);
        asks(talk, Op::Send { dest: &guess, topic: "ask" })
    })
    .with_all("failed: NotFound"),
    frames("end-of-a-guessed-pid", |talk, env| {
        let guess = guess(&env.victim_pid);
        asks(talk, Op::Terminate { dest: &guess })
    })
    .with_all("failed: NotFound"),
    frames("end-of-a-sibling", |talk, env| asks(talk, Op::Terminate { dest: &env.victim_pid }))
        .with_all("failed: PermissionDenied"),
    frames("link-to-a-sibling", |talk, env| asks(talk, Op::Link { dest: &env.victim_pid }))
        .with_all("failed: PermissionDenied"),
    frames("cancel-of-a-sibling", |talk, env| {
        let (reason, deadline_ns) = (None, Some(0));
        asks(talk, Op::Cancel { dest: &env.victim_pid, reason, deadline_ns })
    })
    .with_all("failed: PermissionDenied"),
    frames("name-of-its-own", |talk, _| asks(talk, Op::Register { name: "probe", dest: None }))
        .with_all("failed: PermissionDenied"),
    frames("name-for-another", |talk, env| {
        asks(talk, Op::Register { name: "probe", dest: Some(&env.victim_pid) })
    })
    .with_all("failed: PermissionDenied"),
    frames("spawn-on-an-unknown-host", |talk, _| {
        let op = Op::Spawn {
            entry: "app:victim",
            host: "app:root",
            ties: Ties::default(),
            with: With::default(),
        };
        talk.say(&FromWorker::Call { call: 1, op }, &[0x90]);
        talk.answer(1).map(|_| ())
    })
    .with_all("failed: PermissionDenied"),
    frames("spawn-of-a-file", |talk, _| {
        let op = Op::Spawn {
            entry: "/bin/sh",
            host: "app:attackers",
            ties: Ties::default(),
            with: With::default(),
        };
        talk.say(&FromWorker::Call { call: 1, op }, &[0x90]);
        talk.answer(1).map(|_| ())
    })
    .with_all("failed: PermissionDenied"),
];

fn says(talk: &Talk, bytes: &[u8]) -> Reached {
    talk.raw(bytes);
    talk.wait_for_the_end()
}

fn asks(talk: &Talk, op: Op<'_>) -> Reached {
    talk.say(&FromWorker::Call { call: 1, op }, &[0xc0]);
    talk.answer(1).map(|_| ())
}

/// The PID with the last digit of its tag changed.
fn guess(pid: &str) -> String {
    let (head, last) = pid.trim_end_matches('}').split_at(pid.len() - 2);
    format!("{head}{}}}", if last == "0" { "1" } else { "0" })
}

fn route_to_victim(talk: &Talk, env: &Env) -> Result<(u32, u64), Failed> {
    let op = Op::Send { dest: &env.victim_pid, topic: "noise" };
    talk.say(&FromWorker::Call { call: 1, op }, &[0xc0]);
    talk.answer(1)?.ok_or(Failed::Because("no route"))
}
