//! Errors, payloads and messages.

use crate::item::{Alias, Class, Item, Module, f, v};

#[rustfmt::skip]
pub(crate) const ERRORS: Module = Module {
    name: "errors",
    doc: "Errors with a kind",
    items: &[
        f("new", "what: ErrorFields | string", "Error", "", "An Error of a text or of fields"),
        f("wrap", "what: string | Error, context: string", "Error", "", "An Error that says in what context; keeps the kind"),
        f("is", "value: any, kind: any", "boolean", "", "True for an Error of that kind"),
        f("call_stack", "err: Error", "Stack", "", "Where an Error was made, frame by frame"),
        v("NOT_FOUND", "string", "`NotFound`"),
        v("ALREADY_EXISTS", "string", "`AlreadyExists`"),
        v("INVALID", "string", "`Invalid`"),
        v("PERMISSION_DENIED", "string", "`PermissionDenied`"),
        v("UNAVAILABLE", "string", "`Unavailable`"),
        v("INTERNAL", "string", "`Internal`"),
        v("CANCELED", "string", "`Canceled`"),
        v("CONFLICT", "string", "`Conflict`"),
        v("TIMEOUT", "string", "`Timeout`"),
        v("RATE_LIMITED", "string", "`RateLimited`"),
        v("UNKNOWN", "string", "The empty text"),
    ],
};

#[rustfmt::skip]
pub(crate) const ERROR: Class = Class {
    name: "Error",
    runtime: "Error",
    doc: "Why something failed; `tostring` and `..` give its text",
    items: &[
        f("message", "", "string", "", "The text, of a wrapped one the inner"),
        f("kind", "", "string", "", "One of the kinds, or the empty text"),
        f("retryable", "", "boolean?", "", "Whether another try may help, where that is known"),
        f("details", "", "any", "", "Further data, or nil"),
        f("stack", "", "string", "", "Where it was made, as text"),
    ],
};

pub(crate) const ERROR_FIELDS: Alias = Alias {
    name: "ErrorFields",
    luau: "{message: string, kind: string?, retryable: boolean?, details: any}",
    runtime: "table",
    doc: "What `errors.new` takes",
};

pub(crate) const STACK: Alias = Alias {
    name: "Stack",
    luau: "{thread: string, frames: {{level: number, source: string, line: number, name: string?, type: string}}}",
    runtime: "table",
    doc: "The frames of a call stack",
};

/// The string library takes an Error where it expects a text.
pub(crate) const TEXT: Alias = Alias {
    name: "Text",
    luau: "string | Error",
    runtime: "string",
    doc: "A text, or an Error in its place",
};

#[rustfmt::skip]
pub(crate) const JSON: Module = Module {
    name: "json",
    doc: "JSON",
    items: &[
        f("encode", "value: any", "(string?, Error?)", "Invalid", "The JSON of a value"),
        f("decode", "text: string", "(any, Error?)", "Invalid", "The value of a JSON text"),
    ],
};

#[rustfmt::skip]
pub(crate) const PAYLOAD: Module = Module {
    name: "payload",
    doc: "Values with a format",
    items: &[
        f("new", "value: any, format: string?", "(Payload, Error?)", "Invalid", "A Payload of a plain value, or of one that is in a format already"),
        Item::Table { name: "format", doc: "The formats", items: &[
            v("LUA", "string", "`lua/any`"),
            v("JSON", "string", "`json/plain`"),
            v("YAML", "string", "`yaml/plain`"),
            v("STRING", "string", "`text/plain`"),
            v("BYTES", "string", "`application/octet-stream`"),
            v("MSGPACK", "string", "`application/msgpack`"),
            v("ERROR", "string", "`golang/error`"),
            v("GOLANG", "string", "`golang/any`"),
        ] },
    ],
};

#[rustfmt::skip]
pub(crate) const PAYLOAD_OBJECT: Class = Class {
    name: "Payload",
    runtime: "payload",
    doc: "A value with its format",
    items: &[
        f("data", "", "any", "", "The raw value"),
        f("unmarshal", "", "any", "", "The raw value"),
        f("get_format", "", "string", "", "The format, one of `payload.format`"),
        f("transcode", "format: string", "(Payload?, Error?)", "Invalid", "The same in another format"),
    ],
};

/// `msg.topic` is a field and `msg:topic()` a method, which no type can say: the methods are what the
/// definitions have, and the fields are of type `any`.
#[rustfmt::skip]
pub(crate) const MESSAGE: Class = Class {
    name: "Message",
    runtime: "message",
    doc: "What arrives: `msg.topic`, `msg.from` and `msg.payload` (the raw value), or methods of these names",
    items: &[
        v("topic", "any", "The topic; as a method it gives the same"),
        v("from", "any", "The PID of the sender, or nil; as a method it gives the same"),
        v("payload", "any", "The raw value; as a method it gives a Payload"),
    ],
};
