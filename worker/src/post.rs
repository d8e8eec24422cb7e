//! Letters on their way: from a frame into the mailbox, and from there into the script.
//!
//! Each is weighed when it comes, and one whose values would take too much of this process's memory
//! is dropped with a line that says so. What is kept can therefore be opened.

use crate::decode::Decoder;
use crate::mail::Letter;
use crate::native::{Context, Event, Session};
use crate::stack::{Slot, Stack, function};
use crate::weigh::weigh;
use crate::{Vm, memory};
use ipc::frame::FromWorker;
use ipc::quota::bytes_text;
use mlua::{Lua, Result, Table};
use slab::Slab;
use std::ffi::c_int;

/// Most that the values of one letter may take.
fn share(session: &Session) -> u64 {
    session.limits.memory / 2
}

/// What is wrong with values that take so much.
pub(crate) fn too_heavy(session: &Session, weight: u64) -> Option<String> {
    let limit = session.limits.memory;
    (weight > share(session)).then(|| {
        let (weight, limit) = (bytes_text(weight), bytes_text(limit));
        format!("values need {weight}, more than half of the memory limit of {limit}")
    })
}

impl Vm {
    /// Keeps a message until it is taken, or drops it.
    pub(crate) fn keep_message(&self, from: &[u8], topic: &[u8], body: &[u8]) {
        let what = || {
            let (from, topic) = (String::from_utf8_lossy(from), String::from_utf8_lossy(topic));
            format!("a message of {} from {from} on topic '{topic}'", bytes_text(body.len() as u64))
        };
        self.context.with_session(|session| {
            let letter = Letter::new(from, topic, body);
            match is_fit(session, body, what) {
                true => session.mail.deliver(letter),
                false => session.consume(letter.charge()),
            }
        });
    }

    /// Keeps an event until it is taken, and returns its number. What came with it is kept where it has
    /// a name, and dropped where it is too much.
    pub(crate) fn keep_event(
        &self,
        header: &[u8],
        body: &[u8],
        from: &str,
        name: Option<&str>,
    ) -> Option<usize> {
        self.context.with_session(|session| {
            let is_fit = name.is_some_and(|name| {
                !body.is_empty() && is_fit(session, body, || format!("the {name} of {from}"))
            });
            let body: &[u8] = if is_fit { body } else { &[] };
            session.event_count += 1;
            let order = session.event_count;
            session.events.insert(Event { order, header: header.into(), body: body.into() })
        })
    }

    /// Keeps what came with the end of another process, and returns its number; none where it was
    /// dropped.
    pub(crate) fn keep_body(&self, from: &str, name: &str, body: &[u8]) -> Option<usize> {
        let what = || format!("the {name} of {from}");
        let keep = |session: &mut Session| {
            is_fit(session, body, what).then(|| session.bodies.insert(body.into()))
        };
        self.context.with_session(keep)?
    }
}

/// True where the values of a payload can be made here; else says why not.
fn is_fit(session: &mut Session, body: &[u8], what: impl FnOnce() -> String) -> bool {
    // Only a worker that broke its own rules sends what is no payload; nobody else suffers for it.
    let Ok(weight) = weigh(body) else { return false };
    match too_heavy(session, weight) {
        None => true,
        Some(why) => {
            tell(session, &format!("dropped {}: its {why}", what()));
            false
        }
    }
}

/// Prints a line of this process, unless many wait already: nobody may make it print without end.
fn tell(session: &mut Session, line: &str) {
    if !session.outlet.is_full() {
        session.outlet.push(&FromWorker::Print, line.as_bytes());
    }
}

/// Adds the functions with which the prelude takes letters.
pub(crate) fn install(lua: &Lua, native: &Table, context: &'static Context) -> Result<()> {
    native.set("send", function(lua, context, crate::send::send)?)?;
    native.set("take", function(lua, context, take)?)?;
    native.set("take_body", function(lua, context, take_body)?)?;
    native.set("take_event", function(lua, context, take_event)?)?;
    native.set("listen", function(lua, context, listen)?)?;
    native.set("unlisten", function(lua, context, unlisten)?)?;
    native.set("discard", function(lua, context, discard)?)?;
    native.set("want", function(lua, context, want)?)?;
    native.set("next_due", function(lua, context, next_due)?)
}

