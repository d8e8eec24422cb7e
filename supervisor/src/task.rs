//! [`Task`]: a process that the node itself wants.

use crate::app::Service;
use crate::diagnostic::Diagnostic;
use ipc::{ExitReason, Fault, Pid};
use serde_json::Value;
use std::rc::Rc;

/// A process that the node itself wants: the main one, or that of a service. Its place in the list of
/// tasks is its token in the node, and the key of a service.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) entry: String,
    pub(crate) host: String,
    /// Encoded arguments.
    pub(crate) arguments: Vec<u8>,
    /// The service that it is the process of; none for the main process, whose end is the end of the
    /// run.
    pub(crate) service: Option<String>,
    /// Its process, from the moment that there is one to its end.
    pub(crate) process: Option<Pid>,
    /// The last process that was loaded.
    pub(crate) pid: Option<Pid>,
    /// How the last one ended.
    pub(crate) end: Option<TaskEnd>,
}

/// How a [`Task`] came to its end.
#[derive(Debug)]
pub(crate) enum TaskEnd {
    NotStarted(Fault),
    Ended { reason: Rc<ExitReason>, result: Vec<u8> },
}

impl Task {
    /// The main process.
    ///
    /// # Errors
    /// Where the arguments cannot be encoded.
    pub(crate) fn main(entry: &str, host: &str, arguments: &[Value]) -> Result<Self, Diagnostic> {
        let arguments = rmp_serde::to_vec(arguments).map_err(|error| {
            Diagnostic::general(format!("cannot encode the arguments of {entry}: {error}"), "")
        })?;
        let (entry, host) = (entry.to_owned(), host.to_owned());
        let (service, process, pid, end) = (None, None, None, None);
        Ok(Task { entry, host, arguments, service, process, pid, end })
    }

    /// The process of a service.
    ///
    /// # Errors
    /// Where the arguments cannot be encoded.
    pub(crate) fn of(id: &str, service: &Service) -> Result<Self, Diagnostic> {
        let task = Task::main(&service.process, &service.host, &service.input)?;
        Ok(Task { service: Some(id.to_owned()), ..task })
    }

    /// True for the one whose end is the end of the run.
    pub(crate) fn is_main(&self) -> bool {
        self.service.is_none()
    }
}

impl TaskEnd {
    /// What a person reads; nothing where the end was a normal one.
    pub(crate) fn why(&self) -> Option<String> {
        match self {
            TaskEnd::NotStarted(fault) => Some(fault.to_string()),
            TaskEnd::Ended { reason, .. } if reason.is_normal() => None,
            TaskEnd::Ended { reason, .. } => {
                Some(reason.message.clone().unwrap_or_else(|| "it ended abnormally".to_owned()))
            }
        }
    }
}
