//! Holds what came out against what the laws demand.

use ipc::{ExitKind, ExitReason, Pid};
use node::{ChildEnd, Granted, Output, Refusal};
use std::collections::BTreeSet;
use std::fmt::Debug;

use super::due::{Due, End};
use super::law::{Breach, Law};
use super::ledger::Ledger;

/// One input with its outputs. The ledger knows of the input already, not yet of the outputs.
pub(crate) struct Case<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) due: &'a Due,
    pub(crate) outputs: &'a [Output],
}

/// Who is told something by an output. Births and ends are about a process, not told to one.
pub(crate) fn addressee(output: &Output) -> Option<Pid> {
    match output {
        Output::Kill { pid: to }
        | Output::Signal { pid: to, .. }
        | Output::Reply { to, .. }
        | Output::Deliver { to, .. }
        | Output::Closed { to, .. }
        | Output::Exit { to, .. }
        | Output::LinkDown { to, .. }
        | Output::Returned { to, .. }
        | Output::Outdated { to }
        | Output::Cancel { to, .. } => Some(*to),
        Output::Start { .. }
        | Output::Upgrade { .. }
        | Output::NodeReply { .. }
        | Output::Ready { .. }
        | Output::Ended { .. }
        | Output::Denied { .. }
        | Output::Stopped => None,
    }
}

