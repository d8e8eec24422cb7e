//! Workers for processes: taken warm, or asked from the host's zygote.

use crate::attendants::Attendant;
use crate::children::{Assigned, Born, Child, ChildId};
use crate::descriptors::Purpose;
use crate::machine;
use crate::reload::Reload;
use crate::source::Source;
use crate::supervisor::{Later, Supervisor};
use crate::zones::of_this_machine;
use crate::zygote::{Nest, Started, Zygote, code_file};
use ipc::frame::{Birth, ToWorker};
use ipc::limits::WARM_DEFAULT;
use ipc::sandbox::{Layer, UIDS};
use ipc::{Fault, FaultKind, Limits, Pid, PidText};
use mio::net::UnixStream;
use mio::unix::SourceFd;
use mio::{Interest, Token};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::process::{Pid as OsPid, Resource, Rlimit, prlimit};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;
use std::{io, iter};

/// Time that a zygote has for an answer, in nanoseconds, before it is ended and made anew. Half of
/// what a process has to load, so that no spawn is lost by it.
pub(crate) const ANSWER_MAX_NS: u64 = ipc::limits::START_MAX_NS / 2;

/// A process that is to start.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) pid: Pid,
    pub(crate) host: Rc<str>,
    pub(crate) entry: Rc<str>,
    pub(crate) token: Option<u32>,
    pub(crate) spawner: Option<Pid>,
    pub(crate) limits: Limits,
    pub(crate) trap_links: bool,
}

/// Why no worker can be asked for.
#[derive(Debug)]
pub(crate) enum Obstacle {
    /// A limit of the machine is reached. It is met anew at each try: somebody may have ended.
    Short(String),
    /// Nothing can be started on the host.
    Host(String),
}

impl From<io::Error> for Obstacle {
    fn from(error: io::Error) -> Self {
        match machine::shortage(&error) {
            Some(why) => Obstacle::Short(why),
            None => Obstacle::Host(error.to_string()),
        }
    }
}

impl Supervisor {
    /// Finds a worker for a process, and tells it what it is to become.
    pub(crate) fn start(&mut self, start: Start, arguments: &[u8]) {
        let Start { pid, host, entry, token, spawner, limits, trap_links } = start;
        let nest = self.nest(&host);
        let id = self.warm_worker(nest).unwrap_or_else(|| self.want(nest, spawner));
        let text: Rc<str> = Rc::from(PidText { host: &host, pid }.to_string());
        let main = token.is_some_and(|token| self.tasks[token as usize].is_main());
        if let Some(token) = token {
            self.tasks[token as usize].process = Some(pid);
        }
        let prefix = (!main).then(|| prefix_of(&entry, pid));
        let spawned_by = spawner.and_then(|spawner| self.children.text(spawner));
        let birth = Birth {
            spawner: spawned_by.as_deref(),
            trap_links,
            event_result: self.event_results.get(&*host).copied().unwrap_or_default(),
            goes_on: false,
        };
        let header = ToWorker::Become { pid: &text, entry: &entry, limits, birth };
        self.children.push(id, &header, arguments);
        let assigned = Assigned { pid, text: text.clone(), entry, prefix, limits };
        self.assign(id, nest, assigned);
    }

    /// A worker, which was told so, is that process from here on.
    pub(crate) fn assign(&mut self, id: ChildId, nest: usize, process: Assigned) {
        let pid = process.pid;
        self.children.assign(id, process);
        self.lower_cpu(id);
        self.limit_group(id);
        self.mark_dirty(id);
        self.say_started(pid);
        self.ask_for_workers(nest);
    }

    pub(crate) fn nest(&mut self, host: &Rc<str>) -> usize {
        if let Some(nest) = self.nest_of.get(host) {
            return *nest;
        }
        let limits = self.node.host(host).map_or(Limits::DEFAULT, |host| host.limits);
        let enclosure = self.enclosures.get(&**host).copied().unwrap_or_default();
        let mut plan = self.ground.plan(enclosure, limits, self.layers);
        let barred = self.without_groups(host, &mut plan);
        let warm = self.warm.get(&**host).copied().unwrap_or(WARM_DEFAULT);
        self.add_nest(Nest::new(host.clone(), plan, barred, warm as usize))
    }

