//! What every process does first, gone through before anybody waits for it.
//!
//! A page that a copy writes to, or runs code of, costs a page fault the first time. So a copy goes
//! through the beginning and the end of a process that has no script while it is warm, with code of the
//! project alone, and the faults are behind it when it becomes somebody. The zygote has done the same:
//! what Luau finds out once about code (where a field lies in a table) its copies need not write down.
//!
//! It leaves no trace that a script could see: no session, nothing sent, nothing in the scheduler.

use crate::encode::Encoder;
use crate::stack::{Stack, with_values};
use crate::{Vm, fork};
use ipc::codec::{decode, frame_max};
use ipc::frame::{Birth, FromWorker, Outcome, ToWorker};
use ipc::limits::MESSAGE_MAX;
use ipc::payload::NO_ARGUMENTS;
use ipc::{Deframer, Frame, Limits, Outbox, hot};
use mlua::Result;
use std::hint::black_box;

/// Bytes of a block that malloc(3) takes from the end of its memory, where it has no hole as large.
const EDGE: usize = 64 * 1024;

/// Sizes of the holes that are filled, the largest first: below that malloc(3) makes steps of 16.
const HOLES: [usize; 6] = [EDGE, 32 * 1024, 16 * 1024, 8 * 1024, 4 * 1024, 2 * 1024];
const SMALL_MAX: usize = 1024 + 16;
const STEP: usize = 16;

/// Blocks of one size that are tried at most.
const TRIES: usize = 4096;

impl Vm {
    /// Goes once through the life of a process without a script. `bytes` is where its frame is put.
    pub(crate) fn rehearse(&self, bytes: &mut Vec<u8>) -> Result<()> {
        let mut outbox = Outbox::new();
        let limits = Limits::DEFAULT;
        outbox.push(
            &ToWorker::Become { pid: "{}", entry: "", limits, birth: Birth::default() },
            NO_ARGUMENTS,
        );
        bytes.clear();
        bytes.extend_from_slice(outbox.pending());
        outbox.advance(outbox.len());
        let mut deframer = Deframer::new(frame_max(MESSAGE_MAX));
        let mut feed = deframer.feed(bytes);
        while let Some(frame) = feed.next_frame().map_err(mlua::Error::external)? {
            self.rehearse_frame(frame)?;
        }
        let _: (u8, Option<f64>) = self.hooks.run.call(())?;
        let value = self.ending()?.map_err(|raised| mlua::Error::runtime(format!("{raised:?}")))?;
        let unwrap = self.context.prelude()?.unwrap;
        let encode = |stack: &mut Stack| {
            let mut encoder = Encoder::new(stack, Vec::new(), MESSAGE_MAX, unwrap);
            encoder.value(1).is_ok()
        };
        with_values(&self.lua, value, encode)?;
        outbox.push(&FromWorker::Done { outcome: Outcome::Normal }, &[]);
        black_box(outbox.pending());
        self.hooks.forget.call(())
    }

    fn rehearse_frame(&self, frame: Frame<'_>) -> Result<()> {
        black_box(hot::read_deliver(frame.header));
        let header: ToWorker<'_> = decode(frame.header).map_err(mlua::Error::external)?;
        match header {
            ToWorker::Become { pid, entry, .. } => {
                self.hooks.rehearse.call(self.first_arguments(pid, entry, frame.body)?)
            }
            _ => Ok(()),
        }
    }

    /// In the zygote, when all is loaded: copies begin with memory that they need not write to soon.
    pub(crate) fn settle(&self) -> Result<()> {
        self.rehearse(&mut Vec::new())?;
        // Luau's collector marks what it looks at, which is all that the zygote has left: with nothing
        // to collect it begins when a process has added half as much.
        self.lua.gc_collect()?;
        self.lua.gc_collect()?;
        fill_holes();
        Ok(())
    }
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
    use mlua::Value;

    #[test]
    fn a_rehearsal_leaves_no_trace() {
        let vm = Vm::new(ipc::Zones::default()).expect("a state");
        vm.settle().expect("once in the zygote");
        vm.rehearse(&mut Vec::new()).expect("once more in a copy");
        for name in ["ending", "pid", "entry", "current"] {
            let left: Value = vm.wabe.get(name).expect("a field");
            assert_eq!(left, Value::Nil, "{name}");
        }
        let blocked = 2;
        let round: (u8, Option<f64>) = vm.hooks.run.call(()).expect("a round");
        assert_eq!(round, (blocked, None), "nothing is ready, and no timer runs");
    }
}
