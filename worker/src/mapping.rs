//! What a zygote and its copies have in their address space beside what libraries map, laid out so that
//! a copy is cheap: each page that is mapped one by one is copied by fork(2), or faulted in by every
//! copy, and looked at once more at its end.

use libc::{
    MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE, c_int, c_void,
};
use rustix::fs::{SealFlags, fcntl_get_seals, fstat};
use std::arch::asm;
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

/// Puts small pages together to large ones (madvise(2), since Linux 6.1).
const MADV_COLLAPSE: c_int = 25;

/// Bytes of a large page of x86-64, and of aarch64 where small ones are of 4 KiB.
const LARGE: usize = 2 << 20;

/// A file's bytes, for as long as the process lives. It is mapped, so that a page at which no copy looks
/// costs none of them anything.
///
/// # Errors
/// As mmap(2), and for a file that somebody may change.
pub(crate) fn map_sealed(file: &OwnedFd) -> io::Result<&'static [u8]> {
    if !fcntl_get_seals(file)?.contains(SealFlags::WRITE | SealFlags::SHRINK) {
        return Err(io::Error::other("the app's code is not sealed"));
    }
    let len = usize::try_from(fstat(file)?.st_size).map_err(io::Error::other)?;
    let start = map(len, PROT_READ, MAP_PRIVATE, file.as_raw_fd())?;
    // SAFETY: so many bytes are mapped there, are never unmapped, and their seals keep everybody from
    // changing them.
    Ok(unsafe { std::slice::from_raw_parts(start.cast(), len) })
}

fn map(len: usize, protection: c_int, flags: c_int, file: c_int) -> io::Result<*mut c_void> {
    // SAFETY: without MAP_FIXED the kernel takes a place where nothing is.
    let start = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, file, 0) };
    if start == MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(start) }
}

/// Where the program's code lies, and the room round it, in which nothing else is. The linker was told to
/// make it (`build.rs`); in a program for which it was not, all is 0.
#[derive(Clone, Copy, Debug)]
struct Layout {
    room: (usize, usize),
    code: (usize, usize),
}

