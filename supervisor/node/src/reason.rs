//! Why a process ended: what its worker said, what the node had ordered, what the kernel reports.

use crate::process::{Order, Phase, Process};
use crate::{ChildEnd, Usage};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use ipc::frame::{EXIT_MEMORY, EXIT_TURN, Outcome, OwnLimit};
use ipc::quota::{bytes_text, exceeded_text, time_text};
use ipc::{ExitKind, ExitReason, LimitUse, Limits, fault, signal_name};

/// The only signal that the node has sent. The kernel sends it where a control group is out of
/// memory, and at the hard limit of CPU time.
const SIGKILL: i32 = 9;
/// The soft limit of CPU time is reached.
const SIGXCPU: i32 = 24;
/// The system call filter refused a call.
const SIGSYS: i32 = 31;

const NS_PER_S: u64 = 1_000_000_000;

/// A limit that was exceeded.
pub(crate) struct Exceeded {
    kind: ExitKind,
    limit: LimitUse,
    unit: fn(u64) -> String,
}

impl Exceeded {
    /// Whoever is over a limit has used no less than the limit, whatever a worker says of it and
    /// however coarse the kernel counts.
    fn new(kind: ExitKind, limit: u64, used: u64, unit: fn(u64) -> String) -> Self {
        Exceeded { kind, limit: LimitUse { limit, used: used.max(limit) }, unit }
    }

    pub(crate) fn memory(limits: &Limits, used: u64) -> Self {
        Exceeded::new(ExitKind::Memory, limits.memory, used, bytes_text)
    }

    pub(crate) fn turn(limits: &Limits, used: u64) -> Self {
        Exceeded::new(ExitKind::Turn, limits.turn_ns, used, time_text)
    }

    pub(crate) fn wall(limits: &Limits, used: u64) -> Self {
        Exceeded::new(ExitKind::Wall, limits.wall_ns, used, time_text)
    }

    fn cpu(limits: &Limits, used: u64) -> Self {
        Exceeded::new(ExitKind::Cpu, cpu_max_ns(limits), used, time_text)
    }

    /// As `memory limit of 32 MiB exceeded`.
    fn bare_text(&self) -> String {
        format!("{} limit of {} exceeded", self.kind.as_str(), (self.unit)(self.limit.limit))
    }

    fn text(&self) -> String {
        exceeded_text(self.kind.as_str(), self.limit.limit, self.limit.used, self.unit)
    }

    pub(crate) fn order(self) -> Order {
        Order { limit: Some(self.limit.clone()), ..Order::new(self.kind, self.text()) }
    }

    fn why(self) -> Why {
        let text = self.text();
        self.why_as(text)
    }

    fn why_as(self, text: String) -> Why {
        Why { limit: Some(self.limit), ..Why::new(self.kind, text) }
    }
}

/// A reason, without what the kernel says anyway.
struct Why {
    kind: ExitKind,
    limit: Option<LimitUse>,
    message: Option<String>,
    cause: Option<Rc<str>>,
}

impl Why {
    const NORMAL: Why = Why { kind: ExitKind::Normal, limit: None, message: None, cause: None };

    fn new(kind: ExitKind, message: String) -> Self {
        Why { kind, message: Some(fault::cut(message)), ..Why::NORMAL }
    }
}

/// Why a process ended, and the first cause where it died of a link.
pub(crate) fn reason(
    process: &Process,
    os_pid: u32,
    end: ChildEnd,
    usage: Usage,
) -> (ExitReason, Option<Rc<str>>) {
    let (signal, code) = match end {
        ChildEnd::Code(code) => (None, Some(code)),
        ChildEnd::Signal(signal) => (Some(signal), None),
    };
    let Why { kind, limit, message, cause } = why(process, end, usage);
    (ExitReason { kind, signal, code, limit, os_pid, message }, cause)
}

/// What its worker said of a finished body comes first: a kill that arrives between that and the exit
/// changes nothing. A violation has erased it (see `Node::violation`), and is the reason also where
/// the worker is gone before the kill arrives.
fn why(process: &Process, end: ChildEnd, usage: Usage) -> Why {
    if let Some(outcome) = &process.outcome {
        return of_outcome(&process.limits, outcome);
    }
    match (&process.order, end) {
        (Some(order), _) if end == ChildEnd::Signal(SIGKILL) || process.is_liar() => Why {
            limit: order.limit.clone(),
            cause: order.cause.clone(),
            ..Why::new(order.kind, order.message.clone())
        },
        (_, ChildEnd::Signal(signal)) => of_signal(&process.limits, signal, usage),
        (_, ChildEnd::Code(code)) => of_code(process, code),
    }
}

/// What a worker says counts for its own end only, so a lie harms nobody else.
fn of_outcome(limits: &Limits, outcome: &Outcome) -> Why {
    let (exceeded, at) = match outcome {
        Outcome::Normal => return Why::NORMAL,
        Outcome::Failed { message } => return Why::new(ExitKind::Error, message.clone()),
        Outcome::Over { limit: OwnLimit::Memory, used, at } => {
            (Exceeded::memory(limits, *used), at.trim_end())
        }
        Outcome::Over { limit: OwnLimit::Turn, used, at } => {
            (Exceeded::turn(limits, *used), at.trim_end())
        }
    };
    match at {
        "" => exceeded.why(),
        _ => {
            let text = format!("{}: {at}", exceeded.text());
            exceeded.why_as(text)
        }
    }
}

fn of_signal(limits: &Limits, signal: i32, usage: Usage) -> Why {
    let name = signal_name(signal);
    let over_cpu = usage.cpu_ns >= cpu_max_ns(limits);
    match signal {
        SIGSYS => {
            let what = "it made a system call that workers may not make";
            Why::new(ExitKind::Sandbox, format!("killed by the sandbox: {what} ({name})"))
        }
        SIGKILL if usage.out_of_memory => {
            let exceeded = Exceeded::memory(limits, 0);
            let text = format!("{}: killed by the kernel's control group", exceeded.bare_text());
            exceeded.why_as(text)
        }
        // Without a limit somebody else has sent it.
        SIGXCPU if limits.cpu_s < u64::MAX => Exceeded::cpu(limits, usage.cpu_ns).why(),
        SIGKILL if over_cpu => Exceeded::cpu(limits, usage.cpu_ns).why(),
        _ => Why::new(ExitKind::Signal, format!("killed by signal {signal} ({name})")),
    }
}

fn of_code(process: &Process, code: i32) -> Why {
    match (process.phase, code) {
        (Phase::Unloaded, _) => Why::new(ExitKind::Code, String::from("could not be loaded")),
        (_, EXIT_MEMORY) => Exceeded::memory(&process.limits, 0).why(),
        (_, EXIT_TURN) => Exceeded::turn(&process.limits, 0).why(),
        _ => {
            let message = format!("worker exited with code {code} before its body ended");
            Why::new(ExitKind::Code, message)
        }
    }
}

fn cpu_max_ns(limits: &Limits) -> u64 {
    limits.cpu_s.saturating_mul(NS_PER_S)
}
