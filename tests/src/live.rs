//! `wabe run -v` under way, watched from outside: which OS process each process is, signals to
//! them, and a way for the test to tell the app to go on.

use crate::proc::{self, Hold, Seen};
use crate::{App, Ran, Running};
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::iter;
use std::time::{Duration, Instant};

/// A test that waits longer than this for anything hangs.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// What a look finds, as soon as it finds something: who is born shows in `/proc` and wakes nobody, so
/// looking is all that a test can do, and it ends with the deadline.
///
/// # Panics
/// Where nothing is found by then, with what is there.
pub fn wait_to_see<T>(mut look: impl FnMut() -> Option<T>, missing: impl Fn() -> String) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < end, "{}", missing());
        std::thread::yield_now();
    }
}

/// The script of the entry `app:go`: see [`Live::go`].
pub const GO: &str = "return function() process.inbox():receive() end";

/// A script that answers each `ping` of the process that it is given with a `pong` of the same.
pub const PONG: &str = r#"
return function(main)
  local pings = process.listen("ping")
  while true do
    assert(process.send(main, "pong", (pings:receive())))
  end
end"#;

/// The host of the apps made by [`App::of`].
pub const HOST: &str = "app:processes";

/// An app that runs.
#[derive(Debug)]
pub struct Live {
    running: Running,
    /// Its folder goes when the run is over.
    _app: App,
    births: Vec<Birth>,
    gone_on: usize,
}

/// A line `wabe: PID is ENTRY in OS process N`.
#[derive(Debug)]
struct Birth {
    entry: String,
    os_pid: u32,
}

impl Live {
    /// `wabe run -v FOLDER app:main ARGUMENTS`.
    #[must_use]
    pub fn start(app: App, arguments: &[&str]) -> Self {
        let running = Running::start(app.command("app:main").arg("-v").args(arguments));
        Self::watch(app, running)
    }

    /// Watches a `wabe run -v` of an app that was started otherwise.
    #[must_use]
    pub fn watch(app: App, running: Running) -> Self {
        Live { running, _app: app, births: Vec::new(), gone_on: 0 }
    }

    /// The OS pid of `wabe`.
    #[must_use]
    pub fn os_pid(&self) -> u32 {
        self.running.os_pid()
    }

    /// Sends a signal to `wabe`.
    pub fn signal(&self, signal: Signal) {
        self.running.signal(signal);
    }

    /// The next line of standard output that begins so, without that beginning.
    ///
    /// # Panics
    /// Where it does not come.
    pub fn stdout_after(&mut self, beginning: &str) -> String {
        while let Some(line) = self.running.stdout_line(DEADLINE) {
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
        }
        self.give_up(&format!("'{beginning}' on standard output"))
    }

    /// The OS pids of the first `count` processes of an entry, in the order of their births.
    ///
    /// # Panics
    /// Where there are not so many in time.
    pub fn os_pids(&mut self, entry: &str, count: usize) -> Vec<u32> {
        loop {
            let of_entry = self.births.iter().filter(|birth| birth.entry == entry);
            let found: Vec<_> = of_entry.map(|birth| birth.os_pid).take(count).collect();
            if found.len() == count {
                return found;
            }
            let Some(line) = self.running.stderr_line(DEADLINE) else {
                self.give_up(&format!("{count} processes of {entry}"));
            };
            self.births.extend(birth(&line));
        }
    }

    /// The only process of an entry, held.
    ///
    /// # Panics
    /// Where there is none.
    pub fn hold(&mut self, entry: &str) -> Hold {
        let os_pid = self.os_pids(entry, 1)[0];
        Hold::on(os_pid).unwrap_or_else(|| panic!("{entry} in {os_pid} is gone"))
    }

