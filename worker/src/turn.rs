//! The turn limit: CPU time that a script may use without yielding to its supervisor.
//!
//! The kernel's timer counts the CPU time of the process and sends a signal now and then. So a
//! process that waits costs nothing, and a turn costs no system call. Where the same turn has lasted
//! too long, the next [safepoint] ends the process: nothing unwinds, so neither
//! `pcall` nor a coroutine can swallow it. A tick also writes the frames that are [held].
//!
//! What has no safepoint for long (a search in a large string, a large `table.move`) is ended from the
//! signal handler itself, with an exit code, when it has lasted twice as long as it may.

use crate::{door, held, safepoint};
use ipc::frame::EXIT_TURN;
use rustix::time::{ClockId, clock_gettime};
use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const MS: u64 = 1_000_000;

/// CPU time between two ticks: an eighth of the limit, but no less than the one of these, and no more
/// than the other, which is how long a script that never waits can hold what it has sent.
const TICK_MIN_NS: u64 = MS;
const TICK_MAX_NS: u64 = 10 * MS;

/// What the process may use in one turn.
static LIMIT: AtomicU64 = AtomicU64::new(u64::MAX);
/// Number of the turn.
static TURN: AtomicU64 = AtomicU64::new(0);
/// The turn that the last tick fell into.
static SEEN: AtomicU64 = AtomicU64::new(0);
/// CPU time at the first tick in that turn.
static SINCE: AtomicU64 = AtomicU64::new(0);
/// What a turn has used that is over the limit; 0 where none is.
static OVER: AtomicU64 = AtomicU64::new(0);

/// Handles the timer's signal: once, in the zygote; its copies inherit that.
///
/// # Errors
/// As sigaction(2).
pub(crate) fn handle_ticks() -> io::Result<()> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all fields of a sigaction may be zero; the mask is then empty.
    let action = unsafe {
        (*action.as_mut_ptr()).sa_sigaction = tick as extern "C" fn(c_int) as usize;
        // A wait for frames must not end because of a tick.
        (*action.as_mut_ptr()).sa_flags = libc::SA_RESTART;
        action.assume_init()
    };
    // SAFETY: the handler does only what is safe in one: atomics, sendto(2) and clock_gettime(2), whose
    // errors rustix returns without errno, one store.
    match unsafe { libc::sigaction(libc::SIGPROF, &raw const action, std::ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Starts the timer, for limits of `turn_ns` and lower ones. A copy of a process has to do this
/// itself: it inherits no timer.
///
/// # Errors
/// As setitimer(2).
pub(crate) fn install(turn_ns: u64) -> io::Result<()> {
    let tick = tick_ns(turn_ns);
    door::tick_every(libc::timeval {
        tv_sec: 0,
        // Below a second by TICK_MAX_NS.
        tv_usec: (tick / 1000) as libc::suseconds_t,
    })
}

fn tick_ns(turn_ns: u64) -> u64 {
    (turn_ns / 8).clamp(TICK_MIN_NS, TICK_MAX_NS)
}

/// Sets the limit of this process.
pub(crate) fn limit(turn_ns: u64) {
    LIMIT.store(turn_ns, Relaxed);
}

/// A turn begins.
pub(crate) fn begin() {
    TURN.store(TURN.load(Relaxed) + 1, Relaxed);
}

/// What a turn has used that is over the limit, in nanoseconds.
pub(crate) fn exceeded() -> Option<u64> {
    match OVER.load(Relaxed) {
        0 => None,
        used => Some(used),
    }
}

/// The signal handler.
extern "C" fn tick(_: c_int) {
    held::write();
    let (turn, now) = (TURN.load(Relaxed), cpu_ns());
    if SEEN.swap(turn, Relaxed) != turn {
        SINCE.store(now, Relaxed);
        return;
    }
    let used = now.saturating_sub(SINCE.load(Relaxed));
    let limit = LIMIT.load(Relaxed);
    let armed = OVER.load(Relaxed) != 0;
    if armed && used >= limit.saturating_mul(2) {
        // Safe in a handler (signal-safety(7)). What could not be written now is lost with the process.
        crate::fork::exit_now(EXIT_TURN);
    }
    if used >= limit {
        OVER.store(used, Relaxed);
        safepoint::arm();
    }
}

fn cpu_ns() -> u64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_an_eighth_of_the_limit_within_bounds() {
        assert_eq!(tick_ns(40 * MS), 5 * MS);
        assert_eq!(tick_ns(10_000 * MS), TICK_MAX_NS);
        assert_eq!(tick_ns(u64::MAX), TICK_MAX_NS);
        assert_eq!(tick_ns(0), TICK_MIN_NS);
    }
}
