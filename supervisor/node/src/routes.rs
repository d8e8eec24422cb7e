//! Messages: who may send how much to whom without asking.
//!
//! The first message to a destination asks, and the answer opens a route with a credit in bytes.
//! Along it messages flow without an answer, until the credit is used up or the supervisor closes
//! the route: because the destination is gone or full, or the name by which it was found has moved.
//! What was sent before the sender learned of that is still delivered where the destination lives.
//! So a sender knows synchronously whether its destination is alive, and pays one round trip for
//! each credit, not for each message.
//!
//! Bytes that wait for a process never exceed twice its mailbox limit: asked-for messages are
//! refused once the limit is reached, and the credits of all routes add up to at most the limit.

use crate::process::{Number, Process, Route};
use crate::{Granted, Node, Output, Refusal};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use ipc::PidText;
use ipc::frame::{RouteId, is_topic};
use ipc::limits::{ROUTE_CREDIT_MAX, ROUTES_MAX, ROUTES_PER_PAIR_MAX};

/// A credit smaller than this is not worth a route.
const CREDIT_MIN: u64 = 1024;

impl Node {
    /// A message that asks for its answer.
    pub(crate) fn ask(
        &mut self,
        from: Number,
        dest: &str,
        topic: &str,
        charge: usize,
    ) -> Result<Granted, Refusal> {
        check_topic(topic)?;
        let target = self.find(from, "process.send", dest)?;
        self.check_size(from, charge)?;
        let mailbox_max = self.mailbox_max(target);
        let to = self.processes.get_mut(&target).ok_or(Refusal::Gone)?;
        if to.mailbox.charged + charge as u64 > mailbox_max {
            return Err(Refusal::MailboxFull);
        }
        self.deliver(from, target, charge);
        let name = PidText::parse(dest).is_none().then_some(dest);
        Ok(self.open_route(from, target, name))
    }

    /// A message along a route.
    pub(crate) fn send(&mut self, from: Number, route: RouteId, topic: &str, charge: usize) {
        match self.sent(from, route, topic, charge as u64) {
            Ok(None) => {}
            Ok(Some(full)) => self.close_routes(full, |_| true),
            Err(what) => self.violation(from, what),
        }
    }

