-- Conventions: how calls fail, what an Error is, which globals and modules there are.
-- The form of these files is described in tests/src/case.rs.

--# Every other failure returns `nil, err`.
return function()
  for name, call in {
    lookup = function() return process.registry.lookup("nobody") end,
    send = function() return process.send("nobody", "topic") end,
    spawn = function() return process.spawn("app:nothing", "app:processes") end,
    terminate = function() return process.terminate("nobody") end,
    sleep = function() return time.sleep("soon") end,
  } do
    local value, err = call()
    assert(value == nil, name)
    assert(err ~= nil and err:kind() ~= "", name)
  end
end

--# `err` is an Error object: `tostring(err)` is its message, `..` works on both sides, and it has `:message()`, `:kind()`, `:retryable()`, `:details()`, `:stack()`.
return function()
  local _, err = process.send("nobody", "topic")
  local text = "could not resolve 'nobody' as PID or registered name"
  assert(tostring(err) == text, tostring(err))
  assert(err .. "!" == text .. "!")
  assert("why: " .. err == "why: " .. text)
  assert("[" .. err .. "]" == "[" .. text .. "]")
  assert(err:message() == text)
  assert(err:kind() == "NotFound")
  assert(err:retryable() == nil, "nobody knows")
  assert(err:details() == nil)
  assert(string.find(err:stack(), "main.lua:%d+"), err:stack())
  local other = errors.new({ message = "other", retryable = true, details = { n = 1 } })
  assert(err .. other == text .. "other")
  assert(other:retryable() == true and other:details().n == 1)
  local _, never = time.sleep("soon")
  assert(never:retryable() == false, "what is no duration will be none")
end

--# The string library accepts an Error where it expects a string (`string.find(err, "not found")` works).
return function()
  local err = errors.new("process not found")
  local first, last = string.find(err, "not found")
  assert(first == 9 and last == 17, tostring(first))
  assert(string.match(err, "^(%a+)") == "process")
  assert(string.sub(err, 1, 7) == "process")
  assert(string.upper(err) == "PROCESS NOT FOUND")
  assert(string.len(err) == 17)
  assert(string.gsub(err, "not ", "") == "process found")
  assert(string.format("<%s>", err) == "<process not found>")
  assert(string.find("the process not found here", err, 1, true) == 5)
  assert(string.gsub("why?", "why", err) == "process not found?")
  assert(string.rep(err, 2) == "process not foundprocess not found")
  assert(string.pack("s1", err) == "\17process not found")
  assert(string.format("%s: %d", err, 5) == "process not found: 5" and string.format(err) == "process not found")
end

--# The string library accepts an Error where it expects a string (`string.find(err, "not found")` works).
--: title what it raises names the line of the script
return function()
  local function line()
    return string.match(debug.traceback("", 2), "main%.lua:%d+")
  end
  local function says(expected, place, fn)
    local ok, text = pcall(fn)
    assert(not ok and text == `{place}: {expected}`, tostring(text))
  end
  says("missing argument #2 to 'rep' (number expected)", line(), function() return string.rep("x") end)
  says("invalid argument #1 to 'rep' (string expected, got nil)", line(), function() return string.rep(nil, 3) end)
  says("invalid argument #2 to 'rep' (number expected, got string)", line(), function() return ("x"):rep("y") end)
  says("unfinished capture", line(), function() return string.find("a", "(") end)
  says("invalid argument #2 to 'format' (number expected, got nil)", line(), function() return string.format("%d", nil) end)
  says("invalid argument #1 to 'upper' (string expected, got Location)", line(), function() return string.upper(time.utc) end)
  -- What a callback raises is the callback's.
  local value = {}
  local ok, err = pcall(string.gsub, "a", "a", function() error(value) end)
  assert(not ok and err == value)
  ok, err = pcall(string.gsub, "a", "a", function() error(errors.new("mine")) end)
  assert(not ok and err:message() == "mine")
  says("mine", line(), function() return string.gsub("a", "a", function() error("mine") end) end)
end

