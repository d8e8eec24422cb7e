//! A worker that somebody took over: where its entry is `app:probe-NAME` it runs no Lua but that
//! native probe, at the very place where Lua would run, and reports what came of it as an honest
//! process would. Every other entry is an honest process. For `wabe run --worker`, in tests only.

use ipc::codec;
use ipc::frame::{FromWorker, ToWorker};
use rustix::net::{RecvFlags, recv};
use std::os::fd::OwnedFd;
use std::process::exit;
use tests::probes::env::{Env, World};
use tests::probes::talk::{Talk, be_the_victim};
use tests::probes::{By, named, sys};

fn main() {
    if let Err(error) = worker::zygote::run(be_somebody) {
        eprintln!("probe-worker: {error}");
        exit(64);
    }
}

fn be_somebody(vm: &worker::Vm, socket: OwnedFd) {
    let entry = entry(&socket).unwrap_or_default();
    match entry.as_str() {
        "app:victim" => victim(&Talk::on(socket)),
        probe => match probe.strip_prefix("app:probe-").and_then(named).map(|probe| probe.by) {
            Some(By::Native(run)) => attacker(Talk::on(socket), |env| env.talk.report(run(env))),
            Some(By::Frames(run)) => {
                attacker(Talk::on(socket), |env| env.talk.report(run(&env.talk, env)));
            }
            _ => worker::actor::run(vm, socket),
        },
    }
}

/// The entry of the first frame. The frame stays in the socket.
fn entry(socket: &OwnedFd) -> Option<String> {
    let mut bytes = vec![0; 64 * 1024];
    let (seen, _) = recv(socket, &mut bytes[..], RecvFlags::PEEK).ok()?;
    let len = u16::from_le_bytes([*bytes.get(4)?, *bytes.get(5)?]);
    let header = bytes[..seen].get(codec::PREFIX..codec::PREFIX + usize::from(len))?;
    match codec::decode(header).ok()? {
        ToWorker::Become { entry, .. } => Some(entry.to_owned()),
        _ => None,
    }
}

/// Arguments of the main process: the world; then, for the victim, who is to be told of it.
fn victim(talk: &Talk) {
    let arguments = talk.become_process().arguments;
    let Ok((world, main)) = rmp_serde::from_slice::<(String, String)>(&arguments) else {
        sys::end(95);
    };
    match serde_json::from_str::<World>(&world) {
        Ok(world) => be_the_victim(talk, &world, &main),
        Err(_) => sys::end(94),
    }
}

/// Arguments of the main process: the world, the supervisor, the victim by its OS pid and its PID.
fn attacker(talk: Talk, run: impl FnOnce(&Env)) {
    let who = talk.become_process();
    let arguments = rmp_serde::from_slice::<(String, f64, f64, String)>(&who.arguments);
    let Ok((world, supervisor, victim, victim_pid)) = arguments else { sys::end(95) };
    let Ok(world) = serde_json::from_str::<World>(&world) else { sys::end(94) };
    let (supervisor, victim) = (supervisor as i32, victim as i32);
    let env = Env { world, supervisor, victim, victim_pid, own_pid: who.pid, talk };
    env.talk.say(&FromWorker::Loaded, &[]);
    run(&env);
}
