//! `wabe doctor`: which layers of the sandbox this machine gives to this user. Nothing is guessed
//! from versions: each layer is put on a real worker, by itself and then all together.

use crate::app::Enclosure;
use crate::cgroup::Cgroups;
use crate::enclosing::Ground;
use crate::ending::end_all;
use crate::machine::{Bound, bounds};
use crate::terminal;
use crate::zygote::{Started, code_file};
use ipc::frame::{Birth, FromWorker, ToWorker};
use ipc::payload::NO_ARGUMENTS;
use ipc::sandbox::{Layer, Layers, Missing, Plan, Sandbox};
use ipc::zygote::{FromZygote, ToZygote};
use ipc::{Deframer, Limits, Outbox, Zones};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};
use serde_json::{Value, json};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{io, iter};

/// Time for one trial.
const TRIAL_MAX: Duration = Duration::from_secs(10);

/// Time that each process of a trial has to end.
const END_MAX: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };

/// What came of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Present,
    /// It does not apply to this user or machine, and is not asked for.
    NotApplicable(String),
    Absent(String),
}

/// What came of all.
#[derive(Debug)]
pub(crate) struct Report {
    layers: Vec<(Layer, State)>,
    standard: Result<(), Missing>,
    strict: Result<(), Missing>,
    /// How many processes the machine can hold, by each of its limits.
    bounds: Vec<Bound>,
}

impl Report {
    /// Tries everything.
    ///
    /// # Errors
    /// Where the worker program cannot be started at all.
    pub(crate) fn make(worker: &Path) -> io::Result<Self> {
        let mut ground = Ground::find()?;
        let cgroups = ground.open_cgroups();
        let mut clinic = Clinic { worker, ground, cgroups };
        let report = clinic.report();
        // Whatever came of it, the delegated group is left as it was found.
        if let Ok(Some(cgroups)) = clinic.cgroups {
            cgroups.close()?;
        }
        report
    }

    /// True where a standard host gets its sandbox without declaring anything optional.
    pub(crate) fn is_well(&self) -> bool {
        self.standard.is_ok()
    }

    pub(crate) fn json(&self) -> Value {
        let layers = self.layers.iter().map(|(layer, state)| {
            let (state, why, remedy) = match state {
                State::Present => ("present", None, None),
                State::NotApplicable(why) => ("not_applicable", Some(why), None),
                State::Absent(why) => ("absent", Some(why), Some(layer.remedy())),
            };
            json!({"layer": layer.as_str(), "state": state, "why": why, "remedy": remedy})
        });
        json!({
            "kernel": kernel(),
            "user": user(),
            "layers": layers.collect::<Vec<_>>(),
            "standard": verdict_json(&self.standard),
            "strict": verdict_json(&self.strict),
            "processes": {
                "most": self.narrowest().map(|bound| bound.processes),
                "narrowest": self.narrowest().map(|bound| &bound.name),
                "limits": self.bounds.iter().map(Bound::json).collect::<Vec<_>>(),
            },
        })
    }

    pub(crate) fn print(&self) {
        terminal::print(&format!("{}, as {}", kernel(), user()));
        for (layer, state) in &self.layers {
            let name = layer.as_str();
            match state {
                State::Present => terminal::print(&format!("  {name:13} present")),
                State::NotApplicable(why) => {
                    terminal::print(&format!("  {name:13} does not apply: {why}"));
                }
                State::Absent(why) => {
                    terminal::print(&format!("  {name:13} ABSENT: {why}"));
                    terminal::print(&format!("  {:13} to have it: {}", "", layer.remedy()));
                }
            }
        }
        self.print_verdict("standard", &self.standard);
        self.print_verdict("strict", &self.strict);
        self.print_bounds();
    }

    fn narrowest(&self) -> Option<&Bound> {
        self.bounds.iter().min_by_key(|bound| bound.processes)
    }

