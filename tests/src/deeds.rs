//! What a worker that somebody took over does to have more than its share, as far as it is let.

use rustix::net::{AddressFamily, SocketType, socket};
use std::hint::black_box;
use std::io;
use std::os::fd::OwnedFd;

const MIB: usize = 1 << 20;

/// More than any machine that runs this should give.
const ENOUGH: usize = 10_000;

/// Does one of these deeds until the kernel refuses, and returns how often it went well, or how many
/// MiB it got; `None` for a deed of another kind.
#[must_use]
pub fn take(deed: &str) -> Option<usize> {
    match deed {
        "forks" => Some(until_refused(fork)),
        "fills-descriptors" => Some(until_refused(|| Ok(rustix::io::dup(rustix::stdio::stdin())?))),
        "opens-pipes" => Some(until_refused(|| Ok(rustix::pipe::pipe()?))),
        "opens-sockets" => Some(until_refused(open_socket)),
        "allocates" => Some(until_refused(allocate)),
        _ => None,
    }
}

/// All that it gets it keeps.
fn until_refused<T>(take: impl Fn() -> io::Result<T>) -> usize {
    // The room is taken before: the last of the memory is for what is to be counted.
    let mut all = Vec::with_capacity(ENOUGH);
    while all.len() < ENOUGH {
        match take() {
            Ok(one) => all.push(one),
            Err(_) => break,
        }
    }
    let count = all.len();
    drop(all);
    count
}

fn fork() -> io::Result<()> {
    // SAFETY: this program has one thread, and the child does nothing but end.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: it ends at once, without anything that was to be done at the parent's exit.
        0 => unsafe { libc::_exit(0) },
        _ => Ok(()),
    }
}

fn open_socket() -> io::Result<OwnedFd> {
    Ok(socket(AddressFamily::UNIX, SocketType::STREAM, None)?)
}

fn allocate() -> io::Result<Vec<u8>> {
    let mut block = Vec::new();
    block.try_reserve_exact(MIB).map_err(io::Error::other)?;
    block.resize(MIB, 1);
    Ok(black_box(block))
}
