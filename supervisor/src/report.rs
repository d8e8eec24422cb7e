//! What a run came to, for a person (standard error) and for a machine (`--json`).

use crate::app::{App, Kind};
use crate::diagnostic::{Diagnostic, line_span};
use crate::task::{Task, TaskEnd};
use crate::terminal::one_line;
use ipc::payload::{EXT_ERROR, LEVELS_MAX};
use ipc::{ExitReason, PidText, signal_name};
use node::Denial;
use node::services::State;
use rmpv::Value as Packed;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Denied calls, and how often each was.
pub(crate) type Denials = BTreeMap<Denial, u64>;

/// Errors in the details of Errors that are shown. Each is decoded from a copy of its bytes, so a
/// long chain of them would cost as many copies.
const ERRORS_MAX: usize = 4;

/// The last line of `--json`.
pub(crate) fn json_line(pid: Option<&str>, end: &TaskEnd, denials: &Denials) -> Value {
    let mut line = match end {
        TaskEnd::NotStarted(fault) => not_started_line(pid, &fault.message),
        TaskEnd::Ended { reason, result } => json!({
            "pid": pid,
            "result": if reason.is_normal() { unpack(result) } else { Value::Null },
            "error": reason.message,
            "exit": exit_json(reason),
        }),
    };
    line["denied"] = denials.iter().map(denied_json).collect();
    line
}

/// The same for a run of services: what became of each.
pub(crate) fn services_line<'a>(
    services: impl Iterator<Item = (&'a Task, State, u32)>,
    denials: &Denials,
) -> Value {
    let mut all = Map::new();
    for (task, state, attempts) in services {
        let Some(id) = &task.service else { continue };
        let pid = task.pid.map(|pid| PidText { host: &task.host, pid }.to_string());
        let exit = match &task.end {
            Some(TaskEnd::Ended { reason, .. }) => exit_json(reason),
            Some(TaskEnd::NotStarted(_)) | None => Value::Null,
        };
        let error = task.end.as_ref().and_then(TaskEnd::why);
        let state = state.as_str();
        let service =
            json!({"state": state, "attempts": attempts, "pid": pid, "error": error, "exit": exit});
        all.insert(id.clone(), service);
    }
    let mut line = json!({"pid": null, "result": null, "error": null, "exit": null});
    line["services"] = all.into();
    line["denied"] = denials.iter().map(denied_json).collect();
    line
}

/// The same for what never ran.
pub(crate) fn not_started_line(pid: Option<&str>, error: &str) -> Value {
    json!({"pid": pid, "result": null, "error": error, "exit": null, "denied": []})
}

fn denied_json((denial, count): (&Denial, &u64)) -> Value {
    let Denial { host, call, object, field } = denial;
    json!({"host": **host, "call": call, "object": object, "field": field, "count": count})
}

/// What a person is told at the end about denied calls. The first of each kind was told when it
/// happened; where that was all there is no more to say.
pub(crate) fn denied_summary(denials: &Denials) -> Option<String> {
    let (most, count) = denials.iter().max_by_key(|(_, count)| **count)?;
    if *count < 2 {
        return None;
    }
    let Denial { host, call, object, .. } = most;
    let total = denials.values().fold(0, |total: u64, count| total.saturating_add(*count));
    let of_them =
        if *count == total { "all of them".to_owned() } else { format!("{count} of them") };
    let what = format!("{call} {object}");
    Some(format!(
        "{total} calls were denied; {of_them} {} by host {host} (--json lists every kind)",
        what.trim_end()
    ))
}

pub(crate) fn exit_json(reason: &ExitReason) -> Value {
    json!({
        "kind": reason.kind.as_str(),
        "signal": reason.signal.map(signal_name),
        "code": reason.code,
        "limit": reason.limit.as_ref().map(|over| json!({"limit": over.limit, "used": over.used})),
        "os_pid": reason.os_pid,
    })
}