    /// Kills the next process of the entry `app:go`. Processes have no other way to learn from
    /// outside that it is time to go on: whoever monitors it sees its EXIT. It must be loaded.
    pub fn go(&mut self) {
        self.gone_on += 1;
        let all = self.os_pids("app:go", self.gone_on);
        let go = all.last().and_then(|os_pid| Hold::on(*os_pid));
        go.expect("app:go lives until it is killed").signal(Signal::KILL);
    }

    /// The children of `wabe`: zygotes, warm workers, processes, zombies.
    #[must_use]
    pub fn children(&self) -> Vec<Seen> {
        proc::children(self.os_pid())
    }

    /// Its warm workers.
    #[must_use]
    pub fn warm(&self) -> Vec<Seen> {
        self.children().into_iter().filter(|child| child.is_warm() && child.state != 'Z').collect()
    }

    /// Waits until so many workers are warm. Who is born shows in `/proc` and wakes nobody; looking is
    /// all that a test can do, and it ends with the deadline.
    ///
    /// # Panics
    /// Where there are not so many by then.
    pub fn wait_for_warm(&self, wanted: usize) -> Vec<Seen> {
        wait_to_see(
            || Some(self.warm()).filter(|warm| warm.len() == wanted),
            || format!("{wanted} warm workers, not {:?}", self.warm()),
        )
    }

    /// The zygote, held, where there is one that can be told from a worker by now.
    #[must_use]
    pub fn zygote(&self) -> Option<Hold> {
        self.next_zygote(&mut BTreeSet::new())
    }

    /// The same of a session that is not among those met; now it is.
    ///
    /// A fresh copy has the name of its zygote for a moment, and so has one whose zygote was killed: but
    /// the zygote is the first of its session.
    pub fn next_zygote(&self, met: &mut BTreeSet<u32>) -> Option<Hold> {
        let zygotes = self.children().into_iter().filter(Seen::is_zygote);
        let others = zygotes.filter(|seen| !met.contains(&seen.session));
        let zygote = others.min_by_key(|seen| (seen.started, seen.os_pid))?;
        let hold = Hold::on(zygote.os_pid)?;
        // A pidfd is of whoever has the number now: was it still the zygote?
        proc::look(zygote.os_pid).filter(|now| now.is_zygote() && now.started == zygote.started)?;
        met.insert(zygote.session);
        Some(hold)
    }

    /// Holds on all children and on `wabe`.
    #[must_use]
    pub fn hold_all(&self) -> Vec<Hold> {
        let children = self.children();
        children.iter().map(|child| child.os_pid).filter_map(Hold::on).collect()
    }

    /// Checks that `wabe` has no zombies. To be called after the app has seen an end that came
    /// after those in question: what ended earlier is reaped by then.
    ///
    /// # Panics
    /// Where it has.
    pub fn assert_no_zombies(&self) {
        let children = self.children();
        assert!(!children.iter().any(|child| child.state == 'Z'), "zombies: {children:?}");
    }

    /// Waits for the end of the run.
    #[must_use]
    pub fn wait(self) -> Ran {
        self.running.wait(DEADLINE)
    }

    /// Waits for the end, which must be that of an app that went well.
    ///
    /// # Panics
    /// Where it was another.
    pub fn ends_well(self) {
        let ran = self.wait();
        assert!(ran.code == Some(0) && !ran.late && !ran.leaked, "{ran:#?}");
    }

    /// The test cannot go on: with all that the app has said so far.
    fn give_up(&mut self, what: &str) -> ! {
        self.running.signal(Signal::KILL);
        let last: Vec<_> = iter::from_fn(|| self.running.stderr_line(DEADLINE)).collect();
        let last = last[last.len().saturating_sub(30)..].join("\n");
        panic!("no {what}; the last of standard error:\n{last}")
    }
}

fn birth(line: &str) -> Option<Birth> {
    let (_, rest) = line.strip_prefix("wabe: {")?.split_once("} is ")?;
    let (entry, os_pid) = rest.split_once(" in OS process ")?;
    Some(Birth { entry: entry.to_owned(), os_pid: os_pid.parse().ok()? })
}
