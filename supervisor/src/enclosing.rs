//! What the workers of a host are to be enclosed in, on this machine and for this user.

use crate::app::Enclosure;
use crate::cgroup::{Cgroups, Place};
use ipc::Limits;
use ipc::sandbox::{Layer, Layers, Missing, Plan, Sandbox, UIDS};
use std::io;

/// The ids from which a node takes those of its workers: what systemd leaves to containers
/// (systemd.io/UIDS-GIDS), in blocks of [`UIDS`].
const FIRST_UID: u32 = 0x0010_0000;
const LAST_UID: u32 = 0x6fff_ffff;

/// What the supervisor has to enclose workers with.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The layers that apply to this user and machine.
    layers: Layers,
    /// Why the others do not.
    absent: Vec<(Layer, String)>,
    first_uid: u32,
    /// The control group that is delegated to the supervisor.
    place: Option<Place>,
}

impl Ground {
    /// What there is. Whether a layer can really be had, its zygote finds out.
    ///
    /// # Errors
    /// Where no random number can be had.
    pub(crate) fn find() -> io::Result<Self> {
        let mut absent = Vec::new();
        let place = Place::find().map_err(|why| absent.push((Layer::Cgroup, why.to_string()))).ok();
        if !rustix::process::geteuid().is_root() {
            let why = "only root can give each worker a user of its own";
            absent.push((Layer::Uid, why.to_owned()));
        }
        let layers = absent.iter().fold(Layers::ALL, |layers, (layer, _)| layers.without(*layer));
        Ok(Ground { layers, absent, first_uid: random_block()?, place })
    }

    /// Takes possession of the delegated control group, before any child is started.
    ///
    /// # Errors
    /// Why that cannot be done, where there is one.
    pub(crate) fn open_cgroups(&mut self) -> Result<Option<Cgroups>, Missing> {
        let Some(place) = self.place.take() else { return Ok(None) };
        let missing = |why| Missing { layer: Layer::Cgroup, why };
        let mut cgroups = place.open().map_err(|error| missing(error.to_string()))?;
        if self.layers.has(Layer::Uid) {
            let owned = cgroups.own(self.first_uid);
            owned.map_err(|error| missing(format!("giving it to the zygotes' user: {error}")))?;
        }
        Ok(Some(cgroups))
    }

    /// Why a layer does not apply here; `None` where it does.
    pub(crate) fn why_not(&self, layer: Layer) -> Option<&str> {
        let absent = self.absent.iter().find(|(absent, _)| *absent == layer);
        absent.map(|(_, why)| why.as_str())
    }

    /// The plan for the workers of a host. `only`: the layers that the command line leaves.
    pub(crate) fn plan(&self, host: Enclosure, limits: Limits, only: Option<Layers>) -> Plan {
        let asked = match (host.sandbox, only) {
            (Sandbox::None, _) => Layers::NONE,
            (_, Some(only)) => only,
            _ => Layers::ALL,
        };
        let layers = self.layers.iter().filter(|layer| asked.has(*layer)).collect();
        let (sandbox, optional, first_uid) = (host.sandbox, host.optional, self.first_uid);
        Plan { sandbox, layers, optional, first_uid, limits, nice: host.nice }
    }
}

/// Two nodes on one machine hardly ever have the same.
fn random_block() -> io::Result<u32> {
    let mut bytes = [0; 4];
    rustix::rand::getrandom(&mut bytes[..], rustix::rand::GetRandomFlags::empty())?;
    let blocks = (LAST_UID - FIRST_UID) / UIDS;
    Ok(FIRST_UID + u32::from_le_bytes(bytes) % blocks * UIDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Ground {
        Ground { layers: Layers::ALL, absent: Vec::new(), first_uid: FIRST_UID, place: None }
    }

    #[test]
    fn a_plan_has_what_is_asked_for_and_applies() {
        let limits = Limits::DEFAULT;
        assert_eq!(root().plan(Enclosure::default(), limits, None).layers, Layers::ALL);
        let none = Enclosure { sandbox: Sandbox::None, ..Enclosure::default() };
        assert_eq!(root().plan(none, limits, None).layers, Layers::NONE);
        let user = Ground { layers: Layers::ALL.without(Layer::Uid), ..root() };
        let two: Layers = [Layer::Uid, Layer::Seccomp].into_iter().collect();
        let plan = user.plan(Enclosure::default(), limits, Some(two));
        assert_eq!(plan.layers, Layers::NONE.with(Layer::Seccomp));
    }

    #[test]
    fn blocks_of_ids_are_whole_and_where_they_may_be() {
        for _ in 0..1000 {
            let first = random_block().expect("random numbers");
            assert_eq!(first % UIDS, 0);
            assert!(first >= FIRST_UID && first + (UIDS - 1) <= LAST_UID);
        }
    }
}
