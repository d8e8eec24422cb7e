//! Inputs to the node, and what its outputs mean for children.

use crate::children::{ChildId, Payload};
use crate::spawning::Start;
use crate::supervisor::{Later, Supervisor};
use crate::task::TaskEnd;
use crate::terminal::{say, say_line};
use crate::wire::told;
use ipc::frame::FromWorker;
use ipc::limits::PRINT_MAX;
use ipc::quota::bytes_text;
use ipc::{Frame, Pid};
use node::services::Event;
use node::{Input, Output};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Denials that are said on standard error, in all.
const DENIALS_SAID_MAX: usize = 32;

impl Supervisor {
    /// An input without a payload.
    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.input_with(input, "", Payload::default());
    }

    /// An input with the topic and the payload that came with it; every output is carried out
    /// before the next input.
    pub(crate) fn input_with(&mut self, input: Input<'_>, topic: &str, body: Payload<'_>) {
        self.node.handle(self.heard_at, input);
        self.carry_out(topic, body);
        self.settle();
    }

    /// Tells the node what was found out while its outputs were carried out.
    pub(crate) fn settle(&mut self) {
        while let Some(later) = self.later.pop_front() {
            let grace_ns = self.grace_ns;
            let input = match later {
                Later::NoWorker(pid, fault) => Input::NoWorker { pid, fault },
                Later::Overrun(pid, used) => match self.children.of(pid) {
                    Some(child) => {
                        let (limit, used) = (child.outbox_max as u64, used as u64);
                        Input::Overrun { pid, limit, used }
                    }
                    None => continue,
                },
                Later::Stop(how) => Input::Stop { how, grace_ns },
                Later::Service(event) => {
                    self.serve(event);
                    continue;
                }
            };
            self.pass(input);
        }
    }

    /// An input whose consequences are found in the list of what is to be told later.
    pub(crate) fn pass(&mut self, input: Input<'_>) {
        self.pass_with(input, Payload::default());
    }

    pub(crate) fn pass_with(&mut self, input: Input<'_>, body: Payload<'_>) {
        self.node.handle(self.heard_at, input);
        self.carry_out("", body);
    }

    fn carry_out(&mut self, topic: &str, body: Payload<'_>) {
        while let Some(output) = self.node.poll_output() {
            self.act(output, topic, body);
        }
    }

    fn act(&mut self, output: Output, topic: &str, body: Payload<'_>) {
        match output {
            Output::Deliver { to, from } => self.deliver(to, from, topic, body),
            Output::Start { pid, host, entry, token, spawner, limits, trap_links } => {
                let start = Start { pid, host, entry, token, spawner, limits, trap_links };
                self.start(start, body.bytes);
            }
            Output::Upgrade { pid, entry, limits } => self.upgrade(pid, entry, limits, body.bytes),
            Output::Kill { pid } => self.kill(pid),
            Output::Signal { pid, signal } => self.send_signal(pid, signal),
            Output::NodeReply { token, result: Ok(pid) } => {
                self.tasks[token as usize].pid = Some(pid);
                if !self.tasks[token as usize].is_main() {
                    self.tell_services(Event::Loaded(token));
                }
            }
            Output::Ready { token } if self.tasks[token as usize].is_main() => {}
            Output::Ready { token } => self.tell_services(Event::Ready(token)),
            Output::NodeReply { token, result: Err(refusal) } => {
                self.task_ended(token, TaskEnd::NotStarted(refusal.fault()));
            }
            Output::Ended { pid, reason, token } => {
                self.say_ended(pid, reason.message.as_deref());
                let id = self.children.id_of(pid);
                if let Some(token) = token {
                    let result = body.bytes.to_vec();
                    self.task_ended(token, TaskEnd::Ended { reason, result });
                }
                if let Some(id) = id {
                    self.over(id);
                }
            }
            Output::Denied { text, .. } => self.say_denied(&text),
            Output::Stopped => self.stopped = true,
            frame => self.tell(&frame, topic, body.bytes),
        }
    }

    /// Queues a message: what [`Supervisor::tell`] does, for what there is most of.
    fn deliver(&mut self, to: Pid, from: Pid, topic: &str, body: Payload<'_>) {
        let (Some(from), Some(id)) = (self.children.text(from), self.children.id_of(to)) else {
            return;
        };
        self.children.push_deliver(id, &from, topic, body);
        self.check_overrun(id);
        self.mark_delivered(id, body.bytes.len());
    }

    /// Queues the frame for an output that is one.
    fn tell(&mut self, output: &Output, topic: &str, body: &[u8]) {
        let (about, to) = match output {
            Output::Exit { from, to, .. } | Output::LinkDown { from, to, .. } => (Some(*from), *to),
            Output::Cancel { from, to, .. } => (*from, *to),
            Output::Reply { result: Ok(node::Granted::Pid(pid)), to, .. } => (Some(*pid), *to),
            Output::Reply { to, .. }
            | Output::Returned { to, .. }
            | Output::Closed { to, .. }
            | Output::Outdated { to } => (None, *to),
            _ => return,
        };
        let text = about.and_then(|pid| self.children.text(pid));
        let Some(id) = self.children.id_of(to) else { return };
        let Some(told) = told(output, |_| text.as_deref(), topic, unix_ns()) else { return };
        let body = if told.with_body { body } else { &[] };
        if !body.is_empty() && !self.children.takes_body(id, body.len()) {
            self.children.push(id, &told.header, &[]);
            self.say_left_out(to, text.as_deref(), body.len());
        } else {
            self.children.push(id, &told.header, body);
            if !body.is_empty() {
                self.children.count_body(id, body.len());
            }
        }
        self.check_overrun(id);
        self.mark_dirty(id);
    }

    /// As a worker says it of values that are too heavy for it: on standard output, as a line of who
    /// would have got them.
    fn say_left_out(&mut self, to: Pid, from: Option<&str>, len: usize) {
        let (from, len) = (from.unwrap_or("a process that was waited for"), bytes_text(len as u64));
        let text = format!("dropped what {from} left ({len}): there is no room for it here");
        self.print(to, text.as_bytes());
    }

    /// A child was told something: was that too much?
    pub(crate) fn check_overrun(&mut self, id: ChildId) {
        if let Some(over) = self.children.overrun(id) {
            self.condemn(over);
        }
    }

    /// A child that lets too much pile up is to be ended.
    fn condemn(&mut self, id: ChildId) {
        let used = self.children.discard(id);
        let process = self.children.all.get(id).and_then(|child| child.process.as_ref());
        if let Some(pid) = process.map(|process| process.pid) {
            self.later.push_back(Later::Overrun(pid, used));
        }
    }

    /// A frame from a worker that is a process.
    pub(crate) fn frame(&mut self, from: Pid, header: &FromWorker<'_>, frame: Frame<'_>) {
        match header {
            FromWorker::Print if frame.body.len() > PRINT_MAX => {
                let what = format!("text of {} bytes to print", frame.body.len());
                return self.input(Input::Broken { from, what });
            }
            FromWorker::Print if self.node.heeds(from) => self.print(from, frame.body),
            FromWorker::Done { .. } => {
                if let Some(id) = self.children.id_of(from)
                    && let Some(child) = self.children.all.get_mut(id)
                {
                    child.result = frame.body.to_vec();
                }
            }
            _ => {}
        }
        let charge = header.charge(frame.body.len());
        let payload = Payload::of(frame);
        self.input_with(Input::Frame { from, frame: header, charge }, header.topic(), payload);
    }

    fn print(&mut self, from: Pid, text: &[u8]) {
        let now = self.now();
        let Some(id) = self.children.id_of(from) else { return };
        let Some(child) = self.children.all.get_mut(id) else { return };
        let prefix = child.process.as_ref().and_then(|process| process.prefix.as_deref());
        self.printer.lines(prefix, text);
        let rate = child.process.as_ref().map_or(u32::MAX, |process| process.limits.log_rate);
        if let Some(at) = child.printed.over(now, text, rate) {
            if !std::mem::replace(&mut child.paused, true) {
                self.throttled.wait(at, id);
            }
        } else if self.printer.is_full() && !std::mem::replace(&mut child.paused, true) {
            self.paused.push(id);
        }
    }

    /// Says the first denials. Standard error may be a pipe that nobody reads, and scripts choose how
    /// many kinds there are.
    fn say_denied(&mut self, text: &str) {
        self.denials_said += 1;
        match self.denials_said {
            ..DENIALS_SAID_MAX => say_line(text),
            DENIALS_SAID_MAX => say("further denials are counted only: see 'denied' of --json"),
            _ => {}
        }
    }

    pub(crate) fn say_started(&self, pid: Pid) {
        let Some(child) = self.children.of(pid).filter(|_| self.verbose) else { return };
        if let (Some(process), Some(born)) = (&child.process, &child.born) {
            let (text, entry, os_pid) = (&process.text, &process.entry, born.os_pid);
            say(&format!("{text} is {entry} in OS process {os_pid}"));
        }
    }

    fn say_ended(&self, pid: Pid, why: Option<&str>) {
        let text: Option<Rc<str>> = self.children.text(pid).filter(|_| self.verbose);
        if let Some(text) = text {
            say_line(&format!("{text} ended: {}", why.unwrap_or("normal")));
        }
    }
}

fn unix_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
