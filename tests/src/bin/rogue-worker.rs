//! A worker that somebody took over: where its entry is `app:rogue-DEED` it runs no Lua but does
//! the deed, with nothing between it and the supervisor but its socket. Every other entry is an
//! honest process. For `wabe run --worker`, in tests only.

use ipc::codec;
use ipc::frame::{Answer, Ended, FromWorker, Op, Outcome, Ties, ToWorker, With};
use ipc::limits::HEADER_MAX;
use ipc::{ExitKind, ExitReason};
use rustix::event::poll;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::IoSlice;
use rustix::net::{
    RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, recv, send, sendmsg,
    shutdown,
};
use std::mem::MaybeUninit;
use std::process::{abort, exit};
use tests::nonsense::{malformed, nested_errors, rubbish};

fn main() {
    if let Err(error) = worker::zygote::run(be_somebody) {
        eprintln!("rogue-worker: {error}");
        exit(64);
    }
}

fn be_somebody(vm: &worker::Vm, socket: OwnedFd) {
    match deed(&socket) {
        Some(deed) => Rogue { socket }.does(&deed),
        None => worker::actor::run(vm, socket),
    }
}

/// What the entry of the first frame says is to be done. The frame stays in the socket.
fn deed(socket: &OwnedFd) -> Option<String> {
    let mut bytes = vec![0; 64 * 1024];
    let (seen, _) = recv(socket, &mut bytes[..], RecvFlags::PEEK).ok()?;
    let header = header(&bytes[..seen])?;
    match codec::decode(header).ok()? {
        ToWorker::Become { entry, .. } => entry.strip_prefix("app:rogue-").map(str::to_owned),
        _ => None,
    }
}

/// The header of the frame that the bytes begin with.
fn header(bytes: &[u8]) -> Option<&[u8]> {
    let len = u16::from_le_bytes([*bytes.get(4)?, *bytes.get(5)?]);
    bytes.get(codec::PREFIX..codec::PREFIX + usize::from(len))
}

struct Rogue {
    socket: OwnedFd,
}

impl Rogue {
    fn does(&self, deed: &str) {
        if deed != "done-unloaded" {
            self.say(&FromWorker::Loaded, &[]);
        }
        self.breaks_frames(deed);
        self.breaks_rules(deed);
        self.breaks_off(deed);
        self.goes_on_elsewhere(deed);
        self.sends_rubbish(deed);
        self.takes_resources(deed);
        self.waits_for_its_end();
    }

    /// Bytes that are no frames, and frames that are no worker's.
    fn breaks_frames(&self, deed: &str) {
        match deed {
            "rubbish" => self.raw(&rubbish(64 * 1024)),
            "giant-frame" => self.raw(&u32::MAX.to_le_bytes()),
            "empty-frame" => self.raw(&[0; 4]),
            "long-header" => self.raw(&[4, 0, 0, 0, 9, 0, 1, 2]),
            "nested-header" => self.header(&[0x91; 16 * 1024]),
            "endless-header" => self.header(&[0xdd, 0xff, 0xff, 0xff, 0xff]),
            "forged-deliver" => self.forge(&ToWorker::Deliver { from: "{a|b}", topic: "ping" }),
            "forged-exit" => {
                let kind = ExitKind::Normal;
                let (signal, code, limit, message) = (None, None, None, None);
                let reason = ExitReason { kind, signal, code, limit, os_pid: 1, message };
                self.forge(&ToWorker::Exit(Ended { from: "{a|b}", at: 0, reason }));
            }
            _ => {}
        }
    }

    /// Frames that a worker may say, but not now or not so.
    fn breaks_rules(&self, deed: &str) {
        match deed {
            "unknown-route" => self.say(&FromWorker::Send { route: 7, topic: "noise" }, &[]),
            "unknown-release" => self.say(&FromWorker::Release { route: u32::MAX }, &[]),
            "reserved-topic" => {
                let (route, _) = self.route_to_pong();
                self.say(&FromWorker::Send { route, topic: "@x" }, &[]);
            }
            "over-credit" => {
                let (route, credit) = self.route_to_pong();
                let body = vec![0xc0; usize::try_from(credit).expect("a credit is small")];
                self.say(&FromWorker::Send { route, topic: "noise" }, &body);
            }
            "over-size" => {
                let (route, _) = self.route_to_pong();
                self.say(&FromWorker::Send { route, topic: "noise" }, &vec![0xc0; 1 << 20]);
            }
            "loaded-twice" => self.say(&FromWorker::Loaded, &[]),
            "done-unloaded" => self.done(),
            "done-twice" => {
                self.done();
                self.done();
            }
            "endless-print" => self.say(&FromWorker::Print, &[b'\n'; 200_000]),
            "done-then-print" => {
                self.done();
                self.say(&FromWorker::Print, b"from beyond");
            }
            _ => {}
        }
    }

