//! The supervisor of this world: what `supervisor/src/act.rs` does, with the real node, the real
//! outboxes and the real words, over cells instead of sockets and pidfds.

use super::children::Child;
use super::env::Env;
use super::history::Log;
use super::kernel::Who;
use super::witness::Sight;
use ipc::frame::{Birth, FromWorker};
use ipc::{Fault, FaultKind, Frame, Limits, Pid, PidText};
use node::{Granted, Input, Node, Output};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use supervisor::told;

/// Entry of the processes that the node itself wants.
pub(crate) const ENTRY: &str = "app:worker";
/// Arguments where the node itself spawns.
pub(crate) const NOBODY: [u8; 4] = [0xff; 4];

/// What is found out while outputs are carried out, and told to the node after them.
#[derive(Debug)]
enum Later {
    NoWorker(Pid, Fault),
    Overrun(Pid),
}

/// The node with its children.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) node: Node,
    pub(crate) children: BTreeMap<Who, Child>,
    pub(crate) readable: VecDeque<Who>,
    pub(crate) paused: Vec<Who>,
    pub(crate) dirty: Vec<Who>,
    pub(crate) exited: Vec<Who>,
    later: VecDeque<Later>,
    /// Children that no worker was asked for yet, and those that one was asked for.
    pub(crate) wanted: VecDeque<Who>,
    pub(crate) in_flight: VecDeque<Who>,
    /// Tasks of the node that have ended, or could not start.
    pub(crate) ended_tasks: Vec<u32>,
    pub(crate) stdout_full: bool,
    pub(crate) stopped: usize,
    /// Bytes that the present input costs, where it is a message.
    charge: u64,
}

impl Supervisor {
    pub(crate) fn new(node: Node) -> Self {
        Supervisor {
            node,
            children: BTreeMap::new(),
            readable: VecDeque::new(),
            paused: Vec::new(),
            dirty: Vec::new(),
            exited: Vec::new(),
            later: VecDeque::new(),
            wanted: VecDeque::new(),
            in_flight: VecDeque::new(),
            ended_tasks: Vec::new(),
            stdout_full: false,
            stopped: 0,
            charge: 0,
        }
    }

    /// An input without a payload.
    pub(crate) fn input(&mut self, env: &mut Env, input: Input<'_>) {
        self.input_with(env, input, "", &[]);
    }

    /// An input with what came with it; every output is carried out before the next.
    pub(crate) fn input_with(&mut self, env: &mut Env, input: Input<'_>, topic: &str, body: &[u8]) {
        env.witness.say(|| format!("< {input:?}"));
        self.node.handle(env.now, input);
        self.carry_out(env, topic, body);
        self.settle(env);
        for how in self.node.broken_laws() {
            env.witness.breach(how);
        }
    }

    /// Tells the node what was found out while its outputs were carried out.
    pub(crate) fn settle(&mut self, env: &mut Env) {
        while let Some(later) = self.later.pop_front() {
            let input = match later {
                Later::NoWorker(pid, fault) => Input::NoWorker { pid, fault },
                Later::Overrun(pid) => match self.overrun(env, pid) {
                    Some(input) => input,
                    None => continue,
                },
            };
            env.witness.say(|| format!("< {input:?}"));
            self.node.handle(env.now, input);
            self.carry_out(env, "", &[]);
        }
        // Whoever is over the limit is about to die, and by no more than one frame.
        // Both hosts allow messages of the same size.
        let frame_max = ipc::codec::frame_max(4096);
        for (who, child) in &self.children {
            let bounded = child.outbox.len() <= child.outbox_max + frame_max;
            env.witness.law(bounded, || format!("the outbox of #{who} grew past its limit"));
        }
        let all = self.children.iter();
        let mut over = all.filter(|(_, child)| child.outbox.len() > child.outbox_max);
        if let Some((who, _)) = over.find(|(who, _)| !env.history.logs[**who].killed) {
            env.witness.breach(format!("#{who} is over its limit and lives on"));
        }
    }

