//! The runner: starts trials, waits for what they do and for their deadlines at once, and shows what
//! came of them in the order of the plan.

use super::held::{Held, Starter};
use super::plan::{Test, plan};
use super::text::{self, Paint};
use super::verdict::{Cut, Seen, Summary, Tested, Verdict, judge};
use super::{json, junit};
use crate::app::App;
use crate::diagnostic::Diagnostic;
use crate::run::{FAILED, NoSandbox, OK, USAGE, failed, raise_descriptor_limit, worker_binary};
use crate::terminal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What `wabe test` was asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) app: PathBuf,
    /// Part of an id or a suite; empty for all.
    pub(crate) filter: String,
    pub(crate) jobs: usize,
    pub(crate) timeout: Duration,
    pub(crate) json: bool,
    pub(crate) junit: Option<PathBuf>,
    pub(crate) worker: Option<PathBuf>,
    pub(crate) no_sandbox: NoSandbox,
}

/// Runs the tests of an app. Returns the exit code.
pub(crate) fn test(wanted: &Wanted) -> u8 {
    match run(wanted) {
        Ok(true) => OK,
        Ok(false) => FAILED,
        Err(diagnostic) => {
            let diagnostic = diagnostic.seen_from_outside(&wanted.app);
            terminal::rendered(&diagnostic.render(io::stderr().is_terminal()));
            USAGE
        }
    }
}

fn run(wanted: &Wanted) -> Result<bool, Diagnostic> {
    let app = App::load(&wanted.app)?;
    app.warnings.iter().for_each(|warning| terminal::say(warning));
    if wanted.no_sandbox == NoSandbox::Refused {
        app.refuse_unenclosed()?;
    }
    let tests = plan(&app, &wanted.filter)?;
    let worker = worker_binary(wanted.worker.as_deref())?;
    let report = wanted.junit.as_deref().map(create).transpose()?;
    // Each trial needs three.
    raise_descriptor_limit();
    let signals = signals().map_err(|e| failed("cannot heed signals", &e))?;
    let (no_sandbox, limit) = (wanted.no_sandbox, wanted.timeout);
    let starter = Starter { app: &wanted.app, worker: &worker, no_sandbox, limit };
    let mut runner = Runner::new(tests, Output::of(wanted));
    runner.run(&starter, wanted.jobs, signals).map_err(|e| failed("the runner failed", &e))?;
    if let (Some(mut report), Some(path)) = (report, wanted.junit.as_deref()) {
        let xml = junit::report(&runner.tested, runner.began.elapsed());
        report.write_all(xml.as_bytes()).map_err(|e| unwritable(path, &e))?;
    }
    Ok(runner.conclude())
}

/// Before any test is run: who misspells a path wants to know at once.
fn create(path: &Path) -> Result<File, Diagnostic> {
    File::create(path).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Diagnostic {
    let message = format!("cannot write {}: {error}", path.display());
    Diagnostic::general(message, "name a file that can be written with --junit")
}

/// A byte comes for each signal that wants an end.
fn signals() -> io::Result<UnixStream> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::low_level::pipe::register(signal, theirs.try_clone()?)?;
    }
    Ok(ours)
}

/// Where what is found goes.
#[derive(Debug)]
struct Output {
    json: bool,
    /// Standard output is a terminal, where a line can be rewritten.
    terminal: bool,
    paint: Paint,
    /// The suite of the last line.
    suite: String,
    /// The line that is to be rewritten.
    progress: String,
}

impl Output {
    fn of(wanted: &Wanted) -> Self {
        let terminal = !wanted.json && io::stdout().is_terminal();
        let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let paint = if colours { Paint::Colours } else { Paint::Plain };
        let (suite, progress) = (String::new(), String::new());
        Output { json: wanted.json, terminal, paint, suite, progress }
    }

    fn tested(&mut self, tested: &Tested) {
        if self.json {
            return terminal::print(&json::line(tested).to_string());
        }
        self.clear();
        if self.suite != tested.test.suite {
            self.suite.clone_from(&tested.test.suite);
            terminal::print(&format!("{}:", terminal::one_line(&self.suite)));
        }
        terminal::print(&text::line(tested, self.paint));
    }

    fn progress(&mut self, line: &str) {
        if self.terminal && self.progress != line {
            line.clone_into(&mut self.progress);
            let mut stdout = io::stdout();
            // Where nobody reads there is nobody to tell.
            let _ = write!(stdout, "\r\x1b[K{}", terminal::one_line(line));
            let _ = stdout.flush();
        }
    }

    fn clear(&mut self) {
        self.progress("");
    }
}

