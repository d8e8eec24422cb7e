//! Those that are programs of their own for each actor.

use crate::Figures;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, iter};
use tests::bench::median;
use tests::bench::speed::{figures, number};

const STARTS: &str = "200";
const ROUND_TRIPS: u32 = 5_000;

/// A program that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(120);

fn apps() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("apps/alternatives")
}

pub(crate) fn is_installed(program: &str) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// The median time of so many calls, in microseconds, after a tenth of them that do not count.
pub(crate) fn p50_us(
    count: u32,
    mut operation: impl FnMut() -> Result<(), String>,
) -> Result<f64, String> {
    let mut timed = || {
        let began = Instant::now();
        operation().map(|()| began.elapsed().as_secs_f64() * 1e6)
    };
    for _ in 0..count / 10 {
        timed()?;
    }
    let mut times = iter::repeat_with(timed).take(count as usize).collect::<Result<Vec<_>, _>>()?;
    Ok(median(&mut times))
}

pub(crate) fn wabe() -> Result<Figures, String> {
    let trips = ROUND_TRIPS.to_string();
    Ok(Figures {
        start_us: Some(number(&figures("spawn", &[STARTS])?, "p50")?),
        round_trip_us: Some(number(&figures("round_trip", &[&trips, "0"])?, "p50")?),
    })
}

pub(crate) fn lua() -> Result<Figures, String> {
    by_pipes(|| Command::new("lua5.4"))
}

pub(crate) fn bubblewrap() -> Result<Figures, String> {
    by_pipes(|| {
        let mut command = Command::new("bwrap");
        command.args(["--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "lua5.4"]);
        command
    })
}

/// `lua` begins the command; what Lua is to run comes after it.
fn by_pipes(lua: fn() -> Command) -> Result<Figures, String> {
    let starts = STARTS.parse().map_err(|error| format!("{error}"))?;
    let start = p50_us(starts, || {
        let ran = lua().args(["-e", "x=1"]).status().map_err(|error| error.to_string())?;
        if ran.success() { Ok(()) } else { Err(format!("it failed: {ran}")) }
    })?;
    let mut one = Actor::start(lua())?;
    let round_trip = p50_us(ROUND_TRIPS, || one.ask())?;
    Ok(Figures { start_us: Some(start), round_trip_us: Some(round_trip) })
}

/// One that answers lines. Dropped, it ends: there are no more lines.
struct Actor {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
    line: String,
}

impl Actor {
    fn start(mut lua: Command) -> Result<Self, String> {
        let command = lua.arg(apps().join("echo.lua")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cannot start it: {error}"))?;
        let answers = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        Ok(Actor { child, answers, line: String::new() })
    }

    fn ask(&mut self) -> Result<(), String> {
        let told = |error| format!("it does not answer: {error}");
        let request = [&[b'x'; 99][..], b"\n"].concat();
        self.child.stdin.as_mut().ok_or("no pipe")?.write_all(&request).map_err(told)?;
        self.line.clear();
        match self.answers.read_line(&mut self.line).map_err(told)? {
            100 => Ok(()),
            other => Err(format!("it answered {other} bytes")),
        }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

pub(crate) fn python() -> Result<Figures, String> {
    by_script("python3", "processes.py", STARTS)
}

pub(crate) fn node() -> Result<Figures, String> {
    by_script("node", "processes.js", "30")
}

fn by_script(program: &str, script: &str, starts: &str) -> Result<Figures, String> {
    let mut command = Command::new(program);
    command.arg(apps().join(script)).args([starts, &ROUND_TRIPS.to_string()]);
    let ran = tests::run(&mut command, DEADLINE);
    let found: serde_json::Value = serde_json::from_str(&ran.stdout)
        .map_err(|error| format!("{program} gave no figures ({error}): {}", ran.stderr))?;
    Ok(Figures {
        start_us: Some(number(&found, "start")?),
        round_trip_us: Some(number(&found, "round_trip")?),
    })
}
