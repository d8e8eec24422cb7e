//! How the zygote leaves its memory, so that its copies write to few pages of it: each is a page fault, and
//! memory of their own.

use crate::memory::{LARGE_PAGE, SMALL_PAGE, last_page};
use crate::{Vm, fork};
use mlua::{Function, Result, Table};
use std::hint::black_box;

/// Bytes of a block that malloc(3) takes from the end of its memory, where it has no hole as large.
const EDGE: usize = 64 * 1024;

/// Sizes of the holes that are filled, the largest first: below that malloc(3) makes steps of 16.
const HOLES: [usize; 6] = [EDGE, 32 * 1024, 16 * 1024, 8 * 1024, 4 * 1024, 2 * 1024];
const SMALL_MAX: usize = 1024 + 16;
const STEP: usize = 16;

/// Blocks of one size that are tried at most.
const TRIES: usize = 4096;

/// Bytes at the beginning of a page of Luau's, and of a block in it that is no object (`lmem.cpp`,
/// `lua_Page` and `kBlockHeader`).
const PAGE_HEADER: usize = 56;
const BLOCK_HEADER: usize = 8;

/// Sizes of blocks from which on their pages are large ones.
const LARGE_FROM: usize = 512;

/// Sizes that nearly every process takes memory of: for arrays and nodes of tables, for code; for objects.
const PLAIN: [usize; 7] = [32, 64, 128, 256, 384, 512, 1024];
const OBJECTS: [usize; 8] = [16, 32, 40, 48, 64, 72, 80, 96];

/// Bytes of a table's element, and those of a buffer before its own.
const ELEMENT: usize = 16;
const BUFFER_HEADER: usize = 8;

/// Room for what is kept, from the beginning: what grows takes pages meanwhile.
const KEPT: usize = 8192;

/// The kernel's page.
const FRAME: usize = 4096;

/// Blocks that are left in a frame, at least: else the next frame is good as well.
const LEFT_MIN: usize = 4;

impl Vm {
    /// In the zygote, when all is loaded: copies begin with memory that they need not write to soon.
    pub(crate) fn settle(&self) -> Result<()> {
        self.rehearse(&mut Vec::new())?;
        let kept = self.lua.create_table_with_capacity(KEPT, 0)?;
        self.collect_and_stop()?;
        self.fill_plain_pages(&kept)?;
        // The tables round those blocks go before the pages of objects are filled, which they lie in.
        self.collect_and_stop()?;
        self.fill_pages_of_objects(&kept)?;
        self.lua.set_named_registry_value("filled", kept)?;
        self.lua.gc_restart();
        // Luau's collector marks what it looks at, which is all that the zygote has left: with nothing
        // to collect it begins when a process has added half as much.
        self.lua.gc_collect()?;
        self.lua.gc_collect()?;
        fill_holes();
        Ok(())
    }

    /// What the collector freed while pages are filled would be taken first.
    fn collect_and_stop(&self) -> Result<()> {
        self.lua.gc_collect()?;
        self.lua.gc_stop();
        Ok(())
    }

    fn fill_plain_pages(&self, kept: &Table) -> Result<()> {
        let create: Function = self.lua.globals().get::<Table>("table")?.get("create")?;
        for size in PLAIN {
            fill_page(size + BLOCK_HEADER, |keep| {
                let table: Table = create.call((size / ELEMENT, true))?;
                if keep { kept.raw_push(table) } else { Ok(()) }
            })?;
        }
        Ok(())
    }

    fn fill_pages_of_objects(&self, kept: &Table) -> Result<()> {
        for size in OBJECTS {
            fill_page(size, |keep| {
                let buffer = self.lua.create_buffer(vec![0; size - BUFFER_HEADER])?;
                if keep { kept.raw_push(buffer) } else { Ok(()) }
            })?;
        }
        Ok(())
    }
}

/// Takes blocks of that size, to keep them, until a new page is begun, and then so many that those which
/// Luau takes next lie beside its header: a page is taken from its end on, and its header written to each
/// time, so a copy would write to two frames. The latter are free again at the next collection, and are
/// taken when those beside the header are used up. Where Luau's pages are others than this knows, some are
/// kept for nothing.
fn fill_page(block: usize, mut take: impl FnMut(bool) -> Result<()>) -> Result<()> {
    let is_large = block > LARGE_FROM + BLOCK_HEADER;
    let blocks = (if is_large { LARGE_PAGE } else { SMALL_PAGE } - PAGE_HEADER) / block;
    let before = last_page();
    let mut tries = 0..2 * blocks;
    while last_page() == before && tries.next().is_some() {
        take(true)?;
    }
    let data = last_page() + PAGE_HEADER;
    let beside = (data.next_multiple_of(FRAME) - data) / block;
    let left = if beside < LEFT_MIN { beside + FRAME / block } else { beside };
    // One is taken already.
    for _ in left + 1..blocks {
        take(false)?;
    }
    Ok(())
}

/// Takes what is free between blocks of malloc(3), so that copies find memory in one piece, at the end.
/// It is lost, but nobody had written to the pages for it that would be written to now.
fn fill_holes() {
    fork::join_free_blocks();
    let edge = (0..4).map(|_| leak(EDGE)).max().unwrap_or(usize::MAX);
    let small = (1..=SMALL_MAX / STEP).rev().map(|steps| steps * STEP);
    for size in HOLES.into_iter().chain(small) {
        for _ in 0..TRIES {
            if leak(size) >= edge {
                break;
            }
        }
    }
}

/// Allocates so many bytes for ever, and says where.
fn leak(size: usize) -> usize {
    let block: Vec<u8> = black_box(Vec::with_capacity(size));
    block.leak().as_ptr().addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlua::{Result, Value};

    #[test]
    fn the_next_blocks_lie_beside_the_header_of_their_page() {
        let vm = Vm::new(ipc::Zones::default()).expect("a state");
        let kept = vm.lua.create_table_with_capacity(KEPT, 0).expect("memory");
        vm.collect_and_stop().expect("nothing raises");
        for size in [48, 96] {
            let take = || -> Result<usize> {
                let buffer = vm.lua.create_buffer(vec![0; size - BUFFER_HEADER])?;
                kept.raw_push(&buffer)?;
                Ok(Value::Buffer(buffer).to_pointer().addr())
            };
            fill_page(size, |_| take().map(drop)).expect("memory");
            let page = last_page();
            for _ in 0..LEFT_MIN {
                let at = take().expect("memory");
                let beside = page + PAGE_HEADER..page + PAGE_HEADER + 2 * FRAME;
                assert!(beside.contains(&at), "{at:x} of {size} bytes, page {page:x}");
            }
            assert_eq!(last_page(), page);
        }
    }
}
