//! `wabe run`: an app, from its manifests to its exit code.

use crate::app::{App, Enclosure};
use crate::diagnostic::Diagnostic;
use crate::doctor::Report;
use crate::reload::Reload;
use crate::report::{self, Denials};
use crate::serving;
use crate::supervisor::Supervisor;
use crate::task::{Task, TaskEnd};
use crate::terminal;
use crate::watch::Watch;
use ipc::PidText;
use ipc::sandbox::Layers;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use node::Config;
use node::services::State;
use serde_json::Value;
use signal_hook::consts::SIGCHLD;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Everything is well.
pub(crate) const OK: u8 = 0;
/// The main process ended abnormally, or a service did at last.
pub(crate) const FAILED: u8 = 1;
/// Wrong usage, or an app that does not load.
pub(crate) const USAGE: u8 = 2;

/// What `wabe run` was asked for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) app: PathBuf,
    /// ENTRY and ARGs as given.
    pub(crate) words: Vec<String>,
    pub(crate) grace: Duration,
    pub(crate) json: bool,
    pub(crate) verbose: bool,
    pub(crate) worker: Option<PathBuf>,
    pub(crate) no_sandbox: NoSandbox,
    /// Read the app again where its files change.
    pub(crate) watch: bool,
    /// Only these layers of the sandbox, where the user wants to see what each is worth.
    pub(crate) layers: Option<Layers>,
}

/// What becomes of hosts that say `sandbox: none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoSandbox {
    Allowed,
    Refused,
}

/// Runs an app to its end and says what came of it. Returns the exit code.
pub(crate) fn run(request: &Request) -> u8 {
    let ran = App::load(&request.app).and_then(|app| {
        app.warnings.iter().for_each(|warning| terminal::say(warning));
        if request.no_sandbox == NoSandbox::Refused {
            app.refuse_unenclosed()?;
        }
        let main = main_task(&app, request)?;
        supervise(app, main, request)
    });
    match ran {
        Ok(code) => code,
        Err(diagnostic) => {
            let diagnostic = refuse(diagnostic, request);
            if request.json {
                let line = report::not_started_line(None, &diagnostic.to_string());
                terminal::print(&line.to_string());
            }
            USAGE
        }
    }
}

/// `wabe doctor`. Returns the exit code.
pub(crate) fn doctor(worker: Option<&Path>, json: bool) -> u8 {
    let report = worker_binary(worker).and_then(|worker| {
        Report::make(&worker).map_err(|error| {
            Diagnostic::general(format!("cannot try a worker: {error}"), "is it wabe-worker?")
        })
    });
    match report {
        Ok(report) => {
            match json {
                true => terminal::print(&report.json().to_string()),
                false => report.print(),
            }
            if report.is_well() { OK } else { FAILED }
        }
        Err(diagnostic) => {
            terminal::rendered(&diagnostic.render(io::stderr().is_terminal()));
            USAGE
        }
    }
}

/// Says why nothing was run.
fn refuse(diagnostic: Diagnostic, request: &Request) -> Diagnostic {
    let diagnostic = diagnostic.seen_from_outside(&request.app);
    terminal::rendered(&diagnostic.render(io::stderr().is_terminal()));
    diagnostic
}

/// The main process; none where the services are to be started.
fn main_task(app: &App, request: &Request) -> Result<Option<Task>, Diagnostic> {
    let single_file = request.app.is_file();
    let only = app.runnable().next().unwrap_or_default();
    let (entry, words) = match (single_file, request.words.split_first()) {
        (true, Some((first, rest))) if first == only => (Some(only), rest),
        (true, _) => (Some(only), request.words.as_slice()),
        (false, Some((first, rest))) => (Some(first.as_str()), rest),
        (false, None) => (only_main(app), request.words.as_slice()),
    };
    if let Some(entry) = entry {
        if !app.runnable().any(|runnable| runnable == entry) {
            return Err(cannot_run(
                app,
                &format!("cannot run '{entry}': no such process.lua entry"),
            ));
        }
        let arguments: Vec<Value> = words.iter().map(|word| argument(word)).collect();
        return Task::main(entry, &app.host_for(entry), &arguments).map(Some);
    }
    match app.auto_start().next() {
        Some(_) => Ok(None),
        None => {
            Err(cannot_run(app, "nothing to run: no single main entry and no auto_start service"))
        }
    }
}

