//! A Landlock domain that allows nothing: no file, no TCP, no signal and no abstract socket beyond
//! itself. Each worker has one of its own, nested into the zygote's: those who share a domain could
//! signal each other.

use super::{Layered, holds as hold, of};
use crate::door;
use ipc::sandbox::{Layer, Missing};
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, Scope,
};
use std::os::fd::{AsFd, OwnedFd};

/// The newest version whose rights are asked for; an older kernel gives what it has.
const NEWEST: ABI = ABI::V6;

/// A ruleset that handles every right the kernel knows and allows none.
pub(super) fn ruleset() -> Layered<OwnedFd> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|ruleset| ruleset.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|ruleset| ruleset.scope(Scope::from_all(NEWEST)))
        .and_then(Ruleset::create);
    let missing = |why: String| Missing { layer: Layer::Landlock, why };
    let created = ruleset.map_err(|error| missing(error.to_string()))?;
    let descriptor: Option<OwnedFd> = created.into();
    descriptor.ok_or_else(|| missing("this kernel does not have it, or not switched on".to_owned()))
}

/// Enters one more domain of that ruleset.
pub(super) fn restrict(ruleset: &OwnedFd) -> Layered<()> {
    of(Layer::Landlock, "landlock_restrict_self", door::landlock_restrict_self(ruleset.as_fd()))
}

/// Reading the root folder, which is empty and anybody's, is refused.
pub(super) fn holds() -> Layered<()> {
    let refused = door::open_folder(c"/").map_err(|error| error.raw_os_error());
    hold(Layer::Landlock, "a folder can be opened", refused.err() == Some(Some(libc::EACCES)))
}
