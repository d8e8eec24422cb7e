//! The app that the benchmarks run, `tests/apps/speed`: its entries return figures.

use crate::proc::{self, Hold, Seen};
use crate::{Ran, Running, bin};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A benchmark that waits longer than this for anything hangs.
pub const DEADLINE: Duration = Duration::from_secs(300);

/// Descriptors of a node with many processes, a socket and a pidfd for each.
const DESCRIPTORS: u64 = 250_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("apps/speed")
}

fn command(entry: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(bin("wabe"));
    command.args(["run", "--json"]).arg(folder()).arg(format!("speed:{entry}")).args(arguments);
    command
}

/// Lets what is started from here have many descriptors, where this user may.
pub fn allow_many_descriptors() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let more = hard.max(DESCRIPTORS);
        if setrlimit(Resource::RLIMIT_NOFILE, soft, more).is_err() {
            eprintln!(
                "this user gets no more than {hard} descriptors: fewer than {hard} / 2 processes"
            );
        }
    }
}

/// What an entry returns.
///
/// # Errors
/// Where the run fails or is late.
pub fn figures(entry: &str, arguments: &[&str]) -> Result<Value, String> {
    result_of(&Running::start(&mut command(entry, arguments)).wait(DEADLINE))
}

/// The same for an entry whose processes print without end: into a file, where no reader takes any
/// time of theirs.
///
/// # Errors
/// Likewise, or where there is no place for the file.
pub fn figures_of_printers(entry: &str, arguments: &[&str]) -> Result<Value, String> {
    let told = |error: std::io::Error| format!("cannot keep what is printed: {error}");
    let mut file = tempfile::tempfile().map_err(told)?;
    let written = file.try_clone().map_err(told)?;
    let mut command = command(entry, arguments);
    let mut ran = Running::start_unread(command.stdout(Stdio::from(written))).wait(DEADLINE);
    ran.stdout = tail(&mut file).map_err(told)?;
    result_of(&ran)
}

/// The last line is no longer than this.
const TAIL: u64 = 4096;

fn tail(file: &mut File) -> std::io::Result<String> {
    let len = file.metadata()?.len();
    file.seek(std::io::SeekFrom::Start(len.saturating_sub(TAIL)))?;
    let mut last = Vec::new();
    file.read_to_end(&mut last)?;
    Ok(String::from_utf8_lossy(&last).into_owned())
}

fn result_of(ran: &Ran) -> Result<Value, String> {
    if ran.late || ran.code != Some(0) {
        let why = if ran.late { "did not end in time" } else { "failed" };
        return Err(format!("the run {why}: {}", ran.stderr.trim()));
    }
    let last = ran.stdout.lines().last().unwrap_or_default();
    let mut last: Value =
        serde_json::from_str(last).map_err(|error| format!("no result in '{last}': {error}"))?;
    Ok(last["result"].take())
}

/// A number that an entry returns.
///
/// # Errors
/// Where there is none.
pub fn number(figures: &Value, field: &str) -> Result<f64, String> {
    figures[field].as_f64().ok_or_else(|| format!("no {field} in {figures}"))
}

/// A run that is looked at from outside where it stops (`crowds.stop` of the app).
#[derive(Debug)]
pub struct Stage(Running);

impl Stage {
    /// Starts an entry.
    #[must_use]
    pub fn start(entry: &str, arguments: &[&str]) -> Self {
        Stage(Running::start(&mut command(entry, arguments)))
    }

    /// The OS pid of `wabe`.
    #[must_use]
    pub fn os_pid(&self) -> u32 {
        self.0.os_pid()
    }

    /// The rest of the next line of standard output that begins with this word.
    ///
    /// # Errors
    /// Where it does not come.
    pub fn line(&mut self, word: &str) -> Result<String, String> {
        while let Some(line) = self.0.stdout_line(DEADLINE) {
            match line.strip_prefix(word) {
                Some(rest) => return Ok(rest.trim().to_owned()),
                None => eprintln!("  {line}"),
            }
        }
        let said: Vec<_> = std::iter::from_fn(|| self.0.stderr_line(Duration::ZERO)).collect();
        Err(format!("the run did not say '{word}': {}", said.join("; ")))
    }

    /// Waits until the run stops at this word.
    ///
    /// # Errors
    /// Where it does not.
    pub fn stops(&mut self, word: &str) -> Result<(), String> {
        self.line(&format!("stop\t{word}")).map(drop)
    }

    /// All that belongs to the node but its supervisor: zygotes and workers.
    #[must_use]
    pub fn children(&self) -> Vec<Seen> {
        proc::children(self.os_pid())
    }

    /// Holds on the processes of one entry.
    #[must_use]
    pub fn hold(&self, entry: &str) -> Vec<Hold> {
        let name = format!("speed:{entry}");
        let all = self.children().into_iter().filter(|child| child.name == name);
        all.filter_map(|child| Hold::on(child.os_pid)).collect()
    }

    /// Lets the run go on from where it stops.
    ///
    /// # Errors
    /// Where it does not stop.
    pub fn go(&self) -> Result<(), String> {
        let stops = self.hold("go");
        let [go] = &stops[..] else { return Err(format!("{} stops at once", stops.len())) };
        go.signal(Signal::KILL);
        Ok(())
    }

    /// Lets so much time pass.
    ///
    /// # Errors
    /// Where the run ends meanwhile.
    pub fn pass(&self, time: Duration) -> Result<(), String> {
        let hold = Hold::on(self.os_pid());
        match hold.is_some_and(|wabe| !wabe.ends_before(Instant::now() + time)) {
            true => Ok(()),
            false => Err("the run ended too early".to_owned()),
        }
    }

    /// CPU time that supervisor, zygotes and workers have used so far.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        let all = self.children().into_iter().map(|child| child.os_pid);
        all.chain([self.os_pid()]).map(cpu_of).sum()
    }

    /// What the entry returns at its end.
    ///
    /// # Errors
    /// Where the run fails or is late.
    pub fn end(self) -> Result<Value, String> {
        result_of(&self.0.wait(DEADLINE))
    }
}

/// Until the kernel has counted what was taken, or given back by those before: as long as the
/// reference waits.
pub const COUNTED: Duration = Duration::from_millis(500);

/// Memory that each of so many idle processes takes from the machine, in KiB.
///
/// # Errors
/// Where the run fails.
pub fn memory_of_idle(count: u32) -> Result<f64, String> {
    let mut stage = Stage::start("crowd", &[&count.to_string()]);
    stage.stops("empty")?;
    stage.pass(COUNTED)?;
    let before = available_kib();
    stage.go()?;
    stage.stops("full")?;
    stage.pass(COUNTED)?;
    let after = available_kib();
    stage.go()?;
    let answered = number(&stage.end()?, "answered")?;
    match answered >= f64::from(count) {
        true => Ok((before - after) / f64::from(count)),
        false => Err(format!("{answered} processes of {count} answered")),
    }
}

/// CPU time of a process with one thread (`/proc/PID/schedstat`); of one that is gone, none.
fn cpu_of(os_pid: u32) -> Duration {
    let text = fs::read_to_string(format!("/proc/{os_pid}/schedstat")).unwrap_or_default();
    let first = text.split_whitespace().next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(first.unwrap_or(0))
}

/// Memory that the machine could still give, in KiB.
#[must_use]
pub fn available_kib() -> f64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    number.expect("/proc/meminfo has MemAvailable in kB")
}