--# `error("text")` inside `pcall` gives the text as in plain Luau; an Error that is raised comes back as itself.
--: title a handler that is debug.traceback shows an Error as its text
return function()
  local function trace(raised)
    local ok, text = xpcall(function() error(raised, 0) end, debug.traceback)
    assert(not ok and type(text) == "string")
    local first, rest = string.match(text, "^([^\n]*)\n(.*)$")
    assert(string.find(rest, "main.lua:%d+"), text)
    return first
  end
  assert(trace("a text") == "a text")
  assert(trace(errors.wrap("inner", "outer")) == "outer: inner")
  assert(string.match(debug.traceback(errors.new("here")), "^here\nmain%.lua:%d+"))
  local co = coroutine.create(function() coroutine.yield() end)
  coroutine.resume(co)
  assert(string.find(debug.traceback(co, errors.new("there")), "^there\nmain%.lua:%d+"))
  assert(string.find(debug.traceback(co), "^main%.lua:%d+"))
  local ok, err = pcall(debug.traceback, {})
  assert(not ok and string.find(err, "string expected, got table"), err)
end

--# Kinds: `NotFound AlreadyExists Invalid PermissionDenied Unavailable Internal Canceled Conflict Timeout RateLimited`, and `""` for unknown
--# also as `errors.NOT_FOUND` and so on.
return function()
  for name, kind in {
    NOT_FOUND = "NotFound",
    ALREADY_EXISTS = "AlreadyExists",
    INVALID = "Invalid",
    PERMISSION_DENIED = "PermissionDenied",
    UNAVAILABLE = "Unavailable",
    INTERNAL = "Internal",
    CANCELED = "Canceled",
    CONFLICT = "Conflict",
    TIMEOUT = "Timeout",
    RATE_LIMITED = "RateLimited",
  } do
    assert(errors[name] == kind, name .. " is " .. tostring(errors[name]))
    assert(errors.new({ message = "x", kind = kind }):kind() == kind)
  end
  assert(errors.new("x"):kind() == "")
end

--# Language: Luau, with its typed syntax.
--: title typed Luau
type Point = { x: number, y: number? }
local function sum(p: Point): number
  return p.x + (p.y or 0)
end
local function each<T>(list: { T }, f: (T) -> ()): ()
  for _, item in list do
    f(item)
  end
