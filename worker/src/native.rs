//! The functions that the prelude is written on top of: frames to the supervisor, and mail.

use crate::births;
use crate::mail::Mail;
use crate::outlet::Outlet;
use crate::routes::Routes;
use crate::stack::Kept;
use ipc::chaos::ChaosSignal;
use ipc::frame::{CallId, FromWorker, Op};
use ipc::limits::{CALLS_MAX, PRINT_MAX, TEXT_MAX};
use ipc::{Fault, FaultKind, Limits};
use mlua::{Function, Lua, LuaString, Result, Table};
use slab::Slab;
use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

/// What a worker that has become a process needs to talk to its supervisor.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) outlet: Outlet,
    pub(crate) routes: Routes,
    /// Messages that wait in the mailbox.
    pub(crate) mail: Mail,
    /// Results and errors that wait. They are this process's own use of memory: it has asked for
    /// them, and no mailbox limits them.
    pub(crate) bodies: Slab<Box<[u8]>>,
    /// Events that wait, as they came.
    pub(crate) events: Slab<Event>,
    /// How many events have come.
    pub(crate) event_count: u64,
    /// What children inherit: an encoded table, or nothing.
    pub(crate) context: Box<[u8]>,
    /// With what this process is to go on elsewhere.
    pub(crate) upgrade: Option<Upgrade>,
    /// Bytes of messages taken and not yet reported.
    consumed: u64,
    /// An empty buffer for the payload of the next message.
    pub(crate) payload: Vec<u8>,
    pub(crate) limits: Limits,
    /// The script is loaded and its body runs.
    pub(crate) loaded: bool,
    last_call: CallId,
    /// Calls that are not answered yet.
    pub(crate) open_calls: usize,
    /// A send waits until the outbox has room.
    pub(crate) room_wanted: bool,
}

/// An event as it came.
#[derive(Debug)]
pub(crate) struct Event {
    /// Its place among all.
    pub(crate) order: u64,
    pub(crate) header: Box<[u8]>,
    /// Result or error; empty where it was dropped.
    pub(crate) body: Box<[u8]>,
}

/// What a process wants to become.
#[derive(Debug)]
pub(crate) struct Upgrade {
    /// None for the entry that it has.
    pub(crate) entry: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// The session of this worker; there is none in a zygote.
pub(crate) type Shared = Rc<RefCell<Option<Session>>>;

/// What the functions that every message goes through need. There is one for each state, for ever.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) session: Shared,
    /// Known when the prelude is there.
    pub(crate) kept: OnceCell<Prelude>,
}

/// The functions of the prelude that they call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prelude {
    pub(crate) unwrap: Kept,
    pub(crate) error_from: Kept,
}

impl Context {
    /// Does something with the session; none where there is no process yet. `act` must not raise.
    pub(crate) fn with_session<T>(&self, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        self.session.try_borrow_mut().ok()?.as_mut().map(act)
    }

    /// The functions of the prelude.
    pub(crate) fn prelude(&self) -> Result<Prelude> {
        self.kept.get().copied().ok_or_else(|| mlua::Error::runtime("no prelude yet"))
    }
}