    pub(crate) fn add_nest(&mut self, nest: Nest) -> usize {
        self.nest_of.insert(nest.host.clone(), self.nests.len());
        self.nests.push(nest);
        self.nests.len() - 1
    }

    pub(crate) fn want(&mut self, nest: usize, spawner: Option<Pid>) -> ChildId {
        let host = self.nests[nest].host.clone();
        let child = Child::new(host, spawner);
        let owner = child.owner();
        let id = self.children.all.insert(child);
        self.nests[nest].wanted.push(owner, id);
        id
    }

    /// Asks the zygote for what is wanted, as far as it may be asked now.
    pub(crate) fn ask_for_workers(&mut self, nest: usize) {
        while let Some(id) = self.nests[nest].wanted.front().filter(|_| self.nests[nest].may_ask())
        {
            match self.ask_for(nest, id, Purpose::Process) {
                Ok(true) => drop(self.nests[nest].wanted.pop()),
                Ok(false) => return,
                Err(Obstacle::Short(why)) => {
                    self.nests[nest].wanted.pop();
                    self.short(nest, id, &why);
                }
                // It stays in the list until it is asked for: an error leaves it where `give_up` looks.
                Err(Obstacle::Host(why)) => return self.give_up(nest, &why),
            }
        }
    }

    /// Asks for one worker; false where the zygote cannot be asked now.
    ///
    /// # Errors
    /// Why there can be none.
    pub(crate) fn ask_for(
        &mut self,
        nest: usize,
        id: ChildId,
        purpose: Purpose,
    ) -> Result<bool, Obstacle> {
        if let Some(why) = &self.nests[nest].barred {
            return Err(Obstacle::Host(why.clone()));
        }
        self.room_for_descriptors(nest, purpose)?;
        if self.nests[nest].zygote.is_none() {
            self.start_zygote(nest)?;
        }
        let uid = u32::try_from(id).ok().filter(|uid| *uid < UIDS - 1);
        let uid = uid.ok_or_else(|| io::Error::other("more workers than users for them"))?;
        let theirs = self.open_socket(nest, id)?;
        let directory = self.take_group(nest, id)?;
        let deadline = self.now() + ANSWER_MAX_NS;
        let descriptors: Vec<_> = iter::once(&theirs).chain(&directory).map(AsFd::as_fd).collect();
        let nest = &mut self.nests[nest];
        if let Some(zygote) = &nest.zygote
            && !zygote.ask(uid, &descriptors)?
        {
            self.children.all[id].socket = None;
            self.give_group_back(id);
            return Ok(false);
        }
        nest.in_flight.push_back(id);
        nest.deadline.get_or_insert(deadline);
        Ok(true)
    }

    pub(crate) fn start_zygote(&mut self, nest: usize) -> io::Result<()> {
        let cgroups = self.cgroups.as_ref().ok().and_then(Option::as_ref);
        let plan = self.nests[nest].plan;
        let started = Started::start(&self.worker, plan, cgroups)?;
        let starter = self.attendants.next_id();
        let control = self.register(started.control.as_raw_fd(), Source::Control(nest));
        let pidfd = self.register(started.pidfd.as_raw_fd(), Source::Attendant(starter));
        // It encloses itself while the first code of a run is put together.
        let loaded = control.and(pidfd).and_then(|()| self.hand_code(nest, &started));
        if let Err(error) = loaded {
            started.end();
            return Err(error);
        }
        let Started { control, pidfd, os_pid } = started;
        self.attendants.add(Attendant::new(Born::new(os_pid, pidfd), nest));
        self.nests[nest].zygote = Some(Zygote { control, born: None, starter, namespace: None });
        let deadline = self.now() + ANSWER_MAX_NS;
        self.nests[nest].deadline.get_or_insert(deadline);
        Ok(())
    }

