//! The rules of the actor system, and nothing else.
//!
//! [`Node`] decides all that makes wabe an actor system: who is alive, who is linked to whom, who
//! monitors whom, who has which name, which message is accepted, why a process ended and who is
//! told of it in which order. An [`Input`] goes in, [`Output`]s come out:
//!
//! ```
//! # use node::{Config, HostSpec, Input, Node, Output};
//! let mut config = Config::new([7; 16]);
//! config.add_host("app:processes", HostSpec::DEFAULT);
//! config.add_entry("app:main", "process.lua", ipc::Limits::NONE);
//! let mut node = Node::new(config);
//! node.handle(0, Input::Spawn { token: 0, entry: "app:main", host: "app:processes" });
//! assert!(matches!(node.poll_output(), Some(Output::Start { .. })));
//! ```
//!
//! Absent here, on purpose: descriptors, clocks (time is an argument), randomness (the key of the
//! PID tags is an argument), payloads (whoever calls keeps the bytes and moves them as the outputs
//! say), threads, `unsafe`, and even `std`. The same inputs give the same outputs.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod chaos;
mod config;
mod end;
mod errands;
mod exec;
mod guard;
mod input;
mod lineage;
mod names;
mod node;
mod output;
mod permissions;
mod process;
mod quota;
mod reason;
mod refusal;
mod routes;
pub mod services;
mod spawn;
mod stop;
mod ties;
mod timers;
mod upgrade;

pub use config::{Config, HostSpec};
pub use input::{ChildEnd, Input, Stop, Stuck, Usage};
pub use node::Node;
pub use output::{Granted, Output};
pub use permissions::{Allowed, Control, Denial, Pattern, Permissions};
pub use refusal::Refusal;
