//! The supervisor's table of descriptors: it never fills up. A pidfd that comes from a zygote and finds
//! no place in it is lost, and so would be the hold on a worker: so a spawn is refused while there is
//! still room for all that is on its way.

use crate::machine::no_descriptors;
use crate::spawning::Obstacle;
use crate::supervisor::Supervisor;
use nix::sys::resource::{Resource, getrlimit};

/// Descriptors that are kept free for what comes and goes: the worker's end of a socket, the folder of
/// a control group, files of `/proc`, the start of a zygote.
const KEPT: usize = 16;

/// Descriptors beside those of processes in a run with one host.
pub(crate) const OWN: usize = 16;

/// Descriptors for each process: its socket and its pidfd. Beyond half of the table it is held by its
/// number alone, once it is born.
const EACH: usize = 2;

/// Descriptors of a host: the socket and the pidfd of its zygote.
const HOST: usize = 2;

/// Pidfds that come with a zygote: of the program that it is forked from, and of the first process of
/// its namespace.
const BESIDE_ZYGOTE: usize = 2;

/// Beyond those that are kept, what warm workers leave to processes.
const KEPT_FROM_WARM: usize = 32;

/// True where `/proc` says numbers as this process has them: it may be that of another pid namespace.
fn proc_is_ours() -> bool {
    let me = std::process::id().to_string();
    std::fs::read_link("/proc/self").is_ok_and(|link| link.as_os_str() == me.as_str())
}

/// How many there may be, and how many the supervisor had when it began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptors {
    pub(crate) limit: usize,
    own: usize,
    /// Children can be held by their numbers.
    numbers: bool,
}

/// For whom a worker is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Process,
    Warm,
}

impl Descriptors {
    /// To be called when all but children is open.
    pub(crate) fn count() -> Self {
        // Where the kernel does not say, it is asked for too much once.
        let limit = getrlimit(Resource::RLIMIT_NOFILE).map_or(u64::MAX, |(soft, _)| soft);
        let open = std::fs::read_dir("/proc/self/fd").map(Iterator::count);
        Descriptors {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            own: open.unwrap_or(OWN),
            numbers: proc_is_ours(),
        }
    }

    /// Whether there is room for so many more, beside those that children and zygotes have.
    fn have_room(self, theirs: usize, more: usize, purpose: Purpose) -> bool {
        let kept = if purpose == Purpose::Warm { KEPT + KEPT_FROM_WARM } else { KEPT };
        self.own.saturating_add(theirs).saturating_add(more + kept) <= self.limit
    }
}

/// Processes that a node has room for which may have so many descriptors.
pub(crate) fn processes(limit: u64) -> u64 {
    let (half, own) = (limit / 2, OWN as u64);
    let with_pidfd = half.saturating_sub(own) / EACH as u64;
    with_pidfd + (limit - half).saturating_sub(KEPT as u64)
}

impl Supervisor {
    /// Looks whether there are descriptors for a further worker of a host.
    ///
    /// # Errors
    /// Where there are not.
    pub(crate) fn room_for_descriptors(
        &self,
        nest: usize,
        purpose: Purpose,
    ) -> Result<(), Obstacle> {
        let more = if self.nests[nest].zygote.is_some() { EACH } else { EACH + BESIDE_ZYGOTE };
        match self.descriptors.have_room(self.descriptors_of_children(), more, purpose) {
            true => Ok(()),
            false => Err(Obstacle::Short(no_descriptors(self.descriptors.limit as u64))),
        }
    }

    /// True where so many descriptors are in use that further workers are held without one.
    pub(crate) fn must_save_descriptors(&self) -> bool {
        let Descriptors { limit, own, numbers } = self.descriptors;
        numbers && own.saturating_add(self.descriptors_of_children()) > limit / 2
    }

    /// Descriptors of all that lives or is on its way.
    fn descriptors_of_children(&self) -> usize {
        let waiting: usize = self.nests.iter().map(|nest| nest.wanted.len()).sum();
        let workers = EACH * self.children.all.len().saturating_sub(waiting);
        let workers = workers.saturating_sub(self.children.numbered());
        workers + self.attendants.all.len() + HOST * self.nests.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_until_what_is_kept_is_reached() {
        let table = Descriptors { limit: 64, own: 10, numbers: true };
        let most = 64 - 10 - KEPT;
        assert!(table.have_room(most - 2, 2, Purpose::Process));
        assert!(!table.have_room(most - 1, 2, Purpose::Process));
        assert!(!table.have_room(usize::MAX, 2, Purpose::Process));
        assert!(!table.have_room(most - 2, 2, Purpose::Warm), "the warm leave room to processes");
        assert!(table.have_room(most - 2 - KEPT_FROM_WARM, 2, Purpose::Warm));
    }

    #[test]
    fn a_small_table_holds_some_and_an_endless_one_is_no_error() {
        assert_eq!(processes(64), 8 + 16);
        assert!(processes(20_000) > 14_900);
        assert_eq!(processes(0), 0);
        assert!(processes(u64::MAX) > 1 << 60);
    }
}
