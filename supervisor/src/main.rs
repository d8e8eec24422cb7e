//! The command `wabe`.

use std::process::ExitCode;

fn main() -> ExitCode {
    supervisor::cli::main()
}