    fn hand_code(&mut self, nest: usize, to: &Started) -> io::Result<()> {
        let loads = self.is_loading_nest(nest);
        let Reload { pending, app, .. } = &mut self.reload;
        let (app, code) = match pending.as_mut().filter(|_| loads) {
            Some(pending) => (&pending.app, &mut pending.code),
            None => (&*app, &mut self.code),
        };
        let file = match code.take() {
            Some(file) => file,
            None => code_file(&app.sources(), &of_this_machine())?,
        };
        to.hand_over(code.insert(file))
    }

    /// Gives a child its socket and returns the worker's end.
    fn open_socket(&mut self, nest: usize, id: ChildId) -> io::Result<OwnedFd> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        // Only this end: the worker waits for its supervisor by blocking.
        rustix::io::ioctl_fionbio(&ours, true)?;
        let mut socket = UnixStream::from_std(ours.into());
        let token = Source::Socket(id).token();
        self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
        let filtered = self.nests[nest].plan.layers.has(Layer::Seccomp);
        let child = &mut self.children.all[id];
        child.socket = Some(socket);
        child.to_the_end = !filtered;
        Ok(theirs)
    }

    pub(crate) fn register(&self, descriptor: RawFd, source: Source) -> io::Result<()> {
        let token: Token = source.token();
        self.poll.registry().register(&mut SourceFd(&descriptor), token, Interest::READABLE)
    }

    /// A limit of the machine stands in the way of one process. The next one may have more luck.
    pub(crate) fn short(&mut self, nest: usize, id: ChildId, why: &str) {
        let host = self.nests[nest].host.clone();
        self.nests[nest].pool.wait_for_spawn();
        self.no_worker(id, &format!("cannot start a process on host '{host}': {why}"));
    }

    /// A child that there will be no worker for.
    pub(crate) fn no_worker(&mut self, id: ChildId, why: &str) {
        let process = self.children.all.get(id).and_then(|child| child.process.as_ref());
        match process.map(|process| process.pid) {
            Some(pid) => {
                let fault = Fault::new(FaultKind::Unavailable, why);
                self.later.push_back(Later::NoWorker(pid, fault));
            }
            None => {
                self.load_ended(id, Err(why.to_owned()));
                self.forget_warm(id);
            }
        }
    }

    /// Ends a worker, at once or as soon as it is born.
    pub(crate) fn doom(&mut self, id: ChildId) {
        let Some(child) = self.children.all.get_mut(id) else { return };
        child.doomed = true;
        if let Some(born) = &child.born {
            return born.kill();
        }
        let owner = child.owner();
        let nest = self.nest_of.get(&child.host).copied();
        let Some(nest) = nest.map(|nest| &mut self.nests[nest]) else { return };
        // One that is asked for already will be born, and killed then.
        if nest.wanted.remove(owner, id) {
            self.no_worker(id, "terminated before it had a worker");
        }
    }

    /// Where the entry may use less CPU time than its host, the kernel is told.
    pub(crate) fn lower_cpu(&self, id: ChildId) {
        let Some(child) = self.children.all.get(id) else { return };
        let (Some(process), Some(born)) = (&child.process, &child.born) else { return };
        let host = self.node.host(&child.host).map_or(u64::MAX, |host| host.limits.cpu_s);
        // What is left of it, where it has lived in other workers before; the kernel counts seconds.
        let own = process.limits.cpu_s.saturating_sub(child.spent_ns / 1_000_000_000).max(1);
        let os_pid = i32::try_from(born.os_pid).ok().and_then(OsPid::from_raw);
        if let (true, Some(os_pid)) = (own < host, os_pid) {
            // Its number is its own until it is reaped. It fails only where it is dead already.
            let limit = Rlimit { current: Some(own), maximum: Some(own + 1) };
            let _ = prlimit(Some(os_pid), Resource::Cpu, limit);
        }
    }
}

/// What the lines of a process begin with.
pub(crate) fn prefix_of(entry: &str, pid: Pid) -> String {
    format!("[{entry} {:#x}] ", pid.number)
}
