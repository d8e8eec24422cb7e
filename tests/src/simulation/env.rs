//! What all in this world share: the kernel's cells, time, chance, and who saw what.

use super::history::History;
use super::kernel::{Cell, Who};
use super::random::Random;
use super::witness::Witness;
use node::ChildEnd;

/// How the world treats those who live in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Everything is late, cut short or dies, by chance.
    Random,
    /// Everything that can go on does, until nothing is left to do.
    Prompt,
}

/// The surroundings of supervisor and workers.
#[derive(Debug)]
pub(crate) struct Env {
    pub(crate) cells: Vec<Cell>,
    pub(crate) history: History,
    pub(crate) witness: Witness,
    pub(crate) random: Random,
    /// Virtual nanoseconds.
    pub(crate) now: u64,
    pub(crate) mood: Mood,
    /// Nothing is on its way to anybody but what is asked for just now.
    pub(crate) calm: bool,
    /// The node was told to stop.
    pub(crate) stopping: bool,
}

impl Env {
    /// Something good happens: in so many of a thousand cases, or always where all are prompt.
    pub(crate) fn happens(&mut self, of_thousand: usize) -> bool {
        self.mood == Mood::Prompt || self.random.chance(of_thousand)
    }

    /// Something bad happens: in so many of a thousand cases, and never where all are prompt.
    pub(crate) fn mishap(&mut self, of_thousand: usize) -> bool {
        self.mood == Mood::Random && self.random.chance(of_thousand)
    }

    /// How many bytes one read or write moves.
    pub(crate) fn cut(&mut self) -> usize {
        match self.mood {
            Mood::Prompt => usize::MAX,
            Mood::Random if self.random.chance(300) => self.random.between(1, 24),
            Mood::Random => self.random.between(16, 4096),
        }
    }

    /// A worker ends.
    pub(crate) fn die(&mut self, who: Who, end: ChildEnd) {
        self.witness.say(|| format!("#{who} dies: {end:?}"));
        self.witness.mark(b'x', who, &[]);
        self.cells[who].die(end);
        self.history.logs[who].death = Some(end);
    }
}
