//! What payloads have beside plain MessagePack (`docs/protocol.md`). The supervisor
//! reads one only to show the result of a main process that has ended.

use crate::limits::DEPTH_MAX;

/// Extension type of an Error: a map of its fields.
pub const EXT_ERROR: i8 = 1;

/// Extension type of a vector: three f32, little endian.
pub const EXT_VECTOR: i8 = 2;

/// An empty array: the arguments of a process that is given none.
pub const NO_ARGUMENTS: &[u8] = &[0x90];

/// Levels of a decoded payload. An encoder counts the tables of a script; an Error adds itself and
/// the table of its fields.
pub const LEVELS_MAX: usize = DEPTH_MAX + 2;
