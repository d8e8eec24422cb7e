//! The command line.

use crate::checking::check;
use crate::init::init;
use crate::run::{NoSandbox, Request, USAGE, doctor, run};
use crate::testing::{TrialOf, Wanted, test, trial};
use clap::{Parser, Subcommand};
use ipc::sandbox::{Layer, Layers};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Duration;

/// An actor system in which every Lua process is an operating-system process of its own.
#[derive(Debug, Parser)]
#[command(name = "wabe", version, arg_required_else_help = true)]
#[command(after_help = "Example:\n  wabe run examples/hello")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run an app until its main process ends
    #[command(after_help = RUN_HELP)]
    Run {
        /// Folder with manifests, or a single .lua file
        app: PathBuf,
        /// Entry to run (namespace:name) and its arguments, each JSON where it parses as JSON, else
        /// a string. A single .lua file takes arguments only
        #[arg(value_name = "ENTRY [ARG]", allow_negative_numbers = true)]
        words: Vec<String>,
        /// Print one last line with pid, result, error and exit as JSON
        #[arg(long)]
        json: bool,
        /// Time that processes have to end after they were cancelled
        #[arg(long, default_value = "5s", value_name = "DURATION", value_parser = humantime::parse_duration)]
        grace: Duration,
        /// Say on standard error which OS process each process is, and why it ended
        #[arg(short, long)]
        verbose: bool,
        /// Read the app again where its files change, as on SIGHUP
        #[arg(long)]
        watch: bool,
        /// Worker program, where it is not beside wabe
        #[arg(long, value_name = "PATH")]
        worker: Option<PathBuf>,
        /// Run hosts that say sandbox: none. For debugging only: their code can do what you can do
        #[arg(long)]
        allow_no_sandbox: bool,
        /// With --allow-no-sandbox: put on only these layers, to see what each is worth. Names with
        /// commas between, all or none
        #[arg(long, value_name = "LIST", requires = "allow_no_sandbox", value_parser = layers)]
        layers: Option<Layers>,
    },
    /// Say what is wrong with an app, without running it
    #[command(after_help = CHECK_HELP)]
    Check {
        /// Folder with manifests, or a single .lua file
        app: PathBuf,
        /// Print one line of JSON for each finding, and one with the numbers of both severities
        #[arg(long)]
        json: bool,
    },
    /// Make a new app: a service, its worker, a library and a test
    #[command(after_help = INIT_HELP)]
    Init {
        /// Folder that is made, or that is there and empty
        folder: PathBuf,
        /// Only write the definitions for editors, into the folder of an app that is there
        #[arg(long)]
        types: bool,
    },
    /// Run the tests of an app, each in a fresh process tree
    #[command(after_help = TEST_HELP)]
    Test {
        /// Folder with manifests
        app: PathBuf,
        /// Part of the id or the suite of the tests to run; all without it
        filter: Option<String>,
        /// Tests at a time; as many as there are processors without it
        #[arg(short, long, value_name = "N")]
        jobs: Option<NonZeroUsize>,
        /// Time that each test has
        #[arg(long, default_value = "30s", value_name = "DURATION", value_parser = some_time)]
        timeout: Duration,
        /// Print one line of JSON for each test and a last one for all
        #[arg(long)]
        json: bool,
        /// Write a report in JUnit's XML as well
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
        /// Worker program, where it is not beside wabe
        #[arg(long, value_name = "PATH")]
        worker: Option<PathBuf>,
        /// Run hosts that say sandbox: none. For debugging only: their code can do what you can do
        #[arg(long)]
        allow_no_sandbox: bool,
    },
    /// One test: what wabe test starts for each
    #[command(hide = true)]
    Trial {
        app: PathBuf,
        entry: String,
        #[arg(long)]
        worker: Option<PathBuf>,
        #[arg(long)]
        allow_no_sandbox: bool,
    },
    /// Say which layers of the sandbox this machine gives to this user
    #[command(after_help = DOCTOR_HELP)]
    Doctor {
        /// Print one line of JSON
        #[arg(long)]
        json: bool,
        /// Worker program, where it is not beside wabe
        #[arg(long, value_name = "PATH")]
        worker: Option<PathBuf>,
    },
}

/// A duration that is more than none.
fn some_time(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("a test needs some time".to_owned()),
        // Longer than this a deadline would be no time that the machine can count to.
        Ok(duration) => Ok(duration.min(Duration::from_secs(u32::MAX.into()))),
        Err(error) => Err(error.to_string()),
    }
}

/// The layers of a list with commas.
fn layers(list: &str) -> Result<Layers, String> {
    match list {
        "all" => Ok(Layers::ALL),
        "none" => Ok(Layers::NONE),
        _ => list.split(',').map(|name| layer(name.trim())).collect(),
    }
}

