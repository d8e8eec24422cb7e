//! What tests of the sandbox share: a look at a live worker, and a user who is not root.

use crate::{App, bin, proc};
use rustix::process::geteuid;
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The lines of `/proc/PID/status`, by their fields.
///
/// # Panics
/// Where the process is gone.
#[must_use]
pub fn worker_status(os_pid: u32) -> HashMap<String, String> {
    let status = fs::read_to_string(format!("/proc/{os_pid}/status")).expect("it lives");
    let fields = status.lines().filter_map(|line| line.split_once(':'));
    fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

/// Checks what of a live worker can be read from outside. `alone`: in namespaces of its own (of that of
/// control groups the caller knows whether there is one).
///
/// # Panics
/// Where anything is not as it should be.
pub fn assert_enclosed(os_pid: u32, alone: bool) {
    let status = worker_status(os_pid);
    for (field, wanted) in [
        ("Seccomp", "2"),
        ("NoNewPrivs", "1"),
        ("CapInh", "0000000000000000"),
        ("CapPrm", "0000000000000000"),
        ("CapEff", "0000000000000000"),
        ("CapBnd", "0000000000000000"),
        ("CapAmb", "0000000000000000"),
        ("Threads", "1"),
    ] {
        assert_eq!(status[field], wanted, "{field} of {os_pid}");
    }
    assert_has_no_door(os_pid);
    let descriptors = proc::descriptors(os_pid);
    let [zero, one, two, socket] = &descriptors[..] else {
        panic!("four descriptors, not {descriptors:?}");
    };
    assert_eq!([zero, one, two].map(String::as_str), ["/dev/null"; 3]);
    assert!(socket.starts_with("socket:"), "{socket}");
    let ids = status["NSpid"].split_whitespace().count();
    assert_eq!(ids, if alone { 2 } else { 1 }, "pid namespaces of {os_pid}");
    if alone {
        for namespace in ["user", "pid", "net", "mnt", "ipc", "uts"] {
            assert_ne!(
                namespace_of(os_pid, namespace),
                namespace_of(std::process::id(), namespace)
            );
        }
        let root = fs::read_dir(format!("/proc/{os_pid}/root/"));
        assert_eq!(root.map(Iterator::count).ok(), Some(0), "the root is not empty");
    }
}

/// One page of the code of its program is gone: where the zygote makes its system calls from.
fn assert_has_no_door(os_pid: u32) {
    let maps = fs::read_to_string(format!("/proc/{os_pid}/maps")).expect("it lives");
    let words = maps.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let (mut base, mut program, mut mapped) = (None, "", Vec::new());
    for words in words {
        let (from, to) = words[0].split_once('-').expect("a range");
        let address = |text| u64::from_str_radix(text, 16).expect("an address");
        mapped.push(address(from)..address(to));
        if words[2] == "00000000" && words.get(5).is_some_and(|name| name.contains("worker")) {
            (base, program) = (Some(address(from)), words[5]);
        }
    }
    let base = base.unwrap_or_else(|| panic!("no program in {maps}"));
    let program = fs::read(program).expect("its program");
    let gone = pages_of_code(&program)
        .filter(|(address, _)| !mapped.iter().any(|range| range.contains(&(base + address))));
    let gone: Vec<_> = gone.map(|(_, offset)| program[offset..offset + 4].to_vec()).collect();
    let door =
        if cfg!(target_arch = "x86_64") { [0x0f, 0x05, 0xc3, 0xcc] } else { [1, 0, 0, 0xd4] };
    assert_eq!(gone, [door], "code of {os_pid} in {maps}");
}

/// The pages of a program that hold code: each by its address, before the program is loaded somewhere, and
/// by its place in the file (elf(5), of 64 bits).
fn pages_of_code(program: &[u8]) -> impl Iterator<Item = (u64, usize)> {
    const LOAD: u64 = 1;
    const EXECUTABLE: u64 = 1;
    let number = |at: usize, len: usize| {
        program[at..at + len].iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    };
    let headers =
        (0..number(56, 2)).map(move |place| (number(32, 8) + place * number(54, 2)) as usize);
    let of_code =
        headers.filter(move |at| number(*at, 4) == LOAD && number(at + 4, 4) & EXECUTABLE != 0);
    let page = rustix::param::page_size() as u64;
    of_code.flat_map(move |at| {
        let (offset, address, len) = (number(at + 8, 8), number(at + 16, 8), number(at + 32, 8));
        let first = address / page * page;
        let before = address - first;
        (0..(before + len).div_ceil(page))
            .map(move |nth| (first + nth * page, (offset - before + nth * page) as usize))
    })
}

/// What names a namespace of a process.
///
/// # Panics
/// Where the process is gone.
#[must_use]
pub fn namespace_of(os_pid: u32, namespace: &str) -> String {
    let link = fs::read_link(format!("/proc/{os_pid}/ns/{namespace}"));
    link.expect("a namespace has a name").to_string_lossy().into_owned()
}

/// A user who is not root, and programs that it may run. Both go with it.
#[derive(Debug)]
pub struct OrdinaryUser {
    name: String,
    /// Its user and group id.
    pub id: u32,
    programs: TempDir,
}

impl OrdinaryUser {
    /// Makes a user; `None` where this is no root, who alone can.
    ///
    /// # Panics
    /// Where `useradd` fails.
    #[must_use]
    pub fn make() -> Option<Self> {
        if !geteuid().is_root() {
            return None;
        }
        // One for each process that asks, so that tests do not meet.
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let next = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let name = format!("wabe-{}-{next}", std::process::id());
        let made = Command::new("useradd")
            .args(["--user-group", "--no-create-home", "--shell", "/bin/false", &name])
            .status();
        assert!(made.is_ok_and(|made| made.success()), "cannot make user {name}");
        let id = Command::new("id").args(["-u", &name]).output().expect("id says the user's id");
        let id = String::from_utf8_lossy(&id.stdout).trim().parse().expect("a number");
        let programs = tempfile::tempdir().expect("a temporary folder can be made");
        open_to_all(programs.path());
        for program in ["wabe", "wabe-worker"] {
            let copy = programs.path().join(program);
            fs::copy(bin(program), &copy).expect("programs can be copied");
        }
        Some(OrdinaryUser { name, id, programs })
    }

    /// `wabe`, where this user may run it.
    #[must_use]
    pub fn wabe(&self) -> PathBuf {
        self.programs.path().join("wabe")
    }

    /// `wabe run FOLDER ENTRY`, as this user.
    #[must_use]
    pub fn command(&self, app: &App, entry: &str) -> Command {
        open_to_all(app.path());
        let mut command = Command::new(self.wabe());
        command.arg("run").arg(app.path()).arg(entry).uid(self.id).gid(self.id);
        command
    }
}

fn open_to_all(folder: &Path) {
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(folder, open).expect("the folder is this test's own");
}

impl Drop for OrdinaryUser {
    fn drop(&mut self) {
        let removed = Command::new("userdel").arg(&self.name).status();
        if !removed.is_ok_and(|removed| removed.success()) {
            eprintln!("cannot remove user {}", self.name);
        }
    }
}
