//! What is shown of a test that has not passed, line by line, wherever it is shown.

use super::record::Record;
use super::verdict::Tested;
use crate::terminal::one_line;

/// Why, where in the script, and who was left.
pub(crate) fn reasons(tested: &Tested) -> Vec<String> {
    let Record { error, trace, leaked, unnamed, .. } = &tested.record;
    let error = error.as_deref().unwrap_or_default();
    let mut lines: Vec<_> = error.lines().map(one_line).collect();
    lines.extend(trace.iter().map(|line| format!("    at {}", one_line(line))));
    for left in leaked {
        let (pid, entry) = (one_line(&left.pid), one_line(&left.entry));
        lines.push(format!("    still there: {pid} is {entry} in OS process {}", left.os_pid));
    }
    if *unnamed > 0 {
        lines.push(format!("    and {unnamed} more"));
    }
    lines
}

/// What its processes have printed.
pub(crate) fn output(tested: &Tested) -> impl Iterator<Item = String> {
    tested.output.lines().map(one_line)
}

/// A time as a person reads it.
pub(crate) fn seconds(tested: std::time::Duration) -> String {
    format!("{:.3} s", tested.as_secs_f64())
}
