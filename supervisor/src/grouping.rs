//! Which control group a worker is in, where there are any.

use crate::cgroup::OutOfMemory;
use crate::children::ChildId;
use crate::supervisor::Supervisor;
use crate::terminal::say;
use ipc::sandbox::{Layer, Plan};
use std::io;
use std::os::fd::OwnedFd;

impl Supervisor {
    /// Takes the layer out of a plan where it is missing and may be. Where it may not, says why no
    /// process can be started on the host.
    pub(crate) fn without_groups(&self, host: &str, plan: &mut Plan) -> Option<String> {
        let missing = self.cgroups.as_ref().err().filter(|_| plan.layers.has(Layer::Cgroup))?;
        if !plan.optional.has(Layer::Cgroup) {
            return Some(format!("{missing}; {}", missing.layer.remedy()));
        }
        say(&format!("host '{host}' goes without an optional layer: {missing}"));
        plan.layers = plan.layers.without(Layer::Cgroup);
        None
    }

    /// A group for a worker that is about to be asked for, and the descriptor for its zygote.
    pub(crate) fn take_group(&mut self, nest: usize, id: ChildId) -> io::Result<Option<OwnedFd>> {
        let plan = self.nests[nest].plan;
        let cgroups = self.cgroups.as_mut().ok().and_then(Option::as_mut);
        let Some(cgroups) = cgroups.filter(|_| plan.layers.has(Layer::Cgroup)) else {
            return Ok(None);
        };
        let child = &mut self.children.all[id];
        // Whoever is wanted for a process already is under the limits of that.
        let own = child.process.as_ref().map_or(plan.limits, |process| process.limits);
        let (group, directory) = cgroups.take(&own)?;
        child.group = Some(group);
        Ok(Some(directory))
    }

    /// The entry may use less memory than its host.
    pub(crate) fn limit_group(&mut self, id: ChildId) {
        let Ok(Some(cgroups)) = &self.cgroups else { return };
        let Some(child) = self.children.all.get_mut(id) else { return };
        if let (Some(group), Some(process)) = (&mut child.group, &child.process)
            && let Err(error) = cgroups.limit(group, &process.limits)
        {
            say(&format!("cannot lower the memory limit of {}: {error}", process.text));
        }
    }

    /// True where the kernel killed a worker, which has exited, for memory.
    pub(crate) fn was_out_of_memory(&self, id: ChildId) -> bool {
        let group = self.children.all.get(id).and_then(|child| child.group.as_ref());
        let Ok(Some(cgroups)) = &self.cgroups else { return false };
        group.is_some_and(|group| cgroups.out_of_memory(group) == Some(OutOfMemory::Own))
    }

    /// The group of a worker that is gone, or was never there, is for the next one.
    pub(crate) fn give_group_back(&mut self, id: ChildId) {
        let group = self.children.all.get_mut(id).and_then(|child| child.group.take());
        if let (Some(group), Ok(Some(cgroups))) = (group, &mut self.cgroups) {
            cgroups.give_back(group);
        }
    }

    /// Forgets a child that is reaped, or was never there.
    pub(crate) fn forget(&mut self, id: ChildId) {
        self.give_group_back(id);
        self.children.remove(id);
        // Where a process is gone there is room for another.
        self.pools_due = true;
    }

    /// Leaves the delegated group as it was found.
    pub(crate) fn close_cgroups(&mut self) {
        if let Ok(Some(cgroups)) = std::mem::replace(&mut self.cgroups, Ok(None)) {
            let path = cgroups.path().to_owned();
            if let Err(error) = cgroups.close() {
                say(&format!("cannot tidy up control group {}: {error}", path.display()));
            }
        }
    }
}