/// The only runnable entry named `main`, or the only runnable one at all.
fn only_main(app: &App) -> Option<&str> {
    let mains = || app.runnable().filter(|id| id.ends_with(":main"));
    match (mains().next(), mains().nth(1), app.runnable().nth(1)) {
        (Some(main), None, _) => Some(main),
        (None, None, None) if app.auto_start().next().is_none() => app.runnable().next(),
        _ => None,
    }
}

fn cannot_run(app: &App, message: &str) -> Diagnostic {
    let runnable: Vec<_> = app.runnable().collect();
    let help = match runnable.is_empty() {
        true => "the app has no process.lua entry".to_owned(),
        false => format!("what can be run: {}", runnable.join(", ")),
    };
    Diagnostic::general(message, help)
}

/// JSON where it parses as JSON, else a string.
fn argument(word: &str) -> Value {
    serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.to_owned()))
}

fn supervise(app: App, main: Option<Task>, request: &Request) -> Result<u8, Diagnostic> {
    let config = config(&app)?;
    let (mut tasks, mut plan) = (Vec::from_iter(main), None);
    if tasks.is_empty() {
        plan = Some(serving::plan(&app, &mut tasks, grace_ns(request))?);
    }
    let mut supervisor = prepare(app, tasks, config, request)?;
    supervisor.run(plan).map_err(|e| failed("the loop failed", &e))?;
    Ok(conclude(&supervisor, request))
}

pub(crate) fn failed(what: &str, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::general(format!("{what}: {error}"), "see the README for what wabe needs")
}

fn grace_ns(request: &Request) -> u64 {
    u64::try_from(request.grace.as_nanos()).unwrap_or(u64::MAX)
}

/// A supervisor that is ready to run.
pub(crate) fn prepare(
    app: App,
    tasks: Vec<Task>,
    config: Config,
    request: &Request,
) -> Result<Supervisor, Diagnostic> {
    let worker = worker_binary(request.worker.as_deref())?;
    raise_descriptor_limit();
    wait_for_children().map_err(|e| failed("cannot heed SIGCHLD", &e))?;
    let watch = request.watch.then(|| Watch::new(&request.app)).transpose();
    let watch = watch.map_err(|e| failed("cannot watch the app's files", &e))?;
    let (enclosures, warm, event_results) = (enclosures(&app), warm(&app), app.event_results());
    let unenclosed = request.no_sandbox == NoSandbox::Allowed;
    let reload = Reload::new(app, request.app.clone(), unenclosed, watch);
    let mut supervisor = Supervisor::new(config, tasks, worker, reload)
        .map_err(|e| failed("cannot start the loop", &e))?;
    supervisor.verbose = request.verbose;
    supervisor.enclosures = enclosures;
    supervisor.warm = warm;
    supervisor.event_results = event_results;
    supervisor.layers = request.layers;
    supervisor.grace_ns = grace_ns(request);
    Ok(supervisor)
}

fn enclosures(app: &App) -> BTreeMap<String, Enclosure> {
    app.hosts().map(|(id, _)| (id.to_owned(), app.enclosure(id))).collect()
}

fn warm(app: &App) -> BTreeMap<String, u32> {
    app.hosts().map(|(id, _)| (id.to_owned(), app.warm(id))).collect()
}

/// The worker beside this program, unless another is named.
pub(crate) fn worker_binary(worker: Option<&Path>) -> Result<PathBuf, Diagnostic> {
    let wanted = match worker {
        // Zygotes are started in the root folder.
        Some(worker) => std::path::absolute(worker),
        None => std::env::current_exe().map(|wabe| wabe.with_file_name("wabe-worker")),
    };
    match wanted {
        Ok(worker) if worker.is_file() => Ok(worker),
        _ => Err(Diagnostic::general(
            "cannot find the worker program",
            "build wabe-worker beside wabe with 'cargo build --release', or name it with --worker",
        )),
    }
}