fn layer(name: &str) -> Result<Layer, String> {
    let known = || Layer::ALL.map(Layer::as_str).join(", ");
    Layer::named(name)
        .ok_or_else(|| format!("layer '{name}' does not exist: give all, none or of {}", known()))
}

const RUN_HELP: &str = "\
Without ENTRY the app's only entry named main is run, else its services with auto_start,
which are started again where they fail. When it ends, everything else is cancelled, then terminated. Ctrl-C and SIGTERM do the same
to all; a second one terminates at once. SIGHUP reads the app again, unless it comes from a
terminal that hangs up: then it ends as Ctrl-C does.

Exit codes:
  0  the main process, or every service, ended normally
  1  it ended abnormally, or a service was given up; the error is on standard error
  2  wrong usage, an app that does not load, or what cannot be started, as where a layer of its sandbox cannot be had (see wabe doctor)

Examples:
  wabe run examples/worker-pool
  wabe run script.lua 42 '{\"name\": \"ada\"}'
  wabe run --json my-app my.ns:job | tail -n 1";

const CHECK_HELP: &str = "\
Manifests, sources, types, and the names of entries, hosts, modules and imports are checked. Each
finding has a code; docs/check.md says what each means. '--!nonstrict' or '--!nocheck' at the
beginning of a source, or languageMode in .luaurc, asks for less.

Exit codes:
  0  no error (there may be warnings)
  1  an error
  2  wrong usage, or an app that is not there

Examples:
  wabe check examples/worker-pool
  wabe check --json my-app | jq .code";

const INIT_HELP: &str = "\
With --types it writes wabe.d.luau and wabe.d.lua anew, after an update of wabe.

Exit codes:
  0  it is made
  2  the folder is not empty, or cannot be written; nothing is left in it

Example:
  wabe init my-app && wabe check my-app";
const TEST_HELP: &str = "\
A test is an entry of kind function.lua or process.lua with meta.type: test. It passes unless its
body raises, returns false or an error, has not ended in time, or leaves processes behind.
meta.suite groups tests, meta.order puts those of a suite in order. Services are not started.

Exit codes:
  0  every test passed
  1  a test did not, or the run was interrupted
  2  wrong usage, an app that does not load, no test found, or a report that cannot be written

Examples:
  wabe test examples/worker-pool
  wabe test my-app pool -j 1 --timeout 5s
  wabe test --json my-app | jq 'select(.type == \"summary\")'
  wabe test --junit report.xml my-app";

const DOCTOR_HELP: &str = "\
Each layer is put on a real worker, by itself and then all together.

Exit codes:
  0  hosts get the standard sandbox here
  1  they do not; what is missing, why, and what to do is said
  2  wrong usage, or no worker could be tried

Examples:
  wabe doctor
  wabe doctor --json";

/// Runs the command that the arguments name.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            // Where even that cannot be printed there is nobody to tell.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    ExitCode::from(match cli.command {
        Command::Run {
            app,
            words,
            json,
            grace,
            verbose,
            watch,
            worker,
            allow_no_sandbox,
            layers,
        } => {
            let no_sandbox = no_sandbox(allow_no_sandbox);
            run(&Request { app, words, grace, json, verbose, watch, worker, no_sandbox, layers })
        }
        Command::Check { app, json } => check(&app, json),
        Command::Init { folder, types } => init(&folder, types),
        Command::Test { app, filter, jobs, timeout, json, junit, worker, allow_no_sandbox } => {
            let (filter, no_sandbox) = (filter.unwrap_or_default(), no_sandbox(allow_no_sandbox));
            let jobs = jobs.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get);
            test(&Wanted { app, filter, jobs, timeout, json, junit, worker, no_sandbox })
        }
        Command::Trial { app, entry, worker, allow_no_sandbox } => {
            trial(&TrialOf { app, entry, worker, no_sandbox: no_sandbox(allow_no_sandbox) })
        }
        Command::Doctor { json, worker } => doctor(worker.as_deref(), json),
    })
}

fn no_sandbox(allowed: bool) -> NoSandbox {
    if allowed { NoSandbox::Allowed } else { NoSandbox::Refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_a_list_of_names() {
        let two = Layers::NONE.with(Layer::Seccomp).with(Layer::Uid);
        assert_eq!(layers("uid, seccomp"), Ok(two));
        assert_eq!(layers("all"), Ok(Layers::ALL));
        assert_eq!(layers("none"), Ok(Layers::NONE));
        for wrong in ["", "uid,", "uid,none", "Seccomp"] {
            assert!(layers(wrong).is_err(), "{wrong}");
        }
    }
}
