//! Workers that do not answer: stopped (SIGSTOP), wedged, or computing without end where nothing in
//! the worker can interrupt it.
//!
//! Whoever was told something and has said nothing since is asked (`Ping`); whoever does not answer
//! that either is looked at, and ended unless there is an excuse. So an idle worker is never asked and
//! costs nothing.

use crate::children::{Child, ChildId};
use crate::supervisor::Supervisor;
use ipc::frame::ToWorker;
use ipc::limits::WATCHDOG_NS;
use node::{Input, Stuck};
use std::collections::VecDeque;
use std::fs;

/// CPU time in one period below which a worker does not compute.
const IDLE_NS: u64 = WATCHDOG_NS / 100;

/// Workers that a round looks at, at most: a look is three system calls, and thousands may be due at once.
const LOOKS: usize = 16;

/// Workers of which a round finds out whether they are to be looked at, at most.
const DUE: usize = 128;

/// Workers that were told something.
#[derive(Debug, Default)]
pub(crate) struct Watchdog {
    /// Each with the number of its watch, by the time at which it is looked at.
    queue: VecDeque<(u64, ChildId, u64)>,
    /// The number of the last watch.
    last: u64,
}

/// What was known of a worker when it was looked at last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watch {
    /// Its number. The id of a worker that is gone is another's soon, and a process may go on as that.
    number: u64,
    /// Bytes that it had ever said.
    heard: u64,
    /// Bytes that it had ever said when it was told something last.
    told: u64,
    /// CPU time that it had used when it was asked; it was not, where there is none.
    asked: Option<u64>,
    /// CPU time that it had used.
    cpu: u64,
}

/// A worker at the moment of looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    /// As proc_pid_stat(5) has it: `R`, `S`, `D`, `T`, `t`.
    state: char,
    cpu: u64,
}

/// What is to be done about a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It lives.
    Rest,
    /// Ask it whether it does.
    Ask(Watch),
    /// Look again later.
    WatchOn(Watch),
    /// End it.
    End(Stuck),
}

/// Decides by what it has said, where that is enough.
fn judge_by_words(before: Watch, heard: u64) -> Option<Verdict> {
    if heard == before.heard {
        return None;
    }
    // What it said may be older than what it was told last.
    let told_since = heard == before.told;
    let on = Watch { heard, asked: None, ..before };
    Some(if told_since { Verdict::WatchOn(on) } else { Verdict::Rest })
}

/// Decides about one that has said nothing. `turn_ns`: CPU time that it may use without yielding.
fn judge(before: Watch, look: Look, turn_ns: u64) -> Verdict {
    let Some(cpu_when_asked) = before.asked else {
        return Verdict::Ask(Watch { asked: Some(look.cpu), cpu: look.cpu, ..before });
    };
    let busy = look.cpu.saturating_sub(cpu_when_asked);
    // The worker watches its turn itself, and is given the time to say so.
    if busy > turn_ns.saturating_mul(2) {
        return Verdict::End(Stuck::Busy { cpu_ns: busy });
    }
    // One that could run and may not, or that waits for a disk, is not to blame.
    let waits = matches!(look.state, 'S' | 'T' | 't');
    match waits && look.cpu.saturating_sub(before.cpu) < IDLE_NS {
        true => Verdict::End(Stuck::Silent { ns: WATCHDOG_NS }),
        false => Verdict::WatchOn(Watch { cpu: look.cpu, ..before }),
    }
}

impl Watchdog {
    pub(crate) fn next(&self) -> Option<u64> {
        self.queue.front().map(|(at, ..)| *at)
    }

    fn due(&mut self, now: u64) -> Option<(ChildId, u64)> {
        let (at, id, number) = *self.queue.front()?;
        (at <= now).then(|| self.queue.pop_front())?;
        Some((id, number))
    }
}

impl Supervisor {
    /// Begins to watch a process that was told something.
    pub(crate) fn watch(&mut self, id: ChildId) {
        let at = self.now() + WATCHDOG_NS;
        let Some(child) = self.children.all.get_mut(id) else { return };
        if child.process.is_none() {
            return;
        }
        let heard = child.heard;
        match &mut child.watch {
            Some(watch) => watch.told = heard,
            None => {
                self.watchdog.last += 1;
                let number = self.watchdog.last;
                self.watchdog.queue.push_back((at, id, number));
                child.watch = Some(Watch { number, heard, told: heard, ..Watch::default() });
            }
        }
    }

    /// Judges those that are due.
    pub(crate) fn check_watched(&mut self) {
        let (now, mut looks) = (self.now(), 0);
        for _ in 0..DUE {
            let Some((id, number)) = self.watchdog.due(now) else { break };
            let child = self.children.all.get(id);
            let Some(child) = child.filter(|child| child.is_watched_as(number)) else { continue };
            let judged = child.judge_by_words();
            looks += usize::from(judged.is_none());
            let verdict = judged.unwrap_or_else(|| child.judge());
            self.carry_out_verdict(id, verdict, now);
            if looks == LOOKS {
                break;
            }
        }
    }

    fn carry_out_verdict(&mut self, id: ChildId, verdict: Verdict, now: u64) {
        let child = &mut self.children.all[id];
        match verdict {
            Verdict::Rest => child.watch = None,
            Verdict::End(how) => {
                let pid = child.process.as_ref().map(|process| process.pid);
                if let Some(pid) = pid {
                    self.input(Input::Stuck { pid, how });
                }
            }
            Verdict::Ask(watch) | Verdict::WatchOn(watch) => {
                child.watch = Some(watch);
                self.watchdog.queue.push_back((now + WATCHDOG_NS, id, watch.number));
                if matches!(verdict, Verdict::Ask(_)) {
                    self.children.push(id, &ToWorker::Ping, &[]);
                    self.mark_dirty(id);
                }
            }
        }
    }
}

