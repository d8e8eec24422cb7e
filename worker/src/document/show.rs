//! Values on a Luau stack, for a writer of documents.

use crate::encode::{Unfit, kind_of};
use crate::stack::{Kept, Slot, Stack};
use ipc::limits::DEPTH_MAX;
use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};
use std::cell::RefCell;
use std::cmp::Ordering;
use std::ffi::{CStr, c_int, c_void};

/// The document to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Yaml,
}

/// The first value of a stack, for one document.
pub(super) struct Shown<'a> {
    form: Form,
    stack: RefCell<&'a mut Stack>,
    /// The prelude's `unwrap`: what stands for a userdata.
    unwrap: Kept,
    /// The tables that the present one lies in, by address.
    open: RefCell<Vec<*const c_void>>,
    /// Why it could not be written: a writer keeps a text, but not the path.
    unfit: RefCell<Option<Unfit>>,
}

/// A value of it, by its index.
pub(super) struct Node<'s, 'a> {
    of: &'s Shown<'a>,
    index: c_int,
}

/// Fields of an Error that a document shows.
const ERROR_FIELDS: [&CStr; 4] = [c"message", c"kind", c"retryable", c"details"];

impl<'a> Shown<'a> {
    pub(super) fn new(stack: &'a mut Stack, unwrap: Kept, form: Form) -> Self {
        let (open, unfit) = (RefCell::default(), RefCell::default());
        Shown { form, stack: RefCell::new(stack), unwrap, open, unfit }
    }

    pub(super) fn root(&self) -> Node<'_, 'a> {
        Node { of: self, index: 1 }
    }

    /// What cannot be in a document, and where; `None` where that was not the reason.
    pub(super) fn why(&self) -> Option<String> {
        self.unfit.borrow().as_ref().map(|unfit| unfit.text("value"))
    }

    fn refuse<T, E: Error>(&self, what: impl Into<String>) -> Result<T, E> {
        self.unfit.replace(Some(Unfit::part(what)));
        Err(E::custom("a value that cannot be in a document"))
    }

    /// What went wrong in an element lies one table further out.
    fn under(&self, key: Slot<'_>) {
        let unfit = self.unfit.take().map(|unfit| unfit.under(key));
        self.unfit.replace(unfit);
    }

    fn top(&self) -> c_int {
        self.stack.borrow().top()
    }
}

impl Serialize for Node<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let stack = self.of.stack.borrow();
        match stack.get(self.index) {
            Slot::Nil => to.serialize_unit(),
            Slot::Boolean(flag) => to.serialize_bool(flag),
            Slot::Number(n) => number(self.of, n, to),
            Slot::Integer(n) => to.serialize_i64(n),
            Slot::String(bytes) => match str::from_utf8(bytes) {
                Ok(text) => to.serialize_str(text),
                Err(_) => self.of.refuse("is a string that is not UTF-8"),
            },
            Slot::Table(address) => {
                drop(stack);
                self.table(address, to)
            }
            Slot::Object => {
                drop(stack);
                self.object(to)
            }
            other => self.of.refuse(format!("is a {}", kind_of(other))),
        }
    }
}

fn number<S: Serializer>(of: &Shown<'_>, n: f64, to: S) -> Result<S::Ok, S::Error> {
    let whole = n as i64;
    if !n.is_finite() {
        of.refuse("is not a finite number")
    } else if whole != i64::MAX && (whole as f64).to_bits() == n.to_bits() {
        to.serialize_i64(whole)
    } else {
        to.serialize_f64(n)
    }
}

impl Node<'_, '_> {
    fn table<S: Serializer>(&self, address: *const c_void, to: S) -> Result<S::Ok, S::Error> {
        if self.of.open.borrow().contains(&address) {
            return self.of.refuse("is a table that contains itself");
        }
        if self.of.open.borrow().len() >= DEPTH_MAX {
            return self.of.refuse(format!("is nested deeper than {DEPTH_MAX} tables"));
        }
        self.of.open.borrow_mut().push(address);
        let (border, count) = {
            let mut stack = self.of.stack.borrow_mut();
            (stack.border(self.index), stack.count(self.index))
        };
        let done = if count == border { self.sequence(count, to) } else { self.map(count, to) };
        self.of.open.borrow_mut().pop();
        done
    }

    fn sequence<S: Serializer>(&self, len: c_int, to: S) -> Result<S::Ok, S::Error> {
        let mut items = to.serialize_seq(Some(len as usize))?;
        let element = self.of.top() + 1;
        for index in 1..=len {
            self.of.stack.borrow_mut().element(self.index, index);
            let item = Node { of: self.of, index: element };
            let written = items.serialize_element(&item);
            if let Err(error) = written {
                self.of.under(Slot::Integer(index.into()));
                return Err(error);
            }
            self.of.stack.borrow_mut().truncate(element - 1);
        }
        items.end()
    }

