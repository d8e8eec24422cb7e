-- A spawn that cannot be: refused at once, never by an EXIT.

--# **Spawn fails synchronously** (never as an EXIT): fewer than two arguments
--# unknown entry, unknown host, entry that is no process
--: title refused before anything is started
return function()
  local events = process.events()
  for _, spawn in { process.spawn, process.spawn_monitored, process.spawn_linked, process.spawn_linked_monitored } do
    local function refused(kind, ...)
      local pid, err = spawn(...)
      assert(pid == nil and err:kind() == kind, tostring(err))
      return tostring(err)
    end
    refused("Invalid")
    refused("Invalid", "app:child")
    assert(string.find(refused("NotFound", "app:nothing", "app:processes"), "app:nothing", 1, true))
    assert(string.find(refused("NotFound", "app:child", "app:nowhere"), "app:nowhere", 1, true))
    assert(string.find(refused("Invalid", "app:util", "app:processes"), "app:util", 1, true))
    assert(string.find(refused("Invalid", "app:processes", "app:processes"), "app:processes", 1, true))
    refused("NotFound", "app:child", "app:child")
  end
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(events:receive().from == pid, "nothing came before the first child that began")
end
--@ child
return function() end
--@ lib:util
return {}

--# at `max_processes`
--: title a full host refuses until one of its processes has ended
return function()
  local events = process.events()
  local first = assert(process.spawn_monitored("app:child", "app:small"))
  assert(process.spawn("app:child", "app:small"))
  local third, err = process.spawn_linked_monitored("app:child", "app:small")
  assert(third == nil and err:kind() == errors.RATE_LIMITED, tostring(err))
  assert(process.spawn("app:child", "app:processes"), "other hosts have room")
  assert(process.send(first, "end"))
  assert(events:receive().from == first, "the refused one caused no event")
  assert(process.spawn("app:child", "app:small"))
end
--@ child
return function() process.listen("end"):receive() end
--@ entries
- name: small
  kind: process.host
  host: {max_processes: 2}

--# script that does not compile
return function()
  local events = process.events()
  local pid, err = process.spawn_monitored("app:broken", "app:processes")
  assert(pid == nil and err:kind() == errors.INVALID, tostring(err))
  assert(string.find(tostring(err), "broken.lua:2", 1, true), tostring(err))
  local good = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(events:receive().from == good)
end
--@ broken
local fine = 1
local = 2
return function() end
--@ child
return function() end

--# top level that raises
return function()
  local events = process.events()
  local pid, err = process.spawn_monitored("app:raises", "app:processes")
  assert(pid == nil, "it must not begin")
  assert(string.find(tostring(err), "no good start", 1, true), tostring(err))
  assert(string.find(tostring(err), "raises.lua:2", 1, true), tostring(err))
  local other
  other, err = process.spawn_linked("app:uses", "app:processes")
  assert(other == nil and string.find(tostring(err), "no good library", 1, true), tostring(err))
  local good = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(events:receive().from == good)
end
--@ raises
local function start()
  error("no good start")
end
start()
return function() end
--@ file:uses.lua
local bad = require("bad")
return function() end
--@ file:bad.lua
error("no good library")
--@ entries
- name: uses
  kind: process.lua
  source: file://uses.lua
  imports: {bad: app:bad}
- name: bad
  kind: library.lua
  source: file://bad.lua
--@ child
return function() end

--# method missing.
return function()
  for _, entry in { "app:empty", "app:nothing", "app:number", "app:misnamed", "app:nofunction" } do
    local pid, err = process.spawn(entry, "app:processes")
    assert(pid == nil and err:kind() == errors.INVALID, entry .. ": " .. tostring(err))
  end
  local _, err = process.spawn("app:misnamed", "app:processes")
  assert(string.find(tostring(err), "main", 1, true), "it names the method: " .. tostring(err))
end
--@ empty
return {}
--@ nothing
local a = 1
--@ number
return 42
--@ misnamed
return { run = function() end }
--@ nofunction
return { main = "text" }

--# script that does not compile
--: title a main that does not compile ends the run
--: exit 2
--: stderr-has main.lua
return function( end

--# method missing.
--: title a main without its method ends the run
--: exit 2
--: stderr-has main
return { run = function() end }

--# A function, coroutine, channel or other userdata fails with Invalid naming the place
--: title arguments of a spawn travel as messages do
return function()
  local pid, err = process.spawn("app:child", "app:processes", { f = print })
  assert(pid == nil and err:kind() == errors.INVALID, tostring(err))
  assert(string.find(tostring(err), "f is a function", 1, true), tostring(err))
end
--@ child
return function() end

--# Several spawns may be under way at once from different coroutines.
return function()
  local spawned, hello = channel.new(), process.listen("hello")
  for i = 1, 20 do
    coroutine.spawn(function()
      local pid, err = process.spawn("app:child", "app:processes", process.pid(), i)
      spawned:send({ i = i, pid = pid, err = err })
    end)
  end
  local pids, count = {}, 0
  for _ = 1, 20 do
    local one = spawned:receive()
    assert(one.pid, tostring(one.err))
    pids[one.i] = one.pid
  end
  for _ = 1, 20 do
    local message = hello:receive()
    assert(pids[message.i] == message.pid, "each coroutine got the PID of its own child")
    count += 1
  end
  assert(count == 20)
end
--@ child
return function(parent, i) process.send(parent, "hello", { i = i, pid = process.pid() }) end

--# Several spawns may be under way at once from different coroutines.
--: title a failing spawn disturbs no other under way
return function()
  local results = channel.new()
  for i = 1, 10 do
    coroutine.spawn(function()
      local entry = if i % 2 == 0 then "app:child" else "app:raises"
      local pid, err = process.spawn(entry, "app:processes")
      results:send({ good = i % 2 == 0, pid = pid, err = err })
    end)
  end
  for _ = 1, 10 do
    local result = results:receive()
    assert((result.pid ~= nil) == result.good, tostring(result.err))
  end
end
--@ child
return function() end
--@ raises
error("no")

--# **Spawn fails synchronously** (never as an EXIT)
--: title also where the child has linked and monitored itself to its spawner
return function()
  process.registry.register("parent")
  local pid, err = process.spawn("app:child", "app:processes")
  assert(pid == nil and string.find(err, "on purpose", 1, true), tostring(err))
  local event = channel.select({ process.events():case_receive(), time.after("50ms"):case_receive() })
  assert(event.channel ~= process.events())
end
--@ child
assert(process.link((process.registry.lookup("parent"))))
error("on purpose")
