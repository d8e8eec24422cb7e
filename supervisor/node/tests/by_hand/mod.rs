//! A node that is spoken to by hand: one input, and all that comes of it.

use ipc::Pid;
use ipc::frame::FromWorker;
use node::{ChildEnd, Input, Node, Output, Usage};

/// All outputs that wait; and no table of the node disagrees with another.
pub(crate) fn drain(node: &mut Node) -> Vec<Output> {
    assert_eq!(node.broken_laws(), Vec::<String>::new());
    std::iter::from_fn(|| node.poll_output()).collect()
}

/// A worker says a frame of a thousand bytes.
pub(crate) fn say(node: &mut Node, from: Pid, frame: &FromWorker<'_>) -> Vec<Output> {
    node.handle(0, Input::Frame { from, frame, charge: 1000 });
    drain(node)
}

/// The kernel reports an end.
pub(crate) fn end(node: &mut Node, pid: Pid, end: ChildEnd) -> Vec<Output> {
    node.handle(0, Input::Exited { pid, os_pid: 7, end, usage: Usage::default() });
    drain(node)
}
