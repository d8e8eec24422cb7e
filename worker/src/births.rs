//! Processes that this one starts, or becomes: what is asked of the supervisor, and what they are given.
//!
//! A process is given a body of one or more values, one after the other: the array of its arguments; its
//! context; then the topic and the payload of each message that is in its mailbox from the beginning.

use crate::encode::{Encoder, Unfit};
use crate::native::{Called, Context, Upgrade, refused, text, with_session};
use crate::reader::{Item, Malformed, Reader};
use crate::stack::{Kept, Stack, with_values};
use crate::weigh::weigh_first;
use ipc::FaultKind;
use ipc::frame::{Op, Ties, With, charge, is_topic};
use mlua::{BString, Lua, LuaString, MultiValue, Result, Table, Value};

/// A context without anything in it.
const NO_CONTEXT: &[u8] = &[0xc0];

/// What a process is given.
#[derive(Debug)]
pub(crate) struct Given<'a> {
    pub(crate) arguments: &'a [u8],
    /// Empty where there is none.
    pub(crate) context: &'a [u8],
    /// Topics and payloads.
    pub(crate) letters: Vec<(&'a str, &'a [u8])>,
    /// Estimated bytes of all values.
    pub(crate) weight: u64,
}

impl<'a> Given<'a> {
    /// Takes a body apart.
    ///
    /// # Errors
    /// Where it is none. Only a worker that breaks its own rules sends such.
    pub(crate) fn read(body: &'a [u8]) -> std::result::Result<Self, Malformed> {
        let (weight, arguments, mut rest) = weigh_first(body)?;
        let mut given = Given { arguments, context: &[], letters: Vec::new(), weight };
        if !rest.is_empty() {
            let (weight, context, others) = weigh_first(rest)?;
            given.weight += weight;
            given.context = if context == NO_CONTEXT { &[] } else { context };
            rest = others;
        }
        while !rest.is_empty() {
            let mut reader = Reader::new(rest);
            let Item::String(topic) = reader.item()? else { return Err(Malformed::Unknown) };
            let topic = str::from_utf8(topic).ok().filter(|topic| is_topic(topic));
            let topic = topic.ok_or(Malformed::Unknown)?;
            let (weight, payload, others) = weigh_first(&rest[rest.len() - reader.left()..])?;
            given.weight += weight;
            given.letters.push((topic, payload));
            rest = others;
        }
        Ok(given)
    }
}

/// What a builder adds to a spawn, as the prelude has it.
#[derive(Default)]
struct Additions {
    name: Option<String>,
    trap_links: bool,
    context: Option<BString>,
    /// Topics and payloads, one after the other, and what they are charged.
    letters: Option<BString>,
    mail: u64,
}

impl Additions {
    fn of(table: Option<&Table>) -> Result<std::result::Result<Self, Called>> {
        let Some(table) = table else { return Ok(Ok(Additions::default())) };
        let name: Option<LuaString> = table.get("name")?;
        let name = match name.as_ref().map(text).transpose() {
            Ok(name) => name,
            Err(refused) => return Ok(Err(refused)),
        };
        Ok(Ok(Additions {
            name,
            trap_links: table.get::<Option<bool>>("trap_links")?.unwrap_or(false),
            context: table.get("context")?,
            letters: table.get("letters")?,
            mail: table.get::<Option<u64>>("mail")?.unwrap_or(0),
        }))
    }

    /// The values that follow the arguments.
    fn write(&self, own_context: &[u8], out: &mut Vec<u8>) {
        let context = self.context.as_ref().map_or(own_context, |context| context.as_ref());
        match (&self.letters, context.is_empty()) {
            (None, true) => return,
            (Some(_), true) => out.extend_from_slice(NO_CONTEXT),
            (_, false) => out.extend_from_slice(context),
        }
        out.extend_from_slice(self.letters.as_ref().map_or(&[], |letters| letters.as_ref()));
    }
}

/// Adds the functions with which the prelude starts processes.
pub(crate) fn install(lua: &Lua, native: &Table, context: &'static Context) -> Result<()> {
    type Spawn = (LuaString, LuaString, bool, bool, Option<Table>, MultiValue);
    let spawn = move |lua: &Lua, (entry, host, link, monitor, with, values): Spawn| {
        let ties = Ties { link, monitor };
        let names = [Some(&entry), Some(&host)];
        start(lua, context, names, with.as_ref(), values, |[entry, host], with| Op::Spawn {
            entry,
            host,
            ties,
            with,
        })
    };
    native.set("spawn", lua.create_function(spawn)?)?;
    type Exec = (LuaString, Option<LuaString>, Option<Table>, MultiValue);
    let exec = move |lua: &Lua, (entry, host, with, values): Exec| {
        let is_placed = host.is_some();
        let names = [Some(&entry), host.as_ref()];
        start(lua, context, names, with.as_ref(), values, |[entry, host], with| Op::Exec {
            entry,
            host: is_placed.then_some(host),
            with,
        })
    };
    native.set("exec", lua.create_function(exec)?)?;
    let upgrade = move |lua: &Lua, (entry, values): (Option<LuaString>, MultiValue)| {
        upgrade(lua, context, entry.as_ref(), values)
    };
    native.set("upgrade", lua.create_function(upgrade)?)?;
    install_values(lua, native, context)
}

