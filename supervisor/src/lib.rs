//! `wabe`: the supervisor and its command line.
//!
//! One thread, one loop ([`run`]), no Lua, no `unsafe`. The rules are in the crate `node`; what is
//! here reads an app ([`app`]), holds children and zygotes by their descriptors, moves bytes, and
//! does what the node says.
#![forbid(unsafe_code)]

pub mod app;
pub mod cli;

mod act;
mod children;
mod diagnostic;
mod ending;
mod printer;
mod reading;
mod report;
mod run;
mod spawning;
mod supervisor;
mod terminal;
mod wire;
mod zygote;

pub use diagnostic::Diagnostic;
pub use wire::{Told, told};
