//! How much memory the values of a payload take, before any of them is made.
//!
//! Bytes that others send become many times as many in values: a table of one byte takes a hundred.
//! A receiver must not end of a message that it has not even looked at.

use crate::decode::is_key;
use crate::reader::{Item, Malformed, Reader};
use ipc::payload::{EXT_ERROR, EXT_VECTOR};

/// A table without what is in it.
pub(crate) const TABLE: u64 = 64;
/// A place in a table, or a key of one.
pub(crate) const ELEMENT: u64 = 32;
/// A string or buffer beside its bytes.
pub(crate) const STRING: u64 = 32;
/// An Error beside its fields: a userdata and its metatable.
const ERROR: u64 = 1024;

/// Estimates the bytes of memory that the one value in a payload takes, at the cost of one pass.
///
/// # Errors
/// Where the bytes are no payload, by the same rules as decoding.
pub(crate) fn weigh(bytes: &[u8]) -> Result<u64, Malformed> {
    let mut scale = Scale { reader: Reader::new(bytes), weight: 0 };
    scale.value()?;
    scale.reader.finish()?;
    Ok(scale.weight)
}

/// The same of the first of several values: what it takes, its bytes, and those that follow.
pub(crate) fn weigh_first(bytes: &[u8]) -> Result<(u64, &[u8], &[u8]), Malformed> {
    let mut scale = Scale { reader: Reader::new(bytes), weight: 0 };
    scale.value()?;
    let (first, rest) = bytes.split_at(bytes.len() - scale.reader.left());
    Ok((scale.weight, first, rest))
}

struct Scale<'a> {
    reader: Reader<'a>,
    weight: u64,
}

impl<'a> Scale<'a> {
    fn value(&mut self) -> Result<Item<'a>, Malformed> {
        let item = self.reader.item()?;
        self.add(item)?;
        Ok(item)
    }

    fn add(&mut self, item: Item<'a>) -> Result<(), Malformed> {
        self.weight += ELEMENT;
        match item {
            Item::Nil | Item::Boolean(_) | Item::Integer(_) | Item::Number(_) => Ok(()),
            Item::String(bytes) | Item::Buffer(bytes) => {
                self.weight += STRING + bytes.len() as u64;
                Ok(())
            }
            Item::Array(len) => self.array(len),
            Item::Map(len) => self.map(len).map(|_| ()),
            Item::Extension(EXT_VECTOR, bytes) if bytes.len() == 12 => Ok(()),
            Item::Extension(EXT_ERROR, bytes) => self.error(bytes),
            Item::Extension(..) => Err(Malformed::Unknown),
        }
    }

    fn array(&mut self, len: usize) -> Result<(), Malformed> {
        self.weight += TABLE;
        self.reader.enter()?;
        for _ in 0..len {
            self.value()?;
        }
        self.reader.leave();
        Ok(())
    }

    /// True where a text named `message` is in the map, as in the fields of an Error.
    fn map(&mut self, len: usize) -> Result<bool, Malformed> {
        self.weight += TABLE;
        self.reader.enter()?;
        let mut has_message = false;
        for _ in 0..len {
            let key = self.reader.item()?;
            if !is_key(key) {
                return Err(Malformed::Unknown);
            }
            self.add(key)?;
            let value = self.value()?;
            if key == Item::String(b"message") {
                has_message = matches!(value, Item::String(_));
            }
        }
        self.reader.leave();
        Ok(has_message)
    }

    fn error(&mut self, bytes: &'a [u8]) -> Result<(), Malformed> {
        self.weight += ERROR;
        self.reader.enter()?;
        let mut fields = Scale { reader: self.reader.inside(bytes), weight: 0 };
        let Item::Map(len) = fields.reader.item()? else { return Err(Malformed::Unknown) };
        if !fields.map(len)? {
            return Err(Malformed::Unknown);
        }
        fields.reader.finish()?;
        self.weight += fields.weight;
        self.reader.leave();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipc::payload::LEVELS_MAX;

    #[test]
    fn what_is_small_on_the_wire_can_be_large_in_memory() {
        let mut bytes = vec![0xdd];
        bytes.extend_from_slice(&1000u32.to_be_bytes());
        bytes.extend(std::iter::repeat_n(0x90, 1000));
        let weight = weigh(&bytes).expect("an array of empty tables");
        assert_eq!(weight, (TABLE + ELEMENT) * 1001);
    }

    #[test]
    fn strings_weigh_their_bytes() {
        let mut bytes = vec![0xc5, 0x10, 0];
        bytes.resize(3 + 4096, 0);
        assert_eq!(weigh(&bytes).expect("a buffer"), ELEMENT + STRING + 4096);
    }

    #[test]
    fn an_error_has_a_message() {
        let error = |fields: &[u8]| {
            let mut bytes = vec![0xc7, u8::try_from(fields.len()).expect("short"), EXT_ERROR as u8];
            bytes.extend_from_slice(fields);
            weigh(&bytes)
        };
        assert!(error(b"\x81\xa7message\xa1x").expect("an Error") > ERROR);
        assert!(error(b"\x81\xa7message\x01").is_err());
        assert!(error(b"\x81\xa7massage\xa1x").is_err());
        assert!(error(b"\x91\xa7message").is_err());
        assert!(error(b"\x81\xa7message\xa1x\xc0").is_err());
    }

    #[test]
    fn what_is_no_payload_is_refused() {
        for bytes in [
            &b""[..],
            b"\xc1",
            b"\xa5abc",
            b"\x92\x01",
            b"\x01\x02",
            b"\xdf\xff\xff\xff\xff",
            b"\x81\xc0\x01",
            b"\x81\x90\x01",
            b"\xd4\x63\x01",
        ] {
            assert!(weigh(bytes).is_err(), "{bytes:?}");
        }
        let mut nan_key = vec![0x81, 0xcb];
        nan_key.extend_from_slice(&f64::NAN.to_be_bytes());
        nan_key.push(1);
        assert!(weigh(&nan_key).is_err());
        let mut deep = vec![0x91; LEVELS_MAX];
        deep.push(0xc0);
        assert!(weigh(&deep).is_ok());
        deep.insert(0, 0x91);
        assert!(matches!(weigh(&deep), Err(Malformed::Deep)));
    }
}
