//! `wabe run`: an app, from its manifests to its exit code.

use crate::app::{App, Enclosure};
use crate::diagnostic::Diagnostic;
use crate::doctor::Report;
use crate::report;
use crate::supervisor::Supervisor;
use crate::task::{Task, TaskEnd};
use crate::terminal;
use crate::zygote::code_file;
use ipc::PidText;
use ipc::sandbox::Layers;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use node::Config;
use serde_json::Value;
use signal_hook::consts::SIGCHLD;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Everything is well.
pub(crate) const OK: u8 = 0;
/// The main process, or a service, ended abnormally.
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
        let tasks = tasks(&app, request)?;
        supervise(&app, tasks, request)
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

/// What is to be started: one main process, or the services.
fn tasks(app: &App, request: &Request) -> Result<Vec<Task>, Diagnostic> {
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
        return Ok(vec![task(entry, &app.host_for(entry), &arguments, true)?]);
    }
    let services = app.auto_start();
    let services = services.map(|(_, s)| task(&s.process, &s.host, &s.input, false));
    let services = services.collect::<Result<Vec<_>, _>>()?;
    match services.is_empty() {
        true => {
            Err(cannot_run(app, "nothing to run: no single main entry and no auto_start service"))
        }
        false => Ok(services),
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

fn task(entry: &str, host: &str, arguments: &[Value], main: bool) -> Result<Task, Diagnostic> {
    let arguments = rmp_serde::to_vec(arguments).map_err(|error| {
        Diagnostic::general(format!("cannot encode the arguments of {entry}: {error}"), "")
    })?;
    let (entry, host) = (entry.to_owned(), host.to_owned());
    Ok(Task { entry, host, arguments, main, pid: None, end: None })
}

fn supervise(app: &App, tasks: Vec<Task>, request: &Request) -> Result<u8, Diagnostic> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Diagnostic::general(format!("{what}: {error}"), "see the README for what wabe needs")
    };
    let worker = worker_binary(request.worker.as_deref())?;
    let code = code_file(&app.sources()).map_err(|e| failed("cannot hand over the code", &e))?;
    let config = config(app).map_err(|e| failed("cannot draw random numbers", &e))?;
    raise_descriptor_limit();
    wait_for_children().map_err(|e| failed("cannot heed SIGCHLD", &e))?;
    let mut supervisor = Supervisor::new(config, tasks, worker, code)
        .map_err(|e| failed("cannot start the loop", &e))?;
    supervisor.verbose = request.verbose;
    supervisor.enclosures = enclosures(app);
    supervisor.layers = request.layers;
    supervisor.grace_ns = u64::try_from(request.grace.as_nanos()).unwrap_or(u64::MAX);
    supervisor.run().map_err(|e| failed("the loop failed", &e))?;
    Ok(conclude(app, &supervisor, request))
}

fn enclosures(app: &App) -> BTreeMap<String, Enclosure> {
    app.hosts().map(|(id, _)| (id.to_owned(), app.enclosure(id))).collect()
}

/// The worker beside this program, unless another is named.
fn worker_binary(worker: Option<&Path>) -> Result<PathBuf, Diagnostic> {
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

fn config(app: &App) -> io::Result<Config> {
    let mut key = [0; 16];
    let flags = rustix::rand::GetRandomFlags::empty();
    rustix::rand::getrandom(&mut key[..], flags)?;
    let mut config = Config::new(key);
    for (id, spec) in app.hosts() {
        config.add_host(id, spec.clone());
    }
    for (id, entry) in &app.entries {
        config.add_entry(id, entry.kind_name(), entry.limits());
    }
    Ok(config)
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
fn raise_descriptor_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Says what came of the run and gives the exit code.
fn conclude(app: &App, supervisor: &Supervisor, request: &Request) -> u8 {
    let denials = supervisor.node.denials();
    if !request.json
        && let Some(summary) = report::denied_summary(denials)
    {
        terminal::say_line(&summary);
    }
    let codes = supervisor.tasks.iter().map(|task| {
        let Some(end) = &task.end else { return FAILED };
        let text = task.pid.map(|pid| PidText { host: &task.host, pid }.to_string());
        if request.json && task.main {
            terminal::print(&report::json_line(text.as_deref(), end, denials).to_string());
        }
        match end {
            TaskEnd::NotStarted(fault) => {
                if task.main {
                    refuse(report::not_started(app, &task.entry, fault), request);
                }
                USAGE
            }
            TaskEnd::Ended { reason, .. } if reason.is_normal() => OK,
            TaskEnd::Ended { reason, result } => {
                terminal::say(&report::failure(&task.entry, reason, result));
                FAILED
            }
        }
    });
    codes.max().unwrap_or(OK)
}
