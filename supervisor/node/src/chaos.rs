//! What only a test asks of a node: to signal its processes, and who of them would live on.

use crate::process::{Number, Phase};
use crate::{Granted, Node, Output, Refusal};
use ipc::Pid;
use ipc::chaos::ChaosSignal;

impl Node {
    /// Has a signal sent to a worker. What comes of it the kernel's report tells, as of any other.
    pub(crate) fn chaos(
        &mut self,
        from: Number,
        dest: &str,
        signal: ChaosSignal,
    ) -> Result<Granted, Refusal> {
        if !self.config.chaos {
            return Err(Refusal::NoChaos);
        }
        let target = self.reach(from, signal.call(), dest)?;
        let pid = self.pid_of(target).ok_or(Refusal::Gone)?;
        self.emit(Output::Signal { pid, signal });
        Ok(Granted::Done)
    }

    /// True for a process whose end nobody has ordered and whose body has not ended: it would go on
    /// without whoever has left it behind.
    #[must_use]
    pub fn would_live_on(&self, pid: Pid) -> bool {
        let process = self.processes.get(&pid.number);
        process.is_some_and(|process| {
            process.order.is_none()
                && matches!(
                    process.phase,
                    Phase::Loading { .. } | Phase::Running | Phase::Upgrading
                )
        })
    }
}