/// The address of a symbol that the linker may have been told to define; 0 where it was not.
macro_rules! address {
    ($symbol:literal) => {{
        let address: usize;
        // SAFETY: reads a word that the linker has made for this instruction.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            asm!(
                concat!(".weak ", $symbol),
                concat!("mov {}, qword ptr [rip + ", $symbol, "@GOTPCREL]"),
                out(reg) address,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            asm!(
                concat!(".weak ", $symbol),
                concat!("adrp {0}, :got:", $symbol),
                concat!("ldr {0}, [{0}, :got_lo12:", $symbol, "]"),
                out(reg) address,
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        address
    }};
}

impl Layout {
    fn of_this_program() -> Self {
        Layout {
            room: (address!("wabe_room_begins"), address!("wabe_room_ends")),
            code: (address!("wabe_code_begins"), address!("wabe_code_ends")),
        }
    }

    /// The large pages that hold all of the code, and nothing else.
    fn pages(self) -> Option<Range<usize>> {
        let pages = self.code.0 / LARGE * LARGE..self.code.1.next_multiple_of(LARGE);
        let fit = self.room.0 <= pages.start && pages.end <= self.room.1;
        (fit && self.code.0 < self.code.1).then_some(pages)
    }
}

/// Moves the program's code to large pages: a copy then has one entry for each, where it would fault in
/// hundreds of small ones. Where the kernel makes none (madvise(2), MADV_COLLAPSE) all stays as it is.
pub(crate) fn enlarge_pages_of_code() {
    let layout = Layout::of_this_program();
    if let Some(pages) = layout.pages()
        && !counts_every_copy()
    {
        // That it could not be done is no reason to fail: small pages are as good, and slower.
        let _ = replace(&pages, layout.code);
    }
}

/// True where the kernel promises no more memory than there is (proc_sys_vm(5), overcommit_memory): each
/// fork would count the whole copy again, for it could once be written to.
fn counts_every_copy() -> bool {
    let policy = std::fs::read("/proc/sys/vm/overcommit_memory");
    policy.is_ok_and(|policy| policy.trim_ascii() == b"2")
}

/// Puts a copy of the code in large pages in its place.
fn replace(pages: &Range<usize>, code: (usize, usize)) -> io::Result<()> {
    let space = pages.len() + LARGE;
    let found = map(space, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1)? as usize;
    let copy = found.next_multiple_of(LARGE)..found.next_multiple_of(LARGE) + pages.len();
    unmap(found..copy.start);
    unmap(copy.end..found + space);
    fill(&copy, code, code.0 - pages.start)
        .and_then(|()| take_place(&copy, pages))
        .inspect_err(|_| unmap(copy))
}

/// Fills fresh memory with the code, from that byte of it on, all of it in large pages.
fn fill(copy: &Range<usize>, code: (usize, usize), offset: usize) -> io::Result<()> {
    let (at, len) = (copy.start as *mut c_void, copy.len());
    // SAFETY: the copy is fresh memory that nobody else knows.
    done(unsafe { libc::madvise(at, len, libc::MADV_HUGEPAGE) })?;
    let to = (copy.start + offset) as *mut u8;
    // SAFETY: the pages hold all of the code, the copy is as long, and code can be read.
    unsafe { ptr::copy_nonoverlapping(code.0 as *const u8, to, code.1 - code.0) };
    // Where the first writes found large pages there is nothing left to do; it fails where there are none.
    // SAFETY: as above.
    done(unsafe { libc::madvise(at, len, MADV_COLLAPSE) })?;
    // SAFETY: as above.
    done(unsafe { libc::mprotect(at, len, PROT_READ | PROT_EXEC) })
}

fn take_place(copy: &Range<usize>, pages: &Range<usize>) -> io::Result<()> {
    let (at, how) = (pages.start as *mut c_void, libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED);
    // SAFETY: what comes there is the code that was there, byte for byte, so this call returns to the copy.
    // (Had the kernel too little memory to move the mapping, after it has unmapped what was there, it would
    // return to nothing: the process ends, and the supervisor starts another one.)
    match unsafe { libc::mremap(copy.start as *mut c_void, copy.len(), pages.len(), how, at) } {
        MAP_FAILED => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn unmap(memory: Range<usize>) {
    if !memory.is_empty() {
        // SAFETY: it is a part of what `replace` has mapped, and nobody knows of it.
        unsafe { libc::munmap(memory.start as *mut c_void, memory.len()) };
    }
}

fn done(result: c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_moved_where_there_is_room_round_it() {
        let pages = |room, code| Layout { room, code }.pages();
        let (begins, ends) = (5 * LARGE + 64, 7 * LARGE + 4096);
        let code = (begins, ends);
        assert_eq!(pages((begins - LARGE, ends + LARGE), code), Some(5 * LARGE..8 * LARGE));
        assert_eq!(pages((5 * LARGE, 8 * LARGE), code), Some(5 * LARGE..8 * LARGE));
        assert_eq!(pages((5 * LARGE + 1, 8 * LARGE), code), None);
        assert_eq!(pages((5 * LARGE, 8 * LARGE - 1), code), None);
        assert_eq!(pages((0, 0), (0, 0)), None);
        // The linker was told nothing for the program of these tests.
        assert_eq!(Layout::of_this_program().pages(), None);
    }

    #[test]
    fn only_a_sealed_file_is_mapped() {
        use rustix::fs::{MemfdFlags, fcntl_add_seals, memfd_create};
        let file = memfd_create("code", MemfdFlags::ALLOW_SEALING).expect("a file in memory");
        rustix::io::write(&file, b"code").expect("room");
        assert!(map_sealed(&file).is_err());
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK).expect("seals");
        assert_eq!(map_sealed(&file).expect("a mapping"), b"code");
    }
}
