//! The least that every worker is made to be, before it runs a line of a script: nobody's debugger
//! target, without new privileges, gone when the supervisor is gone, holding nothing but its socket.

use crate::fork::{close_from, default_fault_signals};
use rustix::process::{Pid, Resource, Rlimit, Signal};
use rustix::{process, stdio, thread};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// The descriptor of a worker's socket.
pub(crate) const SOCKET: i32 = 3;

/// Once, in the zygote: what copies inherit. Returns the supervisor's OS pid.
pub(crate) fn zygote() -> io::Result<Option<Pid>> {
    process::set_parent_process_death_signal(Some(Signal::KILL))?;
    // Whoever started the supervisor may have left descriptors open in it without CLOEXEC.
    close_from(3)?;
    name_process("wabe-zygote");
    let supervisor = process::getppid();
    // A session of its own: Ctrl-C at the terminal is for the supervisor to translate.
    process::setsid()?;
    thread::set_no_new_privs(true)?;
    default_fault_signals()?;
    // No core files, and no ptrace by others of the same user (prctl(2)).
    process::set_dumpable_behavior(process::DumpableBehavior::NotDumpable)?;
    process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    Ok(supervisor)
}

/// In each copy: keep the socket and nothing else, die with the supervisor.
pub(crate) fn worker(socket: OwnedFd, supervisor: Option<Pid>) -> io::Result<OwnedFd> {
    // fork(2) has cleared the signal. Where the supervisor died before this line, its place as
    // parent has been taken by somebody else.
    process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if process::getppid() != supervisor {
        return Err(io::Error::other("the supervisor is gone"));
    }
    // 0 was the zygote's control socket, 2 the supervisor's standard error; 1 is /dev/null.
    stdio::dup2_stdin(stdio::stdout())?;
    stdio::dup2_stderr(stdio::stdout())?;
    let socket = at_its_place(socket)?;
    close_from(SOCKET + 1)?;
    name_process("wabe-warm");
    Ok(socket)
}

fn at_its_place(socket: OwnedFd) -> io::Result<OwnedFd> {
    if socket.as_raw_fd() == SOCKET {
        return Ok(socket);
    }
    let mut place = crate::fork::descriptor_at(SOCKET);
    rustix::io::dup3(&socket, &mut place, rustix::io::DupFlags::CLOEXEC)?;
    Ok(place)
}

/// Names the worker, after its entry once it has one, as `ps` and `top` show it (at most 15 bytes).
pub(crate) fn name_process(name: &str) {
    if let Ok(name) = CString::new(name) {
        // A name is for people: that it could not be set is no reason to fail.
        let _ = thread::set_name(&name);
    }
}

/// A random number for this process alone: copies of one zygote would else draw the same.
pub(crate) fn fresh_seed() -> io::Result<u32> {
    let mut seed = [0; 4];
    let filled = rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())?;
    match filled == seed.len() {
        true => Ok(u32::from_ne_bytes(seed)),
        false => Err(io::Error::other("getrandom gave too few bytes")),
    }
}
