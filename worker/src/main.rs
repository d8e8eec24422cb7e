//! `wabe-worker`: started by `wabe`, never by hand.

use std::process::ExitCode;

fn main() -> ExitCode {
    match worker::zygote::run(worker::actor::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wabe-worker: {error}");
            eprintln!("wabe-worker is started by 'wabe run' and is of no use by hand");
            ExitCode::from(64)
        }
    }
}
