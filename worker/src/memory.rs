//! The memory limit of a process: bytes of values, code and buffers beyond those of a fresh worker.
//!
//! Luau takes all its memory through Rust's allocator, so it is here that bytes are counted: of
//! values, stacks and bytecode as of the buffers of this crate. While the script runs, an allocation
//! that would be over the limit ends the process from inside the allocator. Nothing unwinds, so no
//! `pcall` can swallow it, and Luau is never asked to go on without memory, which it cannot.
//!
//! Garbage counts too, until it is collected. Luau lets it grow to as much as is in use, so half
//! way to the limit, and half way again after that, a collection is asked for: it runs at the next
//! [safepoint].

use crate::over::over;
use crate::safepoint;
use ipc::frame::OwnLimit;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

#[global_allocator]
static COUNTING: Counting = Counting;

// A worker has one thread, so each of these is a plain variable that a static may hold. In a test
// with more threads the count of live bytes is still right.

/// Bytes that are allocated.
static LIVE: AtomicUsize = AtomicUsize::new(0);
/// Live bytes from which on an allocation is looked at; none where no script runs.
static LOOK: AtomicUsize = AtomicUsize::new(usize::MAX);
/// True in a process, false in a zygote.
static WATCHED: AtomicBool = AtomicBool::new(false);
/// Live bytes of the fresh worker.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// Bytes that hold undelivered mail.
static MAIL: AtomicUsize = AtomicUsize::new(0);
/// What the process may use.
static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
/// Bytes in use from which on garbage is to be collected.
static COLLECT: AtomicUsize = AtomicUsize::new(usize::MAX);
/// A collection is wanted at the next safepoint.
static WANTED: AtomicBool = AtomicBool::new(false);
/// Bytes of a page of Luau's, which it cuts into blocks of one size, and of one for sizes above 512
/// (`lmem.cpp`, `kSmallPageSize` and `kLargePageSize`).
pub(crate) const SMALL_PAGE: usize = 16 * 1024 - 24;
pub(crate) const LARGE_PAGE: usize = 32 * 1024 - 24;

thread_local! {
    /// Where the last block of that size lies. (Tests have threads.)
    static LAST_PAGE: Cell<usize> = const { Cell::new(0) };
}

/// The process is at its end.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Counts what the system's allocator gives.
struct Counting;

// SAFETY: every call is handed to the system's allocator as it came. What is done beside that
// neither unwinds nor keeps a pointer: it counts, or ends the process.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ask(layout.size());
        // SAFETY: as the caller promises.
        let block = counted(layout.size(), unsafe { System.alloc(layout) });
        if layout.size() == SMALL_PAGE || layout.size() == LARGE_PAGE {
            LAST_PAGE.with(|last| last.set(block.addr()));
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ask(layout.size());
        // SAFETY: as the caller promises.
        counted(layout.size(), unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let more = size.saturating_sub(layout.size());
        ask(more);
        // SAFETY: as the caller promises.
        let moved = counted(more, unsafe { System.realloc(block, layout, size) });
        if !moved.is_null() {
            LIVE.fetch_sub(layout.size().saturating_sub(size), Relaxed);
        }
        moved
    }
}

/// Where the page lies that Luau has taken last.
pub(crate) fn last_page() -> usize {
    LAST_PAGE.get()
}

#[inline]
fn ask(size: usize) {
    if LIVE.load(Relaxed).saturating_add(size) > LOOK.load(Relaxed) {
        look(size);
    }
}

#[inline]
fn counted(size: usize, block: *mut u8) -> *mut u8 {
    if block.is_null() {
        return failed(size);
    }
    LIVE.fetch_add(size, Relaxed);
    block
}

/// Half way to the limit, or over it.
#[cold]
fn look(size: usize) {
    let used = used().saturating_add(size);
    if used > LIMIT.load(Relaxed) {
        end(used);
    }
    WANTED.store(true, Relaxed);
    COLLECT.store(usize::MAX, Relaxed);
    set_look();
    safepoint::arm();
}

/// The system has no memory, or the kernel's limit for this process is reached.
#[cold]
fn failed(size: usize) -> *mut u8 {
    if WATCHED.load(Relaxed) {
        end(used().saturating_add(size));
    }
    ptr::null_mut()
}

fn end(used: usize) -> ! {
    // What is to be said now takes memory as well; where there is none, the exit code says it.
    if ENDING.swap(true, Relaxed) {
        crate::fork::exit_now(ipc::frame::EXIT_MEMORY);
    }
    LOOK.store(usize::MAX, Relaxed);
    over(OwnLimit::Memory, used as u64, safepoint::running())
}

/// Bytes that the script uses.
fn used() -> usize {
    let others = BASE.load(Relaxed).saturating_add(MAIL.load(Relaxed));
    LIVE.load(Relaxed).saturating_sub(others)
}

/// Sets from when on allocations are looked at.
fn set_look() {
    let look = LIMIT.load(Relaxed).min(COLLECT.load(Relaxed));
    let others = BASE.load(Relaxed).saturating_add(MAIL.load(Relaxed));
    LOOK.store(look.saturating_add(others), Relaxed);
}

/// Begins to watch this process: what is live now is what a fresh worker uses.
pub(crate) fn watch(limit: u64) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    BASE.store(LIVE.load(Relaxed), Relaxed);
    LIMIT.store(limit, Relaxed);
    COLLECT.store(next_collection(0, limit), Relaxed);
    WATCHED.store(true, Relaxed);
}

/// Runs the script under its limit, with so many bytes of undelivered mail.
pub(crate) fn limited<T>(mail: usize, run: impl FnOnce() -> T) -> T {
    /// Frames are read without a limit, also where a panic has passed.
    struct Unlimited;
    impl Drop for Unlimited {
        fn drop(&mut self) {
            LOOK.store(usize::MAX, Relaxed);
        }
    }
    MAIL.store(mail, Relaxed);
    set_look();
    let _after = Unlimited;
    run()
}

/// Mail was taken: so many bytes of it are no longer held.
pub(crate) fn mail_taken(bytes: usize) {
    MAIL.store(MAIL.load(Relaxed).saturating_sub(bytes), Relaxed);
    if LOOK.load(Relaxed) != usize::MAX {
        set_look();
    }
}

/// True, once, where a collection is wanted.
pub(crate) fn wants_collection() -> bool {
    WANTED.swap(false, Relaxed)
}

/// All garbage has been collected.
pub(crate) fn collected() {
    COLLECT.store(next_collection(used(), LIMIT.load(Relaxed)), Relaxed);
    set_look();
}

/// Where the next collection is due with so many bytes in use.
fn next_collection(used: usize, limit: usize) -> usize {
    let left = limit.saturating_sub(used);
    match left > limit / 32 {
        true => used + left / 2,
        // With next to nothing left it would run again and again.
        false => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_counted() {
        let before = LIVE.load(Relaxed);
        let many = vec![1u8; 256 << 20];
        assert!(LIVE.load(Relaxed) >= before + (128 << 20));
        drop(many);
        assert!(LIVE.load(Relaxed) < before + (128 << 20));
    }

    #[test]
    fn collections_come_half_way_again_and_again() {
        assert_eq!(next_collection(0, 64), 32);
        assert_eq!(next_collection(32, 64), 48);
        assert_eq!(next_collection(62, 64), usize::MAX);
        assert_eq!(next_collection(100, 64), usize::MAX);
        assert_eq!(next_collection(0, usize::MAX), usize::MAX / 2);
    }
}
