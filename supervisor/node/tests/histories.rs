//! The laws in every small history: three processes, a small alphabet of steps, all sequences of
//! them up to a length. What random histories may miss by chance, these cannot.

#[expect(dead_code, reason = "the world can do more than these alphabets ask of it")]
mod world;

use ipc::frame::Ties;
use ipc::limits::START_MAX_NS;
use node::{ChildEnd, Stop};
use world::{AGES, Act, Birth, Dest, JAILED, LIBRARY, Lie, ROOMY, Reaping, Step, Who, World};

const A: Who = Who::Born(0);
const B: Who = Who::Born(1);
const C: Who = Who::Born(2);
/// The first process that a history itself spawns.
const D: Who = Who::Born(3);

const fn to(who: Who) -> Dest {
    Dest::To(who)
}

/// All sequences of up to `longest` steps of an alphabet, each after the same beginning.
struct Histories<'a> {
    reaping: Reaping,
    beginning: &'a [Step],
    alphabet: &'a [Step],
    longest: u32,
}

impl Histories<'_> {
    fn hold(&self) {
        let mut word = Vec::new();
        let mut held = 1;
        self.holds(&word);
        while next(&mut word, self.alphabet.len(), self.longest as usize) {
            self.holds(&word);
            held += 1;
        }
        // A loop that ended early would hold any law.
        let words = (0..=self.longest).map(|length| self.alphabet.len().pow(length));
        assert_eq!(held, words.sum::<usize>());
    }

    fn holds(&self, word: &[usize]) {
        let word = word.iter().map(|letter| self.alphabet[*letter]);
        let steps: Vec<_> = self.beginning.iter().copied().chain(word).collect();
        let mut world = World::after(self.reaping, 3, &steps);
        world.close();
        assert!(world.breaches.is_empty(), "{steps:#?}\n{:#?}", world.breaches);
    }
}

/// Counts in the alphabet, shorter words first; false after the last word.
fn next(word: &mut Vec<usize>, letters: usize, longest: usize) -> bool {
    for letter in word.iter_mut().rev() {
        *letter += 1;
        if *letter < letters {
            return true;
        }
        *letter = 0;
    }
    word.push(0);
    word.len() <= longest
}

#[test]
fn links_and_monitors() {
    let alphabet = [
        Step::Call(A, Act::Link(to(B))),
        Step::Call(C, Act::Link(to(B))),
        Step::Call(C, Act::Monitor(to(A))),
        Step::Call(B, Act::Trap(true)),
        Step::Return(A),
        Step::Fail(A),
        Step::Exit(B, ChildEnd::Signal(9)),
    ];
    let reaping = Reaping::AtOnce;
    Histories { reaping, beginning: &[], alphabet: &alphabet, longest: 5 }.hold();
}

#[test]
fn ties_made_and_undone() {
    let alphabet = [
        Step::Call(A, Act::Link(to(B))),
        Step::Call(B, Act::Unlink(to(A))),
        Step::Call(C, Act::Monitor(to(A))),
        Step::Call(C, Act::Unmonitor(to(A))),
        Step::Fail(A),
        Step::Call(B, Act::Terminate(to(C))),
    ];
    let reaping = Reaping::AtOnce;
    Histories { reaping, beginning: &[], alphabet: &alphabet, longest: 4 }.hold();
}

/// Between a kill and the report of its end the killed go on.
#[test]
fn the_killed_before_they_are_gone() {
    let beginning = [
        Step::Call(A, Act::Link(to(B))),
        Step::Call(B, Act::Link(to(C))),
        Step::Call(C, Act::Monitor(to(B))),
    ];
    let alphabet = [
        Step::Call(C, Act::Trap(true)),
        Step::Call(B, Act::Unlink(to(C))),
        Step::Call(A, Act::Terminate(to(B))),
        Step::Call(C, Act::Terminate(to(A))),
        Step::Done(B),
        Step::Lie(B, Lie::Loaded),
        Step::Close(B),
        Step::Exit(B, ChildEnd::Code(0)),
        Step::Reap(A),
        Step::Reap(B),
    ];
    let reaping = Reaping::Later;
    Histories { reaping, beginning: &beginning, alphabet: &alphabet, longest: 4 }.hold();
}

