//! What is outside of a worker that a probe may try to reach. The test makes it, names it on the
//! command line, and knows what must be found there.

use super::sys::Failed;
use super::talk::Talk;
use serde::{Deserialize, Serialize};
use std::ffi::CString;
use std::sync::atomic::AtomicU64;

/// The descriptor of a directory that the supervisor was started with by accident.
pub const LEAKED_DIRECTORY: i32 = 77;
/// The same of a file that can be written.
pub const LEAKED_FILE: i32 = 78;
/// The same of a socket, with somebody at the other end who echoes.
pub const LEAKED_SOCKET: i32 = 79;
/// The descriptor of a worker's own socket.
pub const OWN_SOCKET: i32 = 3;

/// A variable in the environment of the supervisor, with the secret.
pub const VARIABLE: &str = "PROBE_SECRET";

/// The user of files that belong neither to root nor to the supervisor.
pub const SOMEBODY: u32 = 4242;

/// What the test has made. It travels as one text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct World {
    /// A folder that everybody may look into, see [`outdoors`](super::outdoors).
    pub folder: String,
    /// What is to be found wherever something is to be read.
    pub secret: String,
    /// The port of a listener on 127.0.0.1 who echoes what it is told, by TCP.
    pub tcp: u16,
    /// The same by UDP.
    pub udp: u16,
    /// The name of an abstract socket, likewise.
    pub abstract_socket: String,
    /// The id of a System V shared memory segment with the secret.
    pub segment: i32,
    /// True where workers have the system call filter: a victim then prepares nothing.
    pub filtered: bool,
}

/// All that a probe is told.
#[derive(Debug)]
pub struct Env {
    /// What the test has made.
    pub world: World,
    /// The OS pid of the supervisor, as the test sees it.
    pub supervisor: i32,
    /// The OS pid of the [victim](super::talk), as it sees itself.
    pub victim: i32,
    /// The victim as the supervisor names it.
    pub victim_pid: String,
    /// This process as the supervisor names it.
    pub own_pid: String,
    /// The way to the supervisor.
    pub talk: Talk,
}

impl Env {
    /// A file in the folder of the test.
    #[must_use]
    pub fn file(&self, name: &str) -> CString {
        text(&format!("{}/{name}", self.world.folder))
    }

    /// A file of the supervisor's in /proc.
    #[must_use]
    pub fn proc(&self, name: &str) -> CString {
        text(&format!("/proc/{}/{name}", self.supervisor))
    }

    /// The secret.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.world.secret
    }

    /// Does something that sends SIGURG or SIGCONT to the victim, and asks that whether it came.
    pub(super) fn victim_feels(
        &self,
        act: impl FnOnce() -> Result<usize, Failed>,
    ) -> super::Reached {
        let before = self.talk.ask(self)?;
        act()?;
        super::sys::check(self.talk.ask(self)? > before, "the signal did not come")
    }
}

/// A text as C has it. None here has a zero byte inside.
#[must_use]
pub fn text(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// What the victim keeps in its memory: eight bytes of the secret, at the same address in every copy
/// of one zygote.
pub static KEPT: AtomicU64 = AtomicU64::new(0);

/// The first eight bytes of the secret as a number.
#[must_use]
pub fn number_of(secret: &str) -> u64 {
    let first = secret.as_bytes().first_chunk().copied();
    u64::from_ne_bytes(first.unwrap_or_default())
}
