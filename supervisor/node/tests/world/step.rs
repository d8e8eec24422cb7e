//! The steps that histories are made of. How the world takes them is in `take.rs`.

use ipc::frame::{Op, OwnLimit, Ties, With};
use node::{ChildEnd, Stop, Stuck, Usage};

use super::{ENTRY, OTHER};

/// A process of the history.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Who {
    /// By order of birth; a step of one who cannot take it is no step.
    Born(usize),
    /// One of the living that can take the step, so that few random steps are wasted.
    Living(usize),
}

/// What a call is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dest {
    To(Who),
    Name(&'static str),
    /// A PID with a wrong tag.
    Forged(Who),
}

/// What becomes of a worker that is to become a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Birth {
    Loads,
    Fails,
    Dies,
    NoWorker,
    Waits,
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// With arguments of so many bytes.
    Spawn(Ties, &'static str, Birth, usize),
    /// Of another entry, without ties.
    SpawnOther(&'static str),
    /// Of the usual entry; its end is the answer.
    Exec(&'static str, Birth),
    Link(Dest),
    Unlink(Dest),
    Monitor(Dest),
    Unmonitor(Dest),
    Trap(bool),
    Upgradable(bool),
    Register(&'static str, Option<Dest>),
    Unregister(&'static str),
    Lookup(&'static str),
    /// A message that asks, of so many bytes.
    Ask(Dest, usize),
    Cancel(Dest, Option<u64>),
    Terminate(Dest),
}

/// What a worker may not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lie {
    Loaded,
    Done,
    UnknownRoute,
    OverCredit,
    ReservedTopic,
    TooLarge,
    ReleaseUnknown,
    Broken,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// The node itself wants a process on this host.
    Want(&'static str, Birth),
    Call(Who, Act),
    /// A message along one of its routes, within its credit.
    Send(Who, usize, usize),
    Release(Who, usize),
    Consume(Who, u64),
    Listen(Who),
    /// It says that it is ready.
    Ready(Who),
    /// The node itself asks it to end, within so many nanoseconds.
    Ask(Who, u64),
    /// The code of the usual entry has changed.
    Outdated,
    /// The node itself terminates it.
    Terminate(Who),
    /// What becomes of one that has been waiting to load.
    Load(Who, Birth),
    /// It goes on with another entry, or with its own, in another worker.
    Upgrade(Who, Option<&'static str>, Birth),
    /// It waits no more for the end of one of those for whom it waits.
    GiveUp(Who, usize),
    /// The body ended; the worker has not exited yet.
    Done(Who),
    /// The body ended and the worker exited.
    Return(Who),
    Fail(Who),
    /// The kernel's report.
    Exit(Who, ChildEnd),
    /// The kernel's report, with what it says of CPU time and memory.
    Used(Who, ChildEnd, Usage),
    /// The worker says that it is over a limit, and exits.
    Over(Who, OwnLimit, u64),
    /// It does not read.
    Stuck(Who, Stuck),
    /// The kernel's report of one that was killed.
    Reap(Who),
    Lie(Who, Lie),
    /// The worker closes its socket.
    Close(Who),
    Overrun(Who),
    Time(u64),
    Stop(Stop, u64),
}

impl Act {
    /// Whom it is about, where it is about somebody.
    pub(crate) fn dest(self) -> Option<Dest> {
        match self {
            Act::Link(dest) | Act::Unlink(dest) | Act::Monitor(dest) | Act::Unmonitor(dest) => {
                Some(dest)
            }
            Act::Ask(dest, _) | Act::Cancel(dest, _) | Act::Terminate(dest) => Some(dest),
            Act::Register(_, dest) => dest,
            Act::Spawn(..)
            | Act::SpawnOther(_)
            | Act::Exec(..)
            | Act::Trap(_)
            | Act::Upgradable(_)
            | Act::Unregister(_)
            | Act::Lookup(_) => None,
        }
    }

    pub(crate) fn op(self, dest: &str) -> Op<'_> {
        match self {
            Act::Spawn(ties, host, ..) => {
                Op::Spawn { entry: ENTRY, host, ties, with: With::default() }
            }
            Act::SpawnOther(host) => {
                Op::Spawn { entry: OTHER, host, ties: Ties::default(), with: With::default() }
            }
            Act::Exec(host, _) => {
                Op::Exec { entry: ENTRY, host: Some(host), with: With::default() }
            }
            Act::Link(_) => Op::Link { dest },
            Act::Unlink(_) => Op::Unlink { dest },
            Act::Monitor(_) => Op::Monitor { dest },
            Act::Unmonitor(_) => Op::Unmonitor { dest },
            Act::Trap(on) => Op::TrapLinks { on },
            Act::Upgradable(on) => Op::Upgradable { on },
            Act::Register(name, other) => Op::Register { name, dest: other.map(|_| dest) },
            Act::Unregister(name) => Op::Unregister { name },
            Act::Lookup(name) => Op::Lookup { name },
            Act::Ask(..) => Op::Send { dest, topic: "topic" },
            Act::Cancel(_, deadline_ns) => Op::Cancel { dest, reason: None, deadline_ns },
            Act::Terminate(_) => Op::Terminate { dest },
        }
    }

    /// Bytes of its frame.
    pub(crate) fn charge(self) -> usize {
        match self {
            Act::Ask(_, bytes) | Act::Spawn(.., bytes) => bytes,
            _ => 10,
        }
    }
}