    fn overrun(&mut self, env: &mut Env, pid: Pid) -> Option<Input<'static>> {
        let child = self.children.get(&who(pid))?;
        let (limit, used) = (child.outbox_max as u64, child.outbox.len() as u64);
        if !std::mem::replace(&mut env.history.logs[who(pid)].overrun, true) {
            env.witness.note(Sight::Overrun);
        }
        Some(Input::Overrun { pid, limit, used })
    }

    fn carry_out(&mut self, env: &mut Env, topic: &str, body: &[u8]) {
        while let Some(output) = self.node.poll_output() {
            env.witness.say(|| format!("  > {output:?}"));
            self.act(env, output, topic, body);
        }
    }

    fn act(&mut self, env: &mut Env, output: Output, topic: &str, body: &[u8]) {
        match output {
            Output::Start { pid, host, .. } => self.start(env, pid, &host, body),
            Output::Kill { pid } => self.kill(env, pid),
            Output::NodeReply { result: Ok(_), .. } => {}
            Output::NodeReply { token, result: Err(_) } => self.ended_tasks.push(token),
            Output::Ended { pid, reason, token, .. } => {
                self.ended_tasks.extend(token);
                env.witness.mark(b'e', who(pid), reason.kind.as_str().as_bytes());
                env.check_end(who(pid), &reason);
                let known = self.children.remove(&who(pid)).is_some();
                env.witness.law(known, || format!("#{} ended and was no child", who(pid)));
            }
            Output::Stopped => self.stopped += 1,
            frame => self.tell(env, &frame, topic, body),
        }
    }

    /// Queues the frame for an output that is one.
    fn tell(&mut self, env: &mut Env, output: &Output, topic: &str, body: &[u8]) {
        let about = match output {
            Output::Deliver { from, .. } | Output::Exit { from, .. } => Some(*from),
            Output::LinkDown { from, .. } => Some(*from),
            Output::Cancel { from, .. } => *from,
            Output::Reply { result: Ok(Granted::Pid(pid)), .. } => Some(*pid),
            _ => None,
        };
        let text = about.and_then(|pid| Some(self.children.get(&who(pid))?.text.clone()));
        let at = i64::try_from(env.now).unwrap_or(i64::MAX);
        let Some(told) = told(output, |_| text.as_deref(), topic, at) else {
            return env.witness.breach(format!("{output:?} has no frame"));
        };
        let to = who(told.to);
        let Some(child) = self.children.get_mut(&to) else {
            return env.witness.breach(format!("#{to} is told after its end: {:?}", told.header));
        };
        if matches!(output, Output::Deliver { .. }) {
            env.is_on_its_way(to, self.charge);
        }
        if child.outbox.len() > child.outbox_max {
            return;
        }
        child.outbox.push(&told.header, if told.with_body { body } else { &[] });
        if child.outbox.len() > child.outbox_max {
            self.later.push_back(Later::Overrun(told.to));
        }
        self.mark_dirty(to);
    }

    fn start(&mut self, env: &mut Env, pid: Pid, host: &Rc<str>, arguments: &[u8]) {
        let text: Rc<str> = Rc::from(PidText { host, pid }.to_string());
        let limits = self.node.host(host).map_or(Limits::DEFAULT, |host| host.limits);
        let mut child = Child::new(pid, text.clone(), limits);
        let entry = ENTRY;
        let header =
            ipc::frame::ToWorker::Become { pid: &text, entry, limits, birth: Birth::default() };
        child.outbox.push(&header, arguments);
        let mailbox_max = limits.mailbox;
        let id = env.begin(Log { text, mailbox_max, parent: parent(arguments), ..Log::default() });
        env.witness.law(id == who(pid), || format!("{pid:?} is not the next process"));
        self.children.insert(id, child);
        self.wanted.push_back(id);
        self.mark_dirty(id);
    }

    fn kill(&mut self, env: &mut Env, pid: Pid) {
        let id = who(pid);
        let log = &mut env.history.logs[id];
        let (again, over) = (std::mem::replace(&mut log.killed, true), log.is_over());
        env.witness.law(!again, || format!("#{id} is killed twice"));
        env.witness.law(!over, || format!("#{id} is killed after its end"));
        let Some(child) = self.children.get_mut(&id) else { return };
        if child.born {
            env.cells[id].killed = true;
            return;
        }
        env.witness.note(Sight::KilledUnborn);
        child.doomed = true;
        if self.wanted.contains(&id) {
            self.wanted.retain(|wanted| *wanted != id);
            self.no_worker(env, id, "terminated before it had a worker");
        }
    }

    pub(crate) fn no_worker(&mut self, env: &mut Env, id: Who, why: &str) {
        let Some(child) = self.children.get(&id) else { return };
        env.witness.note(Sight::NoWorker);
        let fault = Fault::new(FaultKind::Unavailable, why);
        self.later.push_back(Later::NoWorker(child.pid, fault));
    }

    /// A frame from a worker that is a process.
    pub(crate) fn frame(
        &mut self,
        env: &mut Env,
        from: Pid,
        header: &FromWorker<'_>,
        frame: Frame<'_>,
    ) {
        match header {
            FromWorker::Print => self.print(env, who(from), frame.body),
            FromWorker::Done { .. } => {
                if let Some(child) = self.children.get_mut(&who(from)) {
                    child.result = frame.body.to_vec();
                }
            }
            _ => {}
        }
        let charge = header.charge(frame.body.len());
        self.charge = charge as u64;
        let input = Input::Frame { from, frame: header, charge };
        self.input_with(env, input, header.topic(), frame.body);
    }

    fn print(&mut self, env: &mut Env, id: Who, text: &[u8]) {
        let Some(child) = self.children.get_mut(&id) else { return };
        env.is_shown(id, text);
        if self.stdout_full && !std::mem::replace(&mut child.paused, true) {
            env.witness.note(Sight::StdoutFull);
            self.paused.push(id);
        }
    }

    pub(crate) fn mark_readable(&mut self, id: Who) {
        if let Some(child) = self.children.get_mut(&id)
            && !std::mem::replace(&mut child.readable, true)
        {
            self.readable.push_back(id);
        }
    }

    pub(crate) fn mark_dirty(&mut self, id: Who) {
        if let Some(child) = self.children.get_mut(&id)
            && !std::mem::replace(&mut child.dirty, true)
        {
            self.dirty.push(id);
        }
    }
}

/// The node numbers its processes from 1.
pub(crate) fn who(pid: Pid) -> Who {
    usize::try_from(pid.number).unwrap_or(usize::MAX) - 1
}

/// The arguments of each process begin with who spawned it.
pub(crate) fn parent(arguments: &[u8]) -> Option<Who> {
    let head = arguments.first_chunk::<4>().filter(|head| **head != NOBODY)?;
    usize::try_from(u32::from_le_bytes(*head)).ok()
}
