//! [`Supervisor`]: the one loop.
//!
//! Each round goes through what is ready in a fixed order: what workers wrote,
//! what zygotes answered, who exited, whose time is over, which signals came; then it writes. What a
//! worker wrote before it died is therefore handled before its end is. Nothing is done from inside
//! a readiness event, a round has bounded work, and nothing polls or sleeps.

use crate::app::Enclosure;
use crate::attendants::{AttendantId, Attendants};
use crate::cgroup::Cgroups;
use crate::children::{ChildId, Children, Payload};
use crate::descriptors::Descriptors;
use crate::enclosing::Ground;
use crate::printer::Printer;
use crate::readable::Readable;
use crate::reading::PIECE;
use crate::reload::Reload;
use crate::source::Source;
use crate::task::Task;
use crate::terminal::say;
use crate::testing::Trial;
use crate::throttle::Throttled;
use crate::watchdog::Watchdog;
use crate::writing::Writing;
use crate::zygote::Nest;
use ipc::frame::EventResult;
use ipc::sandbox::{Layers, Missing};
use ipc::{Fault, Pid};
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use node::services::{Event as ServiceEvent, Plan, Services};
use node::{Config, Input, Node, Stop};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

const SIGNALS: Token = Token(0);
const STDOUT: Token = Token(1);
const WATCH: Token = Token(2);

/// What is found out while outputs are carried out. It must wait: in the middle of the outputs of
/// one input a second one would mix the payloads of both.
#[derive(Debug)]
pub(crate) enum Later {
    NoWorker(Pid, Fault),
    Overrun(Pid, usize),
    Stop(Stop),
    Service(ServiceEvent),
}

/// The node with its children.
pub(crate) struct Supervisor {
    pub(crate) node: Node,
    pub(crate) poll: Poll,
    pub(crate) children: Children,
    pub(crate) attendants: Attendants,
    pub(crate) descriptors: Descriptors,
    pub(crate) nests: Vec<Nest>,
    pub(crate) nest_of: HashMap<Rc<str>, usize>,
    pub(crate) tasks: Vec<Task>,
    /// Those tasks that are services, by the same numbers.
    pub(crate) services: Services,
    /// The app, and what it takes to read it again.
    pub(crate) reload: Reload,
    pub(crate) printer: Printer,
    pub(crate) watchdog: Watchdog,
    pub(crate) throttled: Throttled,
    /// Path of the worker binary, and the app's code for it, once a zygote has been started with it.
    pub(crate) worker: PathBuf,
    pub(crate) code: Option<OwnedFd>,
    /// What workers can be enclosed in, what hosts say of it, and what the command line leaves.
    pub(crate) ground: Ground,
    pub(crate) cgroups: Result<Option<Cgroups>, Missing>,
    pub(crate) enclosures: BTreeMap<String, Enclosure>,
    /// Warm workers of each host.
    pub(crate) warm: BTreeMap<String, u32>,
    /// How events show results, on hosts that do not say the usual.
    pub(crate) event_results: BTreeMap<String, EventResult>,
    pub(crate) layers: Option<Layers>,
    /// Say on standard error who starts and who ends.
    pub(crate) verbose: bool,
    pub(crate) grace_ns: u64,
    /// Set where all this is one test.
    pub(crate) trial: Option<Trial>,
    /// Children that may have something to read, that wait for standard output, whose pidfd is
    /// readable, that have something to be written.
    pub(crate) readable: Readable,
    pub(crate) paused: Vec<ChildId>,
    pub(crate) exited: VecDeque<ChildId>,
    pub(crate) writing: Writing,
    /// Nests whose zygote has answered or ended.
    control: Vec<usize>,
    lost_zygotes: Vec<usize>,
    lost_attendants: Vec<AttendantId>,
    /// Denials that were said.
    pub(crate) denials_said: usize,
    /// What the node is told as soon as its present outputs are carried out.
    pub(crate) later: VecDeque<Later>,
    /// Hosts whose zygote is to be started before anybody needs it.
    pub(crate) hosts_due: VecDeque<Rc<str>>,
    /// Warm workers may be missing.
    pub(crate) pools_due: bool,
    /// When they are asked for, where that can wait.
    pub(crate) pools_at: Option<u64>,
    /// A zygote died with forks in flight: it may have left a child that nobody knows.
    pub(crate) strays: bool,
    /// Workers without a pidfd whose socket has hung up.
    pub(crate) suspects: Vec<ChildId>,
    /// SIGCHLD is heeded, and when the kernel is to be asked who has ended.
    pub(crate) heeds_children: bool,
    pub(crate) look_at: Option<u64>,
    pub(crate) stopped: bool,
    pub(crate) signals: Signals,
    /// Some of them have come.
    pub(crate) signals_due: bool,
    pub(crate) signals_seen: u32,
    /// When the supervisor goes without those who are to be dead.
    pub(crate) give_up_at: Option<u64>,
    started: Instant,
    /// The time as of the last read or the beginning of the round: asking for it takes longer than
    /// what most inputs do.
    pub(crate) heard_at: u64,
    pub(crate) scratch: Vec<u8>,
}

