//! What Luau's C API has and mlua does not offer: three functions for the prelude's objects, Luau's own
//! functions with an Error where they want a text, and the key that hides addresses.

use crate::safepoint;
use mlua::ffi::{self, lua_State};
use mlua::{Lua, Result, Table};
use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::ptr;

/// Adds them to the table of native functions.
pub(crate) fn install(lua: &Lua, native: &Table) -> Result<()> {
    // SAFETY: the functions keep Luau's calling convention: they take their arguments from
    // the stack, push what they return, and hold no Rust value that an error could leak.
    unsafe {
        native.set("object", lua.create_c_function(object)?)?;
        native.set("metatable_of", lua.create_c_function(metatable_of)?)?;
        native.set("namecall", lua.create_c_function(namecall)?)?;
        native.set("with_texts", lua.create_c_function(with_texts)?)?;
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

/// `with_texts(function)`: that function of Luau's library, with the text of each Error that it is given.
unsafe extern "C-unwind" fn with_texts(state: *mut lua_State) -> c_int {
    // SAFETY: as above; the one argument is a function of C, whose name Luau copies. All of the record is
    // numbers and pointers, which may be zero.
    unsafe {
        ffi::lua_settop(state, 1);
        if ffi::lua_iscfunction(state, 1) == 0 {
            ffi::luaL_argerror(state, 1, c"function of C expected".as_ptr());
        }
        let mut about = MaybeUninit::zeroed().assume_init();
        ffi::lua_getinfo(state, -1, c"n".as_ptr(), &raw mut about);
        ffi::lua_pushcclosurek(state, on_texts, about.name, 1, None);
    }
    1
}

/// Such a function. It calls the other one as itself and not through Luau, so that an error names the line of
/// the script that has called, and nothing lies between the two.
unsafe extern "C-unwind" fn on_texts(state: *mut lua_State) -> c_int {
    // SAFETY: as above; the upvalue is a function of C, which has none of its own.
    unsafe {
        for index in 1..=ffi::lua_gettop(state) {
            if ffi::lua_type(state, index) == ffi::LUA_TUSERDATA {
                put_text(state, index);
            }
        }
        let function = ffi::lua_tocfunction(state, ffi::lua_upvalueindex(1));
        let results = function.map_or(0, |function| function(state));
        safepoint::after(state);
        results
    }
}

/// Puts the text of an Error in its place; any other object stays. See `prelude/errors.luau`.
unsafe fn put_text(state: *mut lua_State, index: c_int) {
    // SAFETY: as above; there is an object at the index, and a metatable is a table.
    unsafe {
        if ffi::lua_getmetatable(state, index) == 0 {
            return;
        }
        let is_string = ffi::lua_rawgetfield(state, -1, c"class".as_ptr()) == ffi::LUA_TSTRING;
        if is_string && CStr::from_ptr(ffi::lua_tostring(state, -1)) == c"Error" {
            ffi::lua_rawgetfield(state, -2, c"text".as_ptr());
            ffi::lua_replace(state, index);
        }
        ffi::lua_pop(state, 2);
    }
}
