//! `wabe test`: each test of an app in a supervisor of its own.
//!
//! Two programs are at work, both this one. The *runner* ([`mod@runner`]) starts `wabe trial` for each test,
//! gives it time, and says what came of all. A *trial* ([`mod@trial`]) is a supervisor whose main process is
//! the test; it tells its runner how that ended, and who was left, in one [`Record`](record::Record).
//! Between them lie rules without IO: which tests there are and in which order ([`plan`]), what a trial
//! came to ([`verdict`]), and how that is shown ([`text`], [`json`], [`junit`]).

mod held;
mod json;
mod junit;
mod plan;
mod record;
mod runner;
mod show;
mod text;
mod trial;
mod verdict;

pub(crate) use runner::{Wanted, test};
pub(crate) use trial::{Trial, TrialOf, trial};
