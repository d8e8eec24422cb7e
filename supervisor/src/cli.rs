//! The command line.

use crate::run::{Request, USAGE, run};
use clap::{Parser, Subcommand};
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
    },
}

const RUN_HELP: &str = "\
Without ENTRY the app's only entry named main is run, else its services with auto_start.
When it ends, everything else is cancelled, then terminated. Ctrl-C and SIGTERM do the same
to all; a second one terminates at once.

Exit codes:
  0  the main process ended normally
  1  it ended abnormally; the error is on standard error
  2  wrong usage, or an app that does not load

Examples:
  wabe run examples/worker-pool
  wabe run script.lua 42 '{\"name\": \"ada\"}'
  wabe run --json my-app my.ns:job | tail -n 1";

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
    let Command::Run { app, words, json, grace, verbose, worker } = cli.command;
    ExitCode::from(run(&Request { app, words, grace, json, verbose, worker }))
}
