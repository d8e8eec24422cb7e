//! One test in a supervisor of its own: `wabe trial`, which only `wabe test` starts.
//!
//! Standard input is a socket to the runner: the trial says on it what came of the test, once everybody
//! is gone. Where the runner dies the trial does, and with it all its workers.
//!
//! When the body has ended well, whoever is still there has some time to end of itself: a process that
//! has just given its last answer is about to. Who lives on after that was leaked.

use super::record::{LEAKED_MAX, Leaked, Record};
use crate::app::App;
use crate::diagnostic::Diagnostic;
use crate::report;
use crate::run::{FAILED, NoSandbox, OK, Request, USAGE, config, failed, prepare};
use crate::supervisor::Supervisor;
use crate::task::{Task, TaskEnd};
use ipc::Pid;
use ipc::chaos::ChaosSignal;
use node::Stop;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, set_parent_process_death_signal};
use serde_json::Value;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Time for others to end after the body has ended well.
const SETTLE_NS: u64 = 1_000_000_000;

/// What `wabe trial` was asked for.
#[derive(Debug)]
pub(crate) struct TrialOf {
    pub(crate) app: PathBuf,
    pub(crate) entry: String,
    pub(crate) worker: Option<PathBuf>,
    pub(crate) no_sandbox: NoSandbox,
}

/// What a supervisor knows of the test that it runs.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    /// When the time of those who were left is over.
    pub(crate) settle_at: Option<u64>,
    /// Who lived on, once it was looked.
    left: Option<Vec<Leaked>>,
}

/// Runs one test to its end and tells the runner. Returns the exit code.
pub(crate) fn trial(of: &TrialOf) -> u8 {
    if let Err(error) = die_with_runner() {
        crate::terminal::say(&format!("cannot be a trial: {error}; use wabe test"));
        return USAGE;
    }
    let record = run(of).unwrap_or_else(|diagnostic| {
        Record::not_started(diagnostic.seen_from_outside(&of.app).render(false))
    });
    let code = if record.error.is_none() { OK } else { FAILED };
    match tell(&record.cut()) {
        Ok(()) => code,
        Err(_) => FAILED,
    }
}

/// Asks the kernel for a death with the runner, and looks whether it was too late for that.
fn die_with_runner() -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let stdin = io::stdin();
    rustix::net::sockopt::socket_type(&stdin)?;
    let mut wanted = [PollFd::new(&stdin, PollFlags::empty())];
    poll(&mut wanted, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    match wanted[0].revents().contains(PollFlags::HUP) {
        false => Ok(()),
        true => Err(io::Error::other("the runner is gone")),
    }
}

fn tell(record: &Record) -> io::Result<()> {
    let line = serde_json::to_vec(record).map_err(io::Error::other)?;
    let (stdin, mut rest) = (io::stdin(), line.as_slice());
    while !rest.is_empty() {
        let count = rustix::io::retry_on_intr(|| rustix::io::write(&stdin, rest))?;
        rest = &rest[count..];
    }
    Ok(())
}

fn run(of: &TrialOf) -> Result<Record, Diagnostic> {
    let app = App::load(&of.app)?;
    if of.no_sandbox == NoSandbox::Refused {
        app.refuse_unenclosed()?;
    }
    let request = Request {
        app: of.app.clone(),
        words: Vec::new(),
        grace: Duration::ZERO,
        json: false,
        verbose: false,
        watch: false,
        worker: of.worker.clone(),
        no_sandbox: of.no_sandbox,
        layers: None,
    };
    let tasks = vec![Task::main(&of.entry, &app.host_for(&of.entry), &[])?];
    let mut config = config(&app)?;
    config.allow_chaos();
    let mut supervisor = prepare(app, tasks, config, &request)?;
    supervisor.trial = Some(Trial::default());
    supervisor.run(None).map_err(|e| failed("the loop failed", &e))?;
    let left = supervisor.trial.as_mut().and_then(|trial| trial.left.take()).unwrap_or_default();
    Ok(record(&supervisor.reload.app, &supervisor.tasks, left))
}

