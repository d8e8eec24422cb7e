//! The command line.

use crate::run::{NoSandbox, Request, USAGE, doctor, run};
use clap::{Parser, Subcommand};
use ipc::sandbox::{Layer, Layers};
use std::path::PathBuf;
use std::process::ExitCode;
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
Without ENTRY the app's only entry named main is run, else its services with auto_start.
When it ends, everything else is cancelled, then terminated. Ctrl-C and SIGTERM do the same
to all; a second one terminates at once.

Exit codes:
  0  the main process ended normally
  1  it ended abnormally; the error is on standard error
  2  wrong usage, an app that does not load, or a main process that cannot be started, as
     where a layer of its sandbox cannot be had (see wabe doctor)

Examples:
  wabe run examples/worker-pool
  wabe run script.lua 42 '{\"name\": \"ada\"}'
  wabe run --json my-app my.ns:job | tail -n 1";

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
        Command::Run { app, words, json, grace, verbose, worker, allow_no_sandbox, layers } => {
            let no_sandbox = if allow_no_sandbox { NoSandbox::Allowed } else { NoSandbox::Refused };
            run(&Request { app, words, grace, json, verbose, worker, no_sandbox, layers })
        }
        Command::Doctor { json, worker } => doctor(worker.as_deref(), json),
    })
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
