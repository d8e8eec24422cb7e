//! Answers to a worker's calls, and the book that it keeps of them.

use super::env::Env;
use super::history::Fate;
use super::witness::Sight;
use super::worker::{Asked, Phase, Purpose, Worker};
use ipc::frame::{Answer, CallId, FromWorker};
use ipc::{Fault, FaultKind};

/// Kinds of refusals that a call other than a message or a spawn may meet.
const HARMLESS: [FaultKind; 2] = [FaultKind::NotFound, FaultKind::AlreadyExists];

impl Worker {
    pub(crate) fn reply(&mut self, env: &mut Env, call: CallId, result: Result<Answer<'_>, Fault>) {
        let me = self.who;
        let Some(Asked { purpose, gone }) = self.calls.remove(&call) else {
            return env.witness.breach(format!("#{me} is answered call {call}, which it had not"));
        };
        let refused = result.as_ref().err().map(|fault| fault.kind);
        if gone {
            env.witness.note(Sight::RefusedAfterExit);
            let not_found = refused == Some(FaultKind::NotFound);
            env.witness.law(not_found, || format!("#{me} reaches one whose EXIT it was told"));
        }
        match (purpose, result) {
            (Purpose::Letter(number), result) => self.letter_answered(env, number, result),
            (Purpose::Spawn { link, monitor }, result) => {
                self.spawn_answered(env, link, monitor, result);
            }
            (purpose, Ok(answer)) => self.granted(env, purpose, answer),
            (Purpose::Register { .. }, Err(fault)) if fault.kind == FaultKind::AlreadyExists => {
                env.witness.note(Sight::NameTaken);
            }
            (Purpose::Lookup(name), Err(_)) => {
                let owner = env.history.believers(name).next().filter(|_| env.calm);
                env.witness.law(owner.is_none(), || format!("{name} of {owner:?} is not found"));
            }
            (_, Err(fault)) => {
                let known = HARMLESS.contains(&fault.kind);
                env.witness.law(known, || format!("#{me} is refused with {fault:?}"));
            }
        }
    }

    fn letter_answered(&mut self, env: &mut Env, number: usize, result: Result<Answer<'_>, Fault>) {
        let me = self.who;
        let letter = &mut env.history.logs[me].letters[number];
        let dest = letter.dest.clone();
        letter.fate = if result.is_ok() { Fate::Accepted } else { Fate::Refused };
        let stray = result.is_err() && letter.receiver.is_some();
        env.witness.law(!stray, || format!("letter {number} of #{me} was refused and arrived"));
        match result {
            Ok(Answer::Route { route: Some(id), credit }) => {
                if self.routes.opened(&dest, id, credit, number) {
                    env.history.logs[me].open.insert(dest, (id, number));
                } else if self.phase != Phase::Finishing {
                    self.say(env, &FromWorker::Release { route: id }, &[]);
                }
            }
            Ok(Answer::Route { route: None, .. }) => env.witness.note(Sight::NoRoute),
            Ok(Answer::Done) => {}
            Ok(other) => env.witness.breach(format!("a letter is answered with {other:?}")),
            Err(fault) if fault.kind == FaultKind::RateLimited => {
                env.witness.note(Sight::RateLimited);
            }
            Err(fault) => {
                let known = fault.kind == FaultKind::NotFound;
                env.witness.law(known, || format!("a letter of #{me} is refused: {fault:?}"));
            }
        }
    }

    fn spawn_answered(
        &mut self,
        env: &mut Env,
        link: bool,
        monitor: bool,
        result: Result<Answer<'_>, Fault>,
    ) {
        let me = self.who;
        let fault = match result {
            Ok(Answer::Pid(pid)) => {
                let child = env.history.who(pid).unwrap_or(usize::MAX);
                let log = env.history.logs.get(child);
                let mine = log.is_some_and(|log| log.parent == Some(me) && log.loaded);
                if !mine {
                    return env.witness.breach(format!("#{me} spawned {pid}, not its child"));
                }
                env.history.logs[child].announced = true;
                let log = &mut env.history.logs[me];
                log.links.extend(link.then_some(child));
                log.watching.extend(monitor.then_some(child));
                return;
            }
            Ok(other) => return env.witness.breach(format!("a spawn gives {other:?}")),
            Err(fault) => fault,
        };
        let sight = match fault.kind {
            FaultKind::RateLimited => Sight::HostFull,
            FaultKind::Timeout => Sight::LoadTimeout,
            FaultKind::Invalid if fault.message == "broken script" => Sight::LoadFailure,
            FaultKind::Unavailable if fault.message.contains("stopping") => {
                Sight::RefusedWhileStopping
            }
            FaultKind::Unavailable if fault.message.contains("did not load") => Sight::DiedLoading,
            FaultKind::Unavailable | FaultKind::NotFound | FaultKind::Invalid => return,
            _ => return env.witness.breach(format!("a spawn of #{me} is refused: {fault:?}")),
        };
        env.witness.note(sight);
    }

    /// A call was granted, and this worker keeps its own book of what that means.
    fn granted(&mut self, env: &mut Env, purpose: Purpose, answer: Answer<'_>) {
        let me = self.who;
        let log = &mut env.history.logs[me];
        match (purpose, answer) {
            (Purpose::Monitor(other), Answer::Done) => {
                let new = log.watching.insert(other) && !log.exits.contains(&other);
                env.witness.law(new, || format!("#{me} monitors #{other} twice or late"));
            }
            (Purpose::Unmonitor(other), Answer::Done) => {
                log.watching.remove(&other);
            }
            (Purpose::Link(other), Answer::Done) => {
                log.links.insert(other);
            }
            (Purpose::Unlink(other), Answer::Done) => {
                log.links.remove(&other);
            }
            (Purpose::Trap(on), Answer::Done) => {
                log.traps = on;
                if !on {
                    env.witness.note(Sight::TrapOff);
                }
            }
            (Purpose::Register { name, own }, Answer::Done) => {
                log.names.extend(own.then_some(name));
            }
            (Purpose::Unregister(name), Answer::Flag(was_mine)) => {
                let lost = log.names.remove(name) && !was_mine;
                env.witness.law(!lost, || format!("#{me} has lost the name {name}"));
                if was_mine {
                    env.witness.note(Sight::NameGivenUp);
                }
            }
            (Purpose::Lookup(name), Answer::Pid(pid)) => env.looked_up(me, name, pid),
            (Purpose::Terminate, Answer::Done) => {}
            (_, answer) => env.witness.breach(format!("#{me}: {purpose:?} gives {answer:?}")),
        }
    }
}
