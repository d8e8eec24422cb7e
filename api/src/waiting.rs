//! Channels and select.

use crate::item::{Alias, Class, Module, f};

#[rustfmt::skip]
pub(crate) const CHANNEL: Module = Module {
    name: "channel",
    doc: "Channels as in Go, inside one process",
    items: &[
        f("new", "capacity: number?", "Channel<any>", "", "A channel with room for so many values; 0 is a rendezvous"),
        f("select", "cases: {[any]: any}", "Selected", "", "Waits for the first case that is ready, or takes `default = true`"),
    ],
};

#[rustfmt::skip]
pub(crate) const CHANNEL_OBJECT: Class = Class {
    name: "Channel<T>",
    runtime: "channel",
    doc: "Values in order, from senders to receivers",
    items: &[
        f("send", "value: any", "boolean", "", "Gives a value, waiting for room; raises on a closed channel"),
        f("receive", "", "(T, boolean)", "", "Takes a value, waiting for one; nil and false where it is closed and drained"),
        f("close", "", "()", "", "Closes it; nothing where it is closed"),
        f("case_receive", "", "Case", "", "A case of `channel.select` that receives"),
        f("case_send", "value: any", "Case", "", "A case of `channel.select` that sends"),
    ],
};

pub(crate) const CASE: Class =
    Class { name: "Case", runtime: "case", doc: "What `channel.select` chooses from", items: &[] };

pub(crate) const SELECTED: Alias = Alias {
    name: "Selected",
    luau: "{channel: Channel<any>, value: any, ok: boolean, default: boolean?}",
    runtime: "table",
    doc: "The case that was ready: its channel, the value and whether there was one",
};