/// What a native call gives to the prelude: the number to wait for, or a kind and a message.
pub(crate) type Called = (Option<CallId>, Option<&'static str>, Option<String>);

impl Session {
    pub(crate) fn new(outlet: Outlet, limits: Limits) -> Self {
        Session {
            outlet,
            routes: Routes::default(),
            mail: Mail::default(),
            bodies: Slab::new(),
            events: Slab::new(),
            event_count: 0,
            context: Box::default(),
            upgrade: None,
            consumed: 0,
            payload: Vec::new(),
            limits,
            loaded: false,
            last_call: 0,
            open_calls: 0,
            room_wanted: false,
        }
    }

    pub(crate) fn call(&mut self, op: Op<'_>, body: &[u8]) -> Called {
        match self.ask(op, body) {
            Ok(call) => (Some(call), None, None),
            Err(fault) => refused(fault.kind, fault.message),
        }
    }

    /// Sends a call, and says by which number its answer will be known.
    pub(crate) fn ask(&mut self, op: Op<'_>, body: &[u8]) -> std::result::Result<CallId, Fault> {
        if self.open_calls >= CALLS_MAX {
            let message = format!("limit of {CALLS_MAX} unanswered calls reached");
            return Err(Fault::new(FaultKind::RateLimited, message));
        }
        self.last_call = self.last_call.wrapping_add(1);
        self.open_calls += 1;
        self.outlet.push(&FromWorker::Call { call: self.last_call, op }, body);
        Ok(self.last_call)
    }

    /// Reports what was taken and is not reported yet.
    pub(crate) fn report_consumed(&mut self) {
        let bytes = std::mem::take(&mut self.consumed);
        if bytes > 0 {
            self.outlet.push(&FromWorker::Consumed { bytes }, &[]);
        }
    }

    /// Frees the bytes of a message. They are reported before anything that this process sends after
    /// it, so that whoever hears of that finds the room.
    pub(crate) fn consume(&mut self, charge: usize) {
        self.consumed += charge as u64;
        if self.consumed >= self.limits.mailbox / 8 {
            self.report_consumed();
        }
    }
}

pub(crate) fn refused(kind: FaultKind, message: impl Into<String>) -> Called {
    (None, Some(kind.as_str()), Some(message.into()))
}

pub(crate) fn with_session<T>(shared: &Shared, act: impl FnOnce(&mut Session) -> T) -> Result<T> {
    let mut session = shared.borrow_mut();
    let session = session.as_mut().ok_or_else(|| mlua::Error::runtime("no process yet"))?;
    Ok(act(session))
}

/// A text that is an argument of a call.
pub(crate) fn text(value: &LuaString) -> std::result::Result<String, Called> {
    match text_of(&value.as_bytes()) {
        Ok(text) => Ok(text.to_owned()),
        Err(fault) => Err(refused(fault.kind, fault.message)),
    }
}

/// Ids, names and topics are short texts; other bytes cannot be named in a frame.
pub(crate) fn text_of(bytes: &[u8]) -> std::result::Result<&str, Fault> {
    let what = match str::from_utf8(bytes) {
        Ok(text) if text.len() <= TEXT_MAX => return Ok(text),
        Ok(_) => format!("have at most {TEXT_MAX} bytes"),
        Err(_) => "must be valid UTF-8".to_owned(),
    };
    Err(Fault::new(FaultKind::Invalid, format!("ids, names and topics {what}")))
}

pub(crate) fn install(lua: &Lua, native: &Table, context: &'static Context) -> Result<()> {
    install_calls(lua, native, &context.session)?;
    install_notices(lua, native, &context.session)?;
    births::install(lua, native, context)
}

/// A call with one destination or name.
fn one_text(
    lua: &Lua,
    shared: &Shared,
    op: impl for<'a> Fn(&'a str) -> Op<'a> + 'static,
) -> Result<Function> {
    let shared = shared.clone();
    lua.create_function(move |_, argument: LuaString| match text(&argument) {
        Ok(argument) => with_session(&shared, |session| session.call(op(&argument), &[])),
        Err(refused) => Ok(refused),
    })
}

/// `chaos_kill(dest, signal)`: by the name of the signal.
fn chaos_kill(lua: &Lua, shared: &Shared) -> Result<Function> {
    let shared = shared.clone();
    lua.create_function(move |_, (dest, name): (LuaString, LuaString)| {
        let dest = match text(&dest) {
            Ok(dest) => dest,
            Err(refused) => return Ok(refused),
        };
        let name = name.to_string_lossy();
        let Some(signal) = ChaosSignal::fatal(&name) else {
            return Ok(refused(FaultKind::Invalid, unknown(&name)));
        };
        let op = Op::Chaos { dest: &dest, signal };
        with_session(&shared, |session| session.call(op, &[]))
    })
}

fn unknown(signal: &str) -> String {
    let known: Vec<_> = ChaosSignal::FATAL.iter().map(|(name, _)| *name).collect();
    format!("signal '{signal}' ends no process: use one of {}", known.join(", "))
}

