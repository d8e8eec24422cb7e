//! Whatever a reader of documents finds, as values on a Luau stack.

use super::too_heavy;
use crate::stack::Stack;
use crate::weigh::{ELEMENT, STRING, TABLE};
use ipc::limits::DEPTH_MAX;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::ffi::c_int;
use std::fmt;

/// Pushes the one value of a document.
pub(super) struct Push<'a>(Target<'a>);

/// Where values go, and how much of them there may be.
struct Target<'a> {
    stack: &'a mut Stack,
    /// Bytes of memory that all values may take together, and those that they take.
    most: u64,
    taken: u64,
    /// Tables in each other, now.
    depth: usize,
}

/// One value in a document.
struct Part<'t, 'a>(&'t mut Target<'a>);

/// A key in a map.
struct Key<'t, 'a>(&'t mut Target<'a>);

impl<'a> Push<'a> {
    /// Its values may take so many bytes.
    pub(super) fn whole(stack: &'a mut Stack, most: u64) -> Self {
        Push(Target { stack, most, taken: 0, depth: 0 })
    }
}

impl<'de> DeserializeSeed<'de> for Push<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, reader: D) -> Result<(), D::Error> {
        Part(&mut self.0).deserialize(reader)
    }
}

impl Target<'_> {
    fn take<E: Error>(&mut self, bytes: u64) -> Result<(), E> {
        self.taken = self.taken.saturating_add(bytes);
        match self.taken <= self.most {
            true => Ok(()),
            false => Err(E::custom(too_heavy(self.most))),
        }
    }

    /// Pushes a table, and says where it is.
    fn begin<E: Error>(&mut self) -> Result<c_int, E> {
        self.take(ELEMENT + TABLE)?;
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(E::custom(format!("nested deeper than {DEPTH_MAX} tables")));
        }
        self.stack.push_table(0, 0);
        Ok(self.stack.top())
    }

    fn number<E: Error>(&mut self, number: f64) -> Result<(), E> {
        self.take(ELEMENT)?;
        self.stack.push_number(number);
        Ok(())
    }

    fn boolean<E: Error>(&mut self, flag: bool) -> Result<(), E> {
        self.take(ELEMENT)?;
        self.stack.push_boolean(flag);
        Ok(())
    }

    fn nil<E: Error>(&mut self) -> Result<(), E> {
        self.take(ELEMENT)?;
        self.stack.push_nil();
        Ok(())
    }

    fn string<E: Error>(&mut self, bytes: &[u8]) -> Result<(), E> {
        self.take(ELEMENT + STRING + bytes.len() as u64)?;
        self.stack.push_string(bytes);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Part<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.0.boolean(flag)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.0.number(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.0.number(number as f64)
    }

    fn visit_i128<E: Error>(self, number: i128) -> Result<(), E> {
        self.0.number(number as f64)
    }

    fn visit_u128<E: Error>(self, number: u128) -> Result<(), E> {
        self.0.number(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        self.0.number(number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.string(text.as_bytes())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<(), E> {
        self.0.string(bytes)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.nil()
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.0.nil()
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let target = self.0;
        let table = target.begin()?;
        let mut index = 0;
        while items.next_element_seed(Part(&mut *target))?.is_some() {
            index += 1;
            // A null leaves a hole.
            target.stack.set_element(table, index);
        }
        target.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<(), A::Error> {
        let target = self.0;
        let table = target.begin()?;
        while pairs.next_key_seed(Key(&mut *target))?.is_some() {
            pairs.next_value_seed(Part(&mut *target))?;
            // A null is as if there were no such key.
            target.stack.set_pair(table);
        }
        target.depth -= 1;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

/// What is not here can be no key of a table.
impl<'de> Visitor<'de> for Key<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key: a text, a number or a boolean")
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<(), E> {
        self.0.boolean(flag)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.0.number(number as f64)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.0.number(number as f64)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        match number.is_nan() {
            true => Err(E::custom("a key that is not a number")),
            false => self.0.number(number),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.string(text.as_bytes())
    }
}
