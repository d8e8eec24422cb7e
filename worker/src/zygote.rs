//! The zygote: a worker that is still nobody. It is enclosed, loads the app's code once, and forks
//! on request.
//!
//! The program that the supervisor starts is not the zygote yet. It enters new namespaces, which
//! only its children are fully in, forks their reaper and the zygote as its siblings, and ends.

use crate::fork::{Forked, close_from, exit_now, fork_sibling, only_thread};
use crate::sandbox::{Enclosure, Layered, become_reaper, can_give_ids, enter, of, serve_as_reaper};
use crate::{Entries, Vm, hygiene, turn};
use ipc::Outbox;
use ipc::frame::FromWorker;
use ipc::sandbox::{Layer, Missing, Plan, Sandbox};
use ipc::zygote::{FromZygote, Source, ToZygote};
use rustix::pipe::{PipeFlags, pipe_with};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

/// What a fresh copy does with its socket. It never returns to the zygote's code.
pub type Body = fn(&Vm, OwnedFd);

/// Exit code of a zygote or a worker that could not be enclosed or prepared.
const EXIT_UNPREPARED: i32 = 70;

/// Steps of every clock on a strict host: who can measure little learns little of its neighbours.
const STRICT_CLOCK_STEP_NS: u64 = 1_000_000;

/// Serves the supervisor on standard input until that ends.
///
/// # Errors
/// Where standard input is no socket of a supervisor, or the zygote cannot be prepared.
pub fn run(body: Body) -> io::Result<()> {
    // Before Linux 6.4 it is read from /proc, which a zygote does not have, and kept.
    let _ = rustix::param::page_size();
    let control = rustix::stdio::stdin();
    if !is_packet_socket(control) {
        return Err(io::Error::other("standard input is no socket of a supervisor"));
    }
    let Some((ToZygote::Enclose(plan), _)) = packet::receive::<ToZygote>(control)? else {
        return Err(io::Error::other("the supervisor does not say how to be enclosed"));
    };
    if !only_thread() {
        return Err(io::Error::other("a zygote has one thread, this one has more"));
    }
    hygiene::begin()?;
    let (plan, mut missing) = or_refuse(control, without_what_may_be_missing(plan));
    let alone = or_refuse(control, go_inside(control, &plan, &mut missing));
    let (wait, told) = pipe_with(PipeFlags::CLOEXEC)?;
    let forked = of(Layer::Namespaces, "forking the zygote", fork_sibling(None));
    match or_refuse(control, forked) {
        Forked::Child => {
            // The supervisor is to hear of it before it hears it: until the other one has ended.
            drop(told);
            rustix::io::read(&wait, &mut [0])?;
            drop(wait);
        }
        Forked::Zygote { pidfd } => {
            packet::send(control, &FromZygote::Zygote, &[pidfd.as_fd()])?;
            exit_now(0);
        }
    }
    let enclosure = or_refuse(control, enclose(control, plan, alone));
    let vm = Vm::new().map_err(|error| io::Error::other(error.to_string()))?;
    if plan.sandbox == Sandbox::Strict {
        vm.set_clock_step(STRICT_CLOCK_STEP_NS);
    }
    packet::send(control, &FromZygote::Enclosed(missing), &[])?;
    serve(control, &vm, &enclosure, body)
}

fn is_packet_socket(control: BorrowedFd<'_>) -> bool {
    rustix::net::sockopt::socket_type(control) == Ok(rustix::net::SocketType::SEQPACKET)
}

/// Tells the supervisor which layer is missing, and ends.
fn or_refuse<T>(control: BorrowedFd<'_>, result: Layered<T>) -> T {
    result.unwrap_or_else(|missing| {
        // Where the supervisor is gone there is nobody left to tell.
        let _ = packet::send(control, &FromZygote::NotEnclosed(missing), &[]);
        exit_now(EXIT_UNPREPARED)
    })
}

/// The plan without users of the workers' own, where they may be missing and are.
fn without_what_may_be_missing(plan: Plan) -> Layered<(Plan, Vec<Missing>)> {
    if !plan.layers.has(Layer::Uid) || can_give_ids(plan.first_uid) {
        return Ok((plan, Vec::new()));
    }
    let why = "this user cannot give other users' ids (CAP_SETUID, CAP_SETGID, /proc/self/uid_map)";
    let missing = Missing { layer: Layer::Uid, why: why.to_owned() };
    match plan.optional.has(Layer::Uid) {
        true => Ok((Plan { layers: plan.layers.without(Layer::Uid), ..plan }, vec![missing])),
        false => Err(missing),
    }
}

