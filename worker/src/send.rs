//! `process.send`, as far as it goes without waiting.

use crate::encode::{Encoder, Unfit};
use crate::native::{Context, Session, text_of};
use crate::stack::{Slot, Stack};
use ipc::frame::{Op, is_topic};
use ipc::{Fault, FaultKind};
use std::ffi::c_int;

/// Capacity that the buffer for payloads keeps.
const KEPT: usize = 4 * 1024;

/// What came of a send.
enum Sent {
    /// It went along a route.
    Away,
    /// There is no room now.
    Full,
    /// It asks, and this call is answered.
    Asked(u32),
    Refused(FaultKind, String),
    /// The arguments are not a text, a text and at most one value.
    Unusual,
}

/// `send(dest, topic, value)`: `true` where it went along a route, `false` where there is no room now,
/// the number of a call, nil with a kind and a message, or nothing where it is for the prelude to say
/// what is wrong.
pub(crate) fn send(context: &Context, stack: &mut Stack) -> c_int {
    let sent = try_send(context, stack);
    match sent {
        Sent::Away => stack.push_boolean(true),
        Sent::Full => stack.push_boolean(false),
        Sent::Asked(call) => stack.push_number(call.into()),
        Sent::Unusual => return 0,
        Sent::Refused(kind, message) => {
            stack.push_nil();
            stack.push_string(kind.as_str().as_bytes());
            stack.push_string(message.as_bytes());
            return 3;
        }
    }
    1
}

fn try_send(context: &Context, stack: &mut Stack) -> Sent {
    if !matches!(stack.top(), 2 | 3) {
        return Sent::Unusual;
    }
    match texts(stack) {
        Some(Ok((_, topic))) if is_topic(topic) => {}
        Some(Ok(_)) => return Fault::bad_topic().into(),
        Some(Err(fault)) => return fault.into(),
        None => return Sent::Unusual,
    }
    let begun = context.with_session(|session| {
        (session.limits.message_max(), std::mem::take(&mut session.payload))
    });
    let (Some((max, buffer)), Some(kept)) = (begun, context.kept.get()) else {
        return Sent::Refused(FaultKind::Unavailable, "no process yet".to_owned());
    };
    let mut encoder = Encoder::new(stack, buffer, max, kept.unwrap);
    if let Err(unfit) = encoder.value(3) {
        return Sent::Refused(FaultKind::Invalid, encoding_text(&unfit));
    }
    let mut body = encoder.finish();
    // Encoding may have moved the stack, so they are looked at once more.
    let Some(Ok((dest, topic))) = texts(stack) else { return Sent::Unusual };
    let sent = context.with_session(|session| {
        let sent = session.send(dest, topic, &body);
        body.clear();
        body.shrink_to(KEPT);
        session.payload = body;
        sent
    });
    sent.unwrap_or(Sent::Unusual)
}

/// Destination and topic; none where they are no strings.
fn texts(stack: &Stack) -> Option<Result<(&str, &str), Fault>> {
    let (Slot::String(dest), Slot::String(topic)) = (stack.get(1), stack.get(2)) else {
        return None;
    };
    Some(text_of(dest).and_then(|dest| Ok((dest, text_of(topic)?))))
}

impl From<Fault> for Sent {
    fn from(fault: Fault) -> Self {
        Sent::Refused(fault.kind, fault.message)
    }
}

impl Session {
    fn send(&mut self, dest: &str, topic: &str, body: &[u8]) -> Sent {
        if self.outlet.is_full() {
            self.room_wanted = true;
            return Sent::Full;
        }
        if self.routes.send(&mut self.outlet, dest, topic, body) {
            return Sent::Away;
        }
        match self.ask(Op::Send { dest, topic }, body) {
            Ok(call) => {
                self.routes.asked(call, dest);
                Sent::Asked(call)
            }
            Err(fault) => fault.into(),
        }
    }
}

fn encoding_text(unfit: &Unfit) -> String {
    unfit.text(if matches!(unfit, Unfit::TooLarge { .. }) { "message" } else { "payload" })
}
