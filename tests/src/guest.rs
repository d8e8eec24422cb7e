//! A guest machine: a kernel of its own in qemu, for what the machine under test may lack (cgroup v2
//! with controllers). No root, no image and no KVM are needed: the root folder is an archive in
//! memory, made of this workspace's binaries and the libraries that they are linked with.

use crate::{Ran, run};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Longest life of a guest.
const LIFE_MAX: Duration = Duration::from_secs(400);

const QEMU: &str = "qemu-system-x86_64";

/// Where `tests/guest/fetch` puts the guest's kernel, from the workspace's folder.
const KERNEL: &str = "target/guest/vmlinuz";

/// What is needed to boot one.
#[derive(Debug)]
pub struct Guest {
    qemu: PathBuf,
    kernel: PathBuf,
    root: Archive,
}

impl Guest {
    /// Finds qemu and a kernel.
    ///
    /// # Errors
    /// What is missing, for people.
    pub fn find() -> Result<Self, String> {
        if !cfg!(target_arch = "x86_64") {
            return Err("guests are x86_64 machines, this is another".to_owned());
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut programs = std::env::split_paths(&path).map(|folder| folder.join(QEMU));
        let qemu = programs.find(|program| program.is_file());
        let qemu = qemu.ok_or_else(|| format!("no {QEMU} (Debian: qemu-system-x86)"))?;
        let kernel = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(KERNEL);
        if !kernel.is_file() {
            return Err(format!("no {KERNEL} (tests/guest/fetch gets one)"));
        }
        Ok(Guest { qemu, kernel, root: Archive::new() })
    }

    /// Puts a program with its libraries into the guest.
    ///
    /// # Panics
    /// Where it or one of its libraries cannot be read.
    #[must_use]
    pub fn with_program(mut self, place: &str, program: &Path) -> Self {
        self.root.file(place, program);
        let ran = run(Command::new("ldd").arg(program), Duration::from_secs(10));
        let words = ran.stdout.split_whitespace();
        for library in words.filter(|word| word.starts_with('/')) {
            self.root.file(library, Path::new(library));
        }
        self
    }

    /// Puts a folder with all that is in it into the guest.
    ///
    /// # Panics
    /// Where something in it cannot be read.
    #[must_use]
    pub fn with_folder(mut self, place: &str, folder: &Path) -> Self {
        self.root.tree(place, folder);
        self
    }

    /// Boots it with its first program, and waits for its end: its console is the result's standard
    /// output.
    ///
    /// # Panics
    /// Where there is no place for temporary files.
    #[must_use]
    pub fn boot(self, first: &str) -> Ran {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let root = folder.path().join("root.cpio");
        fs::write(&root, self.root.finish()).expect("the guest's root can be written");
        let mut command = Command::new(&self.qemu);
        // Plain `max` panics some guests at boot. Without ACPI a guest ends by a reset.
        let machine = "-machine microvm,acpi=off -accel tcg -cpu max,-cx16 -m 768 -smp 1";
        let devices = "-nodefaults -no-user-config -display none -serial stdio -no-reboot";
        command.args(machine.split(' ')).args(devices.split(' '));
        command.arg("-kernel").arg(&self.kernel).arg("-initrd").arg(&root);
        let options = format!(
            "console=ttyS0 loglevel=1 panic=-1 reboot=t rcupdate.rcu_expedited=1 rdinit={first}"
        );
        command.arg("-append").arg(options);
        run(&mut command, LIFE_MAX)
    }
}

/// An archive as the kernel unpacks it into a root folder (cpio, "new ASCII").
#[derive(Debug)]
struct Archive {
    bytes: Vec<u8>,
    names: BTreeSet<PathBuf>,
}

const FOLDER: u32 = 0o040_755;
const FILE: u32 = 0o100_755;

impl Archive {
    fn new() -> Self {
        Archive { bytes: Vec::new(), names: BTreeSet::new() }
    }

    fn tree(&mut self, place: &str, folder: &Path) {
        let list = fs::read_dir(folder);
        let list = list.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in list.map(|entry| entry.expect("a folder can be listed").path()) {
            let name = path.file_name().and_then(OsStr::to_str).expect("a name in UTF-8");
            let place = format!("{place}/{name}");
            if path.is_dir() { self.tree(&place, &path) } else { self.file(&place, &path) }
        }
    }

    fn file(&mut self, place: &str, source: &Path) {
        let bytes = fs::read(source);
        let bytes = bytes.unwrap_or_else(|error| panic!("{}: {error}", source.display()));
        let place = Path::new(place.trim_start_matches('/'));
        let folders: Vec<_> = place.ancestors().skip(1).collect();
        for folder in folders.into_iter().rev().filter(|folder| *folder != Path::new("")) {
            self.add(folder, FOLDER, &[]);
        }
        self.add(place, FILE, &bytes);
    }

    fn add(&mut self, place: &Path, mode: u32, bytes: &[u8]) {
        if self.names.insert(place.to_owned()) {
            let number = self.names.len();
            self.entry(&place.to_string_lossy(), number, mode, bytes);
        }
    }

    fn entry(&mut self, name: &str, number: usize, mode: u32, bytes: &[u8]) {
        let (length, name_length) = (bytes.len(), name.len() + 1);
        // inode, mode, uid, gid, links, time, length, device, device, -, -, length of name, sum
        let header = format!(
            "070701{number:08x}{mode:08x}{0:08x}{0:08x}{1:08x}{0:08x}{length:08x}\
             {0:08x}{0:08x}{0:08x}{0:08x}{name_length:08x}{0:08x}",
            0, 1
        );
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(bytes);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, 0, &[]);
        self.bytes
    }
}
