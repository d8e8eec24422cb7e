//! How a process ends: why, and who is told in which order.

use crate::process::{Number, Order, Phase, Process};
use crate::reason::reason;
use crate::timers::Timer;
use crate::{ChildEnd, Node, Output, Refusal, Usage};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use ipc::{ExitKind, ExitReason, fault};

impl Node {
    /// The kernel's report: the only thing that ends a process that had a worker.
    pub(crate) fn exited(&mut self, number: Number, os_pid: u32, end: ChildEnd, usage: Usage) {
        let Some(process) = self.processes.get(&number) else { return };
        let (reason, cause) = reason(process, os_pid, end, usage);
        if matches!(process.phase, Phase::Loading { .. }) {
            let entry = process.entry.clone();
            let how = reason.message.clone().unwrap_or_else(|| String::from("it ended"));
            self.start_failed(number, Refusal::StartDied { entry, how });
        }
        self.end(number, reason, cause);
    }

    /// The order of an end: PID and names stop resolving, senders learn it, then EXIT to each
    /// watcher, then LINK_DOWN (or death) to each linked process. So whoever has seen an EXIT can
    /// no longer send to that PID, and can register its name.
    pub(crate) fn end(&mut self, number: Number, reason: ExitReason, cause: Option<Rc<str>>) {
        for timer in [Timer::Start, Timer::Cancel, Timer::Exit, Timer::Wall] {
            self.clear_timer(number, timer);
        }
        let Some(process) = self.processes.remove(&number) else { return };
        self.forget(&process);
        self.bequeath(&process);
        self.cut_routes_to(&process);
        let reason = Rc::new(reason);
        self.tell_watchers(&process, &reason);
        self.tell_caller(&process, &reason);
        self.tell_links(&process, &reason, cause);
        self.end_awaited(&process.execs, "its caller ended");
        self.emit(Output::Ended { pid: process.pid, reason, token: process.token });
        self.stopped_if_empty();
    }

    fn forget(&mut self, process: &Process) {
        let number = process.pid.number;
        for name in &process.names {
            self.names.remove(name);
        }
        for target in &process.watching {
            if let Some(target) = self.processes.get_mut(target) {
                target.watchers.remove(&number);
            }
        }
        self.drop_routes_of(number, &process.routes);
        if let Some(live) = self.live.get_mut(&process.host) {
            *live -= 1;
            if *live == 0 {
                self.live.remove(&process.host);
            }
        }
    }

    fn tell_watchers(&mut self, process: &Process, reason: &Rc<ExitReason>) {
        for watcher in &process.watchers {
            let Some(watcher) = self.processes.get_mut(watcher) else { continue };
            watcher.watching.remove(&process.pid.number);
            let to = watcher.pid;
            self.emit(Output::Exit { to, from: process.pid, reason: reason.clone() });
        }
    }

    fn tell_links(&mut self, process: &Process, reason: &Rc<ExitReason>, cause: Option<Rc<str>>) {
        let text = || Rc::from(reason.message.as_deref().unwrap_or_default());
        let cause = cause.unwrap_or_else(text);
        for peer_number in &process.links {
            let Some(peer) = self.processes.get_mut(peer_number) else { continue };
            peer.links.remove(&process.pid.number);
            let (to, trap_links) = (peer.pid, peer.trap_links);
            match (reason.is_normal(), trap_links) {
                (true, _) => {}
                (false, true) => {
                    self.emit(Output::LinkDown { to, from: process.pid, reason: reason.clone() });
                }
                (false, false) => self.order(*peer_number, link_order(&cause)),
            }
        }
    }
}

fn link_order(cause: &Rc<str>) -> Order {
    let message = fault::cut(format!("linked process failed: {cause}"));
    Order { cause: Some(cause.clone()), ..Order::new(ExitKind::Link, message) }
}
