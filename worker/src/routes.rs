//! The worker's half of pipelined sends: which destinations may be sent to without asking, and how
//! much. The rules are in `docs/protocol.md`, section Routes.

use crate::outlet::Outlet;
use ipc::frame::{CallId, FromWorker, RouteId, charge};
use std::collections::HashMap;

/// Open routes by destination, and the sends whose answer may open one.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    open: HashMap<String, Route>,
    destinations: HashMap<RouteId, String>,
    asked: HashMap<CallId, String>,
}

#[derive(Debug)]
struct Route {
    id: RouteId,
    credit: u64,
}

impl Routes {
    /// Sends along an open route; false where the message has to ask.
    pub(crate) fn send(
        &mut self,
        outlet: &mut Outlet,
        dest: &str,
        topic: &str,
        body: &[u8],
    ) -> bool {
        let Some(route) = self.open.get_mut(dest) else { return false };
        let (id, charge) = (route.id, charge(topic, body.len()) as u64);
        if charge > route.credit {
            self.release(outlet, id);
            return false;
        }
        route.credit -= charge;
        outlet.push(&FromWorker::Send { route: id, topic }, body);
        true
    }

    /// A message has been sent as a call.
    pub(crate) fn asked(&mut self, call: CallId, dest: &str) {
        self.asked.insert(call, dest.to_owned());
    }

    /// A call was answered; where it was a send that got a route, the route is open from now on.
    pub(crate) fn answered(
        &mut self,
        outlet: &mut Outlet,
        call: CallId,
        granted: Option<(RouteId, u64)>,
    ) {
        let Some(dest) = self.asked.remove(&call) else { return };
        let Some((id, credit)) = granted else { return };
        if self.open.contains_key(&dest) {
            // Two coroutines asked at the same time: one route is enough.
            outlet.push(&FromWorker::Release { route: id }, &[]);
            return;
        }
        self.destinations.insert(id, dest.clone());
        self.open.insert(dest, Route { id, credit });
    }

    /// The supervisor has closed a route. One that was released already is no longer known here.
    pub(crate) fn closed(&mut self, outlet: &mut Outlet, id: RouteId) {
        if self.destinations.contains_key(&id) {
            self.release(outlet, id);
        }
    }

    fn release(&mut self, outlet: &mut Outlet, id: RouteId) {
        if let Some(dest) = self.destinations.remove(&id) {
            self.open.remove(&dest);
            outlet.push(&FromWorker::Release { route: id }, &[]);
        }
    }
}
