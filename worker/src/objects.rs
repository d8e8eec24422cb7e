//! What Luau's C API has and mlua does not offer: three functions for the prelude's objects, and the
//! key that hides addresses.

use mlua::ffi::{self, lua_State};
use mlua::{Lua, Result, Table};
use std::ffi::c_int;
use std::ptr;

/// Adds them to the table of native functions.
pub(crate) fn install(lua: &Lua, native: &Table) -> Result<()> {
    // SAFETY: the three functions keep Luau's calling convention: they take their arguments from
    // the stack, push what they return, and hold no Rust value that an error could leak.
    unsafe {
        native.set("object", lua.create_c_function(object)?)?;
        native.set("metatable_of", lua.create_c_function(metatable_of)?)?;
        native.set("namecall", lua.create_c_function(namecall)?)?;
    }
    Ok(())
}

/// Sets the key with which Luau enciphers an address before it shows it, as in `table: 0x…`: what a
/// script sees still tells two tables apart, but not where they lie.
pub(crate) fn hide_addresses(lua: &Lua, [a, b, c, d]: [u64; 4]) -> Result<()> {
    // SAFETY: the function takes any numbers and leaves the stack as it is.
    unsafe { lua.exec_raw((), |state| ffi::lua_setpointerencodekey(state, a, b, c, d)) }
}

/// `object(metatable)`: an empty userdata with that metatable.
unsafe extern "C-unwind" fn object(state: *mut lua_State) -> c_int {
    // SAFETY: called by Luau with a valid state and at least LUA_MINSTACK free slots.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TTABLE);
        ffi::lua_newuserdata(state, 0);
        ffi::lua_pushvalue(state, 1);
        ffi::lua_setmetatable(state, -2);
    }
    1
}

/// `metatable_of(userdata)`: its metatable, whatever `__metatable` says.
unsafe extern "C-unwind" fn metatable_of(state: *mut lua_State) -> c_int {
    // SAFETY: as above; lua_getmetatable pushes nothing where it returns 0.
    unsafe {
        ffi::luaL_checktype(state, 1, ffi::LUA_TUSERDATA);
        ffi::lua_getmetatable(state, 1)
    }
}

/// `namecall()`: the name of the method call that is being served by `__namecall`.
unsafe extern "C-unwind" fn namecall(state: *mut lua_State) -> c_int {
    // SAFETY: as above; the name is a string that Luau keeps alive, or null outside of a call.
    unsafe {
        let name = ffi::lua_namecallatom(state, ptr::null_mut());
        if name.is_null() {
            return 0;
        }
        ffi::lua_pushstring(state, name);
    }
    1
}