impl Supervisor {
    pub(crate) fn new(
        config: Config,
        tasks: Vec<Task>,
        worker: PathBuf,
        reload: Reload,
    ) -> io::Result<Self> {
        let hosts_due = reload.app.auto_start_hosts().map(Rc::from).collect();
        let mut ground = Ground::find()?;
        let cgroups = ground.open_cgroups();
        let poll = Poll::new()?;
        let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])?;
        poll.registry().register(&mut signals, SIGNALS, Interest::READABLE)?;
        let stdout = io::stdout().as_raw_fd();
        // A file cannot be waited for (EPERM of epoll_ctl(2)): it never makes anybody wait.
        let _ = poll.registry().register(&mut SourceFd(&stdout), STDOUT, Interest::WRITABLE);
        if let Some(watch) = &reload.watch {
            let inotify = watch.inotify.as_raw_fd();
            poll.registry().register(&mut SourceFd(&inotify), WATCH, Interest::READABLE)?;
        }
        Ok(Supervisor {
            node: Node::new(config),
            poll,
            children: Children::default(),
            attendants: Attendants::default(),
            descriptors: Descriptors::count(),
            nests: Vec::new(),
            nest_of: HashMap::new(),
            tasks,
            services: Services::default(),
            reload,
            printer: Printer::new(),
            watchdog: Watchdog::default(),
            throttled: Throttled::default(),
            worker,
            code: None,
            ground,
            cgroups,
            enclosures: BTreeMap::new(),
            warm: BTreeMap::new(),
            event_results: BTreeMap::new(),
            layers: None,
            verbose: false,
            grace_ns: 0,
            trial: None,
            readable: Readable::default(),
            paused: Vec::new(),
            exited: VecDeque::new(),
            writing: Writing::default(),
            control: Vec::new(),
            lost_zygotes: Vec::new(),
            lost_attendants: Vec::new(),
            denials_said: 0,
            later: VecDeque::new(),
            hosts_due,
            pools_due: false,
            pools_at: None,
            strays: false,
            suspects: Vec::new(),
            heeds_children: false,
            look_at: None,
            stopped: false,
            signals,
            signals_due: false,
            signals_seen: 0,
            give_up_at: None,
            started: Instant::now(),
            heard_at: 0,
            scratch: vec![0; PIECE],
        })
    }

    /// Starts the main process, or the services of the plan, and runs until they are over and nothing
    /// is left.
    pub(crate) fn run(&mut self, plan: Option<Plan>) -> io::Result<()> {
        match plan {
            Some(plan) => self.plan_services(plan, BTreeSet::new()),
            None => self.start_main(),
        }
        self.settle();
        self.write();
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
        self.heard_at = self.now();
        self.read_children();
        self.hear_zygotes();
        self.reap();
        if self.node.next_deadline().is_some_and(|at| at <= self.now()) {
            self.input(Input::Time);
        }
        self.check_services();
        self.look_for_ends();
        self.check_zygotes();
        self.check_watched();
        self.let_print();
        self.check_watch();
        self.heed_signals();
        self.check_loads();
        self.check_trial();
        self.settle();
        self.write();
        // Only now: nobody who waits for a process is to wait for the pool.
        self.fill_pools();
    }

    /// Nanoseconds since the supervisor began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// The main process begins.
    fn start_main(&mut self) {
        for token in 0..self.tasks.len() {
            let task = &mut self.tasks[token];
            if !task.is_main() {
                continue;
            }
            let (entry, host) = (task.entry.clone(), task.host.clone());
            let arguments = std::mem::take(&mut task.arguments);
            let token = u32::try_from(token).expect("fewer tasks than a u32 counts");
            self.input_with(
                Input::Spawn { token, entry: &entry, host: &host },
                "",
                Payload::small(&arguments),
            );
        }
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
        let is_due = self.writing.is_waiting() || !self.exited.is_empty();
        if is_due || !self.readable.is_empty() {
            return Some(Duration::ZERO);
        }
        let nests = self.nests.iter().filter_map(|nest| nest.deadline);
        let give_up_at = self.give_up_at.filter(|_| !self.stopped);
        let watch = self.reload.watch.as_ref().and_then(|watch| watch.quiet.due());
        let loads = self.reload.pending.as_ref().and_then(|p| p.loads.next_deadline());
        let trial = self.trial.as_ref().and_then(|trial| trial.settle_at);
        let own = [
            self.watchdog.next(),
            self.throttled.next(),
            self.look_at,
            self.pools_at,
            give_up_at,
            watch,
            loads,
            trial,
        ];
        let own = own.into_iter().flatten();
        let next = nests.chain(self.node.next_deadline()).chain(self.services.next_deadline());
        let next = next.chain(own).min()?;
        Some(Duration::from_nanos(next.saturating_sub(self.now())))
    }

    fn collect(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                SIGNALS => self.signals_due = true,
                STDOUT => {}
                WATCH => {
                    let now = self.now();
                    if let Some(watch) = &mut self.reload.watch {
                        watch.hear(now);
                    }
                }
                token => {
                    let source = Source::of(token);
                    if let Source::Socket(id) = source
                        && event.is_read_closed()
                    {
                        self.hung_up(id);
                    }
                    self.collect_source(source, event);
                }
            }
        }
    }

    fn collect_source(&mut self, source: Source, event: &Event) {
        match source {
            Source::Socket(id) => {
                if event.is_readable() || event.is_read_closed() || event.is_error() {
                    self.mark_readable(id);
                }
                if event.is_writable() {
                    self.has_room(id);
                }
            }
            Source::Pidfd(id) => self.mark_exited(id),
            Source::Control(nest) => self.control.push(nest),
            Source::ZygotePidfd(nest) => self.lost_zygotes.push(nest),
            Source::Attendant(id) => self.lost_attendants.push(id),
        }
    }

    fn has_room(&mut self, id: ChildId) {
        if let Some(child) = self.children.all.get_mut(id) {
            child.blocked = false;
            self.mark_dirty(id);
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
}
