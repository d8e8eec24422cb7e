//! What a worker is enclosed in (`docs/sandbox.md`): some layers once, on the zygote, the others on
//! each of its copies. Each layer is looked at from inside once it is on, before the first line of
//! a script. Whatever cannot be put on, or is not what it should be, ends the worker.

mod bpf;
mod filter;
mod landlock;
mod namespaces;
mod privileges;
mod rlimits;
mod sys;

pub use bpf::{Decision, Instruction, Program};
pub use filter::{
    ALLOWED, Argument, Rule, THROUGH_THE_DOOR, canary, program, rules, rules_of_the_door,
};
pub(crate) use namespaces::{become_reaper, enter, serve_as_reaper};
pub(crate) use privileges::can_give_ids;

use crate::door::{self, Descriptor, close_from, is_open};
use crate::hygiene;
use ipc::sandbox::{Layer, Missing, Plan};
use std::io;
use std::os::fd::OwnedFd;

/// What could not be done to put a layer on, and of which layer.
pub(crate) type Layered<T> = Result<T, Missing>;

/// Names the layer whose part failed.
pub(crate) fn of<T>(
    layer: Layer,
    what: &str,
    result: Result<T, impl Into<io::Error>>,
) -> Layered<T> {
    result.map_err(|error| Missing { layer, why: format!("{what}: {}", error.into()) })
}

/// Checks what a layer should have done.
fn holds(layer: Layer, what: &str, is_so: bool) -> Layered<()> {
    match is_so {
        true => Ok(()),
        false => Err(Missing { layer, why: format!("{what}, though it was put on") }),
    }
}

/// A zygote that has its layers on, and what its copies need for theirs.
#[derive(Debug)]
pub(crate) struct Enclosure {
    plan: Plan,
    /// Added to a worker's number to give its user id, inside the zygote's user namespace.
    first_uid: u32,
    domain: Option<OwnedFd>,
    /// Bytes of address space that a fresh copy has.
    base: u64,
}

impl Enclosure {
    /// Puts on what the zygote and all its copies have, but for the filter. `alone`: it has
    /// namespaces of its own.
    pub(crate) fn zygote(plan: Plan, alone: bool) -> Layered<Self> {
        let has = |layer| plan.layers.has(layer);
        let base = if has(Layer::Rlimits) { rlimits::address_space()? } else { 0 };
        // Inside a user namespace they begin at 0, also where the others could not be had.
        let outside = has(Layer::Uid) && can_give_ids(plan.first_uid);
        let first_uid = if outside { plan.first_uid + 1 } else { 1 };
        if alone {
            namespaces::empty_root()?;
        }
        if has(Layer::Capabilities) {
            privileges::keep_only_ids(has(Layer::Uid))?;
        }
        if has(Layer::NoNewPrivs) {
            privileges::no_new_privs()?;
            sys::refuse_exec_gain();
        }
        let domain = if has(Layer::Landlock) { Some(landlock::ruleset()?) } else { None };
        if let Some(domain) = &domain {
            landlock::restrict(domain)?;
        }
        if has(Layer::Rlimits) {
            rlimits::zygote()?;
        }
        Ok(Enclosure { plan, first_uid, domain, base })
    }

    /// Puts the filter on, the last of what the zygote and all its copies have: from here on
    /// everything that a process may not do goes through the door.
    pub(crate) fn filter(&self) -> Layered<()> {
        if self.plan.layers.has(Layer::Seccomp) { filter::install() } else { Ok(()) }
    }

    /// The turn limit of the host.
    pub(crate) fn turn_ns(&self) -> u64 {
        self.plan.limits.turn_ns
    }

    /// Puts on the first part of the rest, in a copy: the worker's number makes its user. Its socket
    /// goes to its place next, and then [`Enclosure::close`] does what is left.
    ///
    /// The order matters: the user before the parent-death signal, which a change of user clears;
    /// the descriptors before their limit; the door last, for all of this goes through it.
    pub(crate) fn worker(&self, socket: &Descriptor, number: u32) -> Layered<()> {
        let has = |layer| self.plan.layers.has(layer);
        if has(Layer::Uid) {
            privileges::own_user(self.first_uid.saturating_add(number))?;
        }
        if has(Layer::Capabilities) {
            privileges::none()?;
        }
        of(Layer::Descriptors, "parent-death signal", hygiene::worker(socket))?;
        if let Some(domain) = &self.domain {
            landlock::restrict(domain)?;
            // Here, for afterwards there is no descriptor left to try it with.
            landlock::holds()?;
        }
        Ok(())
    }

    fn only_the_socket(&self) -> Layered<()> {
        of(Layer::Descriptors, "/dev/null as standard input and error", hygiene::null_streams())?;
        of(Layer::Descriptors, "close_range", close_from(hygiene::SOCKET + 1))?;
        let left = (hygiene::SOCKET + 1..hygiene::SOCKET + 8).any(is_open);
        holds(Layer::Descriptors, "a descriptor is left open", !left)
    }

    /// Closes what is open, sets the limits, looks at what was put on, and shuts the door.
    pub(crate) fn close(&self, number: u32) -> Layered<()> {
        let has = |layer| self.plan.layers.has(layer);
        if has(Layer::Descriptors) {
            self.only_the_socket()?;
        }
        if has(Layer::Rlimits) {
            rlimits::worker(&self.plan.limits, self.base)?;
        }
        if has(Layer::Uid) {
            privileges::is_user(self.first_uid.saturating_add(number))?;
        }
        if has(Layer::Capabilities) {
            privileges::has_none()?;
        }
        if has(Layer::NoNewPrivs) {
            privileges::gains_none()?;
        }
        if has(Layer::Rlimits) {
            rlimits::hold(&self.plan.limits, self.base)?;
        }
        of(Layer::Seccomp, "shutting the door", door::shut())?;
        let filtered = !has(Layer::Seccomp) || canary();
        holds(Layer::Seccomp, "the filter does not answer", filtered)
    }
}
