//! What supervisor and zygote say to each other: one MessagePack value in each packet of a
//! SOCK_SEQPACKET socket, descriptors beside it (SCM_RIGHTS, unix(7)).

use crate::sandbox::{Missing, Plan};
use serde::{Deserialize, Serialize};

/// From the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToZygote {
    /// What its workers are to be enclosed in: the first packet, without a descriptor.
    Enclose(Plan),
    /// The entries of the app. Descriptor: a file with an encoded [`Vec`] of [`Source`].
    Load,
    /// Fork a worker. Descriptors: its end of the socket, and the directory of its control group
    /// where it gets one.
    Fork {
        /// Added to [`Plan::first_uid`], where workers get a user of their own.
        uid: u32,
    },
}

/// From the zygote.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromZygote {
    /// The first process of the workers' pid namespace, which ends them all when it ends.
    /// Descriptor: its pidfd.
    Reaper,
    /// The zygote itself, which the started program has forked into its namespaces. Descriptor: its
    /// pidfd.
    Zygote,
    /// It is enclosed, but for these optional layers.
    Enclosed(Vec<Missing>),
    /// It could not be enclosed as planned, and exits.
    NotEnclosed(Missing),
    /// The entries are compiled, or their errors kept for whoever spawns them.
    Ready,
    /// A worker was forked. Descriptor: its pidfd.
    Forked,
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
