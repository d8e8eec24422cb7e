//! Luau's stack, for the functions that every message goes through. (All others use mlua, which takes
//! several times as long over a call.)
//!
//! A value is looked at where it lies, by its index from 1. What [`Stack::get`] gives borrows the
//! stack, so nothing can be pushed or dropped while it is in use.
//!
//! A function that allocates may raise, which passes through the Rust code above it as a panic does:
//! destructors run. So nobody pushes while a session is borrowed, or before what must happen has.

use mlua::ffi::{self, lua_State};
use mlua::{Function, IntoLuaMulti, LightUserData, Lua, MultiValue, Result};
use std::ffi::{CStr, c_int, c_void};
use std::ptr::NonNull;
use std::slice;

/// The values of the function that is called.
#[derive(Debug)]
pub(crate) struct Stack(*mut lua_State);

/// A value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot<'a> {
    Nil,
    Boolean(bool),
    Number(f64),
    Integer(i64),
    Vector([f32; 3]),
    String(&'a [u8]),
    Buffer(&'a [u8]),
    /// With its address, for telling two apart.
    Table(*const c_void),
    /// A userdata.
    Object,
    /// By the name of its kind.
    Other(&'a str),
}

/// A function of the prelude that is kept for as long as the state lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept(c_int);

impl Stack {
    /// How many values there are, which is the index of the last.
    pub(crate) fn top(&self) -> c_int {
        // SAFETY: the state is that of a running call, here and below: `entry` and `with_values` make
        // a Stack of no other, and it does not outlive their call.
        unsafe { ffi::lua_gettop(self.0) }
    }

    /// The value at an index; nil where there is none.
    pub(crate) fn get(&self, index: c_int) -> Slot<'_> {
        debug_assert!(index > 0);
        let state = self.0;
        // SAFETY: Luau looks past the top for any positive index, and finds nothing there. Each value
        // is read as what its type says. Its bytes stay where they are while the value lies on the
        // stack: Luau moves no object, and the borrow keeps the value there.
        unsafe {
            match ffi::lua_type(state, index) {
                ffi::LUA_TNIL | ffi::LUA_TNONE => Slot::Nil,
                ffi::LUA_TBOOLEAN => Slot::Boolean(ffi::lua_toboolean(state, index) != 0),
                ffi::LUA_TNUMBER => Slot::Number(ffi::lua_tonumber(state, index)),
                ffi::LUA_TINTEGER => {
                    Slot::Integer(ffi::lua_tointeger64(state, index, std::ptr::null_mut()))
                }
                ffi::LUA_TVECTOR => {
                    let parts = ffi::lua_tovector(state, index);
                    Slot::Vector([*parts, *parts.add(1), *parts.add(2)])
                }
                ffi::LUA_TSTRING => {
                    let mut len = 0;
                    let bytes = ffi::lua_tolstring(state, index, &raw mut len);
                    Slot::String(slice::from_raw_parts(bytes.cast(), len))
                }
                ffi::LUA_TBUFFER => {
                    let mut len = 0;
                    let bytes = ffi::lua_tobuffer(state, index, &raw mut len);
                    Slot::Buffer(slice::from_raw_parts(bytes.cast(), len))
                }
                ffi::LUA_TTABLE => Slot::Table(ffi::lua_topointer(state, index)),
                ffi::LUA_TUSERDATA => Slot::Object,
                other => {
                    let name = CStr::from_ptr(ffi::lua_typename(state, other));
                    Slot::Other(name.to_str().unwrap_or("value of another kind"))
                }
            }
        }
    }

    /// The border of a table: the length of one without holes. 0 for any other value.
    pub(crate) fn border(&self, index: c_int) -> c_int {
        // SAFETY: as for `get`; Luau says 0 for what has no length.
        unsafe { ffi::lua_objlen(self.0, index) }.try_into().unwrap_or(c_int::MAX)
    }

    /// Pushes the key and the value that follow in a table. `place`: 0, then what the last call gave.
    pub(crate) fn next(&mut self, table: c_int, place: c_int) -> Option<c_int> {
        self.assert_table(table);
        // SAFETY: it is a table, and Luau takes any place from 0.
        let next = unsafe { ffi::lua_rawiter(self.0, table, place.max(0)) };
        (next >= 0).then_some(next)
    }

    /// How many entries a table has.
    pub(crate) fn count(&mut self, table: c_int) -> c_int {
        let (mut count, mut place, top) = (0, 0, self.top());
        while let Some(next) = self.next(table, place) {
            (count, place) = (count + 1, next);
            self.truncate(top);
        }
        count
    }

    /// Pushes what a table has for a key that is a number or a string; nil for any other.
    pub(crate) fn lookup(&mut self, table: c_int, key: Slot<'_>) {
        self.assert_table(table);
        match key {
            Slot::Number(number) => self.push_number(number),
            Slot::String(bytes) => self.push_string(bytes),
            _ => return self.push_nil(),
        }
        // SAFETY: it is a table, and the key lies on top.
        unsafe { ffi::lua_rawget(self.0, table) };
    }

    /// Pushes an element of a table.
    pub(crate) fn element(&mut self, table: c_int, number: c_int) {
        self.assert_table(table);
        // SAFETY: it is a table.
        unsafe { ffi::lua_rawgeti(self.0, table, number.into()) };
    }

    /// Pops a value into a table.
    pub(crate) fn set_element(&mut self, table: c_int, number: c_int) {
        self.assert_table(table);
        assert!(self.top() > table);
        // SAFETY: it is a table, and something lies above it.
        unsafe { ffi::lua_rawseti(self.0, table, number.into()) };
    }

    /// Pops a key and a value into a table. The key must be one that a table can have.
    pub(crate) fn set_pair(&mut self, table: c_int) {
        self.assert_table(table);
        assert!(self.top() > table + 1);
        // SAFETY: it is a table, and two values lie above it.
        unsafe { ffi::lua_rawset(self.0, table) };
    }

    /// Pushes a field of a table.
    pub(crate) fn field(&mut self, table: c_int, name: &CStr) {
        self.assert_table(table);
        // SAFETY: it is a table.
        unsafe { ffi::lua_rawgetfield(self.0, table, name.as_ptr()) };
    }

    fn assert_table(&self, index: c_int) {
        assert!(index > 0, "indices count from 1");
        // SAFETY: as for `get`.
        assert_eq!(unsafe { ffi::lua_type(self.0, index) }, ffi::LUA_TTABLE, "no table");
    }

    /// Pushes the metatable of an object, whatever its `__metatable` says; false where it has none.
    pub(crate) fn metatable(&mut self, index: c_int) -> bool {
        // SAFETY: as for `get`; where there is none nothing is pushed.
        unsafe {
            ffi::lua_type(self.0, index) == ffi::LUA_TUSERDATA
                && ffi::lua_getmetatable(self.0, index) != 0
        }
    }

    /// Drops all values above the first `count`.
    pub(crate) fn truncate(&mut self, count: c_int) {
        let count = count.clamp(0, self.top());
        // SAFETY: there are at least so many.
        unsafe { ffi::lua_settop(self.0, count) };
    }

    pub(crate) fn push_nil(&mut self) {
        // SAFETY: what is pushed takes care of its room, here and below.
        unsafe { ffi::lua_pushnil(self.0) };
    }

    pub(crate) fn push_boolean(&mut self, flag: bool) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushboolean(self.0, flag.into()) };
    }

    pub(crate) fn push_number(&mut self, number: f64) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushnumber(self.0, number) };
    }

    pub(crate) fn push_vector(&mut self, [x, y, z]: [f32; 3]) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushvector(self.0, x, y, z) };
    }

    pub(crate) fn push_string(&mut self, bytes: &[u8]) {
        // SAFETY: as above; Luau copies the bytes.
        unsafe { ffi::lua_pushlstring_(self.0, bytes.as_ptr().cast(), bytes.len()) };
    }

    pub(crate) fn push_buffer(&mut self, bytes: &[u8]) {
        // SAFETY: as above; the new buffer has room for so many bytes.
        unsafe {
            let room = ffi::lua_newbuffer(self.0, bytes.len());
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), room.cast(), bytes.len());
        }
    }

    /// Pushes the value at an index once more.
    pub(crate) fn copy(&mut self, index: c_int) {
        debug_assert!(index > 0);
        // SAFETY: as for `get`.
        unsafe { ffi::lua_pushvalue(self.0, index) };
    }

    /// Pushes a table with room for so many elements and pairs.
    pub(crate) fn push_table(&mut self, elements: u16, pairs: u16) {
        // SAFETY: as above.
        unsafe { ffi::lua_createtable(self.0, elements.into(), pairs.into()) };
    }

    /// Calls a function of the prelude with the last value in place of that, for so many results.
    pub(crate) fn call(&mut self, function: Kept, results: u8) {
        assert!(self.top() > 0);
        // SAFETY: the argument is there. What is not a function any more is nil, which raises.
        unsafe {
            ffi::lua_rawgeti(self.0, ffi::LUA_REGISTRYINDEX, function.0.into());
            ffi::lua_insert(self.0, -2);
            ffi::lua_call(self.0, 1, results.into());
        }
    }
}

