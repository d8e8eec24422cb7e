//! What the modules that an entry may name (`prelude/modules.luau`) are written on top of: hashes,
//! base64, UUIDs.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use mlua::{Lua, LuaString, Result, Table};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256, Sha512};
use std::cell::Cell;
use uuid::{Builder, Uuid};

/// Whether a text ends in `=`: of what is read, it may.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL: GeneralPurpose =
    GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT.with_encode_padding(false));

/// Adds the functions to the table of native functions.
pub(crate) fn install(lua: &Lua, native: &Table) -> Result<()> {
    for (encode, decode, engine) in [
        ("base64_encode", "base64_decode", &STANDARD),
        ("base64_encode_url", "base64_decode_url", &URL),
    ] {
        let write = |_: &Lua, bytes: LuaString| Ok(engine.encode(bytes.as_bytes()));
        native.set(encode, lua.create_function(write)?)?;
        let read = |lua: &Lua, text: LuaString| match engine.decode(text.as_bytes()) {
            Ok(bytes) => Ok((Some(lua.create_string(bytes)?), None)),
            Err(error) => Ok((None, Some(format!("invalid base64: {error}").to_lowercase()))),
        };
        native.set(decode, lua.create_function(read)?)?;
    }
    for (name, hash) in HASHES {
        let hash = move |lua: &Lua, bytes: LuaString| lua.create_string(hash(&bytes.as_bytes()));
        native.set(name, lua.create_function(hash)?)?;
    }
    for (name, sign) in SIGNATURES {
        let sign = move |lua: &Lua, (bytes, key): (LuaString, LuaString)| {
            lua.create_string(sign(&bytes.as_bytes(), &key.as_bytes()))
        };
        native.set(name, lua.create_function(sign)?)?;
    }
    native.set("uuid_v4", lua.create_function(|_, ()| Ok(v4()?.to_string()))?)?;
    let last = Cell::new(Count::default());
    let v7 = move |_: &Lua, ms: f64| {
        let random = random()?;
        last.set(last.get().next(ms as u64, random));
        Ok(last.get().uuid(random).to_string())
    };
    native.set("uuid_v7", lua.create_function(v7)?)?;
    native.set("uuid_parse", lua.create_function(|_, text: LuaString| Ok(parse(&text.as_bytes())))?)
}

type Hash = fn(&[u8]) -> Vec<u8>;
type Signature = fn(&[u8], &[u8]) -> Vec<u8>;

const HASHES: [(&str, Hash); 3] = [
    ("sha256", |bytes| Sha256::digest(bytes).to_vec()),
    ("sha512", |bytes| Sha512::digest(bytes).to_vec()),
    ("blake3", |bytes| blake3::hash(bytes).as_bytes().to_vec()),
];

const SIGNATURES: [(&str, Signature); 2] = [
    ("hmac_sha256", |bytes, key| signed::<Hmac<Sha256>>(bytes, key)),
    ("hmac_sha512", |bytes, key| signed::<Hmac<Sha512>>(bytes, key)),
];

fn signed<M: Mac + KeyInit>(bytes: &[u8], key: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    let filled = getrandom(&mut bytes, GetRandomFlags::empty()).map_err(mlua::Error::external)?;
    match filled == N {
        true => Ok(bytes),
        false => Err(mlua::Error::runtime("the system gave too few random bytes")),
    }
}

fn v4() -> Result<Uuid> {
    Ok(Builder::from_random_bytes(random()?).into_uuid())
}

/// What a UUID of version 7 begins with: its millisecond, and in 12 bits its number there (RFC 9562, section
/// 6.2, method 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Count {
    ms: u64,
    number: u16,
}

impl Count {
    const NUMBER_MAX: u16 = 0xfff;

    /// The one after it. Where its millisecond is not over, or the clock has gone back, the number grows; where
    /// there is no further number, the millisecond does. The first number is random, and at most half.
    fn next(self, ms: u64, random: [u8; 10]) -> Count {
        let first = u16::from_be_bytes([random[0], random[1]]) & (Self::NUMBER_MAX >> 1);
        match self {
            last if ms > last.ms => Count { ms, number: first },
            last if last.number < Self::NUMBER_MAX => Count { number: last.number + 1, ..last },
            last => Count { ms: last.ms + 1, number: first },
        }
    }

    fn uuid(self, mut random: [u8; 10]) -> Uuid {
        [random[0], random[1]] = self.number.to_be_bytes();
        Builder::from_unix_timestamp_millis(self.ms, &random).into_uuid()
    }
}

/// `uuid_parse(text)`: the usual form of it and its version; or nothing, and why.
fn parse(text: &[u8]) -> (Option<String>, Option<usize>, Option<String>) {
    match Uuid::try_parse_ascii(text) {
        Ok(uuid) => (Some(uuid.to_string()), Some(uuid.get_version_num()), None),
        Err(error) => (None, None, Some(format!("invalid UUID: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(count: Count) -> String {
        count.uuid([0xff; 10]).to_string()
    }

    #[test]
    fn numbers_grow_while_the_clock_stands_or_goes_back() {
        let first = Count::default().next(1000, [0xff; 10]);
        assert_eq!(first, Count { ms: 1000, number: 0x7ff }, "there is room after it");
        let second = first.next(1000, [0; 10]);
        assert_eq!(second, Count { ms: 1000, number: 0x800 });
        assert_eq!(second.next(1, [0; 10]), Count { ms: 1000, number: 0x801 });
        assert_eq!(second.next(1001, [0; 10]), Count { ms: 1001, number: 0 });
        let last = Count { ms: 1000, number: Count::NUMBER_MAX };
        assert_eq!(last.next(1000, [0; 10]), Count { ms: 1001, number: 0 });
    }

    #[test]
    fn what_comes_later_sorts_after_it_as_a_text() {
        let mut last = Count::default();
        for step in 0..20_000_u64 {
            // A clock that mostly stands, and sometimes goes back.
            let next = last.next(1_000_000 + step / 5000 - step % 7, [step as u8; 10]);
            assert!(text(next) > text(last), "{last:?}, then {next:?}");
            last = next;
        }
        assert_eq!(text(last).as_bytes()[14], b'7');
    }
}
