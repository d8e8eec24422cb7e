//! The zygote: a worker that is still nobody. It is enclosed, loads the app's code once, and forks
//! on request.
//!
//! The program that the supervisor starts is not the zygote yet. It enters new namespaces, which
//! only its children are fully in, forks their reaper and the zygote as its siblings, and ends.

use crate::door::{self, Descriptor, close_from};
use crate::entries::Entries;
use crate::fork::{Forked, exit_now, fork_sibling, only_thread};
use crate::mapping::{enlarge_pages_of_code, map_sealed};
use crate::sandbox::{Enclosure, Layered, become_reaper, can_give_ids, enter, of, serve_as_reaper};
use crate::{Vm, hygiene, turn};
use ipc::frame::FromWorker;
use ipc::sandbox::{Layer, Missing, Plan, Sandbox};
use ipc::zygote::{FromZygote, Source, ToZygote, read_load_file};
use ipc::{Outbox, Zones};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

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
    let Some((ToZygote::Enclose(plan), _)) = door::receive(control)? else {
        return Err(io::Error::other("the supervisor does not say how to be enclosed"));
    };
    if !only_thread() {
        return Err(io::Error::other("a zygote has one thread, this one has more"));
    }
    hygiene::begin(plan.nice)?;
    // A strict host's zygote forks once. Before the first promise that no memory becomes executable.
    if plan.sandbox != Sandbox::Strict {
        enlarge_pages_of_code();
    }
    let (plan, mut missing) = or_refuse(control, without_what_may_be_missing(plan));
    let alone = or_refuse(control, go_inside(control, &plan, &mut missing));
    let (wait, told) = pipe_with(PipeFlags::CLOEXEC)?;
    match or_refuse(control, fork_first(control, "forking the zygote")) {
        Forked::Child => {
            // The supervisor is to hear of it before it hears it: until the other one has ended.
            drop(told);
            rustix::io::read(&wait, &mut [0])?;
            drop(wait);
        }
        Forked::Zygote { pidfd } => {
            door::send(control, &FromZygote::Zygote, &[pidfd.as_fd()])?;
            exit_now(0);
        }
    }
    let enclosure = or_refuse(control, enclose(control, plan, alone));
    let Some((sources, zones)) = load(control)? else { return Ok(()) };
    let vm = Vm::new(zones).map_err(|error| io::Error::other(error.to_string()))?;
    if plan.sandbox == Sandbox::Strict {
        vm.set_clock_step(STRICT_CLOCK_STEP_NS);
    }
    turn::handle_ticks()?;
    // Before the sources are compiled: whoever wrote them may know a hole in the compiler.
    or_refuse(control, enclosure.filter());
    door::send(control, &FromZygote::Enclosed(missing), &[])?;
    vm.entries().replace(Entries::compile(sources));
    vm.preload();
    vm.settle().map_err(|error| io::Error::other(error.to_string()))?;
    door::send(control, &FromZygote::Ready, &[])?;
    let served = serve(control, &vm, &enclosure, body);
    // What a program does when it returns from main the filter does not allow.
    exit_now(if served.is_ok() { 0 } else { EXIT_UNPREPARED })
}

fn is_packet_socket(control: BorrowedFd<'_>) -> bool {
    rustix::net::sockopt::socket_type(control) == Ok(rustix::net::SocketType::SEQPACKET)
}

/// Tells the supervisor which layer is missing, and ends.
fn or_refuse<T>(control: BorrowedFd<'_>, result: Layered<T>) -> T {
    result.unwrap_or_else(|missing| {
        // Where the supervisor is gone there is nobody left to tell.
        let _ = door::send(control, &FromZygote::NotEnclosed(missing), &[]);
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
    match fork_first(control, "forking its first process")? {
        Forked::Child => {
            or_refuse(control, become_reaper(control, plan));
            serve_as_reaper()
        }
        Forked::Zygote { pidfd } => {
            let told = door::send(control, &FromZygote::Reaper, &[pidfd.as_fd()]);
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

/// The app's code and the machine's time zones; `None` where the supervisor has gone.
fn load(control: BorrowedFd<'_>) -> io::Result<Option<(Vec<Source>, Zones)>> {
    match door::receive(control)? {
        None => Ok(None),
        Some((ToZygote::Load, descriptors)) => {
            let file = descriptors.into_iter().next();
            let file = file.ok_or_else(|| io::Error::other("request without its descriptor"))?;
            let bytes = map_sealed(&file.into_owned())?;
            read_load_file(bytes).map(Some).map_err(io::Error::other)
        }
        Some(_) => Err(io::Error::other("a zygote loads the app's code first")),
    }
}

fn serve(control: BorrowedFd<'_>, vm: &Vm, enclosure: &Enclosure, body: Body) -> io::Result<()> {
    while let Some((request, descriptors)) = door::receive(control)? {
        let ToZygote::Fork { uid } = request else {
            return Err(io::Error::other("a zygote is enclosed and loaded once, and then forks"));
        };
        let mut descriptors = descriptors.into_iter();
        let Some(socket) = descriptors.next() else {
            // It found no place here.
            cannot_fork(control, &Errno::MFILE.into())?;
            continue;
        };
        match fork_sibling(descriptors.next().as_ref()) {
            Ok(Forked::Child) => become_worker(vm, enclosure, socket, uid, body),
            Ok(Forked::Zygote { pidfd }) => {
                door::send(control, &FromZygote::Forked, &[pidfd.as_fd()])?;
            }
            Err(error) => cannot_fork(control, &error)?,
        }
    }
    Ok(())
}

/// Forks what comes before any worker. Where the machine is short of something, that is no fault of a
/// layer: the supervisor is told so, and may start another one later.
fn fork_first(control: BorrowedFd<'_>, what: &str) -> Layered<Forked> {
    let forked = fork_sibling(None);
    if let Err(error) = &forked
        && is_short(error)
    {
        // Where the supervisor is gone there is nobody left to tell.
        let _ = cannot_fork(control, error);
        exit_now(EXIT_UNPREPARED);
    }
    of(Layer::Namespaces, what, forked)
}

/// True for an error that says that the machine has no more of something.
fn is_short(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE))
}

fn cannot_fork(control: BorrowedFd<'_>, error: &io::Error) -> io::Result<()> {
    let errno = error.raw_os_error().unwrap_or(0);
    door::send(control, &FromZygote::ForkFailed { errno }, &[])
}

/// In a copy: the rest of the layers, then its body. Here ends what may fail: after
/// [`Enclosure::close`] only the system calls of a worker are left.
fn become_worker(vm: &Vm, enclosure: &Enclosure, socket: Descriptor, uid: u32, body: Body) -> ! {
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