/// The mailbox of A is nearly full, so that one more message or one along a route fills it.
#[test]
fn names_and_messages() {
    let beginning = [
        Step::Call(A, Act::Register("alpha", None)),
        Step::Call(C, Act::Ask(Dest::Name("alpha"), 20_000)),
        Step::Call(C, Act::Ask(to(A), 20_000)),
        Step::Call(B, Act::Ask(to(A), 20_000)),
    ];
    let alphabet = [
        Step::Call(B, Act::Register("alpha", None)),
        Step::Call(A, Act::Unregister("alpha")),
        Step::Call(C, Act::Ask(Dest::Name("alpha"), 3000)),
        Step::Call(C, Act::Ask(to(A), 3000)),
        Step::Send(C, 0, 6000),
        Step::Release(C, 0),
        Step::Consume(A, 20_000),
        Step::Return(A),
        Step::Return(C),
    ];
    let reaping = Reaping::AtOnce;
    Histories { reaping, beginning: &beginning, alphabet: &alphabet, longest: 4 }.hold();
}

#[test]
fn births_and_their_ties() {
    let ties = Ties { link: true, monitor: true };
    let beginning = [Step::Call(A, Act::Spawn(ties, ROOMY, Birth::Waits, 10))];
    let alphabet = [
        Step::Call(A, Act::Trap(true)),
        Step::Call(B, Act::Monitor(to(D))),
        Step::Call(B, Act::Terminate(to(D))),
        Step::Load(D, Birth::Loads),
        Step::Load(D, Birth::Fails),
        Step::Load(D, Birth::NoWorker),
        Step::Fail(A),
        Step::Exit(D, ChildEnd::Code(1)),
        Step::Time(START_MAX_NS),
    ];
    for reaping in [Reaping::AtOnce, Reaping::Later] {
        Histories { reaping, beginning: &beginning, alphabet: &alphabet, longest: 4 }.hold();
    }
}

#[test]
fn deadlines_and_stopping() {
    let beginning = [Step::Listen(B), Step::Call(A, Act::Link(to(B)))];
    let alphabet = [
        Step::Want(ROOMY, Birth::Waits),
        Step::Done(A),
        Step::Call(B, Act::Cancel(to(A), Some(10))),
        Step::Time(10),
        Step::Time(AGES),
        Step::Stop(Stop::MainEnded, 10),
        Step::Stop(Stop::Asked, 5),
        Step::Stop(Stop::Now, 0),
        Step::Reap(A),
    ];
    let reaping = Reaping::Later;
    Histories { reaping, beginning: &beginning, alphabet: &alphabet, longest: 4 }.hold();
}

/// D is one of the jailed. What it may do to the others follows from who has spawned whom.
#[test]
fn lineage_and_what_it_permits() {
    let spawn = |who| Step::Call(who, Act::Spawn(Ties::default(), JAILED, Birth::Loads, 10));
    let (e, f) = (Who::Born(4), Who::Born(5));
    let beginning = [Step::Want(JAILED, Birth::Loads), spawn(D)];
    let alphabet = [
        spawn(D),
        spawn(e),
        Step::Call(D, Act::Terminate(to(f))),
        Step::Call(e, Act::Link(to(f))),
        Step::Call(f, Act::Monitor(to(D))),
        Step::Call(D, Act::Monitor(to(Who::Born(6)))),
        Step::Return(D),
        Step::Fail(e),
        Step::Time(1_000_000_000),
    ];
    let reaping = Reaping::AtOnce;
    Histories { reaping, beginning: &beginning, alphabet: &alphabet, longest: 4 }.hold();
}

/// A goes on in another worker: C watches it, B is linked to it and waits for the end of one of its own.
#[test]
fn going_on_in_another_worker() {
    let beginning = [
        Step::Call(C, Act::Monitor(to(A))),
        Step::Call(B, Act::Link(to(A))),
        Step::Call(A, Act::Exec(ROOMY, Birth::Loads)),
        Step::Call(A, Act::Ask(to(C), 100)),
        Step::Call(A, Act::Trap(true)),
    ];
    let alphabet = [
        Step::Upgrade(A, None, Birth::Waits),
        Step::Upgrade(A, Some(LIBRARY), Birth::Waits),
        Step::Load(A, Birth::Loads),
        Step::Load(A, Birth::Fails),
        Step::Load(A, Birth::NoWorker),
        Step::Call(A, Act::Upgradable(true)),
        Step::Outdated,
        Step::Fail(B),
        Step::Return(D),
        Step::Call(C, Act::Terminate(to(A))),
        Step::Time(START_MAX_NS),
    ];
    let reaping = Reaping::Later;
    Histories { reaping, beginning: &beginning, alphabet: &alphabet, longest: 4 }.hold();
}