fn record(app: &App, tasks: &[Task], mut leaked: Vec<Leaked>) -> Record {
    let unnamed = leaked.len().saturating_sub(LEAKED_MAX);
    leaked.truncate(LEAKED_MAX);
    let end = tasks.first().and_then(|task| Some((task.entry.as_str(), task.end.as_ref()?)));
    let (error, trace, exit) = match end {
        None => (Some("its worker did not end".to_owned()), Vec::new(), Value::Null),
        Some((entry, TaskEnd::NotStarted(fault))) => {
            let what = format!("cannot start {entry}");
            let help = "correct the script";
            let why = report::at_fault(app, &what, &fault.message, help).render(false);
            (Some(why), Vec::new(), Value::Null)
        }
        Some((_, TaskEnd::Ended { reason, result })) if reason.is_normal() => {
            let is_false = report::unpack(result) == Value::Bool(false);
            (is_false.then(|| "returned false".to_owned()), Vec::new(), report::exit_json(reason))
        }
        Some((_, TaskEnd::Ended { reason, result })) => {
            let error = reason.message.clone().unwrap_or_else(|| "ended abnormally".to_owned());
            (Some(error), report::trace(result), report::exit_json(reason))
        }
    };
    Record { error, trace, exit, leaked, unnamed }
}

impl Supervisor {
    /// The body of the test has ended, or never begun.
    pub(crate) fn body_has_ended(&mut self) {
        let end = self.tasks.first().and_then(|task| task.end.as_ref());
        let well = matches!(end, Some(TaskEnd::Ended { reason, .. }) if reason.is_normal());
        let now = self.now();
        match &mut self.trial {
            Some(trial) if well && !self.stopped => {
                trial.settle_at = Some(now.saturating_add(SETTLE_NS));
            }
            _ => self.end_trial(),
        }
    }

    /// Ends the trial where nobody is left, or those who are have had their time.
    pub(crate) fn check_trial(&mut self) {
        let at = self.trial.as_ref().and_then(|trial| trial.settle_at);
        if at.is_some_and(|at| at <= self.now() || self.node.process_count() == 0) {
            self.end_trial();
        }
    }

    fn end_trial(&mut self) {
        self.note_leaks();
        if let Some(trial) = &mut self.trial {
            trial.settle_at = None;
        }
        self.stop(Stop::Now);
    }

    /// Remembers who would live on now, the first time that it is called.
    pub(crate) fn note_leaks(&mut self) {
        if self.trial.as_ref().is_none_or(|trial| trial.left.is_some()) {
            return;
        }
        let mut left = Vec::new();
        for (_, child) in &self.children.all {
            let Some(process) = &child.process else { continue };
            // What the main process prints has no prefix.
            if process.prefix.is_some() && self.node.would_live_on(process.pid) {
                left.push(Leaked {
                    pid: process.text.to_string(),
                    entry: process.entry.to_string(),
                    os_pid: child.born.as_ref().map_or(0, |born| born.os_pid),
                });
            }
        }
        left.sort_by(|a, b| a.pid.cmp(&b.pid));
        if let Some(trial) = &mut self.trial {
            trial.left = Some(left);
        }
    }

    /// Sends a worker a signal. One that is not born yet has told nobody its PID.
    pub(crate) fn send_signal(&self, pid: Pid, signal: ChaosSignal) {
        if let Some(born) = self.children.of(pid).and_then(|child| child.born.as_ref()) {
            born.hold.signal(kernel_signal(signal));
        }
    }
}

fn kernel_signal(signal: ChaosSignal) -> Signal {
    match signal {
        ChaosSignal::Abrt => Signal::ABORT,
        ChaosSignal::Bus => Signal::BUS,
        ChaosSignal::Fpe => Signal::FPE,
        ChaosSignal::Hup => Signal::HUP,
        ChaosSignal::Ill => Signal::ILL,
        ChaosSignal::Int => Signal::INT,
        ChaosSignal::Kill => Signal::KILL,
        ChaosSignal::Quit => Signal::QUIT,
        ChaosSignal::Segv => Signal::SEGV,
        ChaosSignal::Term => Signal::TERM,
        ChaosSignal::Stop => Signal::STOP,
        ChaosSignal::Cont => Signal::CONT,
    }
}
