//! The end of a worker whose process goes on in another one: it hands back what nobody has read.
//!
//! No line of the script runs from here on, so nothing more is read. Whatever came before the supervisor's
//! word that this was all goes back, in the order in which it came; the rest has never been here.

use crate::actor::Actor;
use crate::native::Session;
use crate::turn;
use ipc::codec::decode;
use ipc::frame::{FromWorker, ToWorker};
use rustix::net::RecvFlags;

impl Actor<'_> {
    pub(crate) fn leave(&mut self) -> mlua::Result<()> {
        self.is_leaving = true;
        turn::begin();
        let said = self.with_session(|session| {
            let Some(upgrade) = session.upgrade.take() else { return Ok(()) };
            // So that what is unread is all that the mailbox is charged for.
            session.report_consumed();
            let header = FromWorker::Upgrade { entry: upgrade.entry.as_deref() };
            session.outlet.push(&header, &upgrade.body);
            session.outlet.flush_all()
        });
        said.map_err(mlua::Error::external)?;
        while !self.is_to_hand_over {
            self.receive(RecvFlags::empty())?;
        }
        self.with_session(hand_over).map_err(mlua::Error::external)
    }
}

fn hand_over(session: &mut Session) -> std::io::Result<()> {
    for letter in session.mail.take_all() {
        let (from, topic) = (str::from_utf8(letter.from()), str::from_utf8(letter.topic()));
        // The supervisor has written both.
        let (Ok(from), Ok(topic)) = (from, topic) else { continue };
        let header = FromWorker::HandBack(ToWorker::Deliver { from, topic });
        session.outlet.push(&header, letter.body());
        make_room(session)?;
    }
    let mut events: Vec<_> = std::mem::take(&mut session.events).into_iter().collect();
    events.sort_unstable_by_key(|(_, event)| event.order);
    for (_, event) in events {
        if let Ok(header) = decode(&event.header) {
            session.outlet.push(&FromWorker::HandBack(header), &event.body);
            make_room(session)?;
        }
    }
    session.outlet.push(&FromWorker::HandedOver, &[]);
    session.outlet.flush_all()
}

/// What is handed back should not lie here twice.
fn make_room(session: &mut Session) -> std::io::Result<()> {
    if session.outlet.is_full() { session.outlet.flush_all() } else { Ok(()) }
}
