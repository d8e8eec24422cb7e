//! Inputs to the node, and what its outputs mean for children.

use crate::children::ChildId;
use crate::spawning::Start;
use crate::supervisor::{Later, Supervisor};
use crate::task::TaskEnd;
use crate::terminal::{say, say_line};
use crate::wire::told;
use ipc::frame::FromWorker;
use ipc::limits::PRINT_MAX;
use ipc::{Frame, Pid};
use node::{Input, Output, Stop};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Denials that are said on standard error, in all.
const DENIALS_SAID_MAX: usize = 32;

impl Supervisor {
    /// An input without a payload.
    pub(crate) fn input(&mut self, input: Input<'_>) {
        self.input_with(input, "", &[]);
    }

    /// An input with the topic and the payload that came with it; every output is carried out
    /// before the next input.
    pub(crate) fn input_with(&mut self, input: Input<'_>, topic: &str, body: &[u8]) {
        self.node.handle(self.now(), input);
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
            };
            self.node.handle(self.now(), input);
            self.carry_out("", &[]);
        }
    }

    fn carry_out(&mut self, topic: &str, body: &[u8]) {
        while let Some(output) = self.node.poll_output() {
            self.act(output, topic, body);
        }
    }

    fn act(&mut self, output: Output, topic: &str, body: &[u8]) {
        match output {
            Output::Start { pid, host, entry, token, limits } => {
                self.start(Start { pid, host, entry, token, limits }, body);
            }
            Output::Kill { pid } => {
                if let Some(id) = self.children.id_of(pid) {
                    self.doom(id);
                }
            }
            Output::NodeReply { token, result: Ok(pid) } => {
                self.tasks[token as usize].pid = Some(pid);
            }
            Output::NodeReply { token, result: Err(refusal) } => {
                self.task_ended(token, TaskEnd::NotStarted(refusal.fault()));
            }
            Output::Ended { pid, reason, token } => {
                self.say_ended(pid, reason.message.as_deref());
                let id = self.children.id_of(pid);
                if let Some(token) = token {
                    let result = body.to_vec();
                    self.task_ended(token, TaskEnd::Ended { reason, result });
                }
                if let Some(id) = id {
                    self.forget(id);
                }
            }
            Output::Denied { text, .. } => self.say_denied(&text),
            Output::Stopped => self.stopped = true,
            frame => self.tell(&frame, topic, body),
        }
    }

    /// Queues the frame for an output that is one.
    fn tell(&mut self, output: &Output, topic: &str, body: &[u8]) {
        let (about, to) = match output {
            Output::Deliver { from, to } | Output::Exit { from, to, .. } => (Some(*from), *to),
            Output::LinkDown { from, to, .. } => (Some(*from), *to),
            Output::Cancel { from, to, .. } => (*from, *to),
            Output::Reply { result: Ok(node::Granted::Pid(pid)), to, .. } => (Some(*pid), *to),
            Output::Reply { to, .. } | Output::Closed { to, .. } => (None, *to),
            _ => return,
        };
        let text = about.and_then(|pid| self.children.text(pid));
        let Some(id) = self.children.id_of(to) else { return };
        let told = told(output, |_| text.as_deref(), topic, unix_ns());
        let (Some(told), Some(child)) = (told, self.children.all.get(id)) else { return };
        if child.condemned {
            // What it will not read need not pile up until it is gone.
            return;
        }
        self.children.push(id, &told.header, if told.with_body { body } else { &[] });
        if let Some(over) = self.children.overrun(id) {
            self.condemn(over);
        }
        self.mark_dirty(id);
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
        self.input_with(Input::Frame { from, frame: header, charge }, header.topic(), frame.body);
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

    fn task_ended(&mut self, token: u32, end: TaskEnd) {
        let task = &mut self.tasks[token as usize];
        if let (false, TaskEnd::NotStarted(fault)) = (task.main, &end) {
            say_line(&format!("cannot start service with entry '{}': {fault}", task.entry));
        }
        let not_started = matches!(end, TaskEnd::NotStarted(_));
        let main = task.main;
        task.end = Some(end);
        let all_ended = self.tasks.iter().all(|task| task.end.is_some());
        if main || all_ended {
            self.stop(if not_started { Stop::Now } else { Stop::MainEnded });
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
