//! A Lua value into the bytes of a payload (MessagePack; the extensions are in `docs/protocol.md`).
//!
//! By hand, because every value must come back equal or be refused by its place: mixed tables,
//! tables with holes, strings of any bytes, Errors.

use ipc::limits::DEPTH_MAX;
use ipc::payload::{EXT_ERROR, EXT_VECTOR};
use mlua::{Function, Table, Value};
use rmp::encode as write;
use std::fmt;

/// Why a value cannot travel.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is over the limit.
    TooLarge { max: usize },
    /// Something in it is of a kind that stays at home.
    Part { place: String, what: String },
    /// Luau itself failed (out of memory).
    Lua(mlua::Error),
}

impl From<mlua::Error> for Unfit {
    fn from(error: mlua::Error) -> Self {
        Unfit::Lua(error)
    }
}

impl Unfit {
    fn part(what: impl Into<String>) -> Self {
        Unfit::Part { place: String::new(), what: what.into() }
    }

    /// The same, one table further out. Only a failure pays for the path.
    fn under(self, key: &Value) -> Self {
        let Unfit::Part { place, what } = self else { return self };
        let step = match key {
            Value::String(name) if is_identifier(&name.to_string_lossy()) => {
                format!(".{}", name.to_string_lossy())
            }
            Value::String(name) => format!("[{:?}]", name.to_string_lossy()),
            Value::Integer(index) => format!("[{index}]"),
            Value::Number(index) => format!("[{index}]"),
            other => format!("[{}]", other.type_name()),
        };
        Unfit::Part { place: step + &place, what }
    }

    /// The text for a script, with the name of the whole.
    pub(crate) fn text(&self, root: &str) -> String {
        match self {
            Unfit::TooLarge { max } => format!("{root} is over the limit of {max} bytes"),
            Unfit::Part { place, what } => format!("{root}{place} {what}"),
            Unfit::Lua(error) => format!("{root} could not be encoded: {error}"),
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Encodes values into a buffer of at most `max` bytes.
pub(crate) struct Encoder<'a> {
    out: Vec<u8>,
    max: usize,
    /// The prelude's `unwrap`: what travels in place of a userdata.
    unwrap: &'a Function,
    /// The tables that the present one lies in, by address: a cycle meets itself here.
    open: Vec<*const std::ffi::c_void>,
}

impl fmt::Debug for Encoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("bytes", &self.out.len()).finish_non_exhaustive()
    }
}

impl<'a> Encoder<'a> {
    pub(crate) fn new(max: usize, unwrap: &'a Function) -> Self {
        Encoder { out: Vec::new(), max, unwrap, open: Vec::new() }
    }

    /// An array header, for a list of values that is no Lua table.
    pub(crate) fn array(&mut self, len: usize) -> Result<(), Unfit> {
        let len = u32::try_from(len).map_err(|_| Unfit::TooLarge { max: self.max })?;
        infallible(write::write_array_len(&mut self.out, len));
        Ok(())
    }

    /// The bytes.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Encodes one value.
    pub(crate) fn value(&mut self, value: &Value) -> Result<(), Unfit> {
        match value {
            Value::Nil => infallible(write::write_nil(&mut self.out)),
            Value::Boolean(flag) => infallible(write::write_bool(&mut self.out, *flag)),
            Value::Integer(n) => {
                infallible(write::write_sint(&mut self.out, *n));
            }
            Value::Number(n) => infallible(write::write_f64(&mut self.out, *n)),
            Value::Vector(v) => self.vector([v.x(), v.y(), v.z()]),
            Value::String(s) => self.string(&s.as_bytes())?,
            Value::Buffer(buffer) => self.buffer(&buffer.to_vec())?,
            Value::Table(table) => self.table(table)?,
            Value::UserData(_) => self.object(value)?,
            other => return Err(Unfit::part(format!("is a {}", other.type_name()))),
        }
        self.check()
    }

    fn check(&self) -> Result<(), Unfit> {
        match self.out.len() <= self.max {
            true => Ok(()),
            false => Err(Unfit::TooLarge { max: self.max }),
        }
    }

