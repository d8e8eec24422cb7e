//! What supervisor and zygote say to each other: one MessagePack value in each packet of a
//! SOCK_SEQPACKET socket, descriptors beside it (SCM_RIGHTS, unix(7)).

use crate::Zones;
use crate::sandbox::{Missing, Plan};
use serde::{Deserialize, Serialize};

/// From the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToZygote {
    /// What its workers are to be enclosed in: the first packet, without a descriptor.
    Enclose(Plan),
    /// The entries of the app. Descriptor: a file as [`load_file`] makes it.
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
    /// The built-in modules that it names, of those that are not everywhere.
    pub modules: Vec<String>,
}

/// The bytes of the file that goes with [`ToZygote::Load`].
///
/// # Errors
/// Where the index of the zones is too large to be encoded.
pub fn load_file(sources: &[Source], zones: &Zones) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    let mut bytes = rmp_serde::to_vec(&(sources, zones))?;
    bytes.extend_from_slice(zones.files());
    Ok(bytes)
}

/// What is in such a file. The files of the zones stay where they are: there are many of them.
///
/// # Errors
/// Where the bytes are none.
pub fn read_load_file(
    bytes: &'static [u8],
) -> Result<(Vec<Source>, Zones), rmp_serde::decode::Error> {
    let mut rest = bytes;
    let (sources, zones): (_, Zones) = rmp_serde::from_read(&mut rest)?;
    Ok((sources, zones.with_files(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let text = |text: &str| text.to_owned();
        let source = Source {
            id: text("app:main"),
            file: text("main.lua"),
            text: text("return function() end"),
            method: text("main"),
            imports: vec![(text("util"), text("app:util"))],
            modules: vec![text("uuid")],
        };
        let zones = Zones::new([(text("UTC"), b"TZif".to_vec())]).with_local("Local", b"TZif2");
        let bytes = load_file(std::slice::from_ref(&source), &zones).expect("an encoding");
        let bytes = Vec::leak(bytes);
        assert!(read_load_file(&bytes[..9]).is_err());
        assert_eq!(read_load_file(bytes).expect("the same"), (vec![source], zones));
    }
}
