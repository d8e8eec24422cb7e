//! Hashes, base64, UUIDs and log lines: modules for entries that name them.

use crate::item::{Class, Item, Module, f};

#[rustfmt::skip]
pub(crate) const BASE64: Module = Module {
    name: "base64",
    doc: "Bytes as texts",
    items: &[
        f("encode", "data: string | buffer", "string", "", "The text of bytes, with `+`, `/` and `=`"),
        f("decode", "text: string", "(string?, Error?)", "Invalid", "The bytes of a text"),
        f("encode_url", "data: string | buffer", "string", "", "The text of bytes, with `-` and `_`, without `=`"),
        f("decode_url", "text: string", "(string?, Error?)", "Invalid", "The bytes of such a text"),
    ],
};

#[rustfmt::skip]
pub(crate) const HASH: Module = Module {
    name: "hash",
    doc: "Hashes in hexadecimal digits, or as bytes where `raw` is true",
    items: &[
        f("sha256", "data: string | buffer, raw: boolean?", "string", "", "SHA-256"),
        f("sha512", "data: string | buffer, raw: boolean?", "string", "", "SHA-512"),
        f("blake3", "data: string | buffer, raw: boolean?", "string", "", "BLAKE3, of 32 bytes"),
        f("hmac_sha256", "data: string | buffer, key: string | buffer, raw: boolean?", "string", "", "HMAC of SHA-256"),
        f("hmac_sha512", "data: string | buffer, key: string | buffer, raw: boolean?", "string", "", "HMAC of SHA-512"),
    ],
};

#[rustfmt::skip]
pub(crate) const UUID: Module = Module {
    name: "uuid",
    doc: "UUIDs",
    items: &[
        f("v4", "", "string", "", "A random one"),
        f("v7", "", "string", "", "One that begins with the time, and sorts after those that this process has made before"),
        f("parse", "text: string", "(string?, Error?)", "Invalid", "The usual form of one in any form"),
        f("version", "text: string", "(number?, Error?)", "Invalid", "Its version"),
        f("validate", "value: any", "boolean", "", "True for the text of one"),
    ],
};

#[rustfmt::skip]
const LOG: &[Item] = &[
    f("debug", "message: Text, fields: {[any]: any}?", "()", "", "Prints a line of the level `debug`"),
    f("info", "message: Text, fields: {[any]: any}?", "()", "", "Prints a line of the level `info`"),
    f("warn", "message: Text, fields: {[any]: any}?", "()", "", "Prints a line of the level `warn`"),
    f("error", "message: Text, fields: {[any]: any}?", "()", "", "Prints a line of the level `error`"),
    f("with", "fields: {[any]: any}", "Logger", "", "A logger that adds these fields to each line"),
];

pub(crate) const LOGGER: Module =
    Module { name: "logger", doc: "Lines with a time, a level and fields", items: LOG };

pub(crate) const LOGGER_OBJECT: Class =
    Class { name: "Logger", runtime: "logger", doc: "What writes log lines", items: LOG };