/// `take(channel)`: the next letter that waits there, as its value, `true`, and for a Message its topic
/// and sender. Nothing where none waits, or the channel is none of the mailbox.
fn take(context: &Context, stack: &mut Stack) -> c_int {
    let Some(queue) = queue_of(stack) else { return 0 };
    let taken = context.with_session(|session| session.mail.take(queue));
    let Some((letter, is_message, freed)) = taken.flatten() else { return 0 };
    // Before it is opened, which may raise: deep in calls of C there is no room for one more. The letter
    // is gone then, and must not fill the mailbox for ever.
    context.with_session(|session| session.consume(letter.charge()));
    open(context, stack, letter.body());
    stack.push_boolean(true);
    if is_message {
        stack.push_string(letter.topic());
        stack.push_string(letter.from());
    }
    drop(letter);
    memory::mail_taken(freed);
    if is_message { 4 } else { 2 }
}

/// The number of the queue is the first element of a channel's state.
fn queue_of(stack: &mut Stack) -> Option<usize> {
    let state = stack.top() + 1;
    if !stack.metatable(1) {
        return None;
    }
    stack.element(state, 1);
    number(stack, state + 1)
}

fn number(stack: &Stack, index: c_int) -> Option<usize> {
    match stack.get(index) {
        Slot::Number(number) => Some(number as usize),
        _ => None,
    }
}

/// `take_body(number)`: the value of a result or an error.
fn take_body(context: &Context, stack: &mut Stack) -> c_int {
    let Some(number) = number(stack, 1) else { return 0 };
    let body = context.with_session(|session| {
        let body = session.bodies.try_remove(number);
        if session.bodies.is_empty() {
            session.bodies = Slab::new();
        }
        body
    });
    let Some(body) = body.flatten() else { return 0 };
    open(context, stack, &body);
    1
}

/// `take_event(number)`: the value of its result or error; nil where it has none.
fn take_event(context: &Context, stack: &mut Stack) -> c_int {
    let Some(number) = number(stack, 1) else { return 0 };
    let event = context.with_session(|session| {
        let event = session.events.try_remove(number);
        if session.events.is_empty() {
            session.events = Slab::new();
        }
        event
    });
    match event.flatten() {
        Some(event) if !event.body.is_empty() => open(context, stack, &event.body),
        _ => stack.push_nil(),
    }
    1
}

/// Pushes the value of a payload. It was weighed by the same rules, so it can be opened.
fn open(context: &Context, stack: &mut Stack, body: &[u8]) {
    let top = stack.top();
    let opened =
        context.kept.get().map(|prelude| Decoder::new(stack, prelude.error_from, body).whole());
    if !matches!(opened, Some(Ok(()))) {
        stack.truncate(top);
        stack.push_nil();
    }
}

/// `listen(topic, messages)`: the number of a new queue; without a topic that of the inbox.
fn listen(context: &Context, stack: &mut Stack) -> c_int {
    let queue = context.with_session(|session| match stack.get(1) {
        Slot::String(topic) => session.mail.listen(topic, stack.get(2) == Slot::Boolean(true)),
        _ => session.mail.open_inbox(),
    });
    queue.map_or(0, |queue| {
        stack.push_number(queue as f64);
        1
    })
}

/// `unlisten(topic)`: nothing more comes into its queue; true where that was empty, and is gone.
fn unlisten(context: &Context, stack: &mut Stack) -> c_int {
    let Slot::String(topic) = stack.get(1) else { return 0 };
    let is_gone = context.with_session(|session| session.mail.unlisten(topic));
    stack.push_boolean(is_gone == Some(true));
    1
}

/// `discard(queue)`: it is empty, and stays so.
fn discard(context: &Context, stack: &mut Stack) -> c_int {
    if let Some(queue) = number(stack, 1) {
        context.with_session(|session| session.mail.discard(queue));
    }
    0
}

/// `want(queue, wanted)`: whether somebody waits for its next letter.
fn want(context: &Context, stack: &mut Stack) -> c_int {
    if let Some(queue) = number(stack, 1) {
        let wanted = stack.get(2) == Slot::Boolean(true);
        context.with_session(|session| session.mail.want(queue, wanted));
    }
    0
}

/// `next_due()`: the queue of the next letter that somebody may wait for, if any.
fn next_due(context: &Context, stack: &mut Stack) -> c_int {
    let due = context.with_session(|session| session.mail.next_due()).flatten();
    due.map_or(0, |queue| {
        stack.push_number(queue as f64);
        1
    })
}
