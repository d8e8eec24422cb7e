//! What supervisor and zygote say to each other: one MessagePack value in each packet of a
//! SOCK_SEQPACKET socket, descriptors beside it (SCM_RIGHTS, unix(7)).

use serde::{Deserialize, Serialize};

/// From the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToZygote {
    /// The entries of the app. Descriptor: a file with an encoded [`Vec`] of [`Source`].
    Load,
    /// Fork a worker. Descriptor: its end of the socket.
    Fork,
}

/// From the zygote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromZygote {
    /// The entries are compiled, or their errors kept for whoever spawns them.
    Ready,
    /// A worker was forked. Descriptor: its pidfd.
    Forked {
        /// Its OS pid, in the zygote's pid namespace.
        os_pid: u32,
    },
    /// No worker could be forked.
    ForkFailed {
        /// errno(3).
        errno: i32,
    },
}

/// An entry with code, as the zygote compiles it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Entry, `ns:name`.
    pub id: String,
    /// File as errors name it, relative to the app's folder.
    pub file: String,
    /// Luau source text.
    pub text: String,
    /// Field of the returned table that is the body.
    pub method: String,
    /// Names that the code may require, each with the library entry behind it.
    pub imports: Vec<(String, String)>,
}