    /// The same. Returns whose mailbox it has filled, or what rule it breaks. (There is more of this
    /// than of anything else, so each process is looked up once.)
    fn sent(
        &mut self,
        from: Number,
        route: RouteId,
        topic: &str,
        charge: u64,
    ) -> Result<Option<Number>, &'static str> {
        if check_topic(topic).is_err() {
            return Err("reserved topic on a route");
        }
        let Some(sender) = self.processes.get_mut(&from) else { return Ok(None) };
        if charge > largest_charge(sender) {
            return Err("message over the limit on a route");
        }
        let used = sender.routes.get_mut(route as usize).and_then(Option::as_mut);
        let used = used.ok_or("unknown route")?;
        if used.left < charge {
            return Err("message over the credit of its route");
        }
        used.left -= charge;
        let (from, target) = (sender.pid, used.target);
        let Some(to) = self.processes.get_mut(&target) else { return Ok(None) };
        to.mailbox.granted -= charge;
        let (before, max) = (to.mailbox.charged, to.limits.mailbox);
        to.mailbox.charged += charge;
        let to = to.pid;
        self.emit(Output::Deliver { to, from });
        // Only the message that crosses the limit closes: each route is closed once.
        Ok((before <= max && before + charge > max).then_some(target))
    }

    fn deliver(&mut self, from: Number, target: Number, charge: usize) {
        let (Some(from), Some(to)) = (self.pid_of(from), self.processes.get_mut(&target)) else {
            return;
        };
        to.mailbox.charged += charge as u64;
        let to = to.pid;
        self.emit(Output::Deliver { to, from });
    }

    fn check_size(&self, from: Number, charge: usize) -> Result<(), Refusal> {
        let max = self.processes.get(&from).map_or(0, largest_charge);
        match charge as u64 <= max {
            true => Ok(()),
            false => {
                let max = usize::try_from(max).unwrap_or(usize::MAX);
                Err(Refusal::TooLarge { bytes: charge, max })
            }
        }
    }

    pub(crate) fn mailbox_max(&self, target: Number) -> u64 {
        self.processes.get(&target).map_or(0, |process| process.limits.mailbox)
    }

    /// Each route gets an eighth of what is not promised yet, so there is always some left.
    fn open_route(&mut self, from: Number, target: Number, name: Option<&str>) -> Granted {
        let nothing = Granted::Route { route: None, credit: 0 };
        let mailbox_max = self.mailbox_max(target);
        let Some(to) = self.processes.get_mut(&target) else { return nothing };
        let pair = (from, RouteId::MIN)..=(from, RouteId::MAX);
        if to.routes_in.range(pair).count() >= ROUTES_PER_PAIR_MAX {
            return nothing;
        }
        let free = mailbox_max.saturating_sub(to.mailbox.granted) / 8;
        let credit = free.min(ROUTE_CREDIT_MAX as u64);
        if credit < CREDIT_MIN || to.mailbox.charged > mailbox_max {
            return nothing;
        }
        let route = Route { target, left: credit, name: name.map(Rc::from) };
        let Some(id) = self.place_route(from, route) else { return nothing };
        if let Some(to) = self.processes.get_mut(&target) {
            to.mailbox.granted += credit;
            to.routes_in.insert((from, id));
        }
        Granted::Route { route: Some(id), credit }
    }

    fn place_route(&mut self, from: Number, route: Route) -> Option<RouteId> {
        let process = self.processes.get_mut(&from)?;
        let id = match process.free_routes.pop() {
            Some(id) => id,
            None if process.routes.len() < ROUTES_MAX => {
                process.routes.push(None);
                RouteId::try_from(process.routes.len() - 1).ok()?
            }
            None => return None,
        };
        process.routes[id as usize] = Some(route);
        Some(id)
    }

    fn route_mut(&mut self, from: Number, route: RouteId) -> Option<&mut Route> {
        let routes = &mut self.processes.get_mut(&from)?.routes;
        routes.get_mut(route as usize)?.as_mut()
    }

    /// The sender uses it no more.
    pub(crate) fn release(&mut self, from: Number, route: RouteId) {
        let Some(process) = self.processes.get_mut(&from) else { return };
        let Some(released) = process.routes.get_mut(route as usize).and_then(Option::take) else {
            return self.violation(from, "release of an unknown route");
        };
        process.free_routes.push(route);
        self.give_back(from, route, &released);
    }

    fn give_back(&mut self, from: Number, id: RouteId, route: &Route) {
        if let Some(to) = self.processes.get_mut(&route.target) {
            to.mailbox.granted -= route.left;
            to.routes_in.remove(&(from, id));
            to.routes_closing.remove(&(from, id));
        }
    }

    /// Gives back all that an ended process had been granted.
    pub(crate) fn drop_routes_of(&mut self, gone: Number, routes: &[Option<Route>]) {
        for (id, route) in routes.iter().enumerate() {
            if let (Some(route), Ok(id)) = (route, RouteId::try_from(id)) {
                self.give_back(gone, id, route);
            }
        }
    }

    /// Cuts every route to an ended process, and tells the senders whose route was open.
    pub(crate) fn cut_routes_to(&mut self, gone: &Process) {
        for (sender, id) in gone.routes_in.iter().chain(&gone.routes_closing) {
            if let Some(route) = self.route_mut(*sender, *id) {
                route.target = 0;
            }
        }
        for (sender, id) in &gone.routes_in {
            self.tell_closed(*sender, *id);
        }
    }

    fn tell_closed(&mut self, sender: Number, route: RouteId) {
        if let Some(to) = self.pid_of(sender) {
            self.emit(Output::Closed { to, route });
        }
    }

    pub(crate) fn close_routes_by_name(&mut self, target: Number, name: &str) {
        self.close_routes(target, |route| route.name.as_deref() == Some(name));
    }

    fn close_routes(&mut self, target: Number, which: impl Fn(&Route) -> bool) {
        let Some(to) = self.processes.get(&target) else { return };
        let senders: Vec<_> = to.routes_in.iter().copied().collect();
        for (sender, id) in senders {
            if !self.route_mut(sender, id).is_some_and(|route| which(route)) {
                continue;
            }
            if let Some(to) = self.processes.get_mut(&target) {
                to.routes_in.remove(&(sender, id));
                to.routes_closing.insert((sender, id));
            }
            self.tell_closed(sender, id);
        }
    }

    pub(crate) fn broken_routes(&self, number: Number, process: &Process, out: &mut Vec<String>) {
        let mut granted = 0;
        for (sender, id) in process.routes_in.iter().chain(&process.routes_closing) {
            let sender = self.processes.get(sender);
            let route = sender.and_then(|sender| sender.routes.get(*id as usize)?.as_ref());
            match route {
                Some(route) if route.target == number => granted += route.left,
                _ => out.push(format!("{number} knows a route {id} that is not there")),
            }
        }
        if granted != process.mailbox.granted {
            out.push(format!("{number} granted {}, not {granted}", process.mailbox.granted));
        }
        let max = self.mailbox_max(number);
        if process.mailbox.granted > max || process.mailbox.charged > 2 * max {
            out.push(format!("{number} holds more than twice its mailbox limit"));
        }
    }
}

/// What a message of a process may be charged at most.
fn largest_charge(sender: &Process) -> u64 {
    (sender.limits.message_max() as u64).saturating_add(ipc::limits::HEADER_MAX as u64)
}

fn check_topic(topic: &str) -> Result<(), Refusal> {
    if is_topic(topic) { Ok(()) } else { Err(Refusal::BadTopic) }
}
