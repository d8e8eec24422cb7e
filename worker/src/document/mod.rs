//! Lua values as documents (JSON, YAML, MessagePack), and documents as Lua values: what `json` and
//! `payload:transcode` of scripts are written on top of.
//!
//! A document may come from anywhere. One that is none gives an error with its place; one whose values
//! would take too much memory gives an error before they do, as a message is dropped.

mod push;
mod show;

use crate::decode::Decoder;
use crate::encode::Encoder;
use crate::native::Context;
use crate::stack::{Stack, with_values};
use crate::weigh::weigh;
use ipc::limits::MESSAGE_MAX;
use ipc::quota::bytes_text;
use mlua::{IntoLua, Lua, LuaString, MultiValue, Result, Table, Value};
use push::Push;
use serde::Serialize;
use serde::de::DeserializeSeed;
use show::{Form, Shown};

/// What is not understood, or cannot be said, and where.
type Said<T> = std::result::Result<T, String>;

/// Adds the functions to the table of native functions.
pub(crate) fn install(lua: &Lua, native: &Table, context: &'static Context) -> Result<()> {
    let json = move |stack: &mut Stack| show(stack, context, Form::Json);
    native.set("json_encode", encoder(lua, json)?)?;
    native.set("yaml_encode", encoder(lua, move |stack| show(stack, context, Form::Yaml))?)?;
    native.set("msgpack_encode", encoder(lua, move |stack| pack(stack, context))?)?;
    native
        .set("json_decode", decoder(lua, move |stack, bytes| read_json(stack, context, bytes))?)?;
    native
        .set("yaml_decode", decoder(lua, move |stack, bytes| read_yaml(stack, context, bytes))?)?;
    native.set("msgpack_decode", decoder(lua, move |stack, bytes| unpack(stack, context, bytes))?)
}

/// `encode(value)`: the document, or nothing and why.
fn encoder(
    lua: &Lua,
    encode: impl Fn(&mut Stack) -> Said<Vec<u8>> + 'static,
) -> Result<mlua::Function> {
    lua.create_function(move |lua, value: Value| {
        let (encoded, _) = with_values(lua, value, &encode)?;
        match encoded {
            Ok(bytes) => Ok((Some(lua.create_string(bytes)?), None)),
            Err(why) => Ok((None, Some(why))),
        }
    })
}

/// `decode(text)`: the value, which may be nil, and why there is none.
fn decoder(
    lua: &Lua,
    decode: impl Fn(&mut Stack, &[u8]) -> Said<()> + 'static,
) -> Result<mlua::Function> {
    lua.create_function(move |lua, text: LuaString| {
        let bytes = text.as_bytes();
        let (decoded, values) = with_values(lua, (), |stack| decode(stack, &bytes))?;
        match decoded {
            Ok(()) => Ok(values),
            Err(why) => Ok(MultiValue::from_iter([Value::Nil, why.into_lua(lua)?])),
        }
    })
}

/// Most that the values of one document may take: as much as those of a message.
fn share(context: &Context) -> u64 {
    context.with_session(|session| session.limits.memory / 2).unwrap_or(u64::MAX)
}

fn too_heavy(share: u64) -> String {
    let limit = bytes_text(share.saturating_mul(2));
    format!("its values need more than half of the memory limit of {limit}")
}

fn show(stack: &mut Stack, context: &'static Context, form: Form) -> Said<Vec<u8>> {
    let unwrap = context.prelude().map_err(|error| error.to_string())?.unwrap;
    let shown = Shown::new(stack, unwrap, form);
    let written = match form {
        Form::Json => serde_json::to_vec(&shown).map_err(|error| error.to_string()),
        Form::Yaml => serde_saphyr::to_string(&shown)
            .map(String::into_bytes)
            .map_err(|error| error.to_string()),
    };
    written.map_err(|error| shown.why().unwrap_or(error))
}

impl Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        self.root().serialize(serializer)
    }
}

fn pack(stack: &mut Stack, context: &'static Context) -> Said<Vec<u8>> {
    let unwrap = context.prelude().map_err(|error| error.to_string())?.unwrap;
    let mut encoder = Encoder::new(stack, Vec::new(), MESSAGE_MAX, unwrap);
    encoder.value(1).map_err(|unfit| unfit.text("value"))?;
    Ok(encoder.finish())
}

fn unpack(stack: &mut Stack, context: &'static Context, bytes: &[u8]) -> Said<()> {
    let what = |error: crate::reader::Malformed| format!("invalid MessagePack: {error}");
    let share = share(context);
    if weigh(bytes).map_err(what)? > share {
        return Err(format!("MessagePack is too large: {}", too_heavy(share)));
    }
    let prelude = context.prelude().map_err(|error| error.to_string())?;
    Decoder::new(stack, prelude.error_from, bytes).whole().map_err(what)
}

fn read_json(stack: &mut Stack, context: &'static Context, bytes: &[u8]) -> Said<()> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = Push::whole(stack, share(context)).deserialize(&mut reader);
    let read = read.and_then(|()| reader.end());
    read.map_err(|error| format!("invalid JSON: {error}"))
}

fn read_yaml(stack: &mut Stack, context: &'static Context, bytes: &[u8]) -> Said<()> {
    let text = str::from_utf8(bytes).map_err(|error| format!("invalid YAML: {error}"))?;
    let share = share(context);
    let options = serde_saphyr::options! {
        budget: yaml_budget(share),
        with_snippet: false,
        emit_comments: false,
        // As in YAML 1.2: `no` is a text.
        strict_booleans: true,
    };
    let push = Push::whole(stack, share);
    let read = serde_saphyr::with_deserializer_from_str_with_options(text, options, |reader| {
        push.deserialize(reader)
    });
    read.map_err(|error| format!("invalid YAML: {}", error.to_string().trim_end()))
}

