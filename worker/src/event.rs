//! Ends and cancels as the tables that scripts receive.

use crate::Vm;
use ipc::frame::Ended;
use ipc::{ExitKind, ExitReason, Frame, signal_name};
use mlua::{Result, Table, Value};

impl Vm {
    /// EXIT or LINK_DOWN. The body of the frame is the result where the end was normal, an Error where
    /// a body failed.
    pub(crate) fn tell_ended(&self, kind: &str, ended: &Ended<'_>, frame: Frame<'_>) -> Result<()> {
        let event = self.lua.create_table()?;
        event.set("kind", kind)?;
        event.set("from", ended.from)?;
        event.set("exit", self.exit_table(&ended.reason)?)?;
        let field = match ended.reason.kind {
            ExitKind::Normal if kind == "EXIT" => Some("result"),
            ExitKind::Error => Some("error"),
            _ => None,
        };
        let number = self.keep_event(frame.header, frame.body, ended.from, field);
        let (sec, nsec) = self.steps.time(ended.at);
        self.hooks.event.call((event, sec, nsec, ended.reason.message.as_deref(), field, number))
    }

    /// CANCEL.
    pub(crate) fn tell_cancel(
        &self,
        frame: Frame<'_>,
        from: Option<&str>,
        at: i64,
        reason: Option<&str>,
        deadline_ns: Option<u64>,
    ) -> Result<()> {
        let event = self.lua.create_table()?;
        event.set("kind", "CANCEL")?;
        event.set("from", from)?;
        event.set("reason", reason)?;
        event.set("deadline", deadline_ns.map(|ns| ns as f64))?;
        let number = self.keep_event(frame.header, &[], "", None);
        let (sec, nsec) = self.steps.time(at);
        self.hooks.event.call((event, sec, nsec, Value::Nil, Value::Nil, number))
    }

    /// OUTDATED.
    pub(crate) fn tell_outdated(&self, at: i64) -> Result<()> {
        let event = self.lua.create_table()?;
        event.set("kind", "OUTDATED")?;
        let (sec, nsec) = self.steps.time(at);
        self.hooks.event.call((event, sec, nsec))
    }

    fn exit_table(&self, reason: &ExitReason) -> Result<Table> {
        let exit = self.lua.create_table()?;
        exit.set("kind", reason.kind.as_str())?;
        exit.set("signal", reason.signal.map(signal_name))?;
        exit.set("code", reason.code)?;
        exit.set("os_pid", reason.os_pid)?;
        if let Some(over) = &reason.limit {
            let limit = self.lua.create_table()?;
            limit.set("limit", over.limit)?;
            limit.set("used", over.used)?;
            exit.set("limit", limit)?;
        }
        Ok(exit)
    }
}
