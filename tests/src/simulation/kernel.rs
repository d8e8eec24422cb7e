//! What the kernel is in this world: byte pipes with an end to their room, workers that run or are
//! dead, and readiness that is told once for each change, as `epoll` with EPOLLET does.

use node::ChildEnd;

/// Index of a worker, in the order in which they were wanted. Never reused.
pub(crate) type Who = usize;

/// One direction of a socket.
#[derive(Debug)]
pub(crate) struct Pipe {
    bytes: Vec<u8>,
    capacity: usize,
    /// Nobody will write any more.
    pub(crate) ended: bool,
    /// Somebody found it full and waits for room.
    starved: bool,
}

impl Pipe {
    fn new(capacity: usize) -> Self {
        Pipe { bytes: Vec::new(), capacity, ended: false, starved: false }
    }

    /// Takes at most `most` bytes as far as there is room. 0 means that it is full.
    pub(crate) fn put(&mut self, bytes: &[u8], most: usize) -> usize {
        let room = self.capacity - self.bytes.len();
        let count = room.min(bytes.len()).min(most);
        self.bytes.extend_from_slice(&bytes[..count]);
        self.starved |= room == 0;
        count
    }

    /// Moves at most so many bytes out.
    pub(crate) fn take(&mut self, most: usize) -> Vec<u8> {
        let count = most.min(self.bytes.len());
        self.bytes.drain(..count).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Whether a worker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Not forked yet.
    Unborn,
    Alive,
    Dead(ChildEnd),
}

/// A worker as the kernel sees it, with the supervisor's readiness about it.
#[derive(Debug)]
pub(crate) struct Cell {
    /// From the supervisor.
    pub(crate) down: Pipe,
    /// To the supervisor.
    pub(crate) up: Pipe,
    pub(crate) life: Life,
    /// SIGKILL was sent; it has its effect a little later.
    pub(crate) killed: bool,
    /// It has closed its socket, which a worker may do without ending.
    pub(crate) hung_up: bool,
    /// Its socket became readable, or writable, and the supervisor has not been told.
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// Its pidfd became readable, and the supervisor has not been told.
    pub(crate) exited: bool,
}

impl Cell {
    pub(crate) fn new(down: usize, up: usize) -> Self {
        Cell {
            down: Pipe::new(down),
            up: Pipe::new(up),
            life: Life::Unborn,
            killed: false,
            hung_up: false,
            readable: false,
            writable: false,
            exited: false,
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.life == Life::Alive
    }

    /// The worker reads.
    pub(crate) fn hear(&mut self, most: usize) -> Vec<u8> {
        let bytes = self.down.take(most);
        if !bytes.is_empty() && std::mem::take(&mut self.down.starved) {
            self.writable = true;
        }
        bytes
    }

    /// The worker writes.
    pub(crate) fn say(&mut self, bytes: &[u8], most: usize) -> usize {
        let count = self.up.put(bytes, most);
        self.readable |= count > 0;
        count
    }

    /// The worker closes its socket: what it wrote stays readable, what it had not read is lost.
    pub(crate) fn hang_up(&mut self) {
        self.hung_up = true;
        self.up.ended = true;
        self.readable = true;
        self.down.bytes.clear();
    }

    /// The worker ends.
    pub(crate) fn die(&mut self, end: ChildEnd) {
        self.life = Life::Dead(end);
        self.exited = true;
        self.hang_up();
    }
}
