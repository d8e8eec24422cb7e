//! A Lua value into the bytes of a payload (MessagePack; the extensions are in `docs/protocol.md`).
//!
//! By hand, because every value must come back equal or be refused by its place: mixed tables,
//! tables with holes, strings of any bytes, Errors.

use crate::stack::{Kept, Slot, Stack};
use ipc::limits::DEPTH_MAX;
use ipc::payload::{EXT_ERROR, EXT_VECTOR};
use rmp::encode as write;
use std::ffi::{c_int, c_void};
use std::fmt;

/// Why a value cannot travel.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is over the limit.
    TooLarge { max: usize },
    /// Something in it is of a kind that stays at home.
    Part { place: String, what: String },
}

impl Unfit {
    pub(crate) fn part(what: impl Into<String>) -> Self {
        Unfit::Part { place: String::new(), what: what.into() }
    }

    /// The same, one table further out. Only a failure pays for the path.
    pub(crate) fn under(self, key: Slot<'_>) -> Self {
        let Unfit::Part { place, what } = self else { return self };
        let step = match key {
            Slot::String(name) => {
                let name = String::from_utf8_lossy(name);
                if is_identifier(&name) { format!(".{name}") } else { format!("[{name:?}]") }
            }
            Slot::Number(index) => format!("[{index}]"),
            Slot::Integer(index) => format!("[{index}]"),
            other => format!("[{}]", kind_of(other)),
        };
        Unfit::Part { place: step + &place, what }
    }

    /// The text for a script, with the name of the whole.
    pub(crate) fn text(&self, root: &str) -> String {
        match self {
            Unfit::TooLarge { max } => format!("{root} is over the limit of {max} bytes"),
            Unfit::Part { place, what } => format!("{root}{place} {what}"),
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(crate) fn kind_of(slot: Slot<'_>) -> &str {
    match slot {
        Slot::Nil => "nil",
        Slot::Boolean(_) => "boolean",
        Slot::Number(_) | Slot::Integer(_) => "number",
        Slot::Vector(_) => "vector",
        Slot::String(_) => "string",
        Slot::Buffer(_) => "buffer",
        Slot::Table(_) => "table",
        Slot::Object => "userdata",
        Slot::Other(kind) => kind,
    }
}

/// Encodes values of a stack into a buffer of at most `max` bytes.
pub(crate) struct Encoder<'a> {
    stack: &'a mut Stack,
    out: Vec<u8>,
    max: usize,
    /// The prelude's `unwrap`: what travels in place of a userdata.
    unwrap: Kept,
    /// The tables that the present one lies in, by address: a cycle meets itself here.
    open: Vec<*const c_void>,
}

impl fmt::Debug for Encoder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").field("bytes", &self.out.len()).finish_non_exhaustive()
    }
}

