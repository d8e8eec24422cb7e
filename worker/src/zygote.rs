//! The zygote: a worker that is still nobody. It loads the app's code once and forks on request.

use crate::fork::{Forked, exit_now, fork_sibling, only_thread};
use crate::{Entries, Vm, hygiene};
use ipc::zygote::{FromZygote, Source, ToZygote};
use rustix::process::Pid;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

/// What a fresh copy does with its socket. It never returns to the zygote's code.
pub type Body = fn(&Vm, OwnedFd);

/// Serves the supervisor on standard input until that ends.
///
/// # Errors
/// Where standard input is no socket of a supervisor, or the zygote cannot be prepared.
pub fn run(body: Body) -> io::Result<()> {
    let control = rustix::stdio::stdin();
    if !is_packet_socket(control) {
        return Err(io::Error::other("standard input is no socket of a supervisor"));
    }
    let supervisor = hygiene::zygote()?;
    let vm = Vm::new().map_err(|error| io::Error::other(error.to_string()))?;
    if !only_thread() {
        return Err(io::Error::other("a zygote has one thread, this one has more"));
    }
    while let Some((request, descriptor)) = packet::receive::<ToZygote>(control)? {
        match (request, descriptor) {
            (ToZygote::Load, Some(file)) => {
                vm.entries().replace(Entries::compile(read_sources(file)?));
                packet::send(control, &FromZygote::Ready, None)?;
            }
            (ToZygote::Fork, Some(socket)) => fork(control, &vm, socket, supervisor, body)?,
            (_, None) => return Err(io::Error::other("request without its descriptor")),
        }
    }
    Ok(())
}

fn is_packet_socket(control: BorrowedFd<'_>) -> bool {
    rustix::net::sockopt::socket_type(control) == Ok(rustix::net::SocketType::SEQPACKET)
}

fn read_sources(file: OwnedFd) -> io::Result<Vec<Source>> {
    let file = File::from(file);
    let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    // At a position of its own: the zygotes of all hosts share the file and its offset.
    file.read_exact_at(&mut bytes, 0)?;
    rmp_serde::from_slice(&bytes).map_err(io::Error::other)
}

fn fork(
    control: BorrowedFd<'_>,
    vm: &Vm,
    socket: OwnedFd,
    supervisor: Option<Pid>,
    body: Body,
) -> io::Result<()> {
    match fork_sibling() {
        Ok(Forked::Child) => become_worker(vm, socket, supervisor, body),
        Ok(Forked::Zygote { os_pid, pidfd }) => {
            packet::send(control, &FromZygote::Forked { os_pid }, Some(pidfd.as_fd()))
        }
        Err(error) => {
            let errno = error.raw_os_error().unwrap_or(0);
            packet::send(control, &FromZygote::ForkFailed { errno }, None)
        }
    }
}

fn become_worker(vm: &Vm, socket: OwnedFd, supervisor: Option<Pid>, body: Body) -> ! {
    if let Ok(socket) = hygiene::worker(socket, supervisor) {
        body(vm, socket);
    }
    exit_now(EXIT_UNPREPARED)
}

/// Exit code of a copy that could not be prepared, or whose body returned without an end.
const EXIT_UNPREPARED: i32 = 70;
