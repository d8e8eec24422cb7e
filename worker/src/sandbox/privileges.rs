//! Users, groups and capabilities.

use super::{Layered, holds, of};
use crate::door;
use ipc::sandbox::{Layer, UIDS};
use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs,
};
use std::fs;

/// In the zygote: no capability but those that give its copies users of their own, and none of them
/// can come back by an exec.
pub(super) fn keep_only_ids(ids: bool) -> Layered<()> {
    let held = of(Layer::Capabilities, "capget", capabilities(None))?.effective;
    if held.contains(CapabilitySet::SETPCAP) {
        of(Layer::Capabilities, "bounding set", empty_bounding_set())?;
    }
    of(Layer::Capabilities, "ambient set", clear_ambient_capability_set())?;
    let ids =
        if ids { CapabilitySet::SETUID | CapabilitySet::SETGID } else { CapabilitySet::empty() };
    let kept = ids & held;
    let inheritable = CapabilitySet::empty();
    let sets = CapabilitySets { effective: kept, permitted: kept, inheritable };
    of(Layer::Capabilities, "capset", set_capabilities(None, sets))
}

/// True where this process can give ids from `first` on to others: it may, and they exist here.
pub(crate) fn can_give_ids(first: u32) -> bool {
    let both = CapabilitySet::SETUID | CapabilitySet::SETGID;
    let may = capabilities(None).is_ok_and(|held| held.effective.contains(both));
    may && ["uid_map", "gid_map"].iter().all(|map| {
        let map = fs::read_to_string(format!("/proc/self/{map}"));
        map.is_ok_and(|map| map.lines().any(|line| covers(line, first)))
    })
}

/// A line of user_namespaces(7): the first id here, the first outside, how many.
fn covers(line: &str, first: u32) -> bool {
    let mut numbers = line.split_whitespace().map(|number| number.parse::<u64>().unwrap_or(0));
    let (Some(here), Some(_), Some(count)) = (numbers.next(), numbers.next(), numbers.next())
    else {
        return false;
    };
    here <= first.into() && u64::from(first) + u64::from(UIDS) <= here + count
}

/// The kernel says EINVAL to the first number that it has no capability for.
fn empty_bounding_set() -> Result<(), Errno> {
    for capability in CapabilitySet::all().iter() {
        match capability_is_in_bounding_set(capability) {
            Ok(true) => remove_capability_from_bounding_set(capability)?,
            Ok(false) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) fn no_new_privs() -> Layered<()> {
    of(Layer::NoNewPrivs, "prctl", set_no_new_privs(true))
}

/// In a worker: that user, that group and no other.
pub(super) fn own_user(id: u32) -> Layered<()> {
    of(Layer::Uid, "setgroups", door::set_groups_none())?;
    of(Layer::Uid, "setresgid", door::set_gid(id))?;
    of(Layer::Uid, "setresuid", door::set_uid(id))
}

/// In a worker: none at all. The change of user has taken them already, where there was one.
pub(super) fn none() -> Layered<()> {
    of(Layer::Capabilities, "capset", door::drop_capabilities())
}

pub(super) fn is_user(id: u32) -> Layered<()> {
    let users = of(Layer::Uid, "getresuid", door::uids())? == [id; 3];
    let groups = of(Layer::Uid, "getresgid", door::gids())? == [id; 3];
    let others = of(Layer::Uid, "getgroups", door::group_count())? > 0;
    holds(Layer::Uid, "the worker has another user or group", users && groups && !others)
}

pub(super) fn has_none() -> Layered<()> {
    let none = of(Layer::Capabilities, "capget", door::has_no_capabilities())?;
    holds(Layer::Capabilities, "the worker has capabilities", none)
}

pub(super) fn gains_none() -> Layered<()> {
    let is_set = of(Layer::NoNewPrivs, "prctl", door::gains_no_privileges())?;
    holds(Layer::NoNewPrivs, "no_new_privs is not set", is_set)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_there_or_not() {
        assert!(covers("         0          0 4294967295", 1 << 20));
        assert!(covers("1048576 2000000 1048576", 1 << 20));
        for line in ["0 1000 1", "0 100000 65536", "", "x y z", "1048577 0 4294967295"] {
            assert!(!covers(line, 1 << 20), "{line}");
        }
    }
}
