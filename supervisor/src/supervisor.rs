//! [`Supervisor`]: the one loop.
//!
//! Each round takes all that is ready and goes through it in a fixed order: what workers wrote,
//! what zygotes answered, who exited, whose time is over, which signals came; then it writes. What a
//! worker wrote before it died is therefore handled before its end is. Nothing is done from inside
//! a readiness event, a round has bounded work, and nothing polls or sleeps.

use crate::app::Enclosure;
use crate::attendants::{AttendantId, Attendants};
use crate::cgroup::Cgroups;
use crate::children::{ChildId, Children};
use crate::enclosing::Ground;
use crate::printer::Printer;
use crate::source::Source;
use crate::task::Task;
use crate::terminal::say;
use crate::throttle::Throttled;
use crate::watchdog::Watchdog;
use crate::zygote::Nest;
use ipc::sandbox::{Layers, Missing};
use ipc::{Fault, Pid};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use node::{Config, Input, Node, Stop};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

const SIGNALS: Token = Token(0);
const STDOUT: Token = Token(1);

/// Time that killed workers have to be reported before the supervisor goes without them: one can
/// hang in the kernel for as long as a broken disk or network file system likes.
const GIVE_UP_NS: u64 = 5_000_000_000;

/// What is found out while outputs are carried out. It must wait: in the middle of the outputs of
/// one input a second one would mix the payloads of both.
#[derive(Debug)]
pub(crate) enum Later {
    NoWorker(Pid, Fault),
    Overrun(Pid, usize),
    Stop(Stop),
}

/// The node with its children.
pub(crate) struct Supervisor {
    pub(crate) node: Node,
    pub(crate) poll: Poll,
    pub(crate) children: Children,
    pub(crate) attendants: Attendants,
    pub(crate) nests: Vec<Nest>,
    pub(crate) nest_of: HashMap<Rc<str>, usize>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) printer: Printer,
    pub(crate) watchdog: Watchdog,
    pub(crate) throttled: Throttled,
    /// Path of the worker binary, and the app's code for it.
    pub(crate) worker: PathBuf,
    pub(crate) code: OwnedFd,
    /// What workers can be enclosed in, what hosts say of it, and what the command line leaves.
    pub(crate) ground: Ground,
    pub(crate) cgroups: Result<Option<Cgroups>, Missing>,
    pub(crate) enclosures: BTreeMap<String, Enclosure>,
    pub(crate) layers: Option<Layers>,
    /// Say on standard error who starts and who ends.
    pub(crate) verbose: bool,
    pub(crate) grace_ns: u64,
    /// Children that may have something to read, that wait for standard output, that have
    /// something to be written, whose pidfd is readable.
    pub(crate) readable: VecDeque<ChildId>,
    pub(crate) paused: Vec<ChildId>,
    pub(crate) dirty: Vec<ChildId>,
    pub(crate) exited: Vec<ChildId>,
    /// Nests whose zygote has answered or ended.
    control: Vec<usize>,
    lost_zygotes: Vec<usize>,
    lost_attendants: Vec<AttendantId>,
    /// Denials that were said.
    pub(crate) denials_said: usize,
    /// What the node is told as soon as its present outputs are carried out.
    pub(crate) later: VecDeque<Later>,
    /// A zygote died with forks in flight: it may have left a child that nobody knows.
    pub(crate) strays: bool,
    pub(crate) stopped: bool,
    signals: Signals,
    signals_seen: u32,
    give_up_at: Option<u64>,
    started: Instant,
    pub(crate) scratch: Vec<u8>,
}

impl Supervisor {
    pub(crate) fn new(
        config: Config,
        tasks: Vec<Task>,
        worker: PathBuf,
        code: OwnedFd,
    ) -> io::Result<Self> {
        let mut ground = Ground::find()?;
        let cgroups = ground.open_cgroups();
        let poll = Poll::new()?;
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        poll.registry().register(&mut signals, SIGNALS, Interest::READABLE)?;
        let stdout = io::stdout().as_raw_fd();
        // A file cannot be waited for (EPERM of epoll_ctl(2)): it never makes anybody wait.
        let _ = poll.registry().register(&mut SourceFd(&stdout), STDOUT, Interest::WRITABLE);
        Ok(Supervisor {
            node: Node::new(config),
            poll,
            children: Children::default(),
            attendants: Attendants::default(),
            nests: Vec::new(),
            nest_of: HashMap::new(),
            tasks,
            printer: Printer::new(),
            watchdog: Watchdog::default(),
            throttled: Throttled::default(),
            worker,
            code,
            ground,
            cgroups,
            enclosures: BTreeMap::new(),
            layers: None,
            verbose: false,
            grace_ns: 0,
            readable: VecDeque::new(),
            paused: Vec::new(),
            dirty: Vec::new(),
            exited: Vec::new(),
            control: Vec::new(),
            lost_zygotes: Vec::new(),
            lost_attendants: Vec::new(),
            denials_said: 0,
            later: VecDeque::new(),
            strays: false,
            stopped: false,
            signals,
            signals_seen: 0,
            give_up_at: None,
            started: Instant::now(),
            scratch: vec![0; 64 * 1024],
        })
    }