/// The tests of one run.
#[derive(Debug)]
struct Runner {
    /// Those to come, each with its place in the plan.
    waiting: VecDeque<(usize, Test)>,
    running: Vec<(usize, Held)>,
    /// Those that are over and not shown, because one before them is not.
    over: Vec<(usize, Tested)>,
    /// Those that were shown.
    tested: Vec<Tested>,
    summary: Summary,
    all: usize,
    interrupted: bool,
    began: Instant,
    output: Output,
}

impl Runner {
    fn new(tests: Vec<Test>, output: Output) -> Self {
        Runner {
            all: tests.len(),
            waiting: tests.into_iter().enumerate().collect(),
            running: Vec::new(),
            over: Vec::new(),
            tested: Vec::new(),
            summary: Summary::default(),
            interrupted: false,
            began: Instant::now(),
            output,
        }
    }

    fn run(
        &mut self,
        starter: &Starter<'_>,
        jobs: usize,
        mut signals: UnixStream,
    ) -> io::Result<()> {
        loop {
            self.start(starter, jobs)?;
            if self.running.is_empty() {
                self.output.clear();
                return Ok(());
            }
            self.wait(&signals)?;
            self.heed(&mut signals);
            self.look();
        }
    }

    fn start(&mut self, starter: &Starter<'_>, jobs: usize) -> io::Result<()> {
        while self.running.len() < jobs
            && let Some((place, test)) = self.waiting.pop_front()
        {
            self.running.push((place, starter.start(test)?));
        }
        self.show_progress();
        Ok(())
    }

    fn show_progress(&mut self) {
        let running: Vec<_> = self.running.iter().map(|(_, held)| held.test.id.as_str()).collect();
        let done = self.tested.len() + self.over.len();
        let line = text::progress(done, self.all, self.summary.failed, &running);
        self.output.progress(&line);
    }

    /// Waits until a trial has ended or has something to say, a deadline passes, or a signal comes.
    fn wait(&self, signals: &UnixStream) -> io::Result<()> {
        let deadline = self.running.iter().map(|(_, held)| held.deadline).min();
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.map(Timespec::try_from).transpose().map_err(io::Error::other)?;
        let mut wanted = vec![PollFd::new(signals, PollFlags::IN)];
        for (_, held) in &self.running {
            let waits = held.waits_for().into_iter();
            wanted
                .extend(waits.map(|(descriptor, what)| PollFd::from_borrowed_fd(descriptor, what)));
        }
        match poll(&mut wanted, left.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn heed(&mut self, signals: &mut UnixStream) {
        let mut bytes = [0; 16];
        // That there was none is all that this can fail of.
        for _ in 0..signals.read(&mut bytes).unwrap_or(0) {
            self.interrupt();
        }
    }

    /// The first time everybody is told to end, after that killed.
    fn interrupt(&mut self) {
        self.summary.not_run += self.waiting.len();
        self.waiting.clear();
        let now = Instant::now();
        for (_, held) in &mut self.running {
            match self.interrupted {
                false => held.cut(Cut::Interrupted, now),
                true => held.kill(now),
            }
        }
        self.interrupted = true;
    }

    fn look(&mut self) {
        let now = Instant::now();
        for (place, mut held) in std::mem::take(&mut self.running) {
            held.read();
            match held.reap().or_else(|| held.given_up(now)) {
                Some(end) => {
                    let (test, seen): (Test, Seen) = held.seen(end);
                    self.is_over(place, judge(test, seen));
                }
                None => {
                    held.is_late(now);
                    self.running.push((place, held));
                }
            }
        }
    }

    /// Shows it, and those that waited for it, in the order of the plan.
    fn is_over(&mut self, place: usize, tested: Tested) {
        self.summary.count(tested.verdict);
        self.over.push((place, tested));
        self.over.sort_by_key(|(place, _)| *place);
        while self.over.first().is_some_and(|(place, _)| *place == self.tested.len()) {
            let (_, tested) = self.over.remove(0);
            self.output.tested(&tested);
            self.tested.push(tested);
        }
    }

    /// Says what came of all; true where that is well.
    fn conclude(&self) -> bool {
        let took = self.began.elapsed();
        if self.output.json {
            terminal::print(&json::summary(&self.summary, took).to_string());
        } else {
            let failed = self.tested.iter().filter(|tested| tested.verdict != Verdict::Passed);
            for tested in failed {
                terminal::print(text::failure(tested, self.output.paint).trim_end());
            }
            let summary = text::summary(&self.summary, took, self.output.paint);
            terminal::print(&format!("\n{summary}"));
        }
        self.summary.is_well()
    }
}
