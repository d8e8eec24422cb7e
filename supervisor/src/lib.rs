//! `wabe`: the supervisor and its command line.
//!
//! One thread, one loop ([`run`]), no Lua, no `unsafe`. The rules are in the crate `node`; what is
//! here reads an app ([`app`]), holds children and zygotes by their descriptors, moves bytes, and
//! does what the node says.
#![forbid(unsafe_code)]

pub mod app;
pub mod cgroup;
pub mod cli;

mod act;
mod attendants;
mod checking;
mod children;
mod descriptors;
mod diagnostic;
mod doctor;
mod enclosing;
mod ending;
mod grouping;
mod hearing;
mod hold;
mod init;
mod loading;
mod machine;
mod pool;
mod printer;
mod readable;
mod reading;
mod reload;
mod report;
mod run;
mod serving;
mod signals;
mod source;
mod spawning;
mod supervisor;
mod task;
mod terminal;
mod testing;
mod throttle;
mod turns;
mod upgrading;
mod watch;
mod watchdog;
mod wire;
mod writing;
mod zones;
mod zygote;

pub use diagnostic::Diagnostic;
pub use wire::{Told, told};