impl Child {
    /// True for a process that is watched under that number.
    fn is_watched_as(&self, number: u64) -> bool {
        self.process.is_some() && self.watch.is_some_and(|watch| watch.number == number)
    }

    fn judge_by_words(&self) -> Option<Verdict> {
        let watch = self.watch?;
        // One that is not read, because its text waits to be printed or others come first, cannot be heard.
        let heard = !self.paused && !self.silent && !self.readable;
        if heard { judge_by_words(watch, self.heard) } else { Some(Verdict::WatchOn(watch)) }
    }

    fn judge(&self) -> Verdict {
        let (Some(watch), Some(process)) = (self.watch, &self.process) else {
            return Verdict::Rest;
        };
        match self.look() {
            Some(look) => judge(watch, look, process.limits.turn_ns),
            None => Verdict::WatchOn(watch),
        }
    }

    /// The CPU time that its process has used, in this worker and in those before. It can be had until
    /// it is reaped.
    pub(crate) fn cpu_ns(&self) -> u64 {
        let here = self.born.as_ref().and_then(|born| run_ns(born.os_pid)).unwrap_or(0);
        here + self.spent_ns
    }

    /// The same where it is limited, else 0: to look is not for nothing.
    pub(crate) fn limited_cpu_ns(&self) -> u64 {
        let limited = self.process.as_ref().is_some_and(|process| process.limits.cpu_s < u64::MAX);
        if limited { self.cpu_ns() } else { 0 }
    }

    fn look(&self) -> Option<Look> {
        let (state, cpu) = seen(self.born.as_ref()?.os_pid)?;
        Some(Look { state, cpu })
    }
}

/// CPU time in nanoseconds of a child with one thread that is not reaped yet: to the nanosecond where the
/// kernel tells it so (/proc/PID/schedstat), for what is rounded off adds up where a process goes on in
/// another worker again and again.
fn run_ns(os_pid: u32) -> Option<u64> {
    let exact = fs::read_to_string(format!("/proc/{os_pid}/schedstat")).ok();
    let exact = exact.and_then(|line| line.split(' ').next()?.parse().ok());
    // proc_pid_stat(5) counts whole ticks, of two kinds.
    exact.or_else(|| Some(seen(os_pid)?.1 + 2 * tick_ns()))
}

fn tick_ns() -> u64 {
    1_000_000_000 / rustix::param::clock_ticks_per_second()
}

/// State and CPU time in nanoseconds of a child that is not reaped yet (proc_pid_stat(5)).
pub(crate) fn seen(os_pid: u32) -> Option<(char, u64)> {
    let stat = fs::read_to_string(format!("/proc/{os_pid}/stat")).ok()?;
    // The name stands in parentheses and may hold any character.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let user: u64 = fields.nth(10)?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((state, (user + system) * tick_ns()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TURN: u64 = 10_000_000_000;

    fn look(state: char, cpu: u64) -> Look {
        Look { state, cpu }
    }

    #[test]
    fn whoever_said_something_rests_and_whoever_did_not_is_asked() {
        assert_eq!(judge_by_words(Watch::default(), 7), Some(Verdict::Rest));
        let quiet = Watch { heard: 7, ..Watch::default() };
        let asked = Watch { asked: Some(5), cpu: 5, ..quiet };
        assert_eq!(judge_by_words(quiet, 7), None);
        assert_eq!(judge(quiet, look('T', 5), TURN), Verdict::Ask(asked));
        assert_eq!(judge_by_words(asked, 8), Some(Verdict::Rest));
    }

    #[test]
    fn whoever_said_something_before_it_was_told_the_last_is_watched_on() {
        let told_again = Watch { number: 1, heard: 5, told: 7, asked: Some(5), cpu: 5 };
        let on = Watch { heard: 7, asked: None, ..told_again };
        assert_eq!(judge_by_words(told_again, 7), Some(Verdict::WatchOn(on)));
        let asked = Watch { asked: Some(5), ..on };
        assert_eq!(judge_by_words(on, 7), None);
        assert_eq!(judge(on, look('T', 5), TURN), Verdict::Ask(asked));
    }

    #[test]
    fn whoever_does_not_answer_is_ended_unless_it_has_an_excuse() {
        let asked = Watch { number: 1, heard: 7, told: 7, asked: Some(0), cpu: 0 };
        for stopped in ['S', 'T', 't'] {
            let end = Verdict::End(Stuck::Silent { ns: WATCHDOG_NS });
            assert_eq!(judge(asked, look(stopped, IDLE_NS - 1), TURN), end);
        }
        for (state, cpu) in [('R', 0), ('D', 0), ('S', IDLE_NS), ('R', 2 * TURN)] {
            let on = Verdict::WatchOn(Watch { cpu, ..asked });
            assert_eq!(judge(asked, look(state, cpu), TURN), on, "{state} {cpu}");
        }
        let end = Verdict::End(Stuck::Busy { cpu_ns: 2 * TURN + 1 });
        assert_eq!(judge(asked, look('R', 2 * TURN + 1), TURN), end);
    }

    #[test]
    fn the_test_itself_is_seen_running() {
        let me = std::process::id();
        let (state, _) = seen(me).expect("this process is there");
        assert!("RSD".contains(state), "{state}");
        assert!(run_ns(me).expect("this process is there") > 0);
    }
}