/// Asks for a process. `op` is made of the names of entry and host (empty where there is none).
fn start(
    lua: &Lua,
    context: &Context,
    names: [Option<&LuaString>; 2],
    with: Option<&Table>,
    values: MultiValue,
    op: impl for<'a> FnOnce([&'a str; 2], With<'a>) -> Op<'a>,
) -> Result<Called> {
    let name = |name: Option<&LuaString>| name.map_or(Ok(String::new()), text);
    let (entry, host) = match (name(names[0]), name(names[1])) {
        (Ok(entry), Ok(host)) => (entry, host),
        (Err(refused), _) | (_, Err(refused)) => return Ok(refused),
    };
    let added = match Additions::of(with)? {
        Ok(added) => added,
        Err(refused) => return Ok(refused),
    };
    // As the script counts: entry and host are 1 and 2, of a function there is the entry alone.
    let before = names.iter().flatten().count();
    let body = match body(lua, context, values, before, &added)? {
        Ok(body) => body,
        Err(unfit) => return Ok(refused(FaultKind::Invalid, unfit)),
    };
    let with = With { name: added.name.as_deref(), trap_links: added.trap_links, mail: added.mail };
    with_session(&context.session, |session| session.call(op([&entry, &host], with), &body))
}

/// What a process is to be given, or why that cannot travel.
fn body(
    lua: &Lua,
    context: &Context,
    values: MultiValue,
    before: usize,
    added: &Additions,
) -> Result<std::result::Result<Vec<u8>, String>> {
    let (max, unwrap) = limits(context)?;
    let mut body = match encode_list(lua, unwrap, max, values, before)? {
        Ok(body) => body,
        Err(unfit) => return Ok(Err(unfit)),
    };
    with_session(&context.session, |session| added.write(&session.context, &mut body))?;
    Ok(match body.len() <= max {
        true => Ok(body),
        false => Err(format!("arguments, context and messages are over the limit of {max} bytes")),
    })
}

fn encode_list(
    lua: &Lua,
    unwrap: Kept,
    max: usize,
    values: MultiValue,
    before: usize,
) -> Result<std::result::Result<Vec<u8>, String>> {
    let (encoded, _) = with_values(lua, values, |stack| {
        let count = stack.top();
        let mut encoder = Encoder::new(stack, Vec::new(), max, unwrap);
        encoder.array(count as usize).map_err(|unfit| unfit.text("arguments"))?;
        for index in 1..=count {
            let name = |unfit: Unfit| unfit.text(&format!("argument #{}", index as usize + before));
            encoder.value(index).map_err(name)?;
        }
        Ok(encoder.finish())
    })?;
    Ok(encoded)
}

/// `upgrade(entry, …)`: keeps what the process is to become; a text where that cannot be.
fn upgrade(
    lua: &Lua,
    context: &Context,
    entry: Option<&LuaString>,
    values: MultiValue,
) -> Result<Option<String>> {
    let entry = match entry.map(text).transpose() {
        Ok(entry) => entry,
        Err((_, _, why)) => return Ok(why),
    };
    match body(lua, context, values, 1, &Additions::default())? {
        Ok(body) => with_session(&context.session, |session| {
            session.upgrade = Some(Upgrade { entry, body });
            None
        }),
        Err(unfit) => Ok(Some(unfit)),
    }
}

/// The functions that make bytes of values and values of bytes.
fn install_values(lua: &Lua, native: &Table, context: &'static Context) -> Result<()> {
    let own = move |_: &Lua, ()| {
        with_session(&context.session, |session| BString::from(session.context.to_vec()))
    };
    native.set("context", lua.create_function(own)?)?;
    let encode = move |lua: &Lua, (name, value): (String, Value)| {
        let (max, unwrap) = limits(context)?;
        let encoded = with_values(lua, value, |stack| {
            let mut encoder = Encoder::new(stack, Vec::new(), max, unwrap);
            encoder.value(1).map(|()| encoder.finish()).map_err(|unfit| unfit.text(&name))
        })?;
        Ok(bytes_or_text(encoded.0))
    };
    native.set("encode", lua.create_function(encode)?)?;
    let decode = move |lua: &Lua, bytes: LuaString| {
        let error_from = context.prelude()?.error_from;
        let decode = |stack: &mut Stack| {
            crate::decode::Decoder::new(stack, error_from, &bytes.as_bytes()).whole()
        };
        let (decoded, values) = with_values(lua, (), decode)?;
        decoded.map_err(mlua::Error::external)?;
        Ok(values)
    };
    native.set("decode", lua.create_function(decode)?)?;
    let letter = move |lua: &Lua, (topic, values): (LuaString, MultiValue)| {
        letter(lua, context, &topic, values)
    };
    native.set("letter", lua.create_function(letter)?)
}

