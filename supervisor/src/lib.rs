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
mod children;
mod diagnostic;
mod doctor;
mod enclosing;
mod ending;
mod grouping;
mod hearing;
mod printer;
mod reading;
mod report;
mod run;
mod source;
mod spawning;
mod supervisor;
mod task;
mod terminal;
mod throttle;
mod watchdog;
mod wire;
mod zygote;

pub use diagnostic::Diagnostic;
pub use wire::{Told, told};
