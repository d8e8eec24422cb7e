//! What a process does with a frame from its supervisor.

use crate::actor::Actor;
use crate::decode::Decoder;
use crate::hygiene;
use crate::native::Session;
use crate::outlet::Outlet;
use crate::post::too_heavy;
use crate::weigh::weigh;
use ipc::frame::{Answer, FromWorker, ToWorker, charge};
use ipc::{Fault, Frame, Limits};
use mlua::{MultiValue, Value};

impl Actor<'_> {
    /// Does what a frame says.
    pub(crate) fn handle(&mut self, frame: Frame<'_>) -> mlua::Result<()> {
        let header: ToWorker<'_> =
            ipc::codec::decode(frame.header).map_err(mlua::Error::external)?;
        let vm = self.vm;
        match header {
            ToWorker::Become { pid, entry, limits } => {
                self.become_process(entry, limits)?;
                self.begin(limits.mailbox / 8, pid, entry, frame.body)
            }
            ToWorker::Ping => {
                self.with_session(|session| session.outlet.push(&FromWorker::Pong, &[]));
                Ok(())
            }
            ToWorker::Deliver { from, topic } => match vm.keep_message(from, topic, frame.body)? {
                Some(number) => vm.hooks.deliver.call((topic, number)),
                None => vm.hooks.consume.call(charge(topic, frame.body.len())),
            },
            ToWorker::Reply { call, result } => self.reply(call, result),
            ToWorker::Closed { route } => {
                self.with_session(|session| session.routes.closed(&mut session.outlet, route));
                Ok(())
            }
            ToWorker::Exit(ended) => vm.tell_ended("EXIT", &ended, frame.body),
            ToWorker::LinkDown(ended) => vm.tell_ended("LINK_DOWN", &ended, frame.body),
            ToWorker::Cancel { from, at, reason, deadline_ns } => {
                vm.tell_cancel(from, at, reason, deadline_ns)
            }
        }
    }

    fn become_process(&mut self, entry: &str, limits: Limits) -> mlua::Result<()> {
        hygiene::name_process(entry);
        let outlet = Outlet::new(self.socket.clone());
        self.vm.begin(Session::new(outlet, limits), &limits)
    }

    fn begin(
        &mut self,
        report_at: u64,
        pid: &str,
        entry: &str,
        arguments: &[u8],
    ) -> mlua::Result<()> {
        let weight = weigh(arguments).map_err(mlua::Error::external)?;
        if let Some(why) = self.with_session(|session| too_heavy(session, weight)) {
            return Err(mlua::Error::external(format!("the arguments are too many: their {why}")));
        }
        let decoder = Decoder::new(&self.vm.lua, &self.vm.hooks.error_from, arguments);
        let mut all = MultiValue::from_iter(decoder.list().map_err(mlua::Error::external)?);
        all.push_front(Value::String(self.vm.lua.create_string(entry)?));
        all.push_front(Value::String(self.vm.lua.create_string(pid)?));
        all.push_front(Value::Number(report_at as f64));
        self.vm.hooks.live.call(all)
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
