//! Control groups (cgroups(7), version 2): the kernel's own limit of what a worker may use.
//!
//! Where a service manager delegates a control group, the supervisor makes this of it:
//!
//! ```text
//! DELEGATED/           no process; controllers memory and pids enabled
//! ├ supervisor/        the supervisor
//! └ actors/            no process; the same controllers enabled
//!   ├ zygotes/         zygotes, and the first processes of their pid namespaces
//!   └ 1/ 2/ 3/ …       one worker each, with its host's limits
//! ```
//!
//! A worker is born in its group (`clone3(CLONE_INTO_CGROUP)`), so nothing of it is ever charged
//! elsewhere. Its group outlives it: it is read once more for why the worker ended, then reused.
//!
//! [`Place::find`] finds the delegated group or says why there is none; [`Place::open`] makes the
//! folders; [`Cgroups`] hands them out. What a supervisor that was killed has left, the next one
//! removes, and [`Cgroups::close`] leaves everything as it was found.

mod charge;
mod folder;
mod groups;
mod place;

pub use charge::{OutOfMemory, memory_max};
pub use groups::{Cgroups, Group};
pub(crate) use place::unescaped;
pub use place::{Place, Why};

use std::io;
use std::path::{Path, PathBuf};

/// Controllers without which there is no layer.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];

/// A delegated group that could not be made use of.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Another supervisor, which lives, has the same group.
    #[error("control group {} is in use by another wabe; give each a group of its own", .0.display())]
    InUse(PathBuf),
    /// Processes in a group keep its controllers from being enabled for the groups in it.
    #[error(
        "control group {} has other processes in it (OS process {other}); start wabe as the only \
         process of a group with Delegate=memory pids",
        path.display()
    )]
    Shared {
        /// The group.
        path: PathBuf,
        /// One of them.
        other: u32,
    },
    /// Anything else that the kernel refused.
    #[error("cannot {what} {}: {error}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which file.
        path: PathBuf,
        /// How it failed.
        #[source]
        error: io::Error,
    },
}

/// Says what failed on which file.
fn failed(what: &'static str, path: &Path) -> impl FnOnce(rustix::io::Errno) -> SetupError + use<> {
    let path = path.to_owned();
    move |error| SetupError::Io { what, path, error: error.into() }
}