impl Case<'_> {
    pub(crate) fn judge(&self) -> Vec<Breach> {
        let mut breaches = self.silence();
        breaches.extend(self.births());
        breaches.extend(self.answers());
        breaches.extend(self.messages());
        breaches.extend(self.orders());
        breaches.extend(self.denials());
        breaches.extend(self.ends());
        breaches
    }

    fn pick<'b, T: 'b>(
        &'b self,
        what: impl Fn(&Output) -> Option<T> + 'b,
    ) -> impl Iterator<Item = T> {
        self.outputs.iter().filter_map(what)
    }

    fn silence(&self) -> Vec<Breach> {
        let told = self.pick(addressee).filter(|to| !self.ledger.living.contains_key(to));
        let told = told.map(|to| Breach::new(Law::Silence, format!("{to:?} was told something")));
        let gone = self.pick(|output| match output {
            Output::Deliver { from, .. } => Some(*from),
            _ => None,
        });
        let gone = gone.filter(|from| !self.ledger.living.contains_key(from));
        let gone = gone.map(|from| Breach::new(Law::ExitLast, format!("{from:?} still speaks")));
        told.chain(gone).collect()
    }

    fn births(&self) -> Vec<Breach> {
        let due = self.due.start.iter();
        let due = due.map(|newborn| (newborn.host.clone(), newborn.spawner.token()));
        let got = self.pick(|output| match output {
            Output::Start { host, token, .. } => Some((host.to_string(), *token)),
            _ => None,
        });
        let mut breaches = same(Law::Answers, "starts", due, got);
        let last = self.ledger.texts.keys().map(|pid| pid.number).max().unwrap_or(0);
        let reused = self.pick(|output| match output {
            Output::Start { pid, .. } if pid.number <= last => Some(*pid),
            _ => None,
        });
        breaches.extend(reused.map(|pid| Breach::new(Law::ExitLast, format!("{pid:?} is reused"))));
        breaches
    }

    fn answers(&self) -> Vec<Breach> {
        let replies = self.pick(|output| match output {
            Output::Reply { to, call, result } => Some(((*to, *call), result.clone())),
            _ => None,
        });
        let due = self.due.replies.iter().map(|reply| ((reply.to, reply.call), reply));
        let mut breaches = pairs(due, replies, |reply| (reply.law, &reply.answer));
        let replies = self.pick(|output| match output {
            Output::NodeReply { token, result } => Some((*token, result.clone().map(Granted::Pid))),
            _ => None,
        });
        let due = self.due.node_replies.iter().map(|(token, answer)| (*token, answer));
        breaches.extend(pairs(due, replies, |answer| (Law::Answers, answer)));
        let returned = self.pick(|output| match output {
            Output::Returned { to, call, .. } => Some((*to, *call)),
            _ => None,
        });
        breaches.extend(same(Law::Answers, "results", self.due.returned.into_iter(), returned));
        breaches
    }

    fn messages(&self) -> Vec<Breach> {
        // Each message is delivered while it is the present input, or never: so one Deliver for
        // each accepted message is also their order.
        let delivers = self.pick(|output| match output {
            Output::Deliver { to, from } => Some((*to, *from)),
            _ => None,
        });
        let due = self.due.delivers.iter().copied();
        let mut breaches = same(Law::Messages, "deliveries", due, delivers);
        let closed = self.pick(|output| match output {
            Output::Closed { to, route } => Some((*to, *route)),
            _ => None,
        });
        let law = if self.due.end.is_some() { Law::ExitLast } else { Law::Messages };
        breaches.extend(same(law, "closed routes", self.due.closed.iter().copied(), closed));
        let twice = self.pick(|output| match output {
            Output::Reply { to, result: Ok(Granted::Route { route: Some(id), .. }), .. } => {
                self.ledger.routes.get(&(*to, *id))
            }
            _ => None,
        });
        let twice = twice.map(|route| format!("the number of a route is reused: {route:?}"));
        breaches.extend(twice.map(|how| Breach::new(Law::Messages, how)));
        breaches
    }

    fn orders(&self) -> Vec<Breach> {
        let cancels = self.pick(|output| match output {
            Output::Cancel { to, from, .. } => Some((*to, *from)),
            _ => None,
        });
        let mut breaches = same(Law::Orders, "cancels", self.due.cancels.iter().copied(), cancels);
        let outdated = self.pick(|output| match output {
            Output::Outdated { to } => Some(*to),
            _ => None,
        });
        let due = self.due.outdated.iter().copied();
        breaches.extend(same(Law::Orders, "outdated ones", due, outdated));
        let upgrades = self.pick(|output| match output {
            Output::Upgrade { pid, entry, .. } => Some((*pid, entry.to_string())),
            _ => None,
        });
        breaches.extend(same(Law::Orders, "upgrades", self.due.upgrades.iter().cloned(), upgrades));
        let ready = self.pick(|output| match output {
            Output::Ready { token } => Some(*token),
            _ => None,
        });
        breaches.extend(same(Law::Orders, "ready ones", self.due.ready.into_iter(), ready));
        let kills = self.pick(|output| match output {
            Output::Kill { pid } => Some(*pid),
            _ => None,
        });
        let law = self.due.end.as_ref().map_or(Law::Orders, |end| match end.kind {
            ExitKind::Normal => Law::LinkDown,
            _ => Law::Links,
        });
        breaches.extend(same(law, "kills", self.due.kills.iter().copied(), kills));
        breaches
    }

    fn denials(&self) -> Vec<Breach> {
        let told = self.pick(|output| match output {
            Output::Denied { pid, entry, denial, text } => {
                Some((*pid, entry.to_string(), denial.clone(), text.to_string()))
            }
            _ => None,
        });
        let due = self.due.denied.iter().cloned().map(|(pid, denial, text)| {
            let record = self.ledger.living.get(&pid);
            (pid, record.map_or(String::new(), |record| record.entry.clone()), denial, text)
        });
        same(Law::Permissions, "denials", due, told)
    }

    fn ends(&self) -> Vec<Breach> {
        let (end, exits, downs) = (self.due.end.as_ref(), self.exits(), self.link_downs());
        let due = |told: fn(&End) -> &BTreeSet<Pid>| {
            end.into_iter().flat_map(move |end| told(end).iter().map(|to| (*to, end.pid)))
        };
        let mut breaches = same(Law::OneExit, "EXIT", due(|end| &end.exits), exits.into_iter());
        let law = match end.is_some_and(|end| end.kind != ExitKind::Normal) {
            true => Law::Links,
            false => Law::LinkDown,
        };
        breaches.extend(same(law, "LINK_DOWN", due(|end| &end.link_downs), downs.into_iter()));
        let ended = self.pick(|output| match output {
            Output::Ended { pid, .. } => Some(*pid),
            _ => None,
        });
        breaches.extend(same(Law::Silence, "ends", end.iter().map(|end| end.pid), ended));
        let stopped = self.pick(|output| (*output == Output::Stopped).then_some(()));
        let due = self.due.stopped.then_some(());
        breaches.extend(same(Law::Stopped, "Stopped", due.into_iter(), stopped));
        breaches.extend(end.into_iter().flat_map(|end| self.one_end(end)));
        breaches
    }

    fn exits(&self) -> Vec<(Pid, Pid)> {
        let exit = |output: &Output| match output {
            Output::Exit { to, from, .. } => Some((*to, *from)),
            _ => None,
        };
        self.pick(exit).collect()
    }

    fn link_downs(&self) -> Vec<(Pid, Pid)> {
        let link_down = |output: &Output| match output {
            Output::LinkDown { to, from, .. } => Some((*to, *from)),
            _ => None,
        };
        self.pick(link_down).collect()
    }

    /// The reason and the order of an end.
    fn one_end(&self, end: &End) -> Vec<Breach> {
        let mut breaches = Vec::new();
        for reason in self.pick(reason_of) {
            if let Some(how) = wrong_reason(end, &reason) {
                let law = if end.cause.is_some() { Law::FirstCause } else { Law::Reasons };
                breaches.push(Breach::new(law, how));
            }
        }
        if self.pick(rank).collect::<Vec<_>>().windows(2).any(|two| two[0] > two[1]) {
            breaches.push(Breach::new(Law::ExitLast, format!("order of {:?}", self.outputs)));
        }
        let token = self.pick(|output| match output {
            Output::Ended { token, .. } => Some(*token),
            _ => None,
        });
        breaches.extend(same(Law::Answers, "token", [end.token].into_iter(), token));
        breaches
    }
}

