//! A seeded simulation of node and wire, in virtual time: one seed is a whole world.
//!
//! In it are the real [`node::Node`], [`ipc::Deframer`], [`ipc::Outbox`], [`ipc::codec`] and
//! [`told`](::supervisor::told), round them a supervisor that does what the real one does with them, and
//! workers that speak the real frames. What the kernel does is virtual: pipes with little room,
//! short writes, readiness that is told late and in any order, forks that fail, and deaths at any
//! byte.
//!
//! The laws are judged from what workers sent and were told (the history), not from the node's
//! tables. A world has random times, in which everything is late, cut or dies, and quiet times, in
//! which everybody does what is left to do; a quiet time that does not come to rest has lost a
//! wakeup, and what has not arrived after it is lost.
//!
//! | module | what it is |
//! |---|---|
//! | `world` | epochs, and the end |
//! | `supervisor`, `round`, `children` | the supervisor |
//! | `worker`, `hearing`, `answers`, `routes` | a worker: IO, what it is told, what it keeps |
//! | `script` | what workers do, by chance |
//! | `kernel`, `env`, `random` | pipes, deaths, readiness, time, chance |
//! | `history`, `judge`, `laws`, `witness` | what was sent and told, and the laws about it |

mod answers;
mod children;
mod env;
mod hearing;
mod history;
mod judge;
mod kernel;
mod laws;
mod random;
mod round;
mod routes;
mod script;
mod supervisor;
mod witness;
mod worker;
mod world;

pub use witness::{Record, Seen, Sight};
pub use world::{Outcome, run};