    /// Ends that come early, late or never.
    fn breaks_off(&self, deed: &str) {
        match deed {
            "half-frame" => self.raw(&[200, 0, 0, 0, 9, 0, 1]),
            "half-frame-exit" => {
                self.raw(&[200, 0, 0, 0, 9, 0, 1]);
                exit(0);
            }
            "exit-3" => exit(3),
            "abort" => abort(),
            "eats" => eat(),
            "done-stays" => self.done(),
            "no-more-words" => drop(shutdown(&self.socket, Shutdown::Write)),
            "deaf" => sleep_for_ever(),
            "deaf-liar" => loop {
                self.say(&FromWorker::Consumed { bytes: u64::MAX }, &[]);
            },
            "deaf-caller" => {
                let dest = "nobody".repeat(30);
                for call in 0.. {
                    self.say(&FromWorker::Call { call, op: Op::Monitor { dest: &dest } }, &[]);
                }
            }
            _ => {}
        }
    }

    /// Upgrades that begin and do not come to their end.
    fn goes_on_elsewhere(&self, deed: &str) {
        let upgrade = || {
            // Of `app:pong`: whoever comes is no rogue.
            let header = FromWorker::Upgrade { entry: Some("app:pong") };
            self.say(&header, &[0x90]);
        };
        match deed {
            "hands-back" => self.say(&FromWorker::HandBack(ToWorker::Ping), &[]),
            "upgrade-hands-nonsense" => {
                upgrade();
                // Its word comes in a read of its own only where it is asked.
                self.wait_for(|told| (told == ToWorker::HandOver).then_some(()));
                self.say(&FromWorker::HandBack(ToWorker::Ping), &[]);
            }
            "upgrade-hands-length" => {
                upgrade();
                self.wait_for(|told| (told == ToWorker::HandOver).then_some(()));
                // HandBack(Deliver { from, topic: "" }) with numbers where the supervisor writes names.
                let mut header = vec![0x81, 14, 0x81, 6, 0x92, 0xda];
                let from = HEADER_MAX - header.len() - 3;
                header.extend_from_slice(&u16::try_from(from).expect("16 bits").to_be_bytes());
                header.extend(std::iter::repeat_n(b'a', from));
                header.push(0xa0);
                self.header(&header);
            }
            "upgrade-speaks" => {
                upgrade();
                self.say(&FromWorker::Listening, &[]);
            }
            "upgrade-hands-over-again" => self.hands_over_again(),
            "upgrade-exits" => {
                upgrade();
                exit(7);
            }
            "upgrade-mute" => upgrade(),
            // Whoever comes says that it has loaded, and the same again.
            "upgrade-to-itself" => self.say(&FromWorker::Upgrade { entry: None }, &[0x90]),
            _ => {}
        }
    }

    /// Hands over as it should, all the rest in the same write, and then for ever.
    fn hands_over_again(&self) {
        self.say(&FromWorker::Upgrade { entry: Some("app:heir") }, &[0x90]);
        self.wait_for(|told| (told == ToWorker::HandOver).then_some(()));
        let mail = |topic| FromWorker::HandBack(ToWorker::Deliver { from: "{a|b}", topic });
        let mut frames = Vec::new();
        codec::encode(&mut frames, &mail("first"), &[0xc0]);
        codec::encode(&mut frames, &FromWorker::HandedOver, &[]);
        codec::encode(&mut frames, &FromWorker::HandedOver, &[]);
        codec::encode(&mut frames, &mail("late"), &[0xc0]);
        codec::encode(&mut frames, &FromWorker::Listening, &[]);
        self.raw(&frames);
        loop {
            self.say(&FromWorker::HandedOver, &[]);
            self.say(&mail("later"), &[0xc0]);
        }
    }

    /// What is the business of others, or of nobody.
    fn sends_rubbish(&self, deed: &str) {
        match deed {
            "consumed" => {
                self.say(&FromWorker::Consumed { bytes: u64::MAX }, &[]);
                self.done();
                exit(0);
            }
            "descriptors" => {
                self.sends_descriptors();
                self.done();
                exit(0);
            }
            "payloads" => {
                for (call, body) in (0..).zip(malformed()) {
                    for topic in ["ping", "noise"] {
                        let op = Op::Send { dest: "pong", topic };
                        self.say(&FromWorker::Call { call, op }, &body);
                    }
                    let ties = Ties::default();
                    let op = Op::Spawn {
                        entry: "app:short",
                        host: "app:processes",
                        ties,
                        with: With::default(),
                    };
                    self.say(&FromWorker::Call { call, op }, &body);
                }
                self.say(&FromWorker::Done { outcome: Outcome::Normal }, &rubbish(1000));
                exit(0);
            }
            "error-body" => {
                let outcome = Outcome::Failed { message: "a text".to_owned() };
                self.say(&FromWorker::Done { outcome }, &[0x91; 100_000]);
                exit(0);
            }
            "nested-error-body" => {
                let outcome = Outcome::Failed { message: "a text".to_owned() };
                self.say(&FromWorker::Done { outcome }, &nested_errors(40_000));
                exit(0);
            }
            "number-for-error" => {
                let outcome = Outcome::Failed { message: "a text".to_owned() };
                self.say(&FromWorker::Done { outcome }, &[42]);
                exit(0);
            }
            _ => {}
        }
    }