    /// In the order of its keys: the same table is the same document.
    fn map<S: Serializer>(&self, count: c_int, to: S) -> Result<S::Ok, S::Error> {
        let keys = self.keys(count)?;
        let mut pairs = to.serialize_map(Some(keys.len()))?;
        let value = self.of.top() + 1;
        for key in keys {
            self.of.stack.borrow_mut().lookup(self.index, key.slot());
            let item = Node { of: self.of, index: value };
            let written = match (&key, self.of.form) {
                (Key::Text(text), _) => pairs.serialize_entry(text, &item),
                (Key::Number(n), Form::Json) => pairs.serialize_entry(&number_text(*n), &item),
                (Key::Number(n), Form::Yaml) => pairs.serialize_entry(&KeyNumber(*n), &item),
            };
            if let Err(error) = written {
                self.of.under(key.slot());
                return Err(error);
            }
            self.of.stack.borrow_mut().truncate(value - 1);
        }
        pairs.end()
    }

    fn keys<E: Error>(&self, count: c_int) -> Result<Vec<Key>, E> {
        let mut keys = Vec::with_capacity(count as usize);
        let mut place = 0;
        let mut stack = self.of.stack.borrow_mut();
        let key = stack.top() + 1;
        while let Some(next) = stack.next(self.index, place) {
            place = next;
            let found = match stack.get(key) {
                Slot::String(bytes) => match str::from_utf8(bytes) {
                    Ok(text) => Key::Text(text.to_owned()),
                    Err(_) => return self.of.refuse("has a key that is not UTF-8"),
                },
                Slot::Number(n) if n.is_finite() => Key::Number(n),
                Slot::Number(_) => return self.of.refuse("has a key that is not a finite number"),
                other => {
                    return self.of.refuse(format!("has a key that is a {}", kind_of(other)));
                }
            };
            stack.truncate(key - 1);
            keys.push(found);
        }
        keys.sort_unstable_by(Key::compare);
        if self.of.form == Form::Json {
            self.distinct(&keys)?;
        }
        Ok(keys)
    }

    /// In JSON every key is a text: 1 and "1" would be the same one.
    fn distinct<E: Error>(&self, keys: &[Key]) -> Result<(), E> {
        let numbers = keys.iter().filter_map(|key| match key {
            Key::Number(n) => Some(number_text(*n)),
            Key::Text(_) => None,
        });
        for text in numbers {
            let same = Key::Text(text);
            if keys.binary_search_by(|key| key.compare(&same)).is_ok() {
                let Key::Text(text) = same else { continue };
                return self.of.refuse(format!("has the keys {text} and \"{text}\""));
            }
        }
        Ok(())
    }

    /// A userdata: a Payload or Message is the value in it, an Error its fields.
    fn object<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let top = self.of.top();
        let (kind, inner) = (top + 1, top + 2);
        let is_error = {
            let mut stack = self.of.stack.borrow_mut();
            stack.copy(self.index);
            stack.call(self.of.unwrap, 2);
            match (stack.get(kind), stack.get(inner)) {
                (Slot::String(kind), _) => kind == b"error",
                (_, Slot::String(name)) => {
                    return self.of.refuse(format!("is a {}", String::from_utf8_lossy(name)));
                }
                _ => return self.of.refuse("is a userdata"),
            }
        };
        let item = Node { of: self.of, index: inner };
        let written = if is_error { item.error(to) } else { item.serialize(to) };
        self.of.stack.borrow_mut().truncate(top);
        written
    }

    fn error<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut pairs = to.serialize_map(None)?;
        let value = self.of.top() + 1;
        for name in ERROR_FIELDS {
            self.of.stack.borrow_mut().field(self.index, name);
            let absent = self.of.stack.borrow().get(value) == Slot::Nil;
            if !absent {
                let item = Node { of: self.of, index: value };
                pairs.serialize_entry(&name.to_string_lossy(), &item)?;
            }
            self.of.stack.borrow_mut().truncate(value - 1);
        }
        pairs.end()
    }
}

/// A key that a document can have.
enum Key {
    Number(f64),
    Text(String),
}

impl Key {
    fn slot(&self) -> Slot<'_> {
        match self {
            Key::Number(n) => Slot::Number(*n),
            Key::Text(text) => Slot::String(text.as_bytes()),
        }
    }

    /// Numbers first, each kind in its order.
    fn compare(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::Number(a), Key::Number(b)) => a.total_cmp(b),
            (Key::Text(a), Key::Text(b)) => a.cmp(b),
            (Key::Number(_), Key::Text(_)) => Ordering::Less,
            (Key::Text(_), Key::Number(_)) => Ordering::Greater,
        }
    }
}

struct KeyNumber(f64);

impl Serialize for KeyNumber {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.fract() == 0.0 && self.0.abs() < 1e15 {
            true => to.serialize_i64(self.0 as i64),
            false => to.serialize_f64(self.0),
        }
    }
}

/// As Luau shows it.
fn number_text(n: f64) -> String {
    if n.fract() == 0.0 && n.abs() < 1e15 { format!("{}", n as i64) } else { format!("{n}") }
}