    fn print_bounds(&self) {
        let Some(narrowest) = self.narrowest() else { return };
        let (most, name) = (narrowest.processes, &narrowest.name);
        terminal::print(&format!("processes: {most} at a time; the narrowest limit is {name}"));
        for bound in &self.bounds {
            let (most, name, value) = (bound.processes, &bound.name, bound.value);
            terminal::print(&format!("  {most:>9} by {name}, {value}"));
            if let Some(raise) = &bound.raise {
                terminal::print(&format!("  {:9} to raise it: {raise}", ""));
            }
        }
    }

    fn print_verdict(&self, name: &str, verdict: &Result<(), Missing>) {
        let without =
            self.layers.iter().filter(|(_, state)| matches!(state, State::NotApplicable(_)));
        let without: Vec<_> = without.map(|(layer, _)| layer.as_str()).collect();
        let text = match (verdict, without.is_empty()) {
            (Ok(()), true) => "yes, with all layers".to_owned(),
            (Ok(()), false) => {
                format!("yes, with all layers that apply (without {})", without.join(", "))
            }
            (Err(missing), _) => format!("NO: {missing}"),
        };
        terminal::print(&format!("sandbox: {name:8} {text}"));
    }
}

fn verdict_json(verdict: &Result<(), Missing>) -> Value {
    match verdict {
        Ok(()) => json!({"available": true}),
        Err(missing) => {
            json!({"available": false, "layer": missing.layer.as_str(), "why": missing.why})
        }
    }
}

fn kernel() -> String {
    let name = rustix::system::uname();
    format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy())
}

fn user() -> &'static str {
    if rustix::process::geteuid().is_root() { "root" } else { "an ordinary user" }
}

/// Where workers are tried.
struct Clinic<'a> {
    worker: &'a Path,
    ground: Ground,
    cgroups: Result<Option<Cgroups>, Missing>,
}

impl Clinic<'_> {
    fn report(&mut self) -> io::Result<Report> {
        let layers = Layer::ALL.into_iter().map(|layer| Ok((layer, self.state(layer)?)));
        let layers = layers.collect::<io::Result<_>>()?;
        let standard = self.trial(Sandbox::Standard, None)?;
        let strict = self.trial(Sandbox::Strict, None)?;
        Ok(Report { layers, standard, strict, bounds: bounds() })
    }

    fn state(&mut self, layer: Layer) -> io::Result<State> {
        if let Some(why) = self.ground.why_not(layer) {
            return Ok(State::NotApplicable(why.to_owned()));
        }
        Ok(match self.trial(Sandbox::Standard, Some(layer))? {
            Ok(()) => State::Present,
            Err(missing) => State::Absent(missing.why),
        })
    }

    /// Encloses one worker, in one layer or in all. The inner result is its own.
    fn trial(&mut self, sandbox: Sandbox, layer: Option<Layer>) -> io::Result<Result<(), Missing>> {
        let concerned = layer.is_none_or(|layer| layer == Layer::Cgroup);
        match (&mut self.cgroups, concerned) {
            (Err(missing), true) => Ok(Err(missing.clone())),
            (Ok(Some(cgroups)), true) => {
                trial(self.worker, &self.ground, Some(cgroups), sandbox, layer)
            }
            _ => trial(self.worker, &self.ground, None, sandbox, layer),
        }
    }
}

