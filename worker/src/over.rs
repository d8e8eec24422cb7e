//! The end of a process that is over a limit which it watches itself: at once, wherever it is.
//!
//! It may be reached from inside the allocator, so nothing on the way may need what the interrupted
//! code was just changing.

use crate::fork::exit_now;
use crate::held;
use crate::native::{Session, Shared};
use crate::safepoint::traceback;
use ipc::frame::{EXIT_MEMORY, EXIT_TURN, FromWorker, Outcome, OwnLimit};
use ipc::quota::{bytes_text, exceeded_text, time_text};
use ipc::{Fault, FaultKind};
use mlua::ffi::lua_State;
use std::cell::{OnceCell, RefMut};
use std::mem::ManuallyDrop;

thread_local! {
    /// The session of this process. Never dropped: what has a destructor would have to be
    /// registered, which takes memory.
    static SESSION: OnceCell<ManuallyDrop<Shared>> = const { OnceCell::new() };
}

/// Lets a panic say nothing by itself: the default hook may open files, which a process must not.
/// The process ends with an error all the same.
pub(crate) fn quiet_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// Makes the session known to whatever may end this process.
pub(crate) fn remember(session: &Shared) {
    SESSION.with(|known| {
        // A process becomes somebody once.
        let _ = known.set(ManuallyDrop::new(session.clone()));
    });
}

/// Ends the process: it used so much of a limit, in its unit, while `state` ran (or null).
pub(crate) fn over(limit: OwnLimit, used: u64, state: *mut lua_State) -> ! {
    SESSION.with(|known| {
        let session = known.get().and_then(|session| session.try_borrow_mut().ok());
        if let Some(session) = session {
            say(session, limit, used, state);
            exit_now(0);
        }
    });
    // Half a frame may lie in the outbox: nothing can be said any more. What is whole is written.
    held::write();
    exit_now(match limit {
        OwnLimit::Memory => EXIT_MEMORY,
        OwnLimit::Turn => EXIT_TURN,
    })
}

fn say(
    mut session: RefMut<'_, Option<Session>>,
    limit: OwnLimit,
    used: u64,
    state: *mut lua_State,
) {
    let Some(session) = session.as_mut() else { return };
    let at = traceback(state);
    let last = match session.loaded {
        true => FromWorker::Done { outcome: Outcome::Over { limit, used, at } },
        false => FromWorker::LoadFailed {
            fault: Fault::new(FaultKind::Invalid, loading_text(session, limit, used, &at)),
        },
    };
    session.outlet.push(&last, &[]);
    // Where the supervisor is gone there is nobody left to tell.
    let _ = session.outlet.flush_all();
}

/// What whoever spawned this process is told where it does not even begin.
fn loading_text(session: &Session, limit: OwnLimit, used: u64, at: &str) -> String {
    let place = match at.split([' ', '\n']).next() {
        None | Some("") => String::new(),
        Some(place) => format!("{place}: "),
    };
    let limits = &session.limits;
    let exceeded = match limit {
        OwnLimit::Memory => exceeded_text("memory", limits.memory, used, bytes_text),
        OwnLimit::Turn => exceeded_text("turn", limits.turn_ns, used, time_text),
    };
    format!("{place}{exceeded} while loading")
}
