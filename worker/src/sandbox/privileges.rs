//! Users, groups and capabilities.

use super::{Layered, holds, of};
use ipc::sandbox::{Layer, UIDS};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, no_new_privs as gains_no_privs,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};
use std::fs;

const NO_CAPABILITY: CapabilitySets = CapabilitySets {
    effective: CapabilitySet::empty(),
    permitted: CapabilitySet::empty(),
    inheritable: CapabilitySet::empty(),
};

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
    let sets = CapabilitySets { effective: kept, permitted: kept, ..NO_CAPABILITY };
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
    let (uid, gid) = (Uid::from_raw(id), Gid::from_raw(id));
    of(Layer::Uid, "setgroups", set_thread_groups(&[]))?;
    of(Layer::Uid, "setresgid", set_thread_res_gid(gid, gid, gid))?;
    of(Layer::Uid, "setresuid", set_thread_res_uid(uid, uid, uid))
}

/// In a worker: none at all. The change of user has taken them already, where there was one.
pub(super) fn none() -> Layered<()> {
    of(Layer::Capabilities, "capset", set_capabilities(None, NO_CAPABILITY))
}

pub(super) fn is_user(id: u32) -> Layered<()> {
    let (uid, gid) = (Uid::from_raw(id), Gid::from_raw(id));
    let users = [rustix::process::getuid(), rustix::process::geteuid()] == [uid; 2];
    let groups = [rustix::process::getgid(), rustix::process::getegid()] == [gid; 2];
    let others = rustix::process::getgroups().is_ok_and(|others| others.is_empty());
    holds(Layer::Uid, "the worker has another user or group", users && groups && others)
}

pub(super) fn has_none() -> Layered<()> {
    let sets = of(Layer::Capabilities, "capget", capabilities(None))?;
    let none = (sets.effective | sets.permitted | sets.inheritable).is_empty();
    holds(Layer::Capabilities, "the worker has capabilities", none)
}

pub(super) fn gains_none() -> Layered<()> {
    let is_set = of(Layer::NoNewPrivs, "prctl", gains_no_privs())?;
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
