//! The worker's half of routes, kept as `worker/src/routes.rs` keeps it.

use ipc::frame::RouteId;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Open routes by destination.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    open: BTreeMap<Rc<str>, Route>,
    destinations: BTreeMap<RouteId, Rc<str>>,
    /// What was granted last under each number, and whether it was said to be closed since.
    granted: BTreeMap<RouteId, bool>,
}

#[derive(Debug)]
struct Route {
    id: RouteId,
    credit: u64,
    group: usize,
}

/// Which way a message is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// There is no route: it asks.
    Ask,
    /// The route's credit is used up: it is released, and the message asks.
    Exhausted(RouteId),
}

impl Routes {
    pub(crate) fn id(&self, dest: &str) -> Option<RouteId> {
        self.open.get(dest).map(|route| route.id)
    }

    /// Takes the bytes of a frame from the credit; gives the group of the route.
    pub(crate) fn spend(&mut self, dest: &str, charge: u64) -> Result<usize, Way> {
        let route = self.open.get_mut(dest).ok_or(Way::Ask)?;
        if charge > route.credit {
            return Err(Way::Exhausted(route.id));
        }
        route.credit -= charge;
        Ok(route.group)
    }

    /// A message was accepted and got a route; false where there is one already.
    pub(crate) fn opened(
        &mut self,
        dest: &Rc<str>,
        id: RouteId,
        credit: u64,
        group: usize,
    ) -> bool {
        self.granted.insert(id, false);
        if self.open.contains_key(dest) {
            return false;
        }
        self.destinations.insert(id, dest.clone());
        self.open.insert(dest.clone(), Route { id, credit, group });
        true
    }

    /// Forgets a route, if it is known; then it is to be released.
    pub(crate) fn forget(&mut self, id: RouteId) -> Option<Rc<str>> {
        let dest = self.destinations.remove(&id)?;
        self.open.remove(&dest);
        Some(dest)
    }

    /// A route is said to be closed; false where it was never granted, or closed before.
    pub(crate) fn may_close(&mut self, id: RouteId) -> bool {
        self.granted.insert(id, true) == Some(false)
    }
}
