//! What was seen: a hash of all that happened, how often each kind of event occurred, and every
//! breach of a law.

use std::fmt::Display;

/// Whether the lines of a run are kept for a reader, beside their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Only the hash: fast.
    Hash,
    /// Also what happened, line by line.
    Lines,
}

macro_rules! sights {
    ($($name:ident)*) => {
        /// A kind of event that the simulation must meet, or it tests less than it claims.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names say it; each is noted at one place")]
        pub enum Sight { $($name,)* }

        impl Sight {
            /// All of them.
            pub const ALL: &[Sight] = &[$(Sight::$name,)*];
        }
    };
}

sights! {
    Message PipelinedMessage Exit ExitWithBody LinkDown LinkDownWithBody Closed RateLimited
    RefusedAfterExit ShortWrite FullPipe HalfFrameDeath RestAfterDeath HungUpAlive Overrun
    LoadFailure LoadTimeout DiedLoading NoWorker KilledUnborn HostFull
    CreditExhausted ClosedAfterRelease NoRoute NameTaken NameGivenUp Cancelled CancelDeadline Terminated
    LinkKill Protocol Watchdog Signalled ExitCode ResultKeptUnderKill StdoutFull TrapOff
    RefusedWhileStopping StopAsked StopNow StopMainEnded SelfMessage
}

/// How often each [`Sight`] was met.
#[derive(Clone, Debug)]
pub struct Seen([u64; Sight::ALL.len()]);

impl Default for Seen {
    fn default() -> Self {
        Seen([0; Sight::ALL.len()])
    }
}

impl Seen {
    /// How often it was met.
    #[must_use]
    pub fn count(&self, sight: Sight) -> u64 {
        self.0[sight as usize]
    }

    /// Adds what another run has met.
    pub fn add(&mut self, other: &Seen) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// What was never met.
    #[must_use]
    pub fn missing(&self) -> Vec<Sight> {
        Sight::ALL.iter().copied().filter(|sight| self.count(*sight) == 0).collect()
    }
}

/// Who saw it all.
#[derive(Debug)]
pub(crate) struct Witness {
    record: Record,
    /// Of every byte that moved, and every end.
    pub(crate) hash: u64,
    pub(crate) lines: Vec<String>,
    pub(crate) seen: Seen,
    pub(crate) breaches: Vec<String>,
}

impl Witness {
    pub(crate) fn new(record: Record) -> Self {
        Witness {
            record,
            hash: 0xcbf2_9ce4_8422_2325,
            lines: Vec::new(),
            seen: Seen::default(),
            breaches: Vec::new(),
        }
    }

    /// Something happened to somebody: what, as bytes.
    pub(crate) fn mark(&mut self, kind: u8, who: usize, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        let words = words.iter().map(|word| u64::from_le_bytes(*word));
        let rest = rest.iter().map(|byte| u64::from(*byte));
        let head = [u64::from(kind), who as u64, bytes.len() as u64];
        for word in head.into_iter().chain(words).chain(rest) {
            self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    /// A line for a reader.
    pub(crate) fn say<T: Display>(&mut self, line: impl FnOnce() -> T) {
        if self.record == Record::Lines {
            self.lines.push(line().to_string());
        }
    }

    pub(crate) fn note(&mut self, sight: Sight) {
        self.seen.0[sight as usize] += 1;
    }

    pub(crate) fn breach(&mut self, how: impl Into<String>) {
        let how = how.into();
        self.say(|| format!("BREACH: {how}"));
        self.breaches.push(how);
    }

    /// What has to be true.
    pub(crate) fn law<T: Into<String>>(&mut self, holds: bool, how: impl FnOnce() -> T) {
        if !holds {
            self.breach(how());
        }
    }
}
