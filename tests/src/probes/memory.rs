//! Memory: that runs, that is shared, that is more than allowed.

use super::Probe;
use super::native;
use super::stoppers::{
    DESCRIPTOR, FILE, FILTER, MEMORY, MEMORY_OR_FILTER, PRIVILEGE, RUN_WHAT_WAS_WRITTEN,
};
use super::sys::{Failed, Reached, check, map, memfd, sys};
use libc::{
    MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE, c_void,
};

const PAGE: usize = 4096;
const PRIVATE: i32 = MAP_PRIVATE | MAP_ANONYMOUS;
const WRITABLE: i32 = PROT_READ | PROT_WRITE;

pub(super) const PROBES: &[Probe] = &[
    native("map-to-write-and-run", |_| runs(map(PAGE, WRITABLE | PROT_EXEC, PRIVATE, -1)?))
        .stopped_by(RUN_WHAT_WAS_WRITTEN),
    native("write-then-run", |_| {
        let memory = written()?;
        sys!(libc::SYS_mprotect, memory, PAGE, PROT_READ | PROT_EXEC)?;
        run(memory)
    })
    .stopped_by(RUN_WHAT_WAS_WRITTEN),
    native("write-then-run-by-key", |_| {
        let (memory, no_key) = (written()?, -1);
        sys!(libc::SYS_pkey_mprotect, memory, PAGE, PROT_READ | PROT_EXEC, no_key)?;
        run(memory)
    })
    .stopped_by(RUN_WHAT_WAS_WRITTEN),
    native("make-own-code-writable", |_| {
        let page = (runs as fn(*mut c_void) -> Reached as usize) & !(PAGE - 1);
        sys!(libc::SYS_mprotect, page, PAGE, WRITABLE | PROT_EXEC).map(|_| ())
    })
    .stopped_by(RUN_WHAT_WAS_WRITTEN),
    native("map-file-twice", |_| {
        // Once to write, once to run: no page is ever both, as the kernel's rule sees it.
        let file = file_of_a_page()?;
        let memory = map(PAGE, WRITABLE, MAP_SHARED, file)?;
        super::elf::write_code(memory);
        run(map(PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, file)?)
    })
    .stopped_by(DESCRIPTOR),
    native("map-written-file-to-run", |_| {
        let file = memfd(0)?;
        super::sys::write(file, &super::elf::program())?;
        map(PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, file).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("reading-means-running", |_| {
        sys!(libc::SYS_personality, 0x040_0000 /* READ_IMPLIES_EXEC */)?;
        run(written()?)
    })
    .stopped_by(RUN_WHAT_WAS_WRITTEN),
    native("shared-memory-to-run", |_| {
        let id = sys!(libc::SYS_shmget, libc::IPC_PRIVATE, PAGE, 0o700)?;
        let memory = sys!(libc::SYS_shmat, id, 0, libc::SHM_EXEC);
        sys!(libc::SYS_shmctl, id, libc::IPC_RMID, 0)?;
        runs(memory? as *mut c_void)
    })
    .stopped_by(RUN_WHAT_WAS_WRITTEN),
    native("remap-file-pages", |_| {
        let memory = map(2 * PAGE, WRITABLE, MAP_SHARED, file_of_a_page()?)?;
        sys!(libc::SYS_remap_file_pages, memory, PAGE, 0, 1, 0).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("share-with-children", |_| {
        map(PAGE, WRITABLE, MAP_SHARED | MAP_ANONYMOUS, -1).map(|_| ())
    })
    .stopped_by(FILTER),
    native("reserve-2-gib", |_| {
        let reserved = map(2 << 30, WRITABLE, PRIVATE, -1)?;
        touch(reserved, 3);
        Ok(())
    })
    .stopped_by(MEMORY)
    .with_all("failed: ENOMEM"),
    native("reserve-1-tib-unused", |_| map(1 << 40, PROT_NONE, PRIVATE, -1).map(|_| ()))
        .stopped_by(MEMORY)
        .with_all("failed: ENOMEM"),
    native("reserve-piece-by-piece", |_| {
        (0..64).try_for_each(|_| map(32 << 20, WRITABLE, PRIVATE, -1).map(|piece| touch(piece, 1)))
    })
    .stopped_by(MEMORY)
    .with_all("failed: ENOMEM"),
    native("map-unaccounted", |_| {
        map(PAGE, WRITABLE, PRIVATE | libc::MAP_NORESERVE, -1).map(|_| ())
    })
    .stopped_by(FILTER),
    native("map-growing-down", |_| {
        map(PAGE, WRITABLE, PRIVATE | libc::MAP_GROWSDOWN, -1).map(|_| ())
    })
    .stopped_by(FILTER),
    native("grow-heap", |_| {
        let end = sys!(libc::SYS_brk, 0)?;
        let wanted = end + (2 << 30);
        let grown = sys!(libc::SYS_brk, wanted)? == wanted;
        sys!(libc::SYS_brk, end)?;
        if grown { Ok(()) } else { Err(Failed::Errno(libc::ENOMEM)) }
    })
    .stopped_by(MEMORY)
    .with_all("failed: ENOMEM"),
    native("remap-larger", |_| {
        let memory = map(PAGE, WRITABLE, PRIVATE, -1)?;
        let may_move = libc::MREMAP_MAYMOVE;
        sys!(libc::SYS_mremap, memory, PAGE, 2_usize << 30, may_move, 0).map(|_| ())
    })
    .stopped_by(MEMORY_OR_FILTER)
    .with_all("failed: ENOSYS"),
    native("remap-elsewhere", |_| {
        // With code in place of data: to where the door was.
        let (from, to) = (map(PAGE, WRITABLE, PRIVATE, -1)?, map(PAGE, WRITABLE, PRIVATE, -1)?);
        let fixed = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        sys!(libc::SYS_mremap, from, PAGE, PAGE, fixed, to).map(|_| ())
    })
    .stopped_by(FILTER)
    .with_all("failed: ENOSYS"),
    native("map-at-zero", |_| {
        // What a null pointer of the kernel's would read.
        let fixed = PRIVATE | libc::MAP_FIXED;
        sys!(libc::SYS_mmap, 0, PAGE, WRITABLE, fixed, -1, 0).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("map-locked", |_| map(16 << 20, WRITABLE, PRIVATE | libc::MAP_LOCKED, -1).map(|_| ()))
        .stopped_by(PRIVILEGE),
    native("lock", |_| {
        let memory = map(16 << 20, WRITABLE, PRIVATE, -1)?;
        sys!(libc::SYS_mlock, memory, 16 << 20).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("lock-what-will-come", |_| sys!(libc::SYS_mlockall, libc::MCL_FUTURE).map(|_| ()))
        .stopped_by(FILTER),
    native("huge-pages", |_| {
        let huge = PRIVATE | libc::MAP_HUGETLB | libc::MAP_NORESERVE;
        map(2 << 20, WRITABLE, huge, -1).map(|_| ())
    })
    .stopped_by(FILTER),
    native("secret-memory", |_| {
        let file = super::sys::descriptor(sys!(libc::SYS_memfd_secret, 0)?);
        sys!(libc::SYS_ftruncate, file, PAGE)?;
        let memory = map(PAGE, WRITABLE, MAP_SHARED, file)?;
        touch(memory, 1);
        Ok(())
    })
    .stopped_by(DESCRIPTOR),
    native("advise-huge-pages", |_| advise(libc::MADV_HUGEPAGE)).stopped_by(FILTER),
    native("advise-not-in-children", |_| advise(libc::MADV_DONTFORK)).stopped_by(FILTER),
    native("advise-populate", |_| advise(libc::MADV_POPULATE_WRITE)).stopped_by(FILTER),
    native("page-cache-as-oracle", |_| {
        let (memory, mut resident) = (written()?, [0_u8; 1]);
        sys!(libc::SYS_mincore, memory, PAGE, resident.as_mut_ptr())?;
        check(resident[0] & 1 == 1, "it is not there")
    })
    .stopped_by(FILTER),
    native("core-file", |env| {
        let unlimited = [u64::MAX; 2];
        sys!(libc::SYS_prlimit64, 0, libc::RLIMIT_CORE, unlimited.as_ptr(), 0)?;
        sys!(libc::SYS_chdir, &*env.file("rw"))?;
        let status = super::sys::in_child(0, || {
            let _ = super::tasks::prctl(libc::PR_SET_DUMPABLE, 1);
            let own = sys!(libc::SYS_getpid).unwrap_or(0);
            let _ = sys!(libc::SYS_kill, own, libc::SIGABRT);
            0
        })?;
        check(libc::WCOREDUMP(status), "there is none")
    })
    .needs("a hard limit of core files that is none")
    .stopped_by(FILE),
];

/// A page with code in it.
fn written() -> Result<*mut c_void, Failed> {
    let memory = map(PAGE, WRITABLE, PRIVATE, -1)?;
    super::elf::write_code(memory);
    Ok(memory)
}

/// Writes code there and runs it.
fn runs(memory: *mut c_void) -> Reached {
    super::elf::write_code(memory);
    run(memory)
}

fn run(memory: *mut c_void) -> Reached {
    super::elf::run_code(memory)
}

fn file_of_a_page() -> Result<i32, Failed> {
    let file = memfd(0)?;
    sys!(libc::SYS_ftruncate, file, 2 * PAGE)?;
    Ok(file)
}

/// Writes to the first pages there.
fn touch(memory: *mut c_void, pages: usize) {
    for page in 0..pages {
        // SAFETY: so many pages at least were mapped there, to be written.
        unsafe { memory.cast::<u8>().add(page * PAGE).write_volatile(1) };
    }
}

fn advise(advice: i32) -> Reached {
    let memory = map(2 * PAGE, WRITABLE, PRIVATE, -1)?;
    sys!(libc::SYS_madvise, memory, 2 * PAGE, advice).map(|_| ())
}
