//! What the modules that an entry may name (`prelude/modules.luau`) are written on top of: hashes,
//! base64, UUIDs.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit, Mac};
use mlua::{Lua, LuaString, Result, Table};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256, Sha512};
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
    native.set("uuid_v7", lua.create_function(|_, ms: f64| Ok(v7(ms as u64)?.to_string()))?)?;
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

fn v7(ms: u64) -> Result<Uuid> {
    Ok(Builder::from_unix_timestamp_millis(ms, &random()?).into_uuid())
}

/// `uuid_parse(text)`: the usual form of it and its version; or nothing, and why.
fn parse(text: &[u8]) -> (Option<String>, Option<usize>, Option<String>) {
    match Uuid::try_parse_ascii(text) {
        Ok(uuid) => (Some(uuid.to_string()), Some(uuid.get_version_num()), None),
        Err(error) => (None, None, Some(format!("invalid UUID: {error}"))),
    }
}