/// A native function with what it needs: `act` takes its arguments from the stack and says how many
/// of the last values are its results.
pub(crate) fn function<C: 'static, F>(lua: &Lua, needs: &'static C, act: F) -> Result<Function>
where
    F: Fn(&C, &mut Stack) -> c_int + Copy + 'static,
{
    const { assert!(size_of::<F>() == 0, "a function, or a closure that captures nothing") };
    let _ = act;
    let needs = LightUserData(std::ptr::from_ref(needs).cast_mut().cast());
    // SAFETY: the closure leaves one function in place of the one argument.
    unsafe {
        lua.exec_raw(needs, |state| {
            ffi::lua_pushcclosurek(state, entry::<C, F>, c"native".as_ptr(), 1, None);
        })
    }
}

unsafe extern "C-unwind" fn entry<C: 'static, F>(state: *mut lua_State) -> c_int
where
    F: Fn(&C, &mut Stack) -> c_int + Copy + 'static,
{
    // SAFETY: called by Luau with a valid state; the upvalue is what `function` put there, and lives
    // for ever; a value of F has no bytes, and `function` was given one.
    let (needs, act) = unsafe {
        let needs = ffi::lua_tolightuserdata(state, ffi::lua_upvalueindex(1)) as *const C;
        (&*needs, NonNull::<F>::dangling().as_ref())
    };
    act(needs, &mut Stack(state))
}

/// Lets `act` work on a stack with these values. What it leaves there is given back.
pub(crate) fn with_values<T>(
    lua: &Lua,
    values: impl IntoLuaMulti,
    act: impl FnOnce(&mut Stack) -> T,
) -> Result<(T, MultiValue)> {
    let mut result = None;
    // SAFETY: whatever the closure leaves on the stack is taken as its results.
    let left = unsafe { lua.exec_raw(values, |state| result = Some(act(&mut Stack(state)))) }?;
    let result = result.ok_or_else(|| mlua::Error::runtime("nothing was done"))?;
    Ok((result, left))
}

/// Keeps a function for [`Stack::call`].
pub(crate) fn keep(lua: &Lua, function: &Function) -> Result<Kept> {
    let mut kept = Kept(ffi::LUA_NOREF);
    // SAFETY: the one argument is at index 1, and stays there.
    unsafe {
        lua.exec_raw::<MultiValue>(function, |state| kept = Kept(ffi::lua_ref(state, 1)))?;
    }
    Ok(kept)
}