    /// What the sandbox is to withhold. The result says how much it got.
    fn takes_resources(&self, deed: &str) {
        if let Some(got) = tests::deeds::take(deed) {
            let got = u16::try_from(got).unwrap_or(u16::MAX).to_be_bytes();
            self.say(&FromWorker::Done { outcome: Outcome::Normal }, &[0xcd, got[0], got[1]]);
            exit(0);
        }
    }

    /// Descriptors beside honest frames, many at once (unix(7), SCM_RIGHTS).
    fn sends_descriptors(&self) {
        let file = memfd_create("rogue", MemfdFlags::CLOEXEC).expect("a memfd can be made");
        let rights = [file.as_fd(); 100];
        let mut frame = Vec::new();
        codec::encode(&mut frame, &FromWorker::Listening, &[]);
        for _ in 0..50 {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(100))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            assert!(ancillary.push(SendAncillaryMessage::ScmRights(&rights)));
            let bytes = [IoSlice::new(&frame)];
            let sent = sendmsg(&self.socket, &bytes, &mut ancillary, SendFlags::NOSIGNAL);
            if sent.is_err() {
                exit(99);
            }
        }
    }

    /// A route that the supervisor has opened, with its credit.
    fn route_to_pong(&self) -> (u32, u64) {
        let op = Op::Send { dest: "pong", topic: "noise" };
        self.say(&FromWorker::Call { call: 1, op }, &[0xc0]);
        self.wait_for(|told| match told {
            ToWorker::Reply { result: Ok(Answer::Route { route, credit }), .. } => {
                Some((route?, credit))
            }
            _ => None,
        })
    }

    /// Reads until it is told something that is wanted.
    fn wait_for<T>(&self, wanted: impl Fn(ToWorker<'_>) -> Option<T>) -> T {
        let mut bytes = vec![0; 64 * 1024];
        loop {
            let Ok((len @ 1.., _)) = recv(&self.socket, &mut bytes[..], RecvFlags::empty()) else {
                exit(99);
            };
            // Several frames may come together: the first, which is not taken yet, with any other.
            let mut rest = &bytes[..len];
            while let Some(header) = header(rest) {
                if let Some(found) = codec::decode(header).ok().and_then(&wanted) {
                    return found;
                }
                let length = u32::from_le_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
                rest = &rest[codec::LENGTH + length..];
            }
        }
    }

    fn done(&self) {
        // The result is the number 7.
        self.say(&FromWorker::Done { outcome: Outcome::Normal }, &[7]);
    }

    fn say(&self, header: &FromWorker<'_>, body: &[u8]) {
        let mut frame = Vec::new();
        codec::encode(&mut frame, header, body);
        self.raw(&frame);
    }

    /// Says what only a supervisor may say.
    fn forge(&self, header: &ToWorker<'_>) {
        let mut frame = Vec::new();
        codec::encode(&mut frame, header, &[]);
        self.raw(&frame);
    }

    /// A frame with these bytes as its header.
    fn header(&self, header: &[u8]) {
        let header_len = u16::try_from(header.len()).expect("a header is short");
        let mut frame = (u32::from(header_len) + 2).to_le_bytes().to_vec();
        frame.extend_from_slice(&header_len.to_le_bytes());
        frame.extend_from_slice(header);
        self.raw(&frame);
    }

    fn raw(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(count) => bytes = &bytes[count..],
                Err(_) => exit(98),
            }
        }
    }

    /// Reads on and does nothing, until it is killed.
    fn waits_for_its_end(&self) {
        let mut bytes = vec![0; 64 * 1024];
        while recv(&self.socket, &mut bytes[..], RecvFlags::empty()).is_ok_and(|(len, _)| len > 0) {
        }
        sleep_for_ever();
    }
}

/// Takes memory natively, which no VM counts, until somebody has had enough.
fn eat() {
    for _ in 0..1024 {
        std::hint::black_box(vec![1_u8; 1 << 20].leak());
    }
}

fn sleep_for_ever() {
    loop {
        let _ = poll(&mut [], None);
    }
}