fn install_calls(lua: &Lua, native: &Table, shared: &Shared) -> Result<()> {
    native.set("monitor", one_text(lua, shared, |dest| Op::Monitor { dest })?)?;
    native.set("unmonitor", one_text(lua, shared, |dest| Op::Unmonitor { dest })?)?;
    native.set("link", one_text(lua, shared, |dest| Op::Link { dest })?)?;
    native.set("unlink", one_text(lua, shared, |dest| Op::Unlink { dest })?)?;
    native.set("terminate", one_text(lua, shared, |dest| Op::Terminate { dest })?)?;
    native.set("lookup", one_text(lua, shared, |name| Op::Lookup { name })?)?;
    native.set("chaos_kill", chaos_kill(lua, shared)?)?;
    for (name, signal) in [("chaos_stop", ChaosSignal::Stop), ("chaos_cont", ChaosSignal::Cont)] {
        native.set(name, one_text(lua, shared, move |dest| Op::Chaos { dest, signal })?)?;
    }
    native.set("unregister", one_text(lua, shared, |name| Op::Unregister { name })?)?;
    let session = shared.clone();
    native.set(
        "register",
        lua.create_function(move |_, (name, dest): (LuaString, Option<LuaString>)| {
            let (name, dest) = match (text(&name), dest.as_ref().map(text).transpose()) {
                (Ok(name), Ok(dest)) => (name, dest),
                (Err(refused), _) | (_, Err(refused)) => return Ok(refused),
            };
            let op = Op::Register { name: &name, dest: dest.as_deref() };
            with_session(&session, |session| session.call(op, &[]))
        })?,
    )?;
    let session = shared.clone();
    native.set(
        "cancel",
        lua.create_function(
            move |_, (dest, reason, deadline): (LuaString, Option<LuaString>, Option<f64>)| {
                let dest = match text(&dest) {
                    Ok(dest) => dest,
                    Err(refused) => return Ok(refused),
                };
                let reason = reason.map(|reason| ipc::fault::cut(reason.to_string_lossy()));
                // Saturating: a deadline of centuries is none.
                let deadline_ns = deadline.map(|ns| ns as u64);
                let op = Op::Cancel { dest: &dest, reason: reason.as_deref(), deadline_ns };
                with_session(&session, |session| session.call(op, &[]))
            },
        )?,
    )?;
    native.set("trap_links", switch(lua, shared, |on| Op::TrapLinks { on })?)?;
    native.set("upgradable", switch(lua, shared, |on| Op::Upgradable { on })?)
}

/// A call that turns something on or off.
fn switch(lua: &Lua, shared: &Shared, op: fn(bool) -> Op<'static>) -> Result<Function> {
    let session = shared.clone();
    lua.create_function(move |_, on: bool| {
        with_session(&session, |session| session.call(op(on), &[]))
    })
}

fn install_notices(lua: &Lua, native: &Table, shared: &Shared) -> Result<()> {
    for (name, notice) in [
        ("cancel_taken", FromWorker::CancelTaken),
        ("listening", FromWorker::Listening),
        ("ready", FromWorker::Ready),
    ] {
        let session = shared.clone();
        let function = lua.create_function(move |_, ()| {
            with_session(&session, |session| session.outlet.push(&notice, &[]))
        })?;
        native.set(name, function)?;
    }
    let session = shared.clone();
    let give_up = lua.create_function(move |_, call: CallId| {
        with_session(&session, |session| {
            session.outlet.push(&FromWorker::GiveUp { call }, &[]);
        })
    })?;
    native.set("give_up", give_up)?;
    let session = shared.clone();
    native.set(
        "loaded",
        lua.create_function(move |_, ()| {
            with_session(&session, |session| {
                session.loaded = true;
                session.outlet.push(&FromWorker::Loaded, &[]);
                // Whoever has spawned it waits, however long the body computes.
                session.outlet.flush();
            })
        })?,
    )?;
    let session = shared.clone();
    native.set(
        "print",
        lua.create_function(move |_, line: LuaString| {
            with_session(&session, |session| print(&mut session.outlet, &line.as_bytes()))?
        })?,
    )
}

fn print(outlet: &mut Outlet, line: &[u8]) -> Result<()> {
    let pieces = if line.is_empty() { vec![line] } else { line.chunks(PRINT_MAX).collect() };
    for piece in pieces {
        outlet.push(&FromWorker::Print, piece);
        if outlet.is_full() {
            // `print` cannot yield (it may be called where nothing can), so it waits here.
            outlet.flush_all()?;
        }
    }
    Ok(())
}
