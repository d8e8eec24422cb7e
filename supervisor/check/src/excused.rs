//! Which uses of a value are excused from being nil by its type: those before which the error beside it
//! is tested.
//!
//! `local pid, err = process.spawn(…) if err then return end` leaves a PID; no type says so. A wrong
//! finding is worse than none: where the order cannot be seen, in loops and between functions, any test
//! will do.

use luau_syntax::ast::{Local, LocalId};
use luau_syntax::location::{Location, Position};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What happens to values and errors, and where.
#[derive(Debug, Default)]
pub(crate) struct Excused {
    /// By value.
    got: HashMap<LocalId, Got>,
    /// By what is tested.
    tests: HashMap<LocalId, Tests>,
    /// By the value: whether there is one, kept in a local of its own.
    kept: HashMap<LocalId, Tests>,
    uses: Vec<(LocalId, Position, Position)>,
    functions: Vec<Location>,
    loops: Vec<Location>,
}

/// How one value is got.
#[derive(Debug, Default)]
struct Got {
    /// Where, each with the beginning of the function round it.
    places: BTreeMap<Position, Position>,
    /// The errors beside it.
    errors: HashSet<LocalId>,
}

/// Tests of one local.
#[derive(Debug, Default)]
struct Tests {
    places: BTreeSet<Position>,
    /// The beginnings of the functions in which they are.
    functions: BTreeSet<Position>,
    /// The loops round them, the outermost in which the local stays the same.
    loops: BTreeSet<(Position, Position)>,
}

impl Excused {
    /// A function that begins.
    pub(crate) fn function(&mut self, place: Location) {
        self.functions.push(place);
    }

    /// A loop that begins.
    pub(crate) fn repeated(&mut self, place: Location) {
        leave(&mut self.loops, place.begin);
        self.loops.push(place);
    }

    /// A value and the error beside it are got.
    pub(crate) fn pair(&mut self, value: LocalId, error: LocalId, at: Position) {
        let function = self.here(at);
        let got = self.got.entry(value).or_default();
        got.places.insert(at, function);
        got.errors.insert(error);
    }

    /// A local is tested.
    pub(crate) fn test(&mut self, local: &Local<'_>, at: Position) {
        let (function, repeated) = (self.here(at), self.loop_of(local, at));
        self.tests.entry(local.identity()).or_default().add(at, function, repeated);
    }

    /// A local is tested, and another says what came of it.
    pub(crate) fn keep(&mut self, local: &Local<'_>, at: Position) {
        let (function, repeated) = (self.here(at), self.loop_of(local, at));
        self.kept.entry(local.identity()).or_default().add(at, function, repeated);
    }

    /// A local is used.
    pub(crate) fn used(&mut self, local: LocalId, at: Position) {
        let function = self.here(at);
        self.uses.push((local, at, function));
    }

    /// Where values are used that are excused.
    pub(crate) fn places(&self) -> impl Iterator<Item = Position> {
        let excused = self.uses.iter().filter(|(local, at, function)| {
            self.got.get(local).is_some_and(|got| {
                // What was tested before it was got again says nothing.
                let last = got.places.range(..at).rev().find(|(_, inside)| *inside == function);
                let since = last.map_or(Position::default(), |(got, _)| *got);
                let tests = got.errors.iter().filter_map(|error| self.tests.get(error));
                tests.chain(self.kept.get(local)).any(|tests| tests.excuse(since, *at, *function))
            })
        });
        excused.map(|(_, at, _)| *at)
    }

    /// The beginning of the function round a place.
    fn here(&mut self, at: Position) -> Position {
        leave(&mut self.functions, at);
        self.functions.last().map_or(Position::default(), |function| function.begin)
    }

    fn loop_of(&mut self, local: &Local<'_>, at: Position) -> Option<Location> {
        leave(&mut self.loops, at);
        // One that is declared in the loop is another in each round.
        self.loops.iter().find(|one| local.location.begin < one.begin).copied()
    }
}

impl Tests {
    fn add(&mut self, at: Position, function: Position, repeated: Option<Location>) {
        self.places.insert(at);
        self.functions.insert(function);
        self.loops.extend(repeated.map(|place| (place.begin, place.end)));
    }

    fn excuse(&self, since: Position, at: Position, function: Position) -> bool {
        self.places.range(since..at).next().is_some()
            || self.functions.iter().any(|other| *other != function)
            || self.loops.iter().any(|(begin, end)| {
                // Round by round the test comes before the use, or after what is got.
                let round = *begin..*end;
                round.contains(&at) || round.contains(&since)
            })
    }
}

/// Forgets what ends before a place.
fn leave(open: &mut Vec<Location>, at: Position) {
    while open.last().is_some_and(|last| last.end <= at) {
        open.pop();
    }
}
