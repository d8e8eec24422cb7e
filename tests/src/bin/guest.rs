//! The first process of a guest machine, which runs cases about control groups, each in a process
//! and a control group of its own; and those processes.
//!
//! Its console says `guest: up`, for each case `guest: ok CASE` or `guest: FAILED CASE` after what it
//! had to say, and `guest: done`.

#[path = "../../guest/cases.rs"]
mod cases;
#[path = "../../guest/whole.rs"]
mod whole;
#[path = "../../guest/world.rs"]
mod world;

use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{chdir, chroot};
use std::fs;
use std::process::Command;
use std::time::Instant;

fn main() {
    let words: Vec<_> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((word, rest)) if word == "enter" => whole::become_another(rest),
        Some((case, _)) => {
            let found = all().find(|(name, _)| name == case);
            found.unwrap_or_else(|| panic!("no case {case}")).1();
        }
        None => be_first(),
    }
}

fn all() -> impl Iterator<Item = (&'static str, fn())> {
    cases::ALL.into_iter().chain(whole::ALL)
}

/// As pid 1.
#[expect(clippy::zombie_processes, reason = "it is reaped with all others that end meanwhile")]
fn be_first() {
    own_root();
    for (kind, place) in [("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")] {
        mount_at(kind, place, None);
    }
    mount_at("tmpfs", "/tmp", None);
    // As systemd does it.
    mount_at("cgroup2", world::CGROUPS, Some("nsdelegate"));
    let enable = format!("{}/cgroup.subtree_control", world::CGROUPS);
    fs::write(enable, "+memory +pids").expect("controllers are there");
    println!("guest: up");
    for (name, _) in all() {
        let begun = Instant::now();
        let case = Command::new(whole::PROGRAM).arg(name).spawn().expect("it can be started");
        let word = if ends_well(case.id()) { "ok" } else { "FAILED" };
        println!("guest: {word} {name} ({} ms)", begun.elapsed().as_millis());
        world::clear();
    }
    println!("guest: done");
    // The reset ends qemu; there is nothing to be written to any disk.
    let Err(error) = reboot(RebootMode::RB_AUTOBOOT);
    panic!("pid 1 may end the machine: {error}");
}

/// Waits for a case, and reaps whoever else ends meanwhile, as the first process of a machine does.
fn ends_well(case: u32) -> bool {
    loop {
        let end = waitpid(None, None).expect("the case is a child");
        if end.pid().is_some_and(|pid| pid.as_raw().unsigned_abs() == case) {
            return matches!(end, WaitStatus::Exited(_, 0));
        }
    }
}

/// The root that the kernel begins with cannot be left by pivot_root(2), which workers do: a second
/// mount of the same files can.
fn own_root() {
    fs::create_dir_all("/root").expect("the root is writable");
    let none: Option<&str> = None;
    mount(Some("/"), "/root", none, MsFlags::MS_BIND, none).expect("the root can be bound");
    chdir("/root").expect("it is there");
    mount(Some("."), "/", none, MsFlags::MS_MOVE, none).expect("it can be put over the first one");
    chroot(".").expect("root may");
}

fn mount_at(kind: &str, place: &str, options: Option<&str>) {
    fs::create_dir_all(place).expect("the root is writable");
    mount(Some(kind), place, Some(kind), MsFlags::empty(), options)
        .unwrap_or_else(|error| panic!("cannot mount {place}: {error}"));
}