    fn string(&mut self, bytes: &[u8]) -> Result<(), Unfit> {
        let len = self.room_for(bytes.len())?;
        infallible(write::write_str_len(&mut self.out, len));
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn buffer(&mut self, bytes: &[u8]) -> Result<(), Unfit> {
        let len = self.room_for(bytes.len())?;
        infallible(write::write_bin_len(&mut self.out, len));
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// Refuses before it copies: a string of a gigabyte must not become two.
    fn room_for(&self, len: usize) -> Result<u32, Unfit> {
        let fits = self.out.len().saturating_add(len) <= self.max;
        u32::try_from(len).ok().filter(|_| fits).ok_or(Unfit::TooLarge { max: self.max })
    }

    fn vector(&mut self, parts: [f32; 3]) {
        infallible(write::write_ext_meta(&mut self.out, 12, EXT_VECTOR));
        parts.iter().for_each(|part| self.out.extend_from_slice(&part.to_le_bytes()));
    }

    fn table(&mut self, table: &Table) -> Result<(), Unfit> {
        let address = table.to_pointer();
        if self.open.contains(&address) {
            return Err(Unfit::part("is a table that contains itself"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(Unfit::part(format!("is nested deeper than {DEPTH_MAX} tables")));
        }
        self.open.push(address);
        let done = match sequence_len(table)? {
            Sequence::Array(len) => self.sequence(table, len),
            Sequence::Map(count) => self.map(table, count),
        };
        self.open.pop();
        done
    }

    fn sequence(&mut self, table: &Table, len: usize) -> Result<(), Unfit> {
        self.array(len)?;
        for index in 1..=len {
            let value: Value = table.raw_get(index)?;
            self.value(&value).map_err(|unfit| unfit.under(&Value::Integer(index as i64)))?;
        }
        Ok(())
    }

    fn map(&mut self, table: &Table, count: usize) -> Result<(), Unfit> {
        let len = u32::try_from(count).map_err(|_| Unfit::TooLarge { max: self.max })?;
        infallible(write::write_map_len(&mut self.out, len));
        for pair in table.pairs::<Value, Value>() {
            let (key, value) = pair?;
            self.key(&key)?;
            self.value(&value).map_err(|unfit| unfit.under(&key))?;
        }
        Ok(())
    }

    fn key(&mut self, key: &Value) -> Result<(), Unfit> {
        match key {
            Value::Boolean(_) | Value::Integer(_) | Value::Number(_) | Value::String(_) => {
                self.value(key)
            }
            other => Err(Unfit::part(format!("has a key that is a {}", other.type_name()))),
        }
    }

    /// A userdata: an Error travels as such, a Payload or Message as the value in it.
    fn object(&mut self, value: &Value) -> Result<(), Unfit> {
        let (kind, inner): (Option<String>, Value) = self.unwrap.call(value)?;
        match kind.as_deref() {
            Some("error") => {
                let mut fields = Encoder::new(self.max, self.unwrap);
                fields.open.clone_from(&self.open);
                fields.value(&inner)?;
                let fields = fields.finish();
                let len = self.room_for(fields.len())?;
                infallible(write::write_ext_meta(&mut self.out, len, EXT_ERROR));
                self.out.extend_from_slice(&fields);
                Ok(())
            }
            Some(_) => self.value(&inner),
            None => {
                let name = inner.as_string().map(|name| name.to_string_lossy());
                Err(Unfit::part(format!("is a {}", name.as_deref().unwrap_or("userdata"))))
            }
        }
    }
}

enum Sequence {
    Array(usize),
    Map(usize),
}

/// An array where all keys are 1 to n; a table with holes or other keys is a map.
fn sequence_len(table: &Table) -> Result<Sequence, Unfit> {
    let len = table.raw_len();
    let mut count = 0;
    table.for_each(|_: Value, _: Value| {
        count += 1;
        Ok(())
    })?;
    // `raw_len` is a border: with as many entries as the border says, there is no hole below it.
    Ok(if count == len { Sequence::Array(len) } else { Sequence::Map(count) })
}

/// Writing into memory does not fail.
fn infallible<T, E: fmt::Debug>(result: Result<T, E>) {
    result.map(|_| ()).expect("a Vec takes every byte");
}
