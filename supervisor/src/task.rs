//! [`Task`]: a process that the node itself wants.

use ipc::{ExitReason, Fault, Pid};
use std::rc::Rc;

/// A process that the node itself wants: the main one, or a service.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) entry: String,
    pub(crate) host: String,
    /// Encoded arguments.
    pub(crate) arguments: Vec<u8>,
    /// True for the one whose end is the end of the run.
    pub(crate) main: bool,
    pub(crate) pid: Option<Pid>,
    pub(crate) end: Option<TaskEnd>,
}

/// How a [`Task`] came to its end.
#[derive(Debug)]
pub(crate) enum TaskEnd {
    NotStarted(Fault),
    Ended { reason: Rc<ExitReason>, result: Vec<u8> },
}
