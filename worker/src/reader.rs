//! The items of an encoded payload, one after the other.
//!
//! The bytes come from another worker, and nobody on the way has looked at them: they may be
//! anything.

use ipc::payload::LEVELS_MAX;
use rmp::Marker;

/// Bytes that are no payload.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("payload ends early")]
    Short,
    #[error("payload holds what no value is encoded as")]
    Unknown,
    #[error("payload is nested too deep")]
    Deep,
}

/// One item. What is in an array or a map follows as items of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Item<'a> {
    Nil,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    String(&'a [u8]),
    Buffer(&'a [u8]),
    /// So many items follow.
    Array(usize),
    /// So many pairs of items follow.
    Map(usize),
    Extension(i8, &'a [u8]),
}

/// Reads items.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes, depth: 0 }
    }

    /// A reader of what an extension holds, as deep in the payload as this one is now.
    pub(crate) fn inside(&self, bytes: &'a [u8]) -> Self {
        Reader { rest: bytes, depth: self.depth }
    }

    /// Bytes not read yet: no fewer than the items that follow.
    pub(crate) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Nothing may follow the last item.
    pub(crate) fn finish(&self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Unknown) }
    }

    /// Steps into a table or an extension. Whoever reads them calls itself, so depth has a limit.
    pub(crate) fn enter(&mut self) -> Result<(), Malformed> {
        self.depth += 1;
        if self.depth > LEVELS_MAX { Err(Malformed::Deep) } else { Ok(()) }
    }

    /// Steps out again.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// The next item.
    pub(crate) fn item(&mut self) -> Result<Item<'a>, Malformed> {
        let [byte] = self.take()?;
        let marker = Marker::from_u8(byte);
        let item = match marker {
            Marker::Null => Item::Nil,
            Marker::True => Item::Boolean(true),
            Marker::False => Item::Boolean(false),
            Marker::FixPos(n) => Item::Integer(n.into()),
            Marker::FixNeg(n) => Item::Integer(n.into()),
            Marker::U8 => Item::Integer(u8::from_be_bytes(self.take()?).into()),
            Marker::U16 => Item::Integer(u16::from_be_bytes(self.take()?).into()),
            Marker::U32 => Item::Integer(u32::from_be_bytes(self.take()?).into()),
            Marker::U64 => Item::Number(u64::from_be_bytes(self.take()?) as f64),
            Marker::I8 => Item::Integer(i8::from_be_bytes(self.take()?).into()),
            Marker::I16 => Item::Integer(i16::from_be_bytes(self.take()?).into()),
            Marker::I32 => Item::Integer(i32::from_be_bytes(self.take()?).into()),
            Marker::I64 => Item::Integer(i64::from_be_bytes(self.take()?)),
            Marker::F32 => Item::Number(f32::from_be_bytes(self.take()?).into()),
            Marker::F64 => Item::Number(f64::from_be_bytes(self.take()?)),
            _ => return self.sized(marker),
        };
        Ok(item)
    }

    fn sized(&mut self, marker: Marker) -> Result<Item<'a>, Malformed> {
        let item = match marker {
            Marker::FixStr(len) => Item::String(self.bytes(len.into())?),
            Marker::Str8 => Item::String(self.bytes8()?),
            Marker::Str16 => Item::String(self.bytes16()?),
            Marker::Str32 => Item::String(self.bytes32()?),
            Marker::Bin8 => Item::Buffer(self.bytes8()?),
            Marker::Bin16 => Item::Buffer(self.bytes16()?),
            Marker::Bin32 => Item::Buffer(self.bytes32()?),
            Marker::FixArray(len) => Item::Array(len.into()),
            Marker::Array16 => Item::Array(self.len16()?),
            Marker::Array32 => Item::Array(self.len32()?),
            Marker::FixMap(len) => Item::Map(len.into()),
            Marker::Map16 => Item::Map(self.len16()?),
            Marker::Map32 => Item::Map(self.len32()?),
            Marker::FixExt1 => self.extension(1)?,
            Marker::FixExt2 => self.extension(2)?,
            Marker::FixExt4 => self.extension(4)?,
            Marker::FixExt8 => self.extension(8)?,
            Marker::FixExt16 => self.extension(16)?,
            Marker::Ext8 => self.len8().and_then(|len| self.extension(len))?,
            Marker::Ext16 => self.len16().and_then(|len| self.extension(len))?,
            Marker::Ext32 => self.len32().and_then(|len| self.extension(len))?,
            _ => return Err(Malformed::Unknown),
        };
        Ok(item)
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

    fn bytes8(&mut self) -> Result<&'a [u8], Malformed> {
        self.len8().and_then(|len| self.bytes(len))
    }

    fn bytes16(&mut self) -> Result<&'a [u8], Malformed> {
        self.len16().and_then(|len| self.bytes(len))
    }

    fn bytes32(&mut self) -> Result<&'a [u8], Malformed> {
        self.len32().and_then(|len| self.bytes(len))
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

    fn extension(&mut self, len: usize) -> Result<Item<'a>, Malformed> {
        let [kind] = self.take()?;
        Ok(Item::Extension(i8::from_be_bytes([kind]), self.bytes(len)?))
    }
}
