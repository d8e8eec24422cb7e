//! The worker: what a zygote and every Lua process is made of.
//!
//! [`zygote::run`] is a program: it prepares a Luau state once and forks a copy of itself for each
//! process that the supervisor wants. A copy becomes a process in [`actor`], the only code here
//! that runs scripts. It trusts nobody with anything but its own socket.
//!
//! The process API is written in Luau (`prelude/`), on top of the functions of [`native`]: what
//! waits, wakes and is collected by the garbage collector lives where the collector sees it.
//!
//! `unsafe` is in [`fork`] (a process is made), in [`objects`] (three functions of Luau's C API)
//! and nowhere else.

pub mod actor;
pub mod zygote;

mod decode;
mod encode;
mod entries;
mod event;
mod fork;
mod hygiene;
mod native;
mod objects;
mod outlet;
mod routes;
mod vm;

pub use entries::Entries;
pub use vm::Vm;
