//! The clocks that a script can read, in steps: what is too coarse to time a cache miss tells
//! nothing about the memory of others.

use mlua::{Lua, Result, Table};
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::rc::Rc;

const US: i64 = 1_000;

/// Steps of the time of day, where the host asks for no larger ones.
const TIME_STEP_NS: i64 = US;

/// Steps of `os.clock`, likewise.
const CLOCK_STEP_NS: i64 = 100 * US;

const SECOND_NS: i64 = 1_000_000_000;

/// How coarse the clocks of a script are at least.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps(Rc<Cell<i64>>);

impl Steps {
    pub(crate) fn set(&self, ns: u64) {
        self.0.set(i64::try_from(ns).unwrap_or(SECOND_NS).min(SECOND_NS));
    }

    /// A time in seconds and nanoseconds, from one in nanoseconds.
    pub(crate) fn time(&self, ns: i64) -> (i64, i64) {
        let ns = floor(ns, TIME_STEP_NS.max(self.0.get()));
        (ns.div_euclid(SECOND_NS), ns.rem_euclid(SECOND_NS))
    }

    /// What `os.clock` gives, in seconds.
    fn clock(&self, ns: i64) -> f64 {
        floor(ns, CLOCK_STEP_NS.max(self.0.get())) as f64 / SECOND_NS as f64
    }
}

fn floor(ns: i64, step: i64) -> i64 {
    ns - ns.rem_euclid(step)
}

fn now_ns(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    now.tv_sec * SECOND_NS + now.tv_nsec
}

/// The monotonic clock as timers count it. Scripts do not see it.
pub(crate) fn monotonic_ns() -> f64 {
    now_ns(ClockId::Monotonic) as f64
}

/// Adds the clocks to the table of native functions.
pub(crate) fn install(lua: &Lua, native: &Table, steps: &Steps) -> Result<()> {
    native.set("monotonic", lua.create_function(|_, ()| Ok(monotonic_ns()))?)?;
    let known = steps.clone();
    let realtime = move |_: &Lua, ()| Ok(known.time(now_ns(ClockId::Realtime)));
    native.set("realtime", lua.create_function(realtime)?)?;
    let known = steps.clone();
    let clock = move |_: &Lua, ()| Ok(known.clock(now_ns(ClockId::Monotonic)));
    native.set("clock", lua.create_function(clock)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_as_coarse_as_the_coarser_of_two() {
        let steps = Steps::default();
        assert_eq!(steps.time(1_234_567_890), (1, 234_567_000));
        assert_eq!(steps.time(-1), (-1, 999_999_000));
        assert!((steps.clock(1_234_567_890) - 1.2345).abs() < 1e-12);
        steps.set(1_000_000);
        assert_eq!(steps.time(1_234_567_890), (1, 234_000_000));
        assert!((steps.clock(1_234_567_890) - 1.234).abs() < 1e-12);
        steps.set(u64::MAX);
        assert_eq!(steps.time(1_234_567_890), (1, 0));
    }
}
