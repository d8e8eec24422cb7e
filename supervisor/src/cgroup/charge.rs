//! What a group is charged with: how much it may be, and what was counted when it was too much.

use ipc::Limits;

/// What a fresh worker is charged with beyond its values: what it changes of the zygote's memory,
/// its stacks in the kernel, its page tables, and what libc's malloc keeps back.
const FRESH: u64 = 16 << 20;

/// `memory.max` of a worker with those limits; `None` where it has none.
///
/// The VM's own limit is to be met first, since it makes for a clear error. What does not count
/// there is added: what malloc loses between blocks (a quarter), the mailbox, which may be twice as
/// large while it grows, and messages under way in both directions, likewise.
#[must_use]
pub fn memory_max(limits: &Limits) -> Option<u64> {
    let buffers = limits.mailbox.saturating_add(limits.message).saturating_mul(2);
    let values = limits.memory.saturating_add(limits.memory / 4);
    Some(values.saturating_add(buffers).saturating_add(FRESH)).filter(|max| *max < u64::MAX)
}

/// The kernel killed a worker for memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfMemory {
    /// It had more than its own limit.
    Own,
    /// All processes of the machine, or of a group round the supervisor's, had too much together,
    /// and it was chosen.
    Others,
}

/// What `memory.events` has counted since the group was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Events {
    /// Times that the group met its limit and nothing could be freed.
    oom: u64,
    /// Kills, of which one process may count as two (`memory.oom.group`).
    oom_kill: u64,
}

impl Events {
    pub(super) fn parse(text: &str) -> Self {
        let value = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once(' '));
            lines.find_map(|(key, value)| (key == name).then(|| value.parse().ok())?).unwrap_or(0)
        };
        Events { oom: value("oom"), oom_kill: value("oom_kill") }
    }

    /// What happened since. More than before is all that counts.
    pub(super) fn since(self, before: Events) -> Option<OutOfMemory> {
        match (self.oom_kill > before.oom_kill, self.oom > before.oom) {
            (false, _) => None,
            (true, true) => Some(OutOfMemory::Own),
            (true, false) => Some(OutOfMemory::Others),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vm_meets_its_limit_first() {
        let max = memory_max(&Limits::DEFAULT).expect("there is a limit");
        assert!(max > Limits::DEFAULT.memory + 2 * Limits::DEFAULT.mailbox);
        assert_eq!(memory_max(&Limits::UNTRUSTED), Some((32 + 8 + 8 + 2 + 16) << 20));
        assert_eq!(memory_max(&Limits::NONE), None);
    }

    #[test]
    fn a_kill_is_more_than_before() {
        let before = Events::parse("low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\noom_group_kill 1\n");
        assert_eq!(before, Events { oom: 1, oom_kill: 2 });
        assert_eq!(before.since(before), None);
        assert_eq!(before.since(Events::default()), Some(OutOfMemory::Own));
        let machine = Events { oom_kill: 4, ..before };
        assert_eq!(machine.since(before), Some(OutOfMemory::Others));
        let refused = Events { oom: 2, ..before };
        assert_eq!(refused.since(before), None);
        assert_eq!(Events::parse("nonsense\noom_kill x\n"), Events::default());
    }
}
