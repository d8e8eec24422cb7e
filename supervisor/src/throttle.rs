//! How fast a process may print: one that is over its `log_rate` is not read until the time that its
//! lines may take is over. Nothing is lost by that, and nobody else waits.
//!
//! What was read at once is printed at once, and may be thousands of short lines. They are paid for
//! afterwards.

use crate::children::ChildId;
use crate::supervisor::Supervisor;
use std::collections::VecDeque;

const SECOND_NS: u64 = 1_000_000_000;

/// What a process has printed since it was heard again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Printed {
    since: u64,
    /// When all lines are paid for; at least a second later.
    until: u64,
    lines: u32,
}

impl Printed {
    /// Counts a text. Where that makes too many lines, until when the next has to wait.
    pub(crate) fn over(&mut self, now: u64, text: &[u8], rate: u32) -> Option<u64> {
        if now >= self.until {
            *self = Printed { since: now, until: now + SECOND_NS, lines: 0 };
        }
        let breaks = text.iter().filter(|byte| **byte == b'\n').count();
        let lines = u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(1);
        self.lines = self.lines.saturating_add(lines);
        let worth_ns = u64::from(self.lines) * SECOND_NS / u64::from(rate.max(1));
        self.until = self.until.max(self.since + worth_ns);
        (self.lines >= rate).then_some(self.until)
    }
}

/// Those that are not heard for a while, by the time at which they are again.
#[derive(Debug, Default)]
pub(crate) struct Throttled(VecDeque<(u64, ChildId)>);

impl Throttled {
    pub(crate) fn wait(&mut self, at: u64, id: ChildId) {
        let place = self.0.partition_point(|(earlier, _)| *earlier <= at);
        self.0.insert(place, (at, id));
    }

    pub(crate) fn next(&self) -> Option<u64> {
        self.0.front().map(|(at, _)| *at)
    }

    fn due(&mut self, now: u64) -> Option<ChildId> {
        let (at, _) = *self.0.front()?;
        (at <= now).then(|| self.0.pop_front().map(|(_, id)| id))?
    }
}

impl Supervisor {
    /// Reads those again whose time has come. (An id may be another's by now: who need not wait is
    /// read for nothing.)
    pub(crate) fn let_print(&mut self) {
        let now = self.now();
        while let Some(id) = self.throttled.due(now) {
            let Some(child) = self.children.all.get_mut(id) else { continue };
            // What was read together with the line that was too many has its price too.
            match child.printed.until {
                until if child.paused && until > now => self.throttled.wait(until, id),
                // It waits on, for standard output, with those that wait for it already.
                _ if child.paused && self.printer.is_full() => self.paused.push(id),
                _ => {
                    child.paused = false;
                    self.mark_readable(id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_one_second_are_counted() {
        let mut printed = Printed::default();
        assert_eq!(printed.over(5, b"a", 3), None);
        assert_eq!(printed.over(6, b"a\nb", 3), Some(5 + SECOND_NS));
        assert_eq!(printed.over(5 + SECOND_NS, b"a", 3), None);
    }

    #[test]
    fn many_lines_at_once_are_paid_for_in_full() {
        let mut printed = Printed::default();
        assert_eq!(printed.over(0, &[b'\n'; 99], 10), Some(10 * SECOND_NS));
        assert_eq!(
            printed.over(0, b"one of the same read", 10),
            Some(10 * SECOND_NS + SECOND_NS / 10)
        );
        assert_eq!(printed.over(11 * SECOND_NS, b"a", 10), None);
    }

    #[test]
    fn they_wait_in_the_order_of_their_times() {
        let mut throttled = Throttled::default();
        for (at, id) in [(30, 3), (10, 1), (20, 2)] {
            throttled.wait(at, id);
        }
        assert_eq!((throttled.next(), throttled.due(9)), (Some(10), None));
        assert_eq!(
            [throttled.due(20), throttled.due(20), throttled.due(20)],
            [Some(1), Some(2), None]
        );
    }
}
