//! What a zygote and its copies have in their address space beside what libraries map, laid out so that
//! a copy is cheap: each page that is mapped one by one is copied by fork(2), or faulted in by every
//! copy, and looked at once more at its end.

use crate::door;
use libc::{
    MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_EXEC, PROT_READ, PROT_WRITE, c_int, c_void,
};
use rustix::fs::{SealFlags, fcntl_get_seals, fstat};
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

/// Moves the program's code to large pages, as far as it fills them: a copy then has one entry for
/// each, where it would fault in hundreds of small ones. Where the machine has none at the time (THP,
/// madvise(2)) all stays as it is.
pub(crate) fn enlarge_pages_of_code() {
    let code = whole_pages(&code());
    if !code.is_empty() && !counts_every_copy() {
        // That it could not be done is no reason to fail: it is as good, and slower.
        let _ = replace(&code);
    }
}

/// True where the kernel promises no more memory than there is (proc_sys_vm(5), overcommit_memory): each
/// fork would count the whole copy again, for it could once be written to.
fn counts_every_copy() -> bool {
    let policy = std::fs::read("/proc/sys/vm/overcommit_memory");
    policy.is_ok_and(|policy| policy.trim_ascii() == b"2")
}

/// The large pages that lie in it and before the door, which goes alone.
fn whole_pages(code: &Range<usize>) -> Range<usize> {
    let door = usize::try_from(door::address()).unwrap_or(0);
    let end = if code.contains(&door) { door } else { code.end };
    code.start.next_multiple_of(LARGE)..end / LARGE * LARGE
}

/// Where the program's code lies; nowhere if that is not told.
fn code() -> Range<usize> {
    unsafe extern "C" fn look(
        object: *mut libc::dl_phdr_info,
        _: usize,
        found: *mut c_void,
    ) -> c_int {
        // SAFETY: dl_iterate_phdr(3) gives an object with so many headers, and what it was given.
        let (object, found) = unsafe { (&*object, &mut *found.cast::<Range<usize>>()) };
        // SAFETY: as above.
        let headers =
            unsafe { std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into()) };
        let is_code = |header: &&libc::Elf64_Phdr| {
            header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0
        };
        if let Some(header) = headers.iter().find(is_code) {
            let start = (object.dlpi_addr + header.p_vaddr) as usize;
            *found = start..start + header.p_memsz as usize;
        }
        // The first object is the program.
        1
    }
    let mut found = 0..0;
    // SAFETY: `look` keeps to what it is given.
    unsafe { libc::dl_iterate_phdr(Some(look), ptr::from_mut(&mut found).cast()) };
    found
}

/// Puts a copy of the code in large pages in its place.
fn replace(code: &Range<usize>) -> io::Result<()> {
    let space = code.len() + LARGE;
    let found = map(space, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1)? as usize;
    let copy = found.next_multiple_of(LARGE)..found.next_multiple_of(LARGE) + code.len();
    unmap(found..copy.start);
    unmap(copy.end..found + space);
    fill(&copy, code).and_then(|()| take_place(&copy, code)).inspect_err(|_| unmap(copy))
}

/// Fills fresh memory with the code, all of it in large pages.
fn fill(copy: &Range<usize>, code: &Range<usize>) -> io::Result<()> {
    let (at, len) = (copy.start as *mut c_void, code.len());
    // SAFETY: the copy is fresh memory that nobody else knows.
    done(unsafe { libc::madvise(at, len, libc::MADV_HUGEPAGE) })?;
    // SAFETY: both are mapped and so long, and code can be read.
    unsafe { ptr::copy_nonoverlapping(code.start as *const u8, at.cast(), len) };
    // Where the first writes found large pages there is nothing left to do; it fails where there are none.
    // SAFETY: as above.
    done(unsafe { libc::madvise(at, len, MADV_COLLAPSE) })?;
    // SAFETY: as above.
    done(unsafe { libc::mprotect(at, len, PROT_READ | PROT_EXEC) })
}

fn take_place(copy: &Range<usize>, code: &Range<usize>) -> io::Result<()> {
    let (at, how) = (code.start as *mut c_void, libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED);
    // SAFETY: what comes there is what was there, byte for byte, so this call returns to the copy.
    match unsafe { libc::mremap(copy.start as *mut c_void, code.len(), code.len(), how, at) } {
        MAP_FAILED => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn unmap(memory: Range<usize>) {
    if !memory.is_empty() {
        // SAFETY: both callers mapped it, and nothing is there that anybody knows.
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
    fn code_lies_in_large_pages_as_far_as_it_fills_them() {
        assert!(code().contains(&(code as *const () as usize)));
        let door = usize::try_from(door::address()).expect("an address");
        assert!(code().contains(&door));
        assert_eq!(whole_pages(&(1..3 * LARGE - 1)), LARGE..2 * LARGE);
        assert_eq!(whole_pages(&(LARGE..3 * LARGE)), LARGE..3 * LARGE);
        assert!(whole_pages(&(1..LARGE)).is_empty());
        assert!(whole_pages(&(door..door + LARGE)).is_empty(), "nothing behind the door");
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
