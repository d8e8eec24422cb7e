//! The functions that the prelude is written on top of: frames to the supervisor, and mail.

use crate::encode::{Encoder, Unfit};
use crate::mail::Mail;
use crate::outlet::Outlet;
use crate::routes::Routes;
use ipc::frame::{CallId, FromWorker, Op, Ties, is_topic};
use ipc::limits::{CALLS_MAX, PRINT_MAX, TEXT_MAX};
use ipc::{Fault, FaultKind, Limits};
use mlua::{Function, Lua, LuaString, MultiValue, Result, Table, Value};
use std::cell::RefCell;
use std::rc::Rc;

/// What a worker that has become a process needs to talk to its supervisor.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) outlet: Outlet,
    pub(crate) routes: Routes,
    /// Messages that wait in the mailbox.
    pub(crate) mail: Mail,
    /// Results and errors of events that wait. They are this process's own use of memory: it has
    /// asked for them, and no mailbox limits them.
    pub(crate) bodies: Mail,
    pub(crate) limits: Limits,
    /// The script is loaded and its body runs.
    pub(crate) loaded: bool,
    last_call: CallId,
    /// Calls that are not answered yet.
    pub(crate) open_calls: usize,
    /// A send waits until the outbox has room.
    pub(crate) room_wanted: bool,
}

/// The session of this worker; there is none in a zygote.
pub(crate) type Shared = Rc<RefCell<Option<Session>>>;