impl<'a> Encoder<'a> {
    /// An encoder that appends to `out`, which is empty.
    pub(crate) fn new(stack: &'a mut Stack, out: Vec<u8>, max: usize, unwrap: Kept) -> Self {
        Encoder { stack, out, max, unwrap, open: Vec::new() }
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

    /// Encodes the value at an index. The stack is left as it was, unless that fails.
    pub(crate) fn value(&mut self, index: c_int) -> Result<(), Unfit> {
        let out = &mut self.out;
        match self.stack.get(index) {
            Slot::Nil => infallible(write::write_nil(out)),
            Slot::Boolean(flag) => infallible(write::write_bool(out, flag)),
            Slot::Number(n) => number(out, n),
            Slot::Integer(n) => infallible(write::write_sint(out, n)),
            Slot::Vector(parts) => vector(out, parts),
            Slot::String(bytes) => {
                let len = room_for(out, self.max, bytes.len())?;
                infallible(write::write_str_len(out, len));
                out.extend_from_slice(bytes);
            }
            Slot::Buffer(bytes) => {
                let len = room_for(out, self.max, bytes.len())?;
                infallible(write::write_bin_len(out, len));
                out.extend_from_slice(bytes);
            }
            Slot::Table(address) => self.table(index, address)?,
            Slot::Object => self.object(index)?,
            Slot::Other(kind) => return Err(Unfit::part(format!("is a {kind}"))),
        }
        match self.out.len() <= self.max {
            true => Ok(()),
            false => Err(Unfit::TooLarge { max: self.max }),
        }
    }

    fn table(&mut self, table: c_int, address: *const c_void) -> Result<(), Unfit> {
        if self.open.contains(&address) {
            return Err(Unfit::part("is a table that contains itself"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(Unfit::part(format!("is nested deeper than {DEPTH_MAX} tables")));
        }
        self.open.push(address);
        let (border, count) = (self.stack.border(table), self.stack.count(table));
        // The border is one of several where there are holes: with as many entries as it says, there
        // is none below it.
        let done =
            if count == border { self.sequence(table, count) } else { self.map(table, count) };
        self.open.pop();
        done
    }

    fn sequence(&mut self, table: c_int, len: c_int) -> Result<(), Unfit> {
        self.array(len as usize)?;
        let element = self.stack.top() + 1;
        for index in 1..=len {
            self.stack.element(table, index);
            self.value(element).map_err(|unfit| unfit.under(Slot::Integer(index.into())))?;
            self.stack.truncate(element - 1);
        }
        Ok(())
    }

    fn map(&mut self, table: c_int, count: c_int) -> Result<(), Unfit> {
        infallible(write::write_map_len(&mut self.out, count.unsigned_abs()));
        let (mut place, mut left, key) = (0, count, self.stack.top() + 1);
        while let Some(next) = self.stack.next(table, place) {
            (place, left) = (next, left - 1);
            self.key(key)?;
            self.value(key + 1).map_err(|unfit| unfit.under(self.stack.get(key)))?;
            self.stack.truncate(key - 1);
        }
        match left {
            0 => Ok(()),
            // The collector has taken entries of a weak table meanwhile.
            _ => Err(Unfit::part("is a table that changes")),
        }
    }

    fn key(&mut self, key: c_int) -> Result<(), Unfit> {
        match self.stack.get(key) {
            Slot::Boolean(_) | Slot::Integer(_) | Slot::Number(_) | Slot::String(_) => {
                self.value(key)
            }
            other => Err(Unfit::part(format!("has a key that is a {}", kind_of(other)))),
        }
    }

    /// A userdata: an Error travels as such, a Payload or Message as the value in it.
    fn object(&mut self, index: c_int) -> Result<(), Unfit> {
        let top = self.stack.top();
        let (kind, inner) = (top + 1, top + 2);
        self.stack.copy(index);
        self.stack.call(self.unwrap, 2);
        match self.stack.get(kind) {
            Slot::String(b"error") => self.error(inner)?,
            Slot::String(_) => self.value(inner)?,
            _ => {
                let name = match self.stack.get(inner) {
                    Slot::String(name) => String::from_utf8_lossy(name),
                    _ => "userdata".into(),
                };
                return Err(Unfit::part(format!("is a {name}")));
            }
        }
        self.stack.truncate(top);
        Ok(())
    }

    /// An Error, by the table of its fields: their bytes come before their length is known.
    fn error(&mut self, fields: c_int) -> Result<(), Unfit> {
        let before = std::mem::take(&mut self.out);
        let done = self.value(fields);
        let fields = std::mem::replace(&mut self.out, before);
        done?;
        let len = room_for(&self.out, self.max, fields.len())?;
        infallible(write::write_ext_meta(&mut self.out, len, EXT_ERROR));
        self.out.extend_from_slice(&fields);
        Ok(())
    }
}

/// A whole number is as short as it can be; all others, and the zero with a sign, are floats.
fn number(out: &mut Vec<u8>, n: f64) {
    let whole = n as i64;
    // Saturating: 2^63 is one more than the largest i64, and the comparison by bits would not see it.
    if whole != i64::MAX && (whole as f64).to_bits() == n.to_bits() {
        infallible(write::write_sint(out, whole));
    } else {
        infallible(write::write_f64(out, n));
    }
}

fn vector(out: &mut Vec<u8>, parts: [f32; 3]) {
    infallible(write::write_ext_meta(out, 12, EXT_VECTOR));
    parts.iter().for_each(|part| out.extend_from_slice(&part.to_le_bytes()));
}

/// Refuses before it copies: a string of a gigabyte must not become two.
fn room_for(out: &[u8], max: usize, len: usize) -> Result<u32, Unfit> {
    let fits = out.len().saturating_add(len) <= max;
    u32::try_from(len).ok().filter(|_| fits).ok_or(Unfit::TooLarge { max })
}

/// Writing into memory does not fail.
fn infallible<T, E: fmt::Debug>(result: Result<T, E>) {
    result.map(|_| ()).expect("a Vec takes every byte");
}