/// Prepares the program that the zygote is forked from. True where it has namespaces of its own.
fn go_inside(control: BorrowedFd<'_>, plan: &Plan, missing: &mut Vec<Missing>) -> Layered<bool> {
    if plan.layers.has(Layer::Descriptors) {
        // Whoever started the supervisor may have left descriptors open in it without CLOEXEC.
        of(Layer::Descriptors, "close_range", close_from(3))?;
    }
    if !plan.layers.has(Layer::Namespaces) {
        return Ok(false);
    }
    match enter(plan) {
        Err(why) if plan.optional.has(Layer::Namespaces) => {
            missing.push(why);
            return Ok(false);
        }
        entered => entered?,
    }
    // The first one that is forked is pid 1 of the namespace, the second one the zygote.
    match of(Layer::Namespaces, "forking its first process", fork_sibling(None))? {
        Forked::Child => {
            or_refuse(control, become_reaper(control, plan));
            serve_as_reaper()
        }
        Forked::Zygote { pidfd } => {
            let told = packet::send(control, &FromZygote::Reaper, &[pidfd.as_fd()]);
            of(Layer::Namespaces, "telling the supervisor", told)?;
        }
    }
    Ok(true)
}

/// In the zygote.
fn enclose(control: BorrowedFd<'_>, plan: Plan, alone: bool) -> Layered<Enclosure> {
    let enclosure = Enclosure::zygote(plan, alone)?;
    of(Layer::Descriptors, "parent-death signal", hygiene::worker(&control))?;
    Ok(enclosure)
}

fn serve(control: BorrowedFd<'_>, vm: &Vm, enclosure: &Enclosure, body: Body) -> io::Result<()> {
    while let Some((request, descriptors)) = packet::receive::<ToZygote>(control)? {
        let mut descriptors = descriptors.into_iter();
        match (request, descriptors.next()) {
            (ToZygote::Load, Some(file)) => {
                vm.entries().replace(Entries::compile(read_sources(file)?));
                packet::send(control, &FromZygote::Ready, &[])?;
            }
            (ToZygote::Fork { uid }, Some(socket)) => {
                match fork_sibling(descriptors.next().as_ref()) {
                    Ok(Forked::Child) => become_worker(vm, enclosure, socket, uid, body),
                    Ok(Forked::Zygote { pidfd }) => {
                        packet::send(control, &FromZygote::Forked, &[pidfd.as_fd()])?;
                    }
                    Err(error) => {
                        let errno = error.raw_os_error().unwrap_or(0);
                        packet::send(control, &FromZygote::ForkFailed { errno }, &[])?;
                    }
                }
            }
            (ToZygote::Enclose(_), _) => {
                return Err(io::Error::other("a zygote is enclosed once"));
            }
            (_, None) => return Err(io::Error::other("request without its descriptor")),
        }
    }
    Ok(())
}

fn read_sources(file: OwnedFd) -> io::Result<Vec<Source>> {
    let file = File::from(file);
    let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; len];
    // At a position of its own: the zygotes of all hosts share the file and its offset.
    file.read_exact_at(&mut bytes, 0)?;
    rmp_serde::from_slice(&bytes).map_err(io::Error::other)
}

/// In a copy: the rest of the layers, then its body. Here ends what may fail: after
/// [`Enclosure::close`] only the system calls of a worker are left.
fn become_worker(vm: &Vm, enclosure: &Enclosure, socket: OwnedFd, uid: u32, body: Body) -> ! {
    hygiene::name_process("wabe-warm");
    if turn::install(enclosure.turn_ns()).is_err() {
        exit_now(EXIT_UNPREPARED);
    }
    let enclosed = enclosure.worker(&socket, uid);
    let socket = hygiene::at_its_place(socket);
    match enclosed.and_then(|()| enclosure.close(uid)) {
        Ok(()) => body(vm, socket),
        Err(missing) => say_not_enclosed(&socket, missing),
    }
    exit_now(EXIT_UNPREPARED)
}

fn say_not_enclosed(socket: &OwnedFd, missing: Missing) {
    let mut outbox = Outbox::new();
    outbox.push(&FromWorker::NotEnclosed(missing), &[]);
    // Where it cannot be said, the exit code says it.
    let _ = rustix::net::send(socket, outbox.pending(), rustix::net::SendFlags::NOSIGNAL);
}