/// What the node is made of.
pub(crate) fn config(app: &App) -> Result<Config, Diagnostic> {
    let mut key = [0; 16];
    let flags = rustix::rand::GetRandomFlags::empty();
    rustix::rand::getrandom(&mut key[..], flags)
        .map_err(|e| failed("cannot draw random numbers", &e))?;
    let mut config = Config::new(key);
    for (id, spec) in app.hosts() {
        config.add_host(id, spec.clone());
    }
    add_entries(&mut config, app);
    Ok(config)
}

/// What the node knows of the entries.
pub(crate) fn add_entries(config: &mut Config, app: &App) {
    for (id, entry) in &app.entries {
        config.add_entry(id, entry.kind_name(), entry.limits());
        if let Some(host) = entry.default_host_named() {
            config.set_default_host(id, host);
        }
    }
}

/// Where whoever started wabe ignores SIGCHLD, so would wabe, and the kernel would keep no report of
/// how its children ended (waitpid(2)). A handler, whatever it does, is the safe way to change that.
fn wait_for_children() -> io::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    if ignored & (1 << (SIGCHLD - 1)) != 0 {
        signal_hook::flag::register(SIGCHLD, Arc::default())?;
    }
    Ok(())
}

/// Each process needs two descriptors. What the administrator allows is taken; where that is too
/// little, the spawn that meets it says so.
pub(crate) fn raise_descriptor_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Says what came of the run and gives the exit code.
fn conclude(supervisor: &Supervisor, request: &Request) -> u8 {
    let app = &supervisor.reload.app;
    let denials = supervisor.node.denials();
    if !request.json
        && let Some(summary) = report::denied_summary(denials)
    {
        terminal::say_line(&summary);
    }
    match supervisor.tasks.first().filter(|task| task.is_main()) {
        Some(main) => conclude_main(app, main, denials, request),
        None => conclude_services(app, supervisor, request),
    }
}

fn conclude_main(app: &App, task: &Task, denials: &Denials, request: &Request) -> u8 {
    let Some(end) = &task.end else { return FAILED };
    let text = task.pid.map(|pid| PidText { host: &task.host, pid }.to_string());
    if request.json {
        terminal::print(&report::json_line(text.as_deref(), end, denials).to_string());
    }
    match end {
        TaskEnd::NotStarted(fault) => {
            let help = "correct the script; nothing was started";
            let (what, fault) = (format!("cannot start {}", task.entry), &fault.message);
            refuse(report::at_fault(app, &what, fault, help), request);
            USAGE
        }
        TaskEnd::Ended { reason, .. } if reason.is_normal() => OK,
        TaskEnd::Ended { reason, result } => {
            terminal::say(&report::failure(&task.entry, reason, result));
            FAILED
        }
    }
}

/// The worst of what came of the services.
fn conclude_services(app: &App, supervisor: &Supervisor, request: &Request) -> u8 {
    if request.json {
        let all = supervisor.wanted_services();
        let line = report::services_line(all, supervisor.node.denials());
        terminal::print(&line.to_string());
    }
    let codes = supervisor.wanted_services().map(|(task, state, _)| match (state, &task.end) {
        (State::Exited, _) | (_, None) => OK,
        (_, Some(TaskEnd::NotStarted(fault))) => {
            let what = format!("cannot start {}", task.entry);
            let help = "correct the script";
            refuse(report::at_fault(app, &what, &fault.message, help), request);
            USAGE
        }
        (_, Some(TaskEnd::Ended { reason, .. })) if reason.is_normal() => OK,
        (_, Some(TaskEnd::Ended { reason, result })) => {
            terminal::say(&report::failure(&task.entry, reason, result));
            FAILED
        }
    });
    codes.max().unwrap_or(OK)
}
