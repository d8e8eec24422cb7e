//! The bytes of a payload into a Lua value.
//!
//! What is no payload gives an error and takes no more memory than its own size explains. How much
//! that is, [`crate::weigh`] says beforehand.

use crate::reader::{Item, Malformed, Reader};
use crate::stack::{Kept, Slot, Stack};
use ipc::payload::{EXT_ERROR, EXT_VECTOR};
use std::ffi::c_int;

/// Elements that a table is made for before they are there.
const PRESIZE_MAX: u16 = 1024;

/// Decodes payloads onto a stack.
pub(crate) struct Decoder<'a> {
    stack: &'a mut Stack,
    /// The prelude's `error_from`.
    error_from: Kept,
    reader: Reader<'a>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(stack: &'a mut Stack, error_from: Kept, bytes: &'a [u8]) -> Self {
        Decoder { stack, error_from, reader: Reader::new(bytes) }
    }

    /// Pushes the whole as one value.
    pub(crate) fn whole(mut self) -> Result<(), Malformed> {
        self.value()?;
        self.reader.finish()
    }

    /// Pushes the whole as the values of a list (one array).
    pub(crate) fn list(mut self) -> Result<(), Malformed> {
        let Item::Array(len) = self.reader.item()? else { return Err(Malformed::Unknown) };
        (0..len).try_for_each(|_| self.value())?;
        self.reader.finish()
    }

    fn value(&mut self) -> Result<(), Malformed> {
        let item = self.reader.item()?;
        self.value_of(item)
    }

    fn value_of(&mut self, item: Item<'a>) -> Result<(), Malformed> {
        match item {
            Item::Nil => self.stack.push_nil(),
            Item::Boolean(flag) => self.stack.push_boolean(flag),
            Item::Integer(n) => self.stack.push_number(n as f64),
            Item::Number(n) => self.stack.push_number(n),
            Item::String(bytes) => self.stack.push_string(bytes),
            Item::Buffer(bytes) => self.stack.push_buffer(bytes),
            Item::Array(len) => self.array(len)?,
            Item::Map(len) => self.map(len)?,
            Item::Extension(EXT_VECTOR, bytes) => self.stack.push_vector(vector(bytes)?),
            Item::Extension(EXT_ERROR, bytes) => self.error(bytes)?,
            Item::Extension(..) => return Err(Malformed::Unknown),
        }
        Ok(())
    }

    /// Room made in advance. An element has at least one byte, and a length that lies takes no more
    /// memory at each level than this; a table that is really longer grows.
    fn presize(&self, len: usize) -> u16 {
        let len = len.min(self.reader.left());
        u16::try_from(len).unwrap_or(PRESIZE_MAX).min(PRESIZE_MAX)
    }

    fn array(&mut self, len: usize) -> Result<(), Malformed> {
        self.reader.enter()?;
        self.stack.push_table(self.presize(len), 0);
        let table = self.stack.top();
        let len = c_int::try_from(len).map_err(|_| Malformed::Short)?;
        for index in 1..=len {
            self.value()?;
            self.stack.set_element(table, index);
        }
        self.reader.leave();
        Ok(())
    }

    fn map(&mut self, len: usize) -> Result<(), Malformed> {
        self.reader.enter()?;
        self.stack.push_table(0, self.presize(len));
        let table = self.stack.top();
        for _ in 0..len {
            let item = self.reader.item()?;
            if !is_key(item) {
                return Err(Malformed::Unknown);
            }
            self.value_of(item)?;
            self.value()?;
            self.stack.set_pair(table);
        }
        self.reader.leave();
        Ok(())
    }

    fn error(&mut self, bytes: &'a [u8]) -> Result<(), Malformed> {
        self.reader.enter()?;
        let outside = std::mem::replace(&mut self.reader, Reader::new(&[]));
        self.reader = outside.inside(bytes);
        self.value()?;
        self.reader.finish()?;
        self.reader = outside;
        self.reader.leave();
        let fields = self.stack.top();
        if !matches!(self.stack.get(fields), Slot::Table(_)) {
            return Err(Malformed::Unknown);
        }
        self.stack.field(fields, c"message");
        if !matches!(self.stack.get(fields + 1), Slot::String(_)) {
            return Err(Malformed::Unknown);
        }
        self.stack.truncate(fields);
        self.stack.call(self.error_from, 1);
        Ok(())
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

fn vector(bytes: &[u8]) -> Result<[f32; 3], Malformed> {
    let (parts, rest) = bytes.as_chunks::<4>();
    match (parts, rest) {
        ([x, y, z], []) => Ok([x, y, z].map(|part| f32::from_le_bytes(*part))),
        _ => Err(Malformed::Unknown),
    }
}
