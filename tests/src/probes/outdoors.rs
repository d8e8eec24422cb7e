//! [`Outdoors`]: files, listeners, shared memory and leaked descriptors, made anew for every run.

use super::env::{LEAKED_DIRECTORY, LEAKED_FILE, LEAKED_SOCKET, SOMEBODY, VARIABLE, World};
use rustix::process::geteuid;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// What is outside of the workers of one run.
#[derive(Debug)]
pub struct Outdoors {
    /// What probes are told of it.
    pub world: World,
    folder: TempDir,
    /// The descriptors to leak, each with the number that it is to have.
    leaks: [(File, RawFd); 2],
    leaked_socket: UnixStream,
    _datagrams: UnixDatagram,
}

impl Outdoors {
    /// Makes everything.
    ///
    /// # Errors
    /// Where the machine refuses any of it.
    pub fn new(filtered: bool) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("wabe-probes-").tempdir()?;
        let secret = secret();
        let path = folder.path();
        fill(path, &secret)?;
        let (leaked_socket, other) = UnixStream::pair()?;
        echo_stream(other);
        let abstract_socket = format!("wabe-probes-{secret}");
        let address = SocketAddr::from_abstract_name(&abstract_socket)?;
        echo_unix(UnixListener::bind_addr(&address)?);
        echo_unix(UnixListener::bind(path.join("socket"))?);
        fs::set_permissions(path.join("socket"), Permissions::from_mode(0o777))?;
        let datagrams = UnixDatagram::bind(path.join("datagrams"))?;
        fs::set_permissions(path.join("datagrams"), Permissions::from_mode(0o777))?;
        let leaks = [
            (File::open(path.join("rw"))?, LEAKED_DIRECTORY),
            (OpenOptions::new().read(true).write(true).open(path.join("leaked"))?, LEAKED_FILE),
        ];
        let world = World {
            folder: path.display().to_string(),
            tcp: echo_tcp()?,
            udp: echo_udp()?,
            abstract_socket,
            segment: segment(&secret)?,
            secret,
            filtered,
        };
        Ok(Outdoors { world, folder, leaks, leaked_socket, _datagrams: datagrams })
    }

    /// Starts a program with the secret in its environment, the leaked descriptors open, and its own
    /// OS pid as its last argument.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", r#"exec "$@" "$$""#, "sh"]).arg(program);
        command.env(VARIABLE, &self.world.secret).current_dir(self.folder.path());
        let [directory, file] =
            self.leaks.each_ref().map(|(file, number)| (file.as_raw_fd(), *number));
        let leaks = [directory, file, (self.leaked_socket.as_raw_fd(), LEAKED_SOCKET)];
        // SAFETY: dup2(2) is all that happens between fork and exec; the descriptors are open as
        // long as `self`, which outlives the start of the program in `measure`.
        unsafe {
            command.pre_exec(move || {
                leaks.iter().try_for_each(|(from, to)| match libc::dup2(*from, *to) {
                    -1 => Err(io::Error::last_os_error()),
                    _ => Ok(()),
                })
            })
        };
        command
    }
}

/// 16 digits that are nowhere else on the machine.
fn secret() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:016x}", now.as_nanos() as u64 ^ (u64::from(std::process::id()) << 32))
}

/// Fills the folder.
fn fill(folder: &Path, secret: &str) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    let root = geteuid().is_root();
    let file = |name: &str, bytes: &[u8], mode: u32, owner: Option<u32>| -> io::Result<()> {
        let path: PathBuf = folder.join(name);
        fs::write(&path, bytes)?;
        if let Some(owner) = owner.filter(|_| root) {
            chown(&path, Some(owner), Some(owner))?;
        }
        fs::set_permissions(&path, Permissions::from_mode(mode))
    };
    for name in ["rw", "mount"] {
        fs::create_dir(folder.join(name))?;
        fs::set_permissions(folder.join(name), Permissions::from_mode(0o777))?;
    }
    file("open", secret.as_bytes(), 0o644, None)?;
    file("private", secret.as_bytes(), 0o600, None)?;
    file("foreign", secret.as_bytes(), 0o600, Some(SOMEBODY))?;
    file("writable", secret.as_bytes(), 0o666, None)?;
    file("leaked", format!("{secret:64}").as_bytes(), 0o666, None)?;
    file("script", b"#!/bin/sh\nexit 42\n", 0o755, None)?;
    #[cfg(target_arch = "x86_64")]
    file("setuid", &super::elf::program(), 0o4755, Some(SOMEBODY))?;
    for name in ["rw/old", "rw/goes"] {
        file(name, b"", 0o666, None)?;
    }
    file("rw/stays", secret.as_bytes(), 0o666, None)
}

/// A shared memory segment of this user alone with the secret in it, gone with this process.
fn segment(secret: &str) -> io::Result<i32> {
    // SAFETY: the segment is attached where nothing else is, and has a page; it is never detached.
    unsafe {
        let id = libc::shmget(libc::IPC_PRIVATE, 4096, 0o600);
        let memory = libc::shmat(id, std::ptr::null(), 0);
        if id == -1 || memory as isize == -1 {
            return Err(io::Error::last_os_error());
        }
        memory.cast::<u8>().copy_from_nonoverlapping(secret.as_ptr(), secret.len());
        // Linux lets others attach it until the last one detaches.
        libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut());
        Ok(id)
    }
}

/// Says back what it is told, until the other end is closed. As all who echo, it is a thread that
/// ends with the test.
fn echo_stream(mut stream: impl Read + Write + Send + 'static) {
    thread::spawn(move || {
        let mut bytes = [0; 256];
        while let Ok(len @ 1..) = stream.read(&mut bytes) {
            if stream.write_all(&bytes[..len]).is_err() {
                break;
            }
        }
    });
}

fn echo_unix(listener: UnixListener) {
    thread::spawn(move || listener.incoming().flatten().for_each(echo_stream));
}

fn echo_tcp() -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || listener.incoming().flatten().for_each(echo_stream));
    Ok(port)
}

fn echo_udp() -> io::Result<u16> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let port = socket.local_addr()?.port();
    thread::spawn(move || {
        let mut bytes = [0; 256];
        while let Ok((len, from)) = socket.recv_from(&mut bytes) {
            let _ = socket.send_to(&bytes[..len], from);
        }
    });
    Ok(port)
}
