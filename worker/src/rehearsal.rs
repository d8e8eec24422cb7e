//! What every process does first, gone through before anybody waits for it.
//!
//! A page that a copy writes to, or runs code of, costs a page fault the first time. So a copy goes
//! through the beginning and the end of a process that has no script while it is warm, with code of the
//! project alone, and the faults are behind it when it becomes somebody. The zygote has done the same:
//! what Luau finds out once about code (where a field lies in a table) its copies need not write down.
//!
//! It leaves no trace that a script could see: no session, nothing sent, nothing in the scheduler.

use crate::Vm;
use crate::encode::Encoder;
use crate::stack::{Stack, with_values};
use ipc::codec::{decode, frame_max};
use ipc::frame::{Birth, FromWorker, Outcome, ToWorker};
use ipc::limits::MESSAGE_MAX;
use ipc::payload::NO_ARGUMENTS;
use ipc::{Deframer, Frame, Limits, Outbox, hot};
use mlua::Result;
use std::hint::black_box;

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