fn trial(
    worker: &Path,
    ground: &Ground,
    mut cgroups: Option<&mut Cgroups>,
    sandbox: Sandbox,
    layer: Option<Layer>,
) -> io::Result<Result<(), Missing>> {
    // An ordinary user may use neither Landlock nor a filter without it.
    let only = layer.map(|layer| Layers::NONE.with(layer).with(Layer::NoNewPrivs));
    let host = Enclosure { sandbox, ..Enclosure::default() };
    let plan: Plan = ground.plan(host, Limits::DEFAULT, only);
    let group = cgroups.as_mut().map(|cgroups| cgroups.take(&plan.limits)).transpose()?;
    // Nothing runs that asks for the time of a place.
    let code = code_file(&[], &Zones::default())?;
    let started = Started::start(worker, plan, cgroups.as_deref())?;
    let (group, directory) = group.unzip();
    let end = Instant::now() + TRIAL_MAX;
    let mut patient = Patient { started, directory, pidfds: Vec::new(), end };
    let loaded = patient.started.hand_over(&code);
    let result = loaded.and_then(|()| patient.is_enclosed());
    patient.end();
    if let (Some(cgroups), Some(group)) = (cgroups, group) {
        cgroups.give_back(group);
    }
    match result {
        Ok(missing) => Ok(missing.map_or(Ok(()), Err)),
        // Which layer it was can only be said where there is one.
        Err(error) => match layer {
            Some(layer) => Ok(Err(Missing { layer, why: error.to_string() })),
            None => Err(error),
        },
    }
}

/// A zygote that is only tried.
struct Patient {
    started: Started,
    /// The control group of its worker, where there is one.
    directory: Option<OwnedFd>,
    /// All that it has told of.
    pidfds: Vec<OwnedFd>,
    end: Instant,
}

impl Patient {
    /// What is missing, if anything. A worker that answers has everything on.
    fn is_enclosed(&mut self) -> io::Result<Option<Missing>> {
        loop {
            match self.hear()? {
                FromZygote::NotEnclosed(missing) => return Ok(Some(missing)),
                FromZygote::Ready => break,
                _ => {}
            }
        }
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let descriptors = iter::once(&theirs).chain(&self.directory).map(AsFd::as_fd);
        let descriptors: Vec<_> = descriptors.collect();
        packet::send(&self.started.control, &ToZygote::Fork { uid: 0 }, &descriptors)?;
        drop(theirs);
        self.hear()?;
        let mut outbox = Outbox::new();
        let limits = Limits::DEFAULT;
        outbox.push(
            &ToWorker::Become { pid: "{doctor}", entry: "none", limits, birth: Birth::default() },
            NO_ARGUMENTS,
        );
        send(&ours, outbox.pending(), SendFlags::NOSIGNAL)?;
        self.first_word(&ours)
    }

    /// The entry that it is to become does not exist: that it says so is all that is wanted.
    fn first_word(&self, socket: &OwnedFd) -> io::Result<Option<Missing>> {
        readable(socket, self.end)?;
        let mut bytes = vec![0; 64 * 1024];
        let (count, _) = recv(socket, &mut bytes[..], RecvFlags::empty())?;
        let mut deframer = Deframer::new(bytes.len());
        let mut feed = deframer.feed(&bytes[..count]);
        let frame = feed.next_frame().map_err(io::Error::other)?;
        let frame = frame.ok_or_else(|| io::Error::other("the worker ended without a word"))?;
        match ipc::codec::decode(frame.header).map_err(io::Error::other)? {
            FromWorker::NotEnclosed(missing) => Ok(Some(missing)),
            _ => Ok(None),
        }
    }

    fn hear(&mut self) -> io::Result<FromZygote> {
        readable(&self.started.control, self.end)?;
        let heard = packet::receive::<FromZygote>(&self.started.control)?;
        let (answer, pidfds) = heard.ok_or_else(|| io::Error::other("the zygote has ended"))?;
        self.pidfds.extend(pidfds);
        Ok(answer)
    }

    /// The first process of a namespace was told of first, and can be waited for last.
    fn end(self) {
        self.started.end();
        end_all(&self.pidfds.iter().rev().collect::<Vec<_>>(), END_MAX);
    }
}

fn readable(what: &impl AsFd, end: Instant) -> io::Result<()> {
    let left = end.saturating_duration_since(Instant::now());
    let left = Timespec::try_from(left).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(what, PollFlags::IN)], Some(&left))? {
        0 => Err(io::Error::other("no answer in time")),
        _ => Ok(()),
    }
}
