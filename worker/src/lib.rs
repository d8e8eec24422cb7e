//! The worker: what a zygote and every Lua process is made of.
//!
//! [`zygote::run`] is a program: it prepares a Luau state once and forks a copy of itself for each
//! process that the supervisor wants. A copy becomes a process in [`actor`], the only code here
//! that runs scripts. It trusts nobody with anything but its own socket.
//!
//! The process API is written in Luau (`prelude/`), on top of the functions of [`native`]: what
//! waits, wakes and is collected by the garbage collector lives where the collector sees it.
//!
//! `unsafe` is in [`fork`] (a process is made), in [`door`] and `sandbox/sys.rs` (system calls), in
//! [`objects`] and [`stack`] (functions of Luau's C API), in [`safepoint`] (Luau's interrupt), in
//! [`memory`] (the allocator), in [`turn`] (a signal handler) and in [`held`] (what that writes), and
//! nowhere else.

pub mod actor;
pub mod zygote;

mod arrival;
mod births;
mod clock;
#[cfg(test)]
mod contract;
mod decode;
mod document;
mod door;
mod encode;
mod entries;
mod event;
mod fork;
mod held;
mod hygiene;
mod leave;
mod mail;
mod mapping;
mod memory;
mod modules;
mod native;
mod objects;
mod outlet;
mod over;
mod parameters;
mod post;
mod reader;
mod rehearsal;
mod routes;
mod safepoint;
pub mod sandbox;
mod send;
mod settling;
mod stack;
mod time;
mod turn;
mod vm;
mod weigh;

pub use entries::Entries;
pub use vm::Vm;
