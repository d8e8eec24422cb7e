//! The life of one process: frames in, run what they woke, wait, until its body ends.

use crate::decode::Decoder;
use crate::encode::Encoder;
use crate::fork::exit_now;
use crate::native::{Session, monotonic_ns};
use crate::outlet::Outlet;
use crate::{Vm, hygiene};
use ipc::codec::frame_max;
use ipc::frame::{Answer, FromWorker, Outcome, ToWorker, charge};
use ipc::limits::MESSAGE_MAX;
use ipc::{Deframer, Fault, FaultKind, Frame};
use mlua::{MultiValue, Value};
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
    let mut actor = Actor::new(vm, socket);
    let lived = catch_unwind(AssertUnwindSafe(|| actor.live()));
    match lived {
        Ok(Ok(())) => {}
        Ok(Err(error)) => actor.end_with_text(&error.to_string()),
        Err(_) => actor.end_with_text("internal error: the worker panicked"),
    }
    exit_now(0);
}

struct Actor<'a> {
    vm: &'a Vm,
    socket: Rc<OwnedFd>,
    deframer: Deframer,
    bytes: Vec<u8>,
}

/// What the prelude says after a round; the numbers are those of `scheduler.luau`.
#[derive(Debug)]
enum Round {
    Ready,
    Idle { deadline: Option<f64> },
    Blocked,
    Ended,
}

impl<'a> Actor<'a> {
    fn new(vm: &'a Vm, socket: OwnedFd) -> Self {
        // The supervisor is trusted with any size that a host may allow.
        let deframer = Deframer::new(frame_max(MESSAGE_MAX));
        Actor { vm, socket: Rc::new(socket), deframer, bytes: Vec::new() }
    }