    /// Starts the tasks and runs until they are over and nothing is left.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        self.start_tasks();
        let mut events = Events::with_capacity(1024);
        while !self.is_finished() {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => self.collect(&events),
            }
            self.round();
        }
        self.end_the_rest();
        self.close_cgroups();
        Ok(())
    }

    fn round(&mut self) {
        self.read_children();
        self.hear_zygotes();
        self.reap();
        if self.node.next_deadline().is_some_and(|at| at <= self.now()) {
            self.input(Input::Time);
        }
        self.check_zygotes();
        self.check_watched();
        self.let_print();
        self.heed_signals();
        self.settle();
        self.write();
    }

    /// Nanoseconds since the supervisor began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn start_tasks(&mut self) {
        for token in 0..self.tasks.len() {
            let task = &mut self.tasks[token];
            let (entry, host) = (task.entry.clone(), task.host.clone());
            let arguments = std::mem::take(&mut task.arguments);
            let token = u32::try_from(token).expect("fewer tasks than a u32 counts");
            self.input_with(Input::Spawn { token, entry: &entry, host: &host }, "", &arguments);
        }
        self.write();
    }

    fn is_finished(&self) -> bool {
        if !self.stopped && self.give_up_at.is_some_and(|at| at <= self.now()) {
            say(&format!("{} processes did not end after SIGKILL", self.node.process_count()));
            return true;
        }
        // Whoever presses Ctrl-C twice does not want to read the rest.
        self.stopped && (self.printer.is_empty() || self.signals_seen > 1)
    }

    /// How long nothing will happen by itself.
    fn timeout(&self) -> Option<Duration> {
        if !self.readable.is_empty() || !self.exited.is_empty() {
            return Some(Duration::ZERO);
        }
        let nests = self.nests.iter().filter_map(|nest| nest.deadline);
        let give_up_at = self.give_up_at.filter(|_| !self.stopped);
        let own = [self.watchdog.next(), self.throttled.next(), give_up_at].into_iter().flatten();
        let next = nests.chain(self.node.next_deadline()).chain(own).min()?;
        Some(Duration::from_nanos(next.saturating_sub(self.now())))
    }

    fn collect(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                SIGNALS | STDOUT => {}
                token => self.collect_source(Source::of(token), event.is_writable()),
            }
        }
    }

    fn collect_source(&mut self, source: Source, writable: bool) {
        match source {
            Source::Socket(id) => {
                self.mark_readable(id);
                if writable {
                    self.mark_dirty(id);
                }
            }
            Source::Pidfd(id) => self.exited.push(id),
            Source::Control(nest) => self.control.push(nest),
            Source::ZygotePidfd(nest) => self.lost_zygotes.push(nest),
            Source::Attendant(id) => self.lost_attendants.push(id),
        }
    }

    fn hear_zygotes(&mut self) {
        for nest in std::mem::take(&mut self.control) {
            self.hear(nest);
        }
        for nest in std::mem::take(&mut self.lost_zygotes) {
            self.lose_zygote(nest);
        }
        for id in std::mem::take(&mut self.lost_attendants) {
            self.lose_attendant(id);
        }
    }

    fn heed_signals(&mut self) {
        let (children, stops): (Vec<_>, Vec<_>) =
            self.signals.pending().partition(|signal| *signal == SIGCHLD);
        if !children.is_empty() {
            self.reap_strays();
        }
        for _ in stops {
            self.signals_seen += 1;
            // Also the first one is a second word where the main process has ended.
            let stopping = self.signals_seen > 1 || self.give_up_at.is_some();
            let how = if stopping { Stop::Now } else { Stop::Asked };
            self.stop(how);
        }
    }

    pub(crate) fn stop(&mut self, how: Stop) {
        let after = if how == Stop::Now { 0 } else { self.grace_ns };
        let at = self.now().saturating_add(after).saturating_add(GIVE_UP_NS);
        self.give_up_at = Some(self.give_up_at.map_or(at, |earlier| earlier.min(at)));
        self.later.push_back(Later::Stop(how));
    }

    /// Reports of ended children that nobody knows are wanted from now on.
    pub(crate) fn watch_for_strays(&mut self) {
        self.strays = true;
        if let Err(error) = self.signals.add_signal(SIGCHLD) {
            say(&format!("cannot watch for SIGCHLD: {error}"));
        }
    }

    pub(crate) fn mark_readable(&mut self, id: ChildId) {
        if let Some(child) = self.children.all.get_mut(id)
            && !std::mem::replace(&mut child.readable, true)
        {
            self.readable.push_back(id);
        }
    }

    pub(crate) fn mark_dirty(&mut self, id: ChildId) {
        if let Some(child) = self.children.all.get_mut(id)
            && !std::mem::replace(&mut child.dirty, true)
        {
            self.dirty.push(id);
        }
    }

    /// Writes every outbox once: a busy round moves many frames with one write for each socket.
    fn write(&mut self) {
        for id in std::mem::take(&mut self.dirty) {
            if self.children.flush(id) {
                self.watch(id);
            }
        }
        self.printer.flush();
        if !self.printer.is_full() {
            for id in std::mem::take(&mut self.paused) {
                if let Some(child) = self.children.all.get_mut(id) {
                    child.paused = false;
                    self.mark_readable(id);
                }
            }
        }
    }
}
