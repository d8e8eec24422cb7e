//! Where a running script can be stopped: at the end of a loop's body, at calls, in patterns, after functions
//! of the string library.
//!
//! Luau asks at each of these places whether there is an interrupt. One that is always set makes
//! hot loops slower by half, so there is none until something is wanted: [`arm`] sets it, from an
//! allocator or a signal handler, and it takes itself away again.

use crate::over::over;
use crate::{memory, turn};
use ipc::frame::OwnLimit;
use mlua::ffi::{self, lua_Callbacks, lua_State};
use mlua::{Lua, Result};
use std::ffi::{CStr, c_int};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Relaxed};

/// Resumes within each other whose thread is known; Luau allows some 200.
const DEPTH: usize = 256;

/// The state that calls into the prelude, and runs where no other thread does.
static MAIN: AtomicPtr<lua_State> = AtomicPtr::new(ptr::null_mut());
static CALLBACKS: AtomicPtr<lua_Callbacks> = AtomicPtr::new(ptr::null_mut());
static THREADS: [AtomicPtr<lua_State>; DEPTH] = [const { AtomicPtr::new(ptr::null_mut()) }; DEPTH];
/// How many of them run, each resumed by the one before.
static RUNNING: AtomicUsize = AtomicUsize::new(0);

/// Makes the scripts of this state ones that can be stopped. The state is never closed: a process
/// ends with it.
pub(crate) fn install(lua: &Lua) -> Result<()> {
    let install = |state: *mut lua_State| {
        // SAFETY: the callbacks live as long as the state, and no script runs now.
        unsafe {
            let callbacks = ffi::lua_callbacks(state);
            (*callbacks).preresume = Some(resumed);
            (*callbacks).postresume = Some(returned);
            CALLBACKS.store(callbacks, Relaxed);
            MAIN.store(ffi::lua_mainthread(state), Relaxed);
        }
    };
    // SAFETY: the closure leaves the stack as it is.
    unsafe { lua.exec_raw((), install) }
}

/// Calls [`interrupt`] at the next safepoint. May be called from a signal handler.
pub(crate) fn arm() {
    set_interrupt(Some(interrupt));
}

fn set_interrupt(to: Option<unsafe extern "C-unwind" fn(*mut lua_State, c_int)>) {
    let callbacks = CALLBACKS.load(Relaxed);
    if callbacks.is_null() {
        return;
    }
    // SAFETY: the state that the callbacks belong to is never closed. Luau allows this one to be
    // set at any time, also from a signal handler: it is one pointer, read anew at each safepoint.
    unsafe { ptr::write_volatile(&raw mut (*callbacks).interrupt, to) }
}

/// A safepoint at the end of a function of C, whose results lie on the stack: what takes much memory makes
/// garbage, too.
pub(crate) fn after(state: *mut lua_State) {
    let callbacks = CALLBACKS.load(Relaxed);
    // SAFETY: as in `set_interrupt`; a running function of C is no less whole than a call of one.
    unsafe {
        if !callbacks.is_null()
            && let Some(interrupt) = ptr::read_volatile(&raw const (*callbacks).interrupt)
        {
            interrupt(state, -1);
        }
    }
}

unsafe extern "C-unwind" fn interrupt(state: *mut lua_State, gc: c_int) {
    if gc >= 0 {
        // From within a step of the collector.
        return;
    }
    // First, so that whoever wants something from now on is heard at the next safepoint.
    set_interrupt(None);
    if let Some(used) = turn::exceeded() {
        over(OwnLimit::Turn, used, state);
    }
    if memory::wants_collection() {
        // SAFETY: at a safepoint every value in use can be reached from the state, and the collector
        // runs no code of the script: Luau has no finalizers.
        unsafe { ffi::lua_gc(state, ffi::LUA_GCCOLLECT, 0) };
        memory::collected();
    }
}

unsafe extern "C-unwind" fn resumed(state: *mut lua_State) {
    let depth = RUNNING.fetch_add(1, Relaxed);
    if let Some(place) = THREADS.get(depth) {
        place.store(state, Relaxed);
    }
}

unsafe extern "C-unwind" fn returned(_: *mut lua_State) {
    RUNNING.fetch_sub(1, Relaxed);
}

/// The thread that runs now; null where that is not known.
pub(crate) fn running() -> *mut lua_State {
    let Some(resumed) = RUNNING.load(Relaxed).checked_sub(1) else { return MAIN.load(Relaxed) };
    THREADS.get(resumed).map_or(ptr::null_mut(), |thread| thread.load(Relaxed))
}

/// Where a thread is, as a traceback: lines such as `main.lua:3 function f`. Nothing where the
/// thread is null. It must be the one that runs.
pub(crate) fn traceback(state: *mut lua_State) -> String {
    if state.is_null() {
        return String::new();
    }
    // SAFETY: the thread runs, so it is alive, and its frames are whole at every place where it can
    // allocate or be interrupted. Luau writes into a buffer of its own and allocates nothing.
    let text = unsafe { CStr::from_ptr(ffi::lua_debugtrace(state)) };
    let text = text.to_string_lossy();
    // What is above and below the script is of no use to who reads it.
    let own = |line: &&str| !line.starts_with("[C]") && !line.starts_with("[wabe/");
    text.lines().filter(own).collect::<Vec<_>>().join("\n")
}
