//! How long a service that failed waits until it is started again.

/// Delays that grow from attempt to attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Backoff {
    /// Delay of the first attempt, in nanoseconds.
    pub initial_ns: u64,
    /// No delay is longer.
    pub max_ns: u64,
    /// By what each delay is longer than the one before; at least 1.
    pub factor: f64,
    /// Share of each delay, 0 to 1, of which a random part is left out: services that failed
    /// together do not come back together.
    pub jitter: f64,
    /// Attempts in a row; `None` for as many as it takes.
    pub max_attempts: Option<u32>,
}

impl Backoff {
    /// What holds where a manifest says nothing.
    pub const DEFAULT: Backoff = Backoff {
        initial_ns: 1_000_000_000,
        max_ns: 60_000_000_000,
        factor: 2.0,
        jitter: 0.1,
        max_attempts: Some(10),
    };

    /// The delay before an attempt (from 1), before jitter.
    #[must_use]
    pub fn longest(&self, attempt: u32) -> u64 {
        let (max, mut delay) = (self.max_ns as f64, self.initial_ns as f64);
        if self.factor > 1.0 {
            for _ in 1..attempt {
                delay *= self.factor;
                if delay >= max {
                    break;
                }
            }
        }
        // The conversion saturates.
        (delay as u64).min(self.max_ns)
    }

    /// The delay before an attempt, by a random number.
    #[must_use]
    pub fn delay(&self, attempt: u32, random: u64) -> u64 {
        let longest = self.longest(attempt);
        let part = random as f64 / u64::MAX as f64;
        let left_out = longest as f64 * self.jitter * part;
        longest.saturating_sub(left_out as u64)
    }
}
