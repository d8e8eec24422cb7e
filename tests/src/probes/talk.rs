//! A worker's side of the protocol, without Lua: what a probe reports, and what the victim answers.
//!
//! The **victim** is a worker like any other, of the same host as the probes, who keeps a secret in
//! its memory, counts the signals that it gets, and tells the number to whoever asks.

use super::env::{Env, KEPT, World, number_of};
use super::sys::{Failed, Reached, end, sys};
use ipc::frame::{Answer, FromWorker, Op, Outcome, ToWorker};
use ipc::{Deframer, FaultKind, codec};
use libc::c_int;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};

/// The socket of a worker, and the frames that came.
#[derive(Debug)]
pub struct Talk {
    socket: OwnedFd,
    deframer: RefCell<Deframer>,
    came: RefCell<VecDeque<Frame>>,
}

/// One frame from the supervisor, header and body.
type Frame = (Vec<u8>, Vec<u8>);

/// The first frame: who this process is, and its arguments.
#[derive(Debug)]
pub struct Become {
    /// Its PID.
    pub pid: String,
    /// Its arguments, encoded.
    pub arguments: Vec<u8>,
}

impl Talk {
    /// Talks on a worker's socket.
    #[must_use]
    pub fn on(socket: OwnedFd) -> Self {
        let deframer = RefCell::new(Deframer::new(codec::frame_max(1 << 20)));
        Talk { socket, deframer, came: RefCell::default() }
    }

    /// Says a frame.
    pub fn say(&self, header: &FromWorker<'_>, body: &[u8]) {
        let mut frame = Vec::new();
        codec::encode(&mut frame, header, body);
        self.raw(&frame);
    }

    /// Says what only a supervisor may say.
    pub fn forge(&self, header: &ToWorker<'_>) {
        let mut frame = Vec::new();
        codec::encode(&mut frame, header, &[]);
        self.raw(&frame);
    }

    /// A frame with these bytes as its header.
    pub fn header(&self, header: &[u8]) {
        let header_len = u16::try_from(header.len()).unwrap_or(u16::MAX);
        let mut frame = (u32::from(header_len) + 2).to_le_bytes().to_vec();
        frame.extend_from_slice(&header_len.to_le_bytes());
        frame.extend_from_slice(header);
        self.raw(&frame);
    }

    /// Says any bytes. Where nobody listens any more, that is the end.
    pub fn raw(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(count) => bytes = &bytes[count..],
                Err(Errno::INTR) => {}
                Err(_) => end(98),
            }
        }
    }

    /// The last words of a probe.
    pub fn report(&self, reached: Reached) -> ! {
        let text = match reached {
            Ok(()) => super::SUCCEEDED.to_owned(),
            Err(failed) => format!("failed: {failed}"),
        };
        let body = rmp_serde::to_vec(&text).unwrap_or_default();
        self.say(&FromWorker::Done { outcome: Outcome::Normal }, &body);
        end(0)
    }

    /// The frame that makes this worker a process.
    pub fn become_process(&self) -> Become {
        let (header, body) = self.next();
        match codec::decode(&header) {
            Ok(ToWorker::Become { pid, .. }) => Become { pid: pid.to_owned(), arguments: body },
            _ => end(97),
        }
    }

    /// The answer to the call of that number.
    pub(super) fn answer(&self, call: u32) -> Result<Option<(u32, u64)>, Failed> {
        loop {
            let (header, _) = self.next();
            match codec::decode(&header) {
                Ok(ToWorker::Reply { call: of, result }) if of == call => {
                    return match result {
                        Ok(Answer::Route { route, credit }) => Ok(route.map(|id| (id, credit))),
                        Ok(_) => Ok(None),
                        Err(fault) => Err(Failed::Because(of_kind(fault.kind))),
                    };
                }
                _ => {}
            }
        }
    }

    /// Asks the victim how many signals it has got.
    pub(super) fn ask(&self, env: &Env) -> Result<u32, Failed> {
        let body = rmp_serde::to_vec(&env.own_pid).unwrap_or_default();
        let op = Op::Send { dest: &env.victim_pid, topic: "ask" };
        self.say(&FromWorker::Call { call: 1, op }, &body);
        loop {
            let (header, body) = self.next();
            if let Ok(ToWorker::Deliver { topic: "told", .. }) = codec::decode(&header) {
                return Ok(rmp_serde::from_slice(&body).unwrap_or_default());
            }
        }
    }

    /// The next frame. At the end of the connection there is nothing left to live for.
    fn next(&self) -> Frame {
        loop {
            if let Some(frame) = self.came.borrow_mut().pop_front() {
                return frame;
            }
            let mut bytes = vec![0; 64 * 1024];
            match recv(&self.socket, &mut bytes[..], RecvFlags::empty()) {
                Ok((len @ 1.., _)) => self.take(&bytes[..len]),
                Err(Errno::INTR) => {}
                _ => end(96),
            }
        }
    }

    fn take(&self, bytes: &[u8]) {
        let mut deframer = self.deframer.borrow_mut();
        let mut feed = deframer.feed(bytes);
        while let Ok(Some(frame)) = feed.next_frame() {
            let frame = (frame.header.to_vec(), frame.body.to_vec());
            self.came.borrow_mut().push_back(frame);
        }
    }

    /// Reads on until it is ended.
    pub fn wait_for_the_end(&self) -> ! {
        loop {
            self.next();
        }
    }
}

fn of_kind(kind: FaultKind) -> &'static str {
    kind.as_str()
}

/// The signals that came.
static SIGNALS: AtomicU32 = AtomicU32::new(0);

extern "C" fn count(_: c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// The life of the victim: says who it is, and answers until it is ended.
pub fn be_the_victim(talk: &Talk, world: &World, main: &str) -> ! {
    KEPT.store(number_of(&world.secret), Ordering::Relaxed);
    if !world.filtered {
        let handler: extern "C" fn(c_int) = count;
        // SAFETY: the handler does nothing but count.
        unsafe {
            libc::signal(libc::SIGURG, handler as usize);
            libc::signal(libc::SIGCONT, handler as usize);
        };
    }
    talk.say(&FromWorker::Loaded, &[]);
    // The one call of the filter's list that tells a process its number.
    let own = sys!(libc::SYS_gettid).unwrap_or(0);
    tell(talk, main, "victim", &(own as u32));
    loop {
        let (header, body) = talk.next();
        if let Ok(ToWorker::Deliver { topic: "ask", .. }) = codec::decode(&header) {
            let asker: String = rmp_serde::from_slice(&body).unwrap_or_default();
            tell(talk, &asker, "told", &SIGNALS.load(Ordering::Relaxed));
        }
    }
}

fn tell(talk: &Talk, dest: &str, topic: &str, value: &u32) {
    let body = rmp_serde::to_vec(value).unwrap_or_default();
    let op = Op::Send { dest, topic };
    talk.say(&FromWorker::Call { call: 1, op }, &body);
}