    fn live(&mut self) -> mlua::Result<()> {
        while !self.is_somebody() {
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
            }
        }
    }

    fn is_somebody(&self) -> bool {
        self.vm.session.borrow().is_some()
    }

    /// Lets every task that can run go on once.
    fn round(&mut self) -> mlua::Result<Round> {
        let (state, deadline): (u8, Option<f64>) = self.vm.hooks.run.call(())?;
        Ok(match state {
            0 => Round::Ready,
            1 => Round::Idle { deadline },
            2 => Round::Blocked,
            _ => Round::Ended,
        })
    }

    /// Waits for frames, for room in the socket, or for the next timer.
    fn wait(&mut self, deadline: Option<f64>) -> mlua::Result<()> {
        if self.wake_for_room()? {
            // Another send has emptied the outbox meanwhile.
            return Ok(());
        }
        let all_written = self.with_session(|session| session.outlet.is_empty());
        if all_written && deadline.is_none() {
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

    /// Writes what could not be written before, and wakes those who wait for room.
    fn write_on(&mut self) -> mlua::Result<()> {
        self.with_session(|session| session.outlet.flush());
        self.wake_for_room().map(|_| ())
    }

    /// Wakes those who wait for room, where there is some; true where somebody did.
    fn wake_for_room(&mut self) -> mlua::Result<bool> {
        let wake = self.with_session(|session| {
            !session.outlet.is_full() && std::mem::take(&mut session.room_wanted)
        });
        if wake {
            self.vm.hooks.has_room.call::<()>(())?;
        }
        Ok(wake)
    }

    /// Reads once and handles every whole frame.
    fn receive(&mut self, flags: RecvFlags) -> mlua::Result<()> {
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

    fn handle(&mut self, frame: Frame<'_>) -> mlua::Result<()> {
        let header: ToWorker<'_> =
            ipc::codec::decode(frame.header).map_err(mlua::Error::external)?;
        let vm = self.vm;
        match header {
            ToWorker::Become { pid, entry, message_max, mailbox_max } => {
                self.become_process(entry, message_max as usize)?;
                self.begin(mailbox_max / 8, pid, entry, frame.body)
            }
            ToWorker::Deliver { from, topic } => {
                let size = charge(topic, frame.body.len());
                match vm.decode(frame.body) {
                    Ok(value) => vm.hooks.deliver.call((topic, from, size, value)),
                    // Only a worker that broke its own rules sends such; nobody else suffers for it.
                    Err(_) => vm.hooks.consume.call(size),
                }
            }
            ToWorker::Reply { call, result } => self.reply(call, result),
            ToWorker::Closed { route } => {
                self.with_session(|session| session.routes.closed(&mut session.outlet, route));
                Ok(())
            }
            ToWorker::Exit(ended) => vm.tell_ended("EXIT", &ended, frame.body),
            ToWorker::LinkDown(ended) => vm.tell_ended("LINK_DOWN", &ended, frame.body),
            ToWorker::Cancel { from, at, reason, deadline_ns } => {
                vm.tell_cancel(from, at, reason, deadline_ns)
            }
        }
    }

    fn become_process(&mut self, entry: &str, message_max: usize) -> mlua::Result<()> {
        let outlet = Outlet::new(self.socket.clone());
        self.vm.session.replace(Some(Session::new(outlet, message_max)));
        hygiene::name_process(entry);
        self.vm.seed(hygiene::fresh_seed().map_err(mlua::Error::external)?)
    }

    fn begin(&self, report_at: u64, pid: &str, entry: &str, arguments: &[u8]) -> mlua::Result<()> {
        let decoder = Decoder::new(&self.vm.lua, &self.vm.hooks.error_from, arguments);
        let mut all = MultiValue::from_iter(decoder.list().map_err(mlua::Error::external)?);
        all.push_front(Value::String(self.vm.lua.create_string(entry)?));
        all.push_front(Value::String(self.vm.lua.create_string(pid)?));
        all.push_front(Value::Number(report_at as f64));
        self.vm.hooks.live.call(all)
    }

    fn reply(&mut self, call: u32, result: Result<Answer<'_>, Fault>) -> mlua::Result<()> {
        let granted = match &result {
            Ok(Answer::Route { route: Some(id), credit }) => Some((*id, *credit)),
            _ => None,
        };
        self.with_session(|session| {
            session.open_calls = session.open_calls.saturating_sub(1);
            session.routes.answered(&mut session.outlet, call, granted);
        });
        let reply = &self.vm.hooks.reply;
        match result {
            Ok(Answer::Done | Answer::Route { .. }) => reply.call((call, true)),
            Ok(Answer::Flag(flag)) => reply.call((call, flag)),
            Ok(Answer::Pid(pid)) => reply.call((call, pid)),
            Err(fault) => reply.call((call, Value::Nil, fault.kind.as_str(), fault.message)),
        }
    }

    /// Says how the body ended, or that it never began.
    fn end(&mut self) -> mlua::Result<()> {
        match self.vm.ending()? {
            Ok(value) => {
                let max = self.with_session(|session| session.message_max);
                let mut encoder = Encoder::new(max, &self.vm.hooks.unwrap);
                match encoder.value(&value) {
                    Ok(()) => self.done(Outcome::Normal, &encoder.finish()),
                    Err(unfit) => self.end_with_text(&unfit.text("result")),
                }
            }
            Err(error) => self.end_with_error(&error)?,
        }
        Ok(())
    }

    fn end_with_error(&mut self, error: &Value) -> mlua::Result<()> {
        let message = ipc::fault::cut(error.to_string()?);
        if self.vm.is_loading() {
            self.load_failed(message);
            return Ok(());
        }
        let max = self.with_session(|session| session.message_max);
        let mut encoder = Encoder::new(max, &self.vm.hooks.unwrap);
        // An Error whose details cannot travel still has its text.
        let body = encoder.value(error).map(|()| encoder.finish()).unwrap_or_default();
        self.done(Outcome::Failed { message }, &body);
        Ok(())
    }

    /// The end of a process that cannot say more than a text.
    fn end_with_text(&mut self, message: &str) {
        let message = ipc::fault::cut(message.to_owned());
        if self.is_somebody() && self.vm.is_loading() {
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

    fn with_session<T>(&mut self, act: impl FnOnce(&mut Session) -> T) -> T {
        let mut session = self.vm.session.borrow_mut();
        act(session.as_mut().expect("called after the first frame only"))
    }
}

fn time_until(deadline_ns: f64) -> Timespec {
    let left = (deadline_ns - monotonic_ns()).max(0.0);
    Timespec { tv_sec: (left / 1e9) as i64, tv_nsec: (left % 1e9) as i64 }
}
