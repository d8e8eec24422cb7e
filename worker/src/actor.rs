//! The life of one process: frames in, run what they woke, wait, until its body ends. What is done
//! with a frame is in [`crate::arrival`].

use crate::clock::monotonic_ns;
use crate::encode::{Encoder, Unfit};
use crate::fork::exit_now;
use crate::native::Session;
use crate::stack::{Stack, with_values};
use crate::{Vm, memory, over, turn};
use ipc::codec::frame_max;
use ipc::frame::{FromWorker, Outcome};
use ipc::limits::MESSAGE_MAX;
use ipc::{Deframer, Fault, FaultKind};
use mlua::Value;
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

/// Bytes that one read takes at most.
const READ: usize = 64 * 1024;

/// Becomes the process that the first frame names, and lives its life. Returns only where that
/// could not even begin.
pub fn run(vm: &Vm, socket: OwnedFd) {
    over::quiet_panics();
    let mut actor = Actor::new(vm, socket);
    if actor.prepare().is_err() {
        return;
    }
    let lived = catch_unwind(AssertUnwindSafe(|| actor.live()));
    match lived {
        Ok(Ok(())) => {}
        Ok(Err(error)) => actor.end_with_text(&error.to_string()),
        Err(_) => actor.end_with_text("internal error: the worker panicked"),
    }
    exit_now(0);
}

pub(crate) struct Actor<'a> {
    pub(crate) vm: &'a Vm,
    pub(crate) socket: Rc<OwnedFd>,
    deframer: Deframer,
    bytes: Vec<u8>,
    /// What it is to become as soon as it has all that its predecessor has not read.
    pub(crate) becoming: Option<(String, String, Vec<u8>)>,
    /// Its process goes on elsewhere.
    pub(crate) is_leaving: bool,
    /// It is told nothing more, and is to hand back what it has not read.
    pub(crate) is_to_hand_over: bool,
}

/// What the prelude says after a round; the numbers are those of `scheduler.luau`.
#[derive(Debug)]
enum Round {
    Ready,
    Idle { deadline: Option<f64> },
    Blocked,
    Ended,
    Leaving,
}

impl<'a> Actor<'a> {
    fn new(vm: &'a Vm, socket: OwnedFd) -> Self {
        // The supervisor is trusted with any size that a host may allow.
        let deframer = Deframer::new(frame_max(MESSAGE_MAX));
        Actor {
            vm,
            socket: Rc::new(socket),
            deframer,
            bytes: Vec::new(),
            becoming: None,
            is_leaving: false,
            is_to_hand_over: false,
        }
    }

    /// Does what can be done before anybody waits for it.
    fn prepare(&mut self) -> mlua::Result<()> {
        self.vm.set_secrets()?;
        self.bytes.reserve(READ);
        self.vm.rehearse(&mut self.bytes)
    }

    fn live(&mut self) -> mlua::Result<()> {
        while !self.is_somebody() {
            self.receive(RecvFlags::empty())?;
        }
        while self.becoming.is_some() {
            self.write_on()?;
            self.receive(RecvFlags::empty())?;
        }
        loop {
            match self.round()? {
                Round::Ready => {
                    self.write_on()?;
                    self.receive(RecvFlags::DONTWAIT)?;
                }
                Round::Idle { deadline } => self.wait(deadline)?,
                Round::Blocked => self.vm.hooks.blocked_for_ever.call::<()>(())?,
                Round::Ended => return self.end(),
                Round::Leaving => return self.leave(),
            }
        }
    }

    fn is_somebody(&self) -> bool {
        self.vm.context.session.borrow().is_some()
    }

    fn is_loading(&self) -> bool {
        self.vm.context.session.borrow().as_ref().is_some_and(|session| !session.loaded)
    }

    /// Lets every task that can run go on once, under the limits of this process.
    fn round(&mut self) -> mlua::Result<Round> {
        let mail = self.with_session(|session| session.mail.held()) + self.deframer.held();
        turn::begin();
        let (state, deadline): (u8, Option<f64>) =
            memory::limited(mail, || self.vm.hooks.run.call(()))?;
        Ok(match state {
            0 => Round::Ready,
            1 => Round::Idle { deadline },
            2 => Round::Blocked,
            4 => Round::Leaving,
            _ => Round::Ended,
        })
    }