end
return function(...: any): ()
  local total: number = sum({ x = 1, y = 2 }) :: number
  each({ 1, 2 }, function(n: number)
    if n == 2 then
      return
    end
    total += n
  end)
  local word = if total == 4 then `four {total}` else "other"
  assert(word == "four 4")
  assert(7 // 2 == 3)
  for i = 1, 3 do
    if i == 2 then
      continue
    end
    assert(i ~= 2)
  end
end

--# `process`, `channel`, `time`, `errors`, `payload`, `json`, `coroutine`, `print`, `os.time/date/clock` and the safe standard library are globals
--: title globals
return function()
  for _, module in { process, channel, time, errors, payload, coroutine, os } do
    assert(type(module) == "table", type(module))
  end
  assert(type(print) == "function" and type(coroutine.spawn) == "function")
  assert(type(os.time()) == "number" and type(os.clock()) == "number")
  assert(os.date("!%Y", 0) == "1970")
  for _, library in { string, table, math, bit32, utf8, buffer } do
    assert(type(library) == "table")
  end
  for _, f in { pcall, xpcall, error, assert, type, tostring, tonumber, select, next, pairs, ipairs, setmetatable, unpack } do
    assert(type(f) == "function")
  end
  for name in { io = io, package = package, dofile = dofile, loadfile = loadfile, loadstring = loadstring } do
    error(name .. " must not exist")
  end
  for _, name in { "execute", "exit", "getenv", "remove", "rename", "tmpname" } do
    assert((os :: any)[name] == nil, "os." .. name .. " must not exist")
  end
end

--# `print`
--: title print of the main process is bare, that of others carries a prefix
return function()
  print("one", 2, nil, true)
  local child = process.spawn_monitored("app:child", "app:processes")
  local event = process.events():receive()
  assert(event.from == child)
  print("three")
end
--@ child
return function()
  print("from", "the child")
end
--@ stdout
-- one	2	nil	true
-- [<*>] from	the child
-- three

--# `require("time")` gives the same module.
return function()
  assert(require("time") == time)
  assert(require("process") == process)
  assert(require("channel") == channel)
  assert(require("errors") == errors)
  assert(require("payload") == payload)
end

--# Each name under a manifest entry's `modules:` and `imports:` can be required and is a global too.
return function()
  assert(require("util") == util, "the same table both ways")
  assert(util.twice(4) == 8)
  assert(tick.name == "util", "an alias other than the entry's name")
  assert(require("tick") == tick)
  assert(require("time") == time)
end
--@ lib:util
return { name = "util", twice = function(n) return 2 * n end }
--@ manifest
--[[
namespace: app
entries:
  - name: processes
    kind: process.host
  - name: main
    kind: process.lua
    source: file://main.lua
    modules: [time]
    imports: {util: app:util, tick: app:util}
  - name: util
    kind: library.lua
    source: file://util.lua
]]

--# `require` of an unknown name raises `module 'x' not found`; nothing is ever looked up in a file system.
return function()
  for _, name in { "x", "./x", "x.lua", "@self/x", "app:x", "io", "" } do
    local ok, err = pcall(require, name)
    assert(not ok, "require found " .. name)
    assert(string.find(tostring(err), "module '" .. name .. "' not found", 1, true), tostring(err))
  end
end
--@ file:x.lua
return { found = true }

--# `require` of an unknown name raises `module 'x' not found`; nothing is ever looked up in a file system.
--: title what an entry does not name it cannot require
return function()
  for _, name in { "theirs", "util", "app:util", "util.lua" } do
    local ok, err = pcall(require, name)
    assert(not ok and string.find(tostring(err), "module '" .. name .. "' not found", 1, true), tostring(err))
  end
  local events = process.events()
  assert(process.spawn_monitored("app:other", "app:processes"))
  assert(events:receive().result == "found", "an entry that names it has it")
end
--@ file:util.lua
return { word = "found" }
--@ file:other.lua
return function() return require("theirs").word end
--@ entries
--[[
- {name: util, kind: library.lua, source: 'file://util.lua'}
- {name: other, kind: process.lua, source: 'file://other.lua', imports: {theirs: 'app:util'}}
]]

--# `string(x)`, `number(x)`, `integer(x)`, `boolean(x)` are casts that return the value converted, or raise.
return function()
  assert(string(12) == "12" and string(true) == "true" and string("a") == "a")
  assert(string(errors.new("why")) == "why")
  assert(number("1.5") == 1.5 and number(2) == 2)
  assert(integer("7") == 7 and integer(3) == 3)
  assert(boolean(true) == true and boolean(false) == false)
  assert(integer("7.9") == 7 and integer(-7.9) == -7)
  assert(boolean("true") == true and boolean("false") == false and boolean(nil) == false)
  for _, wrong in { "x", {}, "", print } do
    for name, cast in { number = number, integer = integer, boolean = boolean } do
      assert(not pcall(cast, wrong), `{name} took {tostring(wrong)}`)
    end
  end
  assert(not pcall(number) and not pcall(integer, 0 / 0) and not pcall(integer, math.huge))
  for _, wrong in { 0, 1, "TRUE", "yes", "1" } do
    local ok, err = pcall(function() return boolean(wrong) end)
    local text = `cannot convert {type(wrong)} '{wrong}' to a boolean`
    assert(not ok and string.find(err, text, 1, true), tostring(err))
  end
  assert(string.rep("a", 3) == "aaa", "the library is still there")
end

--# A script returns a table whose field named by `method:` (default `main`) is the process's body
--: title method names the body
local function run(...)
  assert(process.id() == "app:main")
end
return { run = run, main = function() error("the wrong body") end }
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
    method: run
  - name: processes
    kind: process.host
]]

--# (default `main`)
return { main = function() print("default") end, run = function() error("the wrong body") end }
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
  - name: processes
    kind: process.host
]]
--@ stdout
-- default

--# or returns the function itself.
return function() print("itself") end
--@ stdout
-- itself
