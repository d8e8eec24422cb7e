//! What a process does with a frame from its supervisor.

use crate::Vm;
use crate::actor::Actor;
use crate::births::Given;
use crate::decode::Decoder;
use crate::hygiene;
use crate::native::Session;
use crate::outlet::Outlet;
use crate::post::too_heavy;
use crate::stack::with_values;
use ipc::frame::{Answer, FromWorker, ToWorker};
use ipc::{ExitReason, Fault, Frame, Limits, hot};
use mlua::{MultiValue, Value};

impl Vm {
    /// What the prelude begins a process with.
    pub(crate) fn first_arguments(
        &self,
        pid: &str,
        entry: &str,
        arguments: &[u8],
    ) -> mlua::Result<MultiValue> {
        let (lua, prelude) = (&self.lua, self.context.prelude()?);
        let (decoded, mut all) = with_values(lua, (), |stack| {
            Decoder::new(stack, prelude.error_from, arguments).list()
        })?;
        decoded.map_err(mlua::Error::external)?;
        all.push_front(Value::String(lua.create_string(entry)?));
        all.push_front(Value::String(lua.create_string(pid)?));
        Ok(all)
    }
}

impl Actor<'_> {
    /// Does what a frame says.
    pub(crate) fn handle(&mut self, frame: Frame<'_>) -> mlua::Result<()> {
        if let Some((from, topic)) = hot::read_deliver(frame.header) {
            self.vm.keep_message(from, topic, frame.body);
            return Ok(());
        }
        let vm = self.vm;
        if self.is_leaving {
            return self.keep(frame);
        }
        if vm.context.with_session(|session| session.mail.is_due()) == Some(true) {
            // Who waits gets what was sent before this frame, before anything comes of this frame.
            vm.hooks.hand_out.call::<()>(())?;
        }
        let header: ToWorker<'_> =
            ipc::codec::decode(frame.header).map_err(mlua::Error::external)?;
        match header {
            ToWorker::Become { pid, entry, limits, birth } => {
                self.become_process(entry, limits)?;
                vm.set_birth(&birth)?;
                if birth.goes_on {
                    self.becoming = Some((pid.into(), entry.into(), frame.body.into()));
                    return Ok(());
                }
                self.begin(pid, entry, frame.body, birth.spawner)
            }
            ToWorker::Begin => match self.becoming.take() {
                Some((pid, entry, body)) => self.begin(&pid, &entry, &body, None),
                None => Ok(()),
            },
            // Nobody has said that this process goes on elsewhere.
            ToWorker::HandOver => Ok(()),
            ToWorker::Ping => {
                self.with_session(|session| session.outlet.push(&FromWorker::Pong, &[]));
                Ok(())
            }
            ToWorker::Deliver { from, topic } => {
                vm.keep_message(from.as_bytes(), topic.as_bytes(), frame.body);
                Ok(())
            }
            ToWorker::Reply { call, result } => self.reply(call, result),
            ToWorker::Returned { call, reason } => self.returned(call, &reason, frame.body),
            ToWorker::Closed { route } => {
                self.with_session(|session| session.routes.closed(&mut session.outlet, route));
                Ok(())
            }
            ToWorker::Exit(ended) => vm.tell_ended("EXIT", &ended, frame),
            ToWorker::LinkDown(ended) => vm.tell_ended("LINK_DOWN", &ended, frame),
            ToWorker::Outdated { at } => vm.tell_outdated(at),
            ToWorker::Cancel { from, at, reason, deadline_ns } => {
                vm.tell_cancel(frame, from, at, reason, deadline_ns)
            }
        }
    }

    /// What comes when no line of the script runs any more: it goes back with the rest.
    fn keep(&mut self, frame: Frame<'_>) -> mlua::Result<()> {
        let Frame { header, body, .. } = frame;
        match ipc::codec::decode(header).map_err(mlua::Error::external)? {
            ToWorker::Exit(ended) | ToWorker::LinkDown(ended) => {
                self.vm.keep_event(header, body, ended.from, Some("end"));
            }
            ToWorker::Cancel { .. } => {
                self.vm.keep_event(header, &[], "", None);
            }
            ToWorker::HandOver => self.is_to_hand_over = true,
            // Whoever waited for an answer is gone.
            _ => {}
        }
        Ok(())
    }

    fn become_process(&mut self, entry: &str, limits: Limits) -> mlua::Result<()> {
        hygiene::name_process(entry);
        let outlet = Outlet::new(self.socket.clone());
        self.vm.begin(Session::new(outlet, limits), &limits)
    }

    fn begin(
        &mut self,
        pid: &str,
        entry: &str,
        body: &[u8],
        spawner: Option<&str>,
    ) -> mlua::Result<()> {
        let given = Given::read(body).map_err(mlua::Error::external)?;
        if let Some(why) = self.with_session(|session| too_heavy(session, given.weight)) {
            return Err(mlua::Error::external(format!("the arguments are too many: their {why}")));
        }
        let arguments = self.vm.first_arguments(pid, entry, given.arguments)?;
        self.with_session(|session| session.context = given.context.into());
        for (topic, body) in given.letters {
            let from = spawner.unwrap_or_default();
            self.vm.keep_message(from.as_bytes(), topic.as_bytes(), body);
        }
        self.vm.hooks.live.call(arguments)
    }

    fn returned(&mut self, call: u32, reason: &ExitReason, body: &[u8]) -> mlua::Result<()> {
        self.with_session(|session| session.open_calls = session.open_calls.saturating_sub(1));
        let is_normal = reason.is_normal();
        let name = if is_normal { "result" } else { "error" };
        let number = match body {
            [] => None,
            body => self.vm.keep_body("a process that was waited for", name, body),
        };
        self.vm.hooks.returned.call((call, is_normal, reason.message.as_deref(), number))
    }

    fn reply(&mut self, call: u32, result: Result<Answer<'_>, Fault>) -> mlua::Result<()> {
        let granted = match &result {
            Ok(Answer::Route { route: Some(id), credit }) => Some((*id, *credit)),
            _ => None,
        };
        self.with_session(|session| {
            session.open_calls = session.open_calls.saturating_sub(1);
            session.routes.answered(&mut session.outlet, call, granted);
        });
        let reply = &self.vm.hooks.reply;
        match result {
            Ok(Answer::Done | Answer::Route { .. }) => reply.call((call, true)),
            Ok(Answer::Flag(flag)) => reply.call((call, flag)),
            Ok(Answer::Pid(pid)) => reply.call((call, pid)),
            Err(fault) => reply.call((call, Value::Nil, fault.kind.as_str(), fault.message)),
        }
    }
}
