//! Sets of layers of which each alone stops a probe, where many probes have the same.
//!
//! `Rlimits` is among them wherever a descriptor is needed: a worker may not have one more. `Uid`
//! and `Capabilities` stand for the supervisor being root: a worker that is another user, or is
//! root without capabilities, may no longer what root may. `Namespaces` takes most capabilities as
//! well, for they hold in its user namespace only.

use ipc::sandbox::Layer::{
    self, Capabilities, Descriptors, Landlock, Namespaces, NoNewPrivs, Rlimits, Seccomp, Uid,
};

/// Only the filter: a call that anybody may make, wherever.
pub(super) const FILTER: &[Layer] = &[Seccomp];

/// What gives one more descriptor.
pub(super) const DESCRIPTOR: &[Layer] = &[Rlimits, Seccomp];

/// What has a path, without being opened: an empty root has none.
pub(super) const PATH: &[Layer] = &[Namespaces, Seccomp];

/// What changes a folder.
pub(super) const TREE: &[Layer] = &[Namespaces, Landlock, Seccomp];

/// What opens a file.
pub(super) const FILE: &[Layer] = &[Namespaces, Landlock, Rlimits, Seccomp];

/// What only root may.
pub(super) const PRIVILEGE: &[Layer] = &[Namespaces, Uid, Capabilities, Seccomp];

/// What only root may, and opens a file.
pub(super) const PRIVILEGED_FILE: &[Layer] =
    &[Namespaces, Uid, Capabilities, Landlock, Rlimits, Seccomp];

/// What takes the right to trace another process. None of wabe's can be dumped, so that not even
/// equals have it.
pub(super) const TRACE: &[Layer] = &[Namespaces, Uid, Capabilities, Landlock, Seccomp];

/// A signal to another process of the same namespace.
pub(super) const SIGNAL: &[Layer] = &[Uid, Landlock, Seccomp];

/// A connection that Landlock has no say in.
pub(super) const NETWORK: &[Layer] = &[Namespaces, Rlimits, Seccomp];

/// The use of a descriptor that was left open.
pub(super) const LEAK: &[Layer] = &[Descriptors, Seccomp];

/// More memory than there may be: by calls that every worker makes.
pub(super) const MEMORY: &[Layer] = &[Rlimits];

/// The same, by a call that the filter refuses.
pub(super) const MEMORY_OR_FILTER: &[Layer] = &[Rlimits, Seccomp];

/// Memory that was written and is then to run. The kernel refuses it to a process that has asked
/// for that (PR_SET_MDWE, prctl(2)), as a worker has that can gain no privileges.
pub(super) const RUN_WHAT_WAS_WRITTEN: &[Layer] = &[NoNewPrivs, Seccomp];
