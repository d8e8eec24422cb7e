//! Letters on their way: from a frame into the mailbox, and from there into the script.
//!
//! Each is weighed when it comes, and one whose values would take too much of this process's memory
//! is dropped with a line that says so. What is kept can therefore be opened.

use crate::decode::Decoder;
use crate::mail::{Letter, Mail};
use crate::native::{Session, Shared, with_session};
use crate::weigh::weigh;
use crate::{Vm, memory};
use ipc::frame::{FromWorker, charge};
use ipc::quota::bytes_text;
use mlua::{Function, Lua, Result, Table, Value};

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
    /// Keeps a message and returns its number; none where it was dropped.
    pub(crate) fn keep_message(
        &self,
        from: &str,
        topic: &str,
        body: &[u8],
    ) -> Result<Option<usize>> {
        let what = || {
            let size = bytes_text(body.len() as u64);
            format!("a message of {size} from {from} on topic '{topic}'")
        };
        let letter = |body| Letter { topic: topic.into(), from: from.into(), body };
        self.keep(body, what, |session, body| session.mail.keep(letter(body)))
    }

    /// Keeps what came with the end of another process, likewise.
    pub(crate) fn keep_body(&self, from: &str, name: &str, body: &[u8]) -> Result<Option<usize>> {
        let what = || format!("the {name} of {from}");
        let letter = |body| Letter { topic: "".into(), from: "".into(), body };
        self.keep(body, what, |session, body| session.bodies.keep(letter(body)))
    }

    fn keep(
        &self,
        body: &[u8],
        what: impl FnOnce() -> String,
        keep: impl FnOnce(&mut Session, Box<[u8]>) -> usize,
    ) -> Result<Option<usize>> {
        // Only a worker that broke its own rules sends what is no payload; nobody else suffers for
        // it.
        let Ok(weight) = weigh(body) else { return Ok(None) };
        with_session(&self.session, |session| match too_heavy(session, weight) {
            None => Some(keep(session, body.into())),
            Some(why) => {
                tell(session, &format!("dropped {}: its {why}", what()));
                None
            }
        })
    }
}

/// Prints a line of this process, unless many wait already: nobody may make it print without end.
fn tell(session: &mut Session, line: &str) {
    if !session.outlet.is_full() {
        session.outlet.push(&FromWorker::Print, line.as_bytes());
    }
}

/// Adds the functions with which the prelude opens letters.
pub(crate) fn install(lua: &Lua, native: &Table, wabe: &Table, shared: &Shared) -> Result<()> {
    let session = shared.clone();
    let topic_of = move |lua: &Lua, number: usize| {
        with_session(&session, |session| {
            session.mail.topic(number).map(|topic| lua.create_string(topic)).transpose()
        })?
    };
    native.set("topic_of", lua.create_function(topic_of)?)?;
    let (session, prelude) = (shared.clone(), wabe.clone());
    let take_value = move |lua: &Lua, number: usize| {
        let (letter, held) = take(&session, |session| &mut session.mail, number)?;
        let opened = (open(lua, &prelude, &letter)?, charge(&letter.topic, letter.body.len()));
        drop(letter);
        memory::mail_taken(held);
        Ok(opened)
    };
    native.set("take_value", lua.create_function(take_value)?)?;
    let (session, prelude) = (shared.clone(), wabe.clone());
    let take_message = move |lua: &Lua, number: usize| {
        let (letter, held) = take(&session, |session| &mut session.mail, number)?;
        let size = charge(&letter.topic, letter.body.len());
        let (topic, from) = (lua.create_string(&*letter.topic)?, lua.create_string(&*letter.from)?);
        let opened = (open(lua, &prelude, &letter)?, size, topic, from);
        drop(letter);
        memory::mail_taken(held);
        Ok(opened)
    };
    native.set("take_message", lua.create_function(take_message)?)?;
    let (session, prelude) = (shared.clone(), wabe.clone());
    let take_body = move |lua: &Lua, number: usize| {
        let (letter, _) = take(&session, |session| &mut session.bodies, number)?;
        open(lua, &prelude, &letter)
    };
    native.set("take_body", lua.create_function(take_body)?)
}

/// A letter out of its place, and the bytes that are no longer held when it is dropped.
fn take(
    shared: &Shared,
    place: impl FnOnce(&mut Session) -> &mut Mail,
    number: usize,
) -> Result<(Letter, usize)> {
    with_session(shared, |session| {
        let mail = place(session);
        let held = mail.held();
        let letter = mail.take(number).ok_or_else(|| mlua::Error::runtime("no such letter"))?;
        Ok((letter, held.saturating_sub(mail.held())))
    })?
}

fn open(lua: &Lua, wabe: &Table, letter: &Letter) -> Result<Value> {
    let error_from: Function = wabe.raw_get("error_from")?;
    // It was weighed by the same rules, so it can be opened.
    Decoder::new(lua, &error_from, &letter.body).whole().map_err(mlua::Error::external)
}
