//! [`Layer`] and [`Plan`]: what a worker is enclosed in, as supervisor and zygote speak of it.

use crate::Limits;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One layer of the sandbox (`docs/sandbox.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Layer {
    /// User, pid, net, mount, ipc, uts and cgroup namespaces, and an empty read-only root.
    Namespaces,
    /// A user and a group of its own for each worker, where the supervisor is root.
    Uid,
    /// A control group of its own for each worker, where one is delegated to the supervisor.
    Cgroup,
    /// No capability, and none to be had.
    Capabilities,
    /// No privilege can be gained by an exec.
    NoNewPrivs,
    /// A Landlock domain of its own that allows nothing.
    Landlock,
    /// Resource limits of the kernel.
    Rlimits,
    /// No descriptor but the worker's socket, 0 to 2 being /dev/null.
    Descriptors,
    /// The system call filter.
    Seccomp,
}

impl Layer {
    /// All layers, in the order in which they are put on.
    pub const ALL: [Layer; 9] = [
        Layer::Namespaces,
        Layer::Uid,
        Layer::Cgroup,
        Layer::Capabilities,
        Layer::NoNewPrivs,
        Layer::Landlock,
        Layer::Rlimits,
        Layer::Descriptors,
        Layer::Seccomp,
    ];

    /// The layers that a host may declare optional.
    pub const MAY_BE_OPTIONAL: [Layer; 3] = [Layer::Namespaces, Layer::Uid, Layer::Cgroup];

    /// The name that manifests, messages and documents use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Layer::Namespaces => "namespaces",
            Layer::Uid => "uid",
            Layer::Cgroup => "cgroup",
            Layer::Capabilities => "capabilities",
            Layer::NoNewPrivs => "no_new_privs",
            Layer::Landlock => "landlock",
            Layer::Rlimits => "rlimits",
            Layer::Descriptors => "descriptors",
            Layer::Seccomp => "seccomp",
        }
    }

    /// The layer of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Layer::ALL.into_iter().find(|layer| layer.as_str() == name)
    }

    /// What a user can do where this machine does not give the layer.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Layer::Namespaces => {
                "allow user namespaces (sysctl user.max_user_namespaces, \
                 kernel.apparmor_restrict_unprivileged_userns), or declare 'optional: [namespaces]' \
                 in the host's manifest"
            }
            Layer::Uid => {
                "give the supervisor CAP_SETUID and CAP_SETGID, run it as an ordinary user, or \
                 declare 'optional: [uid]' in the host's manifest"
            }
            Layer::Cgroup => {
                "delegate the controllers memory and pids (Delegate=memory pids of the systemd \
                 unit), or declare 'optional: [cgroup]' in the host's manifest"
            }
            Layer::Capabilities => "run wabe where it may drop capabilities (capset(2), prctl(2))",
            Layer::NoNewPrivs => "use Linux 3.5 or later",
            Layer::Landlock => {
                "use Linux 5.13 or later with Landlock among its security modules (lsm=landlock,… \
                 on the kernel's command line)"
            }
            Layer::Rlimits => "raise the hard limits under which wabe runs (ulimit -H -a)",
            Layer::Descriptors => "use Linux 5.9 or later (close_range(2))",
            Layer::Seccomp => "use a kernel with CONFIG_SECCOMP_FILTER",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// User and group ids of one node, from [`Plan::first_uid`] on. Its zygotes have the first.
pub const UIDS: u32 = 1 << 20;

/// A set of layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers(u16);

impl Layers {
    /// No layer.
    pub const NONE: Layers = Layers(0);
    /// Every layer.
    pub const ALL: Layers = Layers((1 << Layer::ALL.len()) - 1);

    /// True where the layer is in the set.
    #[must_use]
    pub const fn has(self, layer: Layer) -> bool {
        self.0 & (1 << layer as u16) != 0
    }

    /// The set with the layer.
    #[must_use]
    pub const fn with(self, layer: Layer) -> Self {
        Layers(self.0 | 1 << layer as u16)
    }

    /// The set without the layer.
    #[must_use]
    pub const fn without(self, layer: Layer) -> Self {
        Layers(self.0 & !(1 << layer as u16))
    }

    /// The layers in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = Layer> {
        Layer::ALL.into_iter().filter(move |layer| self.has(*layer))
    }
}

impl FromIterator<Layer> for Layers {
    fn from_iter<I: IntoIterator<Item = Layer>>(layers: I) -> Self {
        layers.into_iter().fold(Layers::NONE, Layers::with)
    }
}

/// How much is put around a worker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sandbox {
    /// All layers; workers of a host are copies of one zygote.
    #[default]
    Standard,
    /// All layers; an exec, and so an address-space layout, of its own for each worker, and clocks
    /// of a millisecond.
    Strict,
    /// No layer. Only with `--allow-no-sandbox`.
    None,
}

/// What a host's workers are to be enclosed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Standard, strict or none.
    pub sandbox: Sandbox,
    /// The layers to put on. Those that do not apply here (a user of its own where the supervisor is
    /// no root) are not among them.
    pub layers: Layers,
    /// Those of them that may be missing.
    pub optional: Layers,
    /// The first user and group id of this node's workers, where they get their own.
    pub first_uid: u32,
    /// The limits of the host.
    pub limits: Limits,
    /// How far its workers stand back where there is not enough CPU for all (nice(1)).
    pub nice: u8,
}

/// A layer that could not be put on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Which.
    pub layer: Layer,
    /// What failed, and how.
    pub why: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer '{}' of the sandbox cannot be had: {}", self.layer, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_a_set() {
        assert_eq!(Layers::ALL.iter().collect::<Vec<_>>(), Layer::ALL);
        let two: Layers = [Layer::Seccomp, Layer::Namespaces].into_iter().collect();
        assert_eq!(two.iter().collect::<Vec<_>>(), [Layer::Namespaces, Layer::Seccomp]);
        assert_eq!(two.without(Layer::Seccomp), Layers::NONE.with(Layer::Namespaces));
        for layer in Layer::ALL {
            assert_eq!(Layer::named(layer.as_str()), Some(layer));
        }
        assert_eq!(Layer::named("none"), None);
    }
}
