//! The bytes of a payload into a Lua value.
//!
//! The bytes come from another worker, and nobody on the way has looked at them: they may be
//! anything. What is no payload gives an error and takes no more memory than its own size explains.

use ipc::payload::{EXT_ERROR, EXT_VECTOR, LEVELS_MAX};
use mlua::{Function, Lua, Value, Vector};
use rmp::Marker;

/// Elements that a table is made for before they are there.
const PRESIZE_MAX: usize = 1024;

/// Bytes that are no payload.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("payload ends early")]
    Short,
    #[error("payload holds what no value is encoded as")]
    Unknown,
    #[error("payload is nested too deep")]
    Deep,
    #[error("{0}")]
    Lua(#[from] mlua::Error),
}

/// Decodes payloads.
pub(crate) struct Decoder<'a> {
    lua: &'a Lua,
    /// The prelude's `error_from`.
    error_from: &'a Function,
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(lua: &'a Lua, error_from: &'a Function, bytes: &'a [u8]) -> Self {
        Decoder { lua, error_from, rest: bytes, depth: 0 }
    }

    /// The whole as one value.
    pub(crate) fn whole(mut self) -> Result<Value, Malformed> {
        let value = self.value()?;
        match self.rest.is_empty() {
            true => Ok(value),
            false => Err(Malformed::Unknown),
        }
    }

    /// The whole as a list of values (one array).
    pub(crate) fn list(mut self) -> Result<Vec<Value>, Malformed> {
        let len = match self.marker()? {
            Marker::FixArray(len) => usize::from(len),
            Marker::Array16 => usize::from(u16::from_be_bytes(self.take()?)),
            Marker::Array32 => u32::from_be_bytes(self.take()?) as usize,
            _ => return Err(Malformed::Unknown),
        };
        (0..len).map(|_| self.value()).collect()
    }

    fn marker(&mut self) -> Result<Marker, Malformed> {
        let [byte] = self.take()?;
        Ok(Marker::from_u8(byte))
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (now, later) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Short)?;
        self.rest = later;
        Ok(*now)
    }

    fn bytes(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (now, later) = self.rest.split_at_checked(len).ok_or(Malformed::Short)?;
        self.rest = later;
        Ok(now)
    }

    fn value(&mut self) -> Result<Value, Malformed> {
        let marker = self.marker()?;
        let value = match marker {
            Marker::Null => Value::Nil,
            Marker::True => Value::Boolean(true),
            Marker::False => Value::Boolean(false),
            Marker::FixPos(n) => Value::Integer(n.into()),
            Marker::FixNeg(n) => Value::Integer(n.into()),
            Marker::U8 => Value::Integer(self.take::<1>()?[0].into()),
            Marker::U16 => Value::Integer(u16::from_be_bytes(self.take()?).into()),
            Marker::U32 => Value::Integer(u32::from_be_bytes(self.take()?).into()),
            Marker::U64 => Value::Number(u64::from_be_bytes(self.take()?) as f64),
            Marker::I8 => Value::Integer(i8::from_be_bytes(self.take()?).into()),
            Marker::I16 => Value::Integer(i16::from_be_bytes(self.take()?).into()),
            Marker::I32 => Value::Integer(i32::from_be_bytes(self.take()?).into()),
            Marker::I64 => Value::Integer(i64::from_be_bytes(self.take()?)),
            Marker::F32 => Value::Number(f32::from_be_bytes(self.take()?).into()),
            Marker::F64 => Value::Number(f64::from_be_bytes(self.take()?)),
            _ => return self.sized(marker),
        };
        Ok(value)
    }

    fn sized(&mut self, marker: Marker) -> Result<Value, Malformed> {
        match marker {
            Marker::FixStr(len) => self.string(len.into()),
            Marker::Str8 => self.len8().and_then(|len| self.string(len)),
            Marker::Str16 => self.len16().and_then(|len| self.string(len)),
            Marker::Str32 => self.len32().and_then(|len| self.string(len)),
            Marker::Bin8 => self.len8().and_then(|len| self.buffer(len)),
            Marker::Bin16 => self.len16().and_then(|len| self.buffer(len)),
            Marker::Bin32 => self.len32().and_then(|len| self.buffer(len)),
            Marker::FixArray(len) => self.array(len.into()),
            Marker::Array16 => self.len16().and_then(|len| self.array(len)),
            Marker::Array32 => self.len32().and_then(|len| self.array(len)),
            Marker::FixMap(len) => self.map(len.into()),
            Marker::Map16 => self.len16().and_then(|len| self.map(len)),
            Marker::Map32 => self.len32().and_then(|len| self.map(len)),
            Marker::FixExt1 => self.extension(1),
            Marker::FixExt2 => self.extension(2),
            Marker::FixExt4 => self.extension(4),
            Marker::FixExt8 => self.extension(8),
            Marker::FixExt16 => self.extension(16),
            Marker::Ext8 => self.len8().and_then(|len| self.extension(len)),
            Marker::Ext16 => self.len16().and_then(|len| self.extension(len)),
            Marker::Ext32 => self.len32().and_then(|len| self.extension(len)),
            _ => Err(Malformed::Unknown),
        }
    }

    fn len8(&mut self) -> Result<usize, Malformed> {
        Ok(usize::from(u8::from_be_bytes(self.take()?)))
    }

    fn len16(&mut self) -> Result<usize, Malformed> {
        Ok(usize::from(u16::from_be_bytes(self.take()?)))
    }

    fn len32(&mut self) -> Result<usize, Malformed> {
        Ok(u32::from_be_bytes(self.take()?) as usize)
    }

    fn string(&mut self, len: usize) -> Result<Value, Malformed> {
        let bytes = self.bytes(len)?;
        Ok(Value::String(self.lua.create_string(bytes)?))
    }

    fn buffer(&mut self, len: usize) -> Result<Value, Malformed> {
        let bytes = self.bytes(len)?;
        Ok(Value::Buffer(self.lua.create_buffer(bytes)?))
    }

    fn deeper(&mut self) -> Result<(), Malformed> {
        self.depth += 1;
        if self.depth > LEVELS_MAX { Err(Malformed::Deep) } else { Ok(()) }
    }

    /// Room made in advance. An element has at least one byte, and a length that lies takes no more
    /// memory at each level than this; a table that is really longer grows.
    fn presize(&self, len: usize) -> usize {
        len.min(self.rest.len()).min(PRESIZE_MAX)
    }

    fn array(&mut self, len: usize) -> Result<Value, Malformed> {
        self.deeper()?;
        let table = self.lua.create_table_with_capacity(self.presize(len), 0)?;
        for index in 1..=len {
            table.raw_set(index, self.value()?)?;
        }
        self.depth -= 1;
        Ok(Value::Table(table))
    }

    fn map(&mut self, len: usize) -> Result<Value, Malformed> {
        self.deeper()?;
        let table = self.lua.create_table_with_capacity(0, self.presize(len))?;
        for _ in 0..len {
            let key = self.value()?;
            match &key {
                Value::Boolean(_) | Value::Integer(_) | Value::String(_) => {}
                Value::Number(n) if !n.is_nan() => {}
                _ => return Err(Malformed::Unknown),
            }
            table.raw_set(key, self.value()?)?;
        }
        self.depth -= 1;
        Ok(Value::Table(table))
    }

    fn extension(&mut self, len: usize) -> Result<Value, Malformed> {
        let [kind] = self.take()?;
        let bytes = self.bytes(len)?;
        match i8::from_be_bytes([kind]) {
            EXT_VECTOR => vector(bytes),
            EXT_ERROR => {
                self.deeper()?;
                let Decoder { lua, error_from, depth, .. } = *self;
                let fields = Decoder { lua, error_from, rest: bytes, depth }.whole()?;
                self.depth -= 1;
                let is_error = fields.as_table().is_some_and(|fields| {
                    fields.raw_get::<Value>("message").is_ok_and(|text| text.is_string())
                });
                if !is_error {
                    return Err(Malformed::Unknown);
                }
                Ok(error_from.call(fields)?)
            }
            _ => Err(Malformed::Unknown),
        }
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
