//! The laws that are judged when all is quiet: everything that was sent has arrived or is refused,
//! everybody has heard what there was to hear.

use super::env::Env;
use super::history::{Fate, Letter, Log};
use super::kernel::Who;
use ipc::ExitKind;
use std::collections::BTreeMap;

impl Env {
    /// Judges all lives, while everything is quiet.
    pub(crate) fn judge_all(&mut self) {
        self.check_names();
        for who in 0..self.history.logs.len() {
            if !self.history.logs[who].is_over() {
                self.judge_ties(who);
            }
            self.judge_letters(who);
            self.judge_lines(who);
        }
    }

    /// Every monitor has had its EXIT, every link its LINK_DOWN, every route its Closed.
    fn judge_ties(&mut self, who: Who) {
        let logs = &self.history.logs;
        let log = &logs[who];
        let mut broken = Vec::new();
        for other in log.watching.iter().filter(|other| logs[**other].is_over()) {
            broken.push(format!("#{who} was never told EXIT of #{other}"));
        }
        for other in log.links.iter().filter(|other| is_missed(who, log, &logs[**other])) {
            broken.push(format!("#{who} outlived #{other}, to whom it is linked"));
        }
        for (dest, (route, group)) in &log.open {
            let target = self.history.who(dest).or(log.letters[*group].receiver);
            if target.is_some_and(|target| logs[target].is_over()) {
                broken.push(format!("#{who} was never told that route {route} is closed"));
            }
        }
        broken.into_iter().for_each(|how| self.witness.breach(how));
    }

    /// What was accepted has arrived, or its receiver is gone.
    fn judge_letters(&mut self, who: Who) {
        let log = &self.history.logs[who];
        // The receiver of each group, and whether one of its letters is missing.
        let mut groups: BTreeMap<usize, (Option<Who>, bool)> = BTreeMap::new();
        let mut broken = Vec::new();
        for (number, letter) in log.letters.iter().enumerate() {
            let to = self.history.who(&letter.dest);
            let (receiver, missing) = groups.entry(letter.group).or_insert((to, false));
            let accepted = matches!(letter.fate, Fate::Accepted | Fate::Routed);
            if letter.receiver.is_some() && *receiver != letter.receiver {
                if receiver.is_some() || *missing {
                    broken.push(format!("letter {number} of #{who} left its group"));
                }
                *receiver = letter.receiver;
            }
            if letter.receiver.is_some() && *missing {
                broken.push(format!("a letter of #{who} before {number} was lost"));
            }
            *missing |= accepted && letter.receiver.is_none();
            if let Some(how) = self.is_lost(who, number, letter, *receiver) {
                broken.push(how);
            }
        }
        broken.into_iter().for_each(|how| self.witness.breach(how));
    }

    /// Why a letter should have arrived that has not.
    fn is_lost(
        &self,
        who: Who,
        number: usize,
        letter: &Letter,
        receiver: Option<Who>,
    ) -> Option<String> {
        let sender = &self.history.logs[who];
        if letter.receiver.is_some() || letter.fate == Fate::Refused {
            return None;
        }
        if sender.is_over() {
            // What had not left it is lost with it, but a later one was not heard instead of it.
            let to = &self.history.logs[receiver?];
            let later = to.last_from.get(&who).is_some_and(|last| *last > number);
            let accepted = letter.fate != Fate::Pending;
            return (later && accepted).then(|| format!("letter {number} of #{who} was skipped"));
        }
        if letter.fate == Fate::Pending {
            return Some(format!("letter {number} of #{who} was never answered"));
        }
        match receiver {
            Some(to) if !self.history.logs[to].is_over() => {
                Some(format!("letter {number} of #{who} to #{to} was lost"))
            }
            Some(to) => {
                let later = self.history.logs[to].last_from.get(&who);
                let later = later.is_some_and(|last| *last > number);
                later.then(|| format!("letter {number} of #{who} to #{to} was skipped"))
            }
            None => {
                let claims = self.history.claims.get(&*letter.dest);
                let mut claims = claims.into_iter().flatten();
                let gone = claims.any(|owner| self.history.logs[*owner].is_over());
                (!gone).then(|| format!("letter {number} of #{who} to {} was lost", letter.dest))
            }
        }
    }

    /// What was printed is shown.
    fn judge_lines(&mut self, who: Who) {
        let log = &self.history.logs[who];
        let all_written = log.done.as_ref().map_or(!log.is_over(), |done| done.written);
        let (printed, shown) = (log.printed, log.shown);
        self.witness.law(!all_written || log.lied || printed == shown, || {
            format!("#{who} printed {printed} lines, {shown} were shown")
        });
    }
}

/// A link that should have ended the one or been told to it.
fn is_missed(who: Who, log: &Log, other: &Log) -> bool {
    let refused = other.parent == Some(who) && !other.announced;
    let unlinked = other.jilted.contains(&who) || log.text == other.text;
    let abnormal = other.end.as_ref().is_some_and(|end| end.kind != ExitKind::Normal);
    abnormal && !refused && !unlinked
}