fn reason_of(output: &Output) -> Option<ExitReason> {
    match output {
        Output::Exit { reason, .. }
        | Output::Returned { reason, .. }
        | Output::LinkDown { reason, .. }
        | Output::Ended { reason, .. } => Some((**reason).clone()),
        _ => None,
    }
}

fn wrong_reason(end: &End, got: &ExitReason) -> Option<String> {
    let (signal, code) = match end.how {
        Some(ChildEnd::Signal(signal)) => (Some(signal), None),
        Some(ChildEnd::Code(code)) => (None, Some(code)),
        None => (None, None),
    };
    let seen = got.kind == end.kind && got.signal == signal && got.code == code;
    let same = seen && got.os_pid == end.os_pid && got.limit == end.limit;
    let told = end.message.is_none() || end.message == got.message;
    // Only a normal end has nothing to say.
    let said = got.message.is_some() != got.is_normal();
    (!(same && told && said)).then(|| format!("{end:?} was told as {got:?}"))
}

/// The order in which an end is told: names and PID are out of use before the first of these.
fn rank(output: &Output) -> Option<u8> {
    match output {
        Output::Reply { .. } | Output::NodeReply { .. } => Some(0),
        Output::Closed { .. } => Some(1),
        Output::Exit { .. } | Output::Returned { .. } => Some(2),
        Output::LinkDown { .. } | Output::Kill { .. } => Some(3),
        Output::Ended { .. } => Some(4),
        Output::Stopped => Some(5),
        _ => None,
    }
}

/// Each thing that is due exactly once, and nothing else.
fn same<T: Ord + Debug>(
    law: Law,
    what: &str,
    due: impl Iterator<Item = T>,
    got: impl Iterator<Item = T>,
) -> Vec<Breach> {
    let (mut due, mut got): (Vec<_>, Vec<_>) = (due.collect(), got.collect());
    due.sort();
    got.sort();
    if due == got {
        return Vec::new();
    }
    vec![Breach::new(law, format!("{what}: due {due:?}, got {got:?}"))]
}

/// Each answer that is due exactly once, and nothing else.
fn pairs<'a, K: Ord + Debug + Copy, D>(
    due: impl Iterator<Item = (K, D)>,
    got: impl Iterator<Item = (K, Result<Granted, Refusal>)>,
    law: impl Fn(&D) -> (Law, &'a super::due::Answer),
) -> Vec<Breach> {
    let (mut due, mut got): (Vec<_>, Vec<_>) = (due.collect(), got.collect());
    due.sort_by_key(|(key, _)| *key);
    got.sort_by_key(|(key, _)| *key);
    let keys = |due: &[(K, D)]| due.iter().map(|(key, _)| *key).collect::<Vec<_>>();
    let mut breaches =
        same(Law::Answers, "answers", keys(&due).into_iter(), got.iter().map(|(key, _)| *key));
    for ((key, due), (_, got)) in due.iter().zip(&got) {
        let (law, answer) = law(due);
        if !answer.fits(got) {
            breaches.push(Breach::new(law, format!("{key:?}: due {answer:?}, got {got:?}")));
        }
    }
    breaches
}