/// The error of a main process that failed, with its Lua traceback where it has one.
pub(crate) fn failure(entry: &str, reason: &ExitReason, body: &[u8]) -> String {
    let message = reason.message.as_deref().unwrap_or("it ended abnormally");
    let mut text = format!("{entry} failed: {}", one_line(message));
    for line in trace(body) {
        text.push_str("\n    at ");
        text.push_str(&line);
    }
    text
}

/// The Lua traceback of an error, where it is an Error that has one.
pub(crate) fn trace(body: &[u8]) -> Vec<String> {
    let error = unpack(body);
    let stack = error.get("stack").and_then(Value::as_str).unwrap_or_default();
    let lines = stack.lines().filter(|line| !line.is_empty() && !line.starts_with("[wabe"));
    lines.map(one_line).collect()
}

/// Something that cannot be done because of a fault: with the line underlined where its text names one
/// of the app's files.
pub(crate) fn at_fault(app: &App, what: &str, fault: &str, help: &str) -> Diagnostic {
    let codes = app.entries.values().filter_map(|entry| match &entry.kind {
        Kind::Code(_, code) => Some(code),
        _ => None,
    });
    for code in codes {
        let rest = fault.strip_prefix(&code.file).and_then(|rest| rest.strip_prefix(':'));
        let Some((line, why)) = rest.and_then(|rest| rest.split_once(':')) else { continue };
        let Ok(line) = line.parse::<usize>() else { continue };
        let (span, message) = (offending(&code.text, line, why), format!("{what}: {}", why.trim()));
        let (file, text) = (code.file.clone(), code.text.clone());
        return Diagnostic { message, file, text, span, help: help.to_owned() };
    }
    let help = help.split_once("; ").map_or(help, |(_, rest)| rest);
    Diagnostic::general(format!("{what}: {fault}"), help)
}

/// The text that the message quotes, where the line has it once; else the whole line.
fn offending(text: &str, line: usize, message: &str) -> std::ops::Range<usize> {
    let whole = line_span(text, line);
    let quoted = message.rsplit('\'').nth(1).filter(|quoted| !quoted.is_empty());
    let found = quoted.and_then(|quoted| {
        let mut places = text[whole.clone()].match_indices(quoted);
        let (at, _) = places.next()?;
        places.next().is_none().then_some(whole.start + at..whole.start + at + quoted.len())
    });
    found.unwrap_or(whole)
}

/// A payload as JSON, as far as JSON can say it.
///
/// A worker may have sent anything: what nests deeper than a payload can is null.
pub(crate) fn unpack(bytes: &[u8]) -> Value {
    unpack_at(bytes, ERRORS_MAX)
}

fn unpack_at(bytes: &[u8], errors: usize) -> Value {
    let mut rest = bytes;
    let packed = rmpv::decode::read_value_with_max_depth(&mut rest, LEVELS_MAX);
    packed.map_or(Value::Null, |packed| to_json(&packed, errors))
}

/// `errors` is how many Errors may lie in each other.
fn to_json(packed: &Packed, errors: usize) -> Value {
    match packed {
        Packed::Nil => Value::Null,
        Packed::Boolean(flag) => Value::Bool(*flag),
        Packed::Integer(n) => n.as_i64().map_or_else(|| json!(n.as_u64()), Value::from),
        Packed::F32(n) => json!(n),
        Packed::F64(n) => json!(n),
        Packed::String(text) => String::from_utf8_lossy(text.as_bytes()).into(),
        Packed::Binary(bytes) => json!(bytes),
        Packed::Array(items) => items.iter().map(|item| to_json(item, errors)).collect(),
        Packed::Map(pairs) => {
            pairs.iter().map(|item| pair(item, errors)).collect::<Map<_, _>>().into()
        }
        Packed::Ext(EXT_ERROR, _) if errors == 0 => Value::Null,
        Packed::Ext(EXT_ERROR, fields) => unpack_at(fields, errors - 1),
        Packed::Ext(_, bytes) => floats(bytes),
    }
}

