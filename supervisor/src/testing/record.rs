//! [`Record`]: what a trial tells its runner when it is over.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What came of the body of a test, and who was left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Why it did not pass.
    pub(crate) error: Option<String>,
    /// The Lua traceback of that, innermost first.
    pub(crate) trace: Vec<String>,
    /// What the operating system saw of its end; null where it was never started.
    pub(crate) exit: Value,
    /// Processes that lived on when it had ended.
    pub(crate) leaked: Vec<Leaked>,
    /// Those that are not named.
    pub(crate) unnamed: usize,
}

/// A process that a test has left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Leaked {
    pub(crate) pid: String,
    pub(crate) entry: String,
    pub(crate) os_pid: u32,
}

/// Processes that are named; of more only the number is told.
pub(crate) const LEAKED_MAX: usize = 100;

/// Lines of a traceback, and bytes of one.
pub(crate) const TRACE_MAX: usize = 100;
pub(crate) const LINE_MAX: usize = 1000;

/// Bytes of a record, which is JSON.
pub(crate) const RECORD_MAX: usize = 1 << 20;

impl Record {
    /// Of a test that was never started.
    pub(crate) fn not_started(error: String) -> Self {
        Record { error: Some(error), ..Record::default() }
    }

    /// How many processes were left.
    pub(crate) fn left(&self) -> usize {
        self.leaked.len() + self.unnamed
    }

    /// With as much of its traceback as is shown.
    pub(crate) fn cut(mut self) -> Self {
        self.trace.truncate(TRACE_MAX);
        for line in &mut self.trace {
            line.truncate(line.floor_char_boundary(LINE_MAX));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_at_all_its_limits_fits() {
        let text = "\u{1}".repeat(ipc::limits::TEXT_MAX);
        let leaked = Leaked { pid: "p".repeat(512), entry: "e".repeat(256), os_pid: u32::MAX };
        let record = Record {
            error: Some(text),
            trace: vec!["\u{1}".repeat(2 * LINE_MAX); 2 * TRACE_MAX],
            exit: Value::Null,
            leaked: vec![leaked; LEAKED_MAX],
            unnamed: usize::MAX,
        };
        let line = serde_json::to_vec(&record.cut()).expect("it is JSON");
        assert!(line.len() < RECORD_MAX, "{}", line.len());
    }
}