fn limits(context: &Context) -> Result<(usize, Kept)> {
    let max = with_session(&context.session, |session| session.limits.message_max())?;
    Ok((max, context.prelude()?.unwrap))
}

fn bytes_or_text(
    encoded: std::result::Result<Vec<u8>, String>,
) -> (Option<BString>, Option<String>) {
    match encoded {
        Ok(bytes) => (Some(bytes.into()), None),
        Err(text) => (None, Some(text)),
    }
}

/// `letter(topic, …)`: topic and payload of a message as they lie in a body, and what it is charged;
/// nil, nil and a text where it cannot travel.
fn letter(
    lua: &Lua,
    context: &Context,
    topic: &LuaString,
    values: MultiValue,
) -> Result<(Option<BString>, Option<usize>, Option<String>)> {
    let topic = match text(topic) {
        Ok(topic) if is_topic(&topic) => topic,
        Ok(_) => return Ok((None, None, Some(ipc::Fault::bad_topic().message))),
        Err((_, _, why)) => return Ok((None, None, why)),
    };
    let (max, unwrap) = limits(context)?;
    let encode = |stack: &mut Stack| -> std::result::Result<Vec<u8>, Unfit> {
        let count = stack.top();
        let mut encoder = Encoder::new(stack, Vec::new(), max, unwrap);
        match count {
            // `get` of an index without a value is nil, which is what a send without a payload sends.
            0 | 1 => encoder.value(1)?,
            _ => {
                encoder.array(count as usize)?;
                (1..=count).try_for_each(|index| encoder.value(index))?;
            }
        }
        Ok(encoder.finish())
    };
    let payload = match with_values(lua, values, encode)?.0 {
        Ok(payload) => payload,
        Err(unfit) => return Ok((None, None, Some(unfit.text("payload")))),
    };
    let mut letter = Vec::new();
    // A Vec takes all that is written to it.
    let _ = rmp::encode::write_str(&mut letter, &topic);
    letter.extend_from_slice(&payload);
    Ok((Some(letter.into()), Some(charge(&topic, payload.len())), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_comes_back() {
        let arguments = b"\x91\x01";
        let added = Additions {
            context: Some(b"\x81\xa1a\x02".to_vec().into()),
            letters: Some(b"\xa1t\x03\xa1u\x04".to_vec().into()),
            ..Additions::default()
        };
        let mut body = arguments.to_vec();
        added.write(&[], &mut body);
        let given = Given::read(&body).expect("a body");
        assert_eq!((given.arguments, given.context), (&arguments[..], &b"\x81\xa1a\x02"[..]));
        assert_eq!(given.letters, [("t", &b"\x03"[..]), ("u", &b"\x04"[..])]);
    }

    #[test]
    fn a_context_is_inherited_where_no_other_is_given() {
        let mut body = b"\x90".to_vec();
        Additions::default().write(b"\x81\xa1a\x02", &mut body);
        assert_eq!(Given::read(&body).expect("a body").context, b"\x81\xa1a\x02");
        let letters = Some(b"\xa1t\x03".to_vec().into());
        let mut body = b"\x90".to_vec();
        Additions { letters, ..Additions::default() }.write(&[], &mut body);
        let given = Given::read(&body).expect("a body");
        assert!(given.context.is_empty() && given.letters == [("t", &b"\x03"[..])]);
        let mut body = b"\x90".to_vec();
        Additions::default().write(&[], &mut body);
        assert_eq!(body, b"\x90");
    }

    #[test]
    fn what_is_no_body_is_refused() {
        for body in [&b""[..], b"\x91", b"\x90\xc1", b"\x90\xc0\xa1t", b"\x90\xc0\xa2@t\x01"] {
            assert!(Given::read(body).is_err(), "{body:?}");
        }
        assert!(Given::read(b"\x90\xc0\x01\x01").is_err(), "a topic is a text");
        assert!(Given::read(b"\x90\xc0\xa1\xff\x01").is_err(), "of valid UTF-8");
    }
}