    /// Waits for frames, for room in the socket, or for the next timer.
    fn wait(&mut self, deadline: Option<f64>) -> mlua::Result<()> {
        if self.write_on()? {
            // There is room again: somebody can go on.
            return Ok(());
        }
        let all_written = self.with_session(|session| session.outlet.is_empty());
        if all_written && deadline.is_none() {
            // One call. It is also woken when the supervisor reads what was sent before, which costs a
            // twelfth of a round trip where all have one processor; poll(2) is not, and was a seventh slower
            // where there are two, for it leaves the other one in a deeper sleep.
            return self.receive(RecvFlags::empty());
        }
        let wanted = if all_written { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT };
        let timeout = deadline.map(time_until);
        match poll(&mut [PollFd::new(&self.socket, wanted)], timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(mlua::Error::external(error)),
        }
        self.write_on()?;
        self.receive(RecvFlags::DONTWAIT)
    }

    /// Writes what is held, and wakes those who wait for room where there is some now; true where
    /// somebody did.
    fn write_on(&mut self) -> mlua::Result<bool> {
        let wake = self.with_session(|session| {
            session.outlet.flush();
            !session.outlet.is_full() && std::mem::take(&mut session.room_wanted)
        });
        if wake {
            self.vm.hooks.has_room.call::<()>(())?;
        }
        Ok(wake)
    }

    /// Reads once and handles every whole frame.
    pub(crate) fn receive(&mut self, flags: RecvFlags) -> mlua::Result<()> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bytes.reserve(READ);
        match recv(&self.socket, spare_capacity(&mut bytes), flags) {
            Ok((_, 0)) => exit_now(0),
            Ok(_) => {}
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => exit_now(1),
        }
        let mut deframer = std::mem::replace(&mut self.deframer, Deframer::new(0));
        let mut feed = deframer.feed(&bytes);
        while let Some(frame) = feed.next_frame().map_err(mlua::Error::external)? {
            self.handle(frame)?;
        }
        drop(feed);
        (self.deframer, self.bytes) = (deframer, bytes);
        Ok(())
    }

    /// Says how the body ended, or that it never began.
    fn end(&mut self) -> mlua::Result<()> {
        match self.vm.ending()? {
            Ok(value) => match self.encoded(&value)? {
                Ok(body) => self.done(Outcome::Normal, &body),
                Err(unfit) => self.end_with_text(&unfit.text("result")),
            },
            Err(error) => self.end_with_error(&error)?,
        }
        Ok(())
    }

    fn end_with_error(&mut self, error: &Value) -> mlua::Result<()> {
        let message = ipc::fault::cut(error.to_string()?);
        if self.is_loading() {
            self.load_failed(message);
            return Ok(());
        }
        // An Error whose details cannot travel still has its text.
        let body = self.encoded(error)?.unwrap_or_default();
        self.done(Outcome::Failed { message }, &body);
        Ok(())
    }

    fn encoded(&mut self, value: &Value) -> mlua::Result<Result<Vec<u8>, Unfit>> {
        let max = self.with_session(|session| session.limits.message_max());
        let unwrap = self.vm.context.prelude()?.unwrap;
        let encode = |stack: &mut Stack| {
            let mut encoder = Encoder::new(stack, Vec::new(), max, unwrap);
            encoder.value(1).map(|()| encoder.finish())
        };
        Ok(with_values(&self.vm.lua, value, encode)?.0)
    }

    /// The end of a process that cannot say more than a text.
    fn end_with_text(&mut self, message: &str) {
        let message = ipc::fault::cut(message.to_owned());
        if self.is_loading() {
            self.load_failed(message);
        } else if self.is_somebody() {
            self.done(Outcome::Failed { message }, &[]);
        }
    }

    fn load_failed(&mut self, message: String) {
        let fault = Fault::new(FaultKind::Invalid, message);
        self.last_words(&FromWorker::LoadFailed { fault }, &[]);
    }

    fn done(&mut self, outcome: Outcome, body: &[u8]) {
        self.last_words(&FromWorker::Done { outcome }, body);
    }

    fn last_words(&mut self, header: &FromWorker<'_>, body: &[u8]) {
        self.with_session(|session| {
            session.outlet.push(header, body);
            // Where the supervisor is gone there is nobody left to tell.
            let _ = session.outlet.flush_all();
        });
    }

    pub(crate) fn with_session<T>(&mut self, act: impl FnOnce(&mut Session) -> T) -> T {
        let mut session = self.vm.context.session.borrow_mut();
        act(session.as_mut().expect("called after the first frame only"))
    }
}

fn time_until(deadline_ns: f64) -> Timespec {
    let left = (deadline_ns - monotonic_ns()).max(0.0);
    Timespec { tv_sec: (left / 1e9) as i64, tv_nsec: (left % 1e9) as i64 }
}
