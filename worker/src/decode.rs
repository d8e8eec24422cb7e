//! The bytes of a payload into a Lua value.
//!
//! What is no payload gives an error and takes no more memory than its own size explains. How much
//! that is, [`crate::weigh`] says beforehand.

use crate::reader::{Item, Malformed, Reader};
use ipc::payload::{EXT_ERROR, EXT_VECTOR};
use mlua::{Function, Lua, Value, Vector};

/// Elements that a table is made for before they are there.
const PRESIZE_MAX: usize = 1024;

/// Decodes payloads.
pub(crate) struct Decoder<'a> {
    lua: &'a Lua,
    /// The prelude's `error_from`.
    error_from: &'a Function,
    reader: Reader<'a>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(lua: &'a Lua, error_from: &'a Function, bytes: &'a [u8]) -> Self {
        Decoder { lua, error_from, reader: Reader::new(bytes) }
    }

    /// The whole as one value.
    pub(crate) fn whole(mut self) -> Result<Value, Malformed> {
        let value = self.value()?;
        self.reader.finish()?;
        Ok(value)
    }

    /// The whole as a list of values (one array).
    pub(crate) fn list(mut self) -> Result<Vec<Value>, Malformed> {
        let Item::Array(len) = self.reader.item()? else { return Err(Malformed::Unknown) };
        (0..len).map(|_| self.value()).collect()
    }

    fn value(&mut self) -> Result<Value, Malformed> {
        let item = self.reader.item()?;
        self.value_of(item)
    }

    fn value_of(&mut self, item: Item<'a>) -> Result<Value, Malformed> {
        Ok(match item {
            Item::Nil => Value::Nil,
            Item::Boolean(flag) => Value::Boolean(flag),
            Item::Integer(n) => Value::Integer(n),
            Item::Number(n) => Value::Number(n),
            Item::String(bytes) => Value::String(self.lua.create_string(bytes)?),
            Item::Buffer(bytes) => Value::Buffer(self.lua.create_buffer(bytes)?),
            Item::Array(len) => self.array(len)?,
            Item::Map(len) => self.map(len)?,
            Item::Extension(EXT_VECTOR, bytes) => vector(bytes)?,
            Item::Extension(EXT_ERROR, bytes) => self.error(bytes)?,
            Item::Extension(..) => return Err(Malformed::Unknown),
        })
    }

    /// Room made in advance. An element has at least one byte, and a length that lies takes no more
    /// memory at each level than this; a table that is really longer grows.
    fn presize(&self, len: usize) -> usize {
        len.min(self.reader.left()).min(PRESIZE_MAX)
    }

    fn array(&mut self, len: usize) -> Result<Value, Malformed> {
        self.reader.enter()?;
        let table = self.lua.create_table_with_capacity(self.presize(len), 0)?;
        for index in 1..=len {
            table.raw_set(index, self.value()?)?;
        }
        self.reader.leave();
        Ok(Value::Table(table))
    }

    fn map(&mut self, len: usize) -> Result<Value, Malformed> {
        self.reader.enter()?;
        let table = self.lua.create_table_with_capacity(0, self.presize(len))?;
        for _ in 0..len {
            let item = self.reader.item()?;
            if !is_key(item) {
                return Err(Malformed::Unknown);
            }
            let key = self.value_of(item)?;
            table.raw_set(key, self.value()?)?;
        }
        self.reader.leave();
        Ok(Value::Table(table))
    }

    fn error(&mut self, bytes: &'a [u8]) -> Result<Value, Malformed> {
        self.reader.enter()?;
        let Decoder { lua, error_from, .. } = *self;
        let fields = Decoder { lua, error_from, reader: self.reader.inside(bytes) }.whole()?;
        self.reader.leave();
        let is_error = fields.as_table().is_some_and(|fields| {
            fields.raw_get::<Value>("message").is_ok_and(|text| text.is_string())
        });
        match is_error {
            true => Ok(error_from.call(fields)?),
            false => Err(Malformed::Unknown),
        }
    }
}

/// True for what may be a key of a map.
pub(crate) fn is_key(item: Item<'_>) -> bool {
    match item {
        Item::Boolean(_) | Item::Integer(_) | Item::String(_) => true,
        Item::Number(n) => !n.is_nan(),
        _ => false,
    }
}

fn vector(bytes: &[u8]) -> Result<Value, Malformed> {
    let (parts, rest) = bytes.as_chunks::<4>();
    match (parts, rest) {
        ([x, y, z], []) => {
            let [x, y, z] = [x, y, z].map(|part| f32::from_le_bytes(*part));
            Ok(Value::Vector(Vector::new(x, y, z)))
        }
        _ => Err(Malformed::Unknown),
    }
}
