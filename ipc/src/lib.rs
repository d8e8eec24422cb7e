//! The words and the wire that supervisor and worker share.
//!
//! Pure: no IO, no clock, no `unsafe`. What is here is what both sides must agree on, byte for
//! byte: [`Pid`], the [frames](frame), their [encoding](codec), the [`Deframer`] (bytes in, whole
//! frames out), the [`Outbox`] (frames in, bytes out), [exit reasons](exit) and every [limit](limits).
//!
//! The format on the wire is written down in `docs/protocol.md`.
#![forbid(unsafe_code)]

pub mod chaos;
pub mod codec;
pub mod exit;
pub mod fault;
pub mod frame;
pub mod hot;
pub mod limits;
pub mod payload;
pub mod quota;
pub mod sandbox;
pub mod zones;
pub mod zygote;

mod deframer;
mod op;
mod outbox;
mod pid;

pub use deframer::{Deframer, Feed, Frame, FrameError, LARGE};
pub use exit::{ExitKind, ExitReason, LimitUse, signal_name};
pub use fault::{Fault, FaultKind};
pub use outbox::Outbox;
pub use pid::{Pid, PidText};
pub use quota::Limits;
pub use zones::Zones;