/// Bytes that the reader of YAML keeps for each event of what an alias may name.
const YAML_EVENT: u64 = 512;

/// What an alias names is kept, and kept again for each alias in it, before any value is made: so that
/// takes no more than a share of the memory either.
fn yaml_budget(share: u64) -> Option<serde_saphyr::Budget> {
    let of = |share: u64, most: usize| usize::try_from(share).unwrap_or(most).min(most);
    let usual = serde_saphyr::Budget::default();
    let events = of(share / YAML_EVENT, usual.max_recorded_anchor_events);
    let bytes = of(share / 4, usual.max_recorded_anchor_bytes);
    serde_saphyr::budget! {
        max_recorded_anchor_events: events,
        max_recorded_anchor_bytes: bytes,
    }
}

#[cfg(test)]
mod tests {
    use crate::Vm;
    use ipc::Zones;
    use proptest::prelude::*;

    fn vm() -> Vm {
        Vm::new(Zones::default()).expect("a state")
    }

    /// Why a function of the prelude gives nothing for a text.
    fn refused(vm: &Vm, function: &str, text: &str) -> String {
        let decode: mlua::Function = vm.wabe.get(function).expect("of the prelude");
        let (value, why): (mlua::Value, mlua::Value) = decode.call(text).expect("no raise");
        assert!(value.is_nil(), "{text}");
        why.to_string().expect("an Error")
    }

    #[test]
    fn hostile_documents_are_refused_with_their_place() {
        let vm = vm();
        for (text, why) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("{\"a\":}", "expected value at line 1 column 6"),
            ("[1,2", "EOF while parsing a list at line 1 column 4"),
            ("1 2", "trailing characters at line 1 column 3"),
            ("nil", "expected ident at line 1 column 2"),
            ("1e999", "number out of range at line 1 column 5"),
        ] {
            assert_eq!(refused(&vm, "json_decode", text), format!("invalid JSON: {why}"), "{text}");
        }
        let said = refused(&vm, "json_decode", &"[".repeat(1_000_000));
        assert!(said.contains("nested deeper than 64 tables at line 1 column 65"), "{said}");
    }

    #[test]
    fn bombs_of_aliases_are_defused() {
        let vm = vm();
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let inner = vec![format!("*a{}", level - 1); 9].join(",");
            bomb += &format!("a{level}: &a{level} [{inner}]\n");
        }
        assert!(refused(&vm, "yaml_decode", &bomb).starts_with("invalid YAML: "));
        let deep = "[".repeat(1_000_000);
        assert!(refused(&vm, "yaml_decode", &deep).starts_with("invalid YAML: "));
        let twice = refused(&vm, "yaml_decode", "a: 1\na: 2\n");
        assert!(twice.contains("line 2"), "{twice}");
        assert!(refused(&vm, "yaml_decode", "a: 1\n---\nb: 2\n").contains("document"));
        assert!(refused(&vm, "yaml_decode", "? [a]\n: 1\n").starts_with("invalid YAML: "));
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            prop::sample::select(vec![
                "true", "null", "~", "1", "0x1", "no", "- a", "a: b", "", " "
            ])
            .prop_map(str::to_owned),
        ]
    }

    fn values() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Into::into),
            (-(1i64 << 53)..1 << 53).prop_map(Into::into),
            prop::num::f64::NORMAL.prop_map(Into::into),
            texts().prop_map(Into::into),
        ];
        // Empty objects come back as empty arrays.
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::hash_map(texts(), inner, 1..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    /// Numbers as Lua has them, which has one kind.
    fn same(a: &serde_json::Value, b: &serde_json::Value) -> bool {
        use serde_json::Value::{Array, Number, Object};
        match (a, b) {
            (Number(a), Number(b)) => a.as_f64() == b.as_f64(),
            (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
            (Object(a), Object(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
            }
            (a, b) => a == b,
        }
    }

    #[test]
    fn documents_survive() {
        let vm = vm();
        let native = |name: &str| vm.wabe.get::<mlua::Function>(name).expect("of the prelude");
        let config = ProptestConfig { cases: 200, ..ProptestConfig::default() };
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let run = runner.run(&values(), |value| {
            let text = value.to_string();
            let value_in_lua: mlua::Value = native("json_decode").call(text).expect("a value");
            for format in ["json", "yaml", "msgpack"] {
                let encode = native(&format!("{format}_encode"));
                let document: mlua::LuaString = encode.call(&value_in_lua).expect("a document");
                let decode = native(&format!("{format}_decode"));
                let (again, why): (mlua::Value, mlua::Value) =
                    decode.call(&document).expect("no raise");
                let why = why.to_string().unwrap_or_default();
                prop_assert_eq!(why, "nil", "{}: {}", format, document.to_string_lossy());
                let again: String = native("json_encode").call(again).expect("JSON");
                let again = serde_json::from_str(&again).expect("JSON");
                prop_assert!(
                    same(&value, &again),
                    "{} {} {}",
                    format,
                    document.to_string_lossy(),
                    again
                );
            }
            Ok(())
        });
        run.unwrap_or_else(|error| panic!("{error}"));
    }
}