fn pair((key, value): &(Packed, Packed), errors: usize) -> (String, Value) {
    let key = match to_json(key, errors) {
        Value::String(text) => text,
        other => other.to_string(),
    };
    (key, to_json(value, errors))
}

/// A vector: three f32, little endian.
fn floats(bytes: &[u8]) -> Value {
    let (parts, _) = bytes.as_chunks::<4>();
    parts.iter().map(|part| json!(f32::from_le_bytes(*part))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_become_json() {
        let packed = Packed::Map(vec![
            (Packed::from("list"), Packed::Array(vec![Packed::from(1), Packed::Nil])),
            (Packed::from(7), Packed::from(2.5)),
            (Packed::from("at"), Packed::Ext(2, [0u8, 0, 128, 63].repeat(3))),
        ]);
        let mut bytes = Vec::new();
        rmpv::encode::write_value(&mut bytes, &packed).expect("a Vec takes every byte");
        let expected = json!({"list": [1, null], "7": 2.5, "at": [1.0, 1.0, 1.0]});
        assert_eq!(unpack(&bytes), expected);
    }

    #[test]
    fn errors_in_errors_without_end_are_null_in_the_end() {
        let mut bytes = vec![0xc0];
        for _ in 0..10_000 {
            let mut outer = vec![0xc9];
            outer.extend_from_slice(&u32::try_from(bytes.len()).expect("short").to_be_bytes());
            outer.push(1);
            outer.extend_from_slice(&bytes);
            bytes = outer;
        }
        assert_eq!(unpack(&bytes), Value::Null);
    }

    fn denial(object: &str) -> Denial {
        let (host, object) = ("app:plugins".into(), object.to_owned());
        Denial { host, call: "process.spawn", object, field: "spawn" }
    }

    #[test]
    fn denied_calls_are_listed_for_machines() {
        let fault = ipc::Fault::new(ipc::FaultKind::Internal, "no");
        let denials = Denials::from([(denial("app:b"), 1), (denial("app:a"), 11)]);
        let line = json_line(None, &TaskEnd::NotStarted(fault), &denials);
        let of = |object, count| {
            json!({"host": "app:plugins", "call": "process.spawn", "object": object,
                "field": "spawn", "count": count})
        };
        assert_eq!(line["denied"], json!([of("app:a", 11), of("app:b", 1)]));
        assert_eq!(not_started_line(None, "no")["denied"], json!([]));
    }

    #[test]
    fn denied_calls_are_summed_up_for_people_where_any_was_repeated() {
        assert_eq!(denied_summary(&Denials::new()), None);
        let once = Denials::from([(denial("app:a"), 1), (denial("app:b"), 1)]);
        assert_eq!(denied_summary(&once), None);
        let often = Denials::from([(denial("app:a"), 11), (denial("app:b"), 1)]);
        let summary = "12 calls were denied; 11 of them process.spawn app:a by host app:plugins \
             (--json lists every kind)";
        assert_eq!(denied_summary(&often).as_deref(), Some(summary));
        let same = Denials::from([(denial("app:a"), 2)]);
        let summary = "2 calls were denied; all of them process.spawn app:a by host app:plugins \
             (--json lists every kind)";
        assert_eq!(denied_summary(&same).as_deref(), Some(summary));
    }

    #[test]
    fn rubbish_is_null() {
        assert_eq!(unpack(&[0xc1]), Value::Null);
        assert_eq!(unpack(&[0xdd, 0xff, 0xff, 0xff, 0xff]), Value::Null);
    }

    #[test]
    fn the_quoted_text_is_underlined_where_it_is_unique() {
        let text = "local a = 1\nlocal b = = 2\n";
        assert_eq!(offending(text, 1, "got 'a ='"), 6..9);
        assert_eq!(offending(text, 2, "got '='"), 12..25);
    }
}
