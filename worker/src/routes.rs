//! The worker's half of pipelined sends: which destinations may be sent to without asking, and how
//! much. The rules are in `docs/protocol.md`, section Routes.

use crate::outlet::Outlet;
use ipc::frame::{CallId, FromWorker, RouteId, charge};
use slab::Slab;
use std::collections::HashMap;
use std::rc::Rc;

/// Open routes by destination, and the sends whose answer may open one.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    routes: Slab<Route>,
    open: HashMap<Rc<str>, usize>,
    /// Where the last message went: most go where the one before went.
    last: usize,
    destinations: HashMap<RouteId, Rc<str>>,
    asked: HashMap<CallId, String>,
}

#[derive(Debug)]
struct Route {
    dest: Rc<str>,
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
        let Some(place) = self.find(dest) else { return false };
        let route = &mut self.routes[place];
        let (id, charge) = (route.id, charge(topic, body.len()) as u64);
        if charge > route.credit {
            self.release(outlet, id);
            return false;
        }
        route.credit -= charge;
        outlet.push_send(id, topic, body);
        true
    }

    fn find(&mut self, dest: &str) -> Option<usize> {
        if self.routes.get(self.last).is_none_or(|route| &*route.dest != dest) {
            self.last = *self.open.get(dest)?;
        }
        Some(self.last)
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
        if self.open.contains_key(&*dest) {
            // Two coroutines asked at the same time: one route is enough.
            outlet.push(&FromWorker::Release { route: id }, &[]);
            return;
        }
        let dest = Rc::<str>::from(dest);
        self.destinations.insert(id, dest.clone());
        let place = self.routes.insert(Route { dest: dest.clone(), id, credit });
        self.open.insert(dest, place);
    }

    /// The supervisor has closed a route. One that was released already is no longer known here.
    pub(crate) fn closed(&mut self, outlet: &mut Outlet, id: RouteId) {
        if self.destinations.contains_key(&id) {
            self.release(outlet, id);
        }
    }

    fn release(&mut self, outlet: &mut Outlet, id: RouteId) {
        if let Some(dest) = self.destinations.remove(&id) {
            if let Some(place) = self.open.remove(&dest) {
                self.routes.remove(place);
            }
            outlet.push(&FromWorker::Release { route: id }, &[]);
        }
    }
}