/// What a native call gives to the prelude: the number to wait for, or a kind and a message.
type Called = (Option<CallId>, Option<&'static str>, Option<String>);

impl Session {
    pub(crate) fn new(outlet: Outlet, limits: Limits) -> Self {
        Session {
            outlet,
            routes: Routes::default(),
            mail: Mail::default(),
            bodies: Mail::default(),
            limits,
            loaded: false,
            last_call: 0,
            open_calls: 0,
            room_wanted: false,
        }
    }

    fn call(&mut self, op: Op<'_>, body: &[u8]) -> Called {
        if self.open_calls >= CALLS_MAX {
            let message = format!("limit of {CALLS_MAX} unanswered calls reached");
            return refused(FaultKind::RateLimited, message);
        }
        self.last_call = self.last_call.wrapping_add(1);
        self.open_calls += 1;
        self.outlet.push(&FromWorker::Call { call: self.last_call, op }, body);
        (Some(self.last_call), None, None)
    }
}

fn refused(kind: FaultKind, message: impl Into<String>) -> Called {
    (None, Some(kind.as_str()), Some(message.into()))
}

pub(crate) fn with_session<T>(shared: &Shared, act: impl FnOnce(&mut Session) -> T) -> Result<T> {
    let mut session = shared.borrow_mut();
    let session = session.as_mut().ok_or_else(|| mlua::Error::runtime("no process yet"))?;
    Ok(act(session))
}

/// Ids, names and topics are short texts; other bytes cannot be named in a frame.
fn text(value: &LuaString) -> std::result::Result<String, Called> {
    let invalid = |what| refused(FaultKind::Invalid, format!("ids, names and topics {what}"));
    let text = value.to_str().map_err(|_| invalid("must be valid UTF-8".to_owned()))?;
    match text.len() <= TEXT_MAX {
        true => Ok(text.to_owned()),
        false => Err(invalid(format!("have at most {TEXT_MAX} bytes"))),
    }
}

pub(crate) fn install(lua: &Lua, native: &Table, wabe: &Table, shared: &Shared) -> Result<()> {
    install_calls(lua, native, shared)?;
    install_notices(lua, native, shared)?;
    install_spawn(lua, native, wabe, shared)?;
    install_send(lua, native, wabe, shared)
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

fn install_calls(lua: &Lua, native: &Table, shared: &Shared) -> Result<()> {
    native.set("monitor", one_text(lua, shared, |dest| Op::Monitor { dest })?)?;
    native.set("unmonitor", one_text(lua, shared, |dest| Op::Unmonitor { dest })?)?;
    native.set("link", one_text(lua, shared, |dest| Op::Link { dest })?)?;
    native.set("unlink", one_text(lua, shared, |dest| Op::Unlink { dest })?)?;
    native.set("terminate", one_text(lua, shared, |dest| Op::Terminate { dest })?)?;
    native.set("lookup", one_text(lua, shared, |name| Op::Lookup { name })?)?;
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
    let session = shared.clone();
    native.set(
        "trap_links",
        lua.create_function(move |_, on: bool| {
            with_session(&session, |session| session.call(Op::TrapLinks { on }, &[]))
        })?,
    )
}

fn install_notices(lua: &Lua, native: &Table, shared: &Shared) -> Result<()> {
    for (name, notice) in
        [("cancel_taken", FromWorker::CancelTaken), ("listening", FromWorker::Listening)]
    {
        let session = shared.clone();
        let function = lua.create_function(move |_, ()| {
            with_session(&session, |session| session.outlet.push(&notice, &[]))
        })?;
        native.set(name, function)?;
    }
    let session = shared.clone();
    native.set(
        "loaded",
        lua.create_function(move |_, ()| {
            with_session(&session, |session| {
                session.loaded = true;
                session.outlet.push(&FromWorker::Loaded, &[]);
            })
        })?,
    )?;
    let session = shared.clone();
    native.set(
        "consumed",
        lua.create_function(move |_, bytes: f64| {
            let notice = FromWorker::Consumed { bytes: bytes as u64 };
            with_session(&session, |session| session.outlet.push(&notice, &[]))
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

fn install_spawn(lua: &Lua, native: &Table, wabe: &Table, shared: &Shared) -> Result<()> {
    let (shared, wabe) = (shared.clone(), wabe.clone());
    let spawn = move |_: &Lua,
                      (entry, host, link, monitor, arguments): (
        LuaString,
        LuaString,
        bool,
        bool,
        MultiValue,
    )| {
        let (entry, host) = match (text(&entry), text(&host)) {
            (Ok(entry), Ok(host)) => (entry, host),
            (Err(refused), _) | (_, Err(refused)) => return Ok(refused),
        };
        let max = with_session(&shared, |session| session.limits.message_max())?;
        let body = match encode_list(&wabe.get("unwrap")?, max, &arguments) {
            Ok(body) => body,
            Err(unfit) => return Ok(refused(FaultKind::Invalid, unfit)),
        };
        let op = Op::Spawn { entry: &entry, host: &host, ties: Ties { link, monitor } };
        with_session(&shared, |session| session.call(op, &body))
    };
    native.set("spawn", lua.create_function(spawn)?)
}

fn encode_list(
    unwrap: &Function,
    max: usize,
    values: &MultiValue,
) -> std::result::Result<Vec<u8>, String> {
    let mut encoder = Encoder::new(max, unwrap);
    encoder.array(values.len()).map_err(|unfit| unfit.text("arguments"))?;
    for (index, value) in values.iter().enumerate() {
        // As the script counts: entry and host are 1 and 2.
        let name = format!("argument #{}", index + 3);
        encoder.value(value).map_err(|unfit| unfit.text(&name))?;
    }
    Ok(encoder.finish())
}

fn install_send(lua: &Lua, native: &Table, wabe: &Table, shared: &Shared) -> Result<()> {
    let (shared, wabe) = (shared.clone(), wabe.clone());
    let send = move |lua: &Lua, (dest, topic, value): (LuaString, LuaString, Value)| {
        let (dest, topic) = match (text(&dest), text(&topic)) {
            (Ok(dest), Ok(topic)) => (dest, topic),
            (Err(refused), _) | (_, Err(refused)) => return called(lua, refused),
        };
        if !is_topic(&topic) {
            let fault = Fault::bad_topic();
            return called(lua, refused(fault.kind, fault.message));
        }
        let max = with_session(&shared, |session| session.limits.message_max())?;
        let unwrap: Function = wabe.get("unwrap")?;
        let mut encoder = Encoder::new(max, &unwrap);
        if let Err(unfit) = encoder.value(&value) {
            return called(lua, refused(FaultKind::Invalid, encoding_text(&unfit)));
        }
        let body = encoder.finish();
        with_session(&shared, |session| send(lua, session, &dest, &topic, &body))?
    };
    native.set("send", lua.create_function(send)?)
}

fn encoding_text(unfit: &Unfit) -> String {
    unfit.text(if matches!(unfit, Unfit::TooLarge { .. }) { "message" } else { "payload" })
}

/// `true` where it went along a route, `false` where there is no room now, else as a call.
fn send(
    lua: &Lua,
    session: &mut Session,
    dest: &str,
    topic: &str,
    body: &[u8],
) -> Result<MultiValue> {
    if session.outlet.is_full() {
        session.room_wanted = true;
        return lua.pack_multi(false);
    }
    if session.routes.send(&mut session.outlet, dest, topic, body) {
        return lua.pack_multi(true);
    }
    let asked = session.call(Op::Send { dest, topic }, body);
    if let Some(call) = asked.0 {
        session.routes.asked(call, dest);
    }
    called(lua, asked)
}

fn called(lua: &Lua, result: Called) -> Result<MultiValue> {
    lua.pack_multi(result)
}
