-- Who a process is, and how further ones begin.

--# `pid()` | own PID string, stable
return function()
  local pid = process.pid()
  assert(type(pid) == "string")
  time.sleep("1ms")
  assert(process.pid() == pid)
  local inside = channel.new(1)
  coroutine.spawn(function() inside:send(process.pid()) end)
  assert(inside:receive() == pid)
end

--# `id()` | own entry, `"ns:name"`
return function()
  assert(process.id() == "app:main")
  local ids = process.listen("id")
  assert(process.spawn("app:child", "app:processes", process.pid()))
  assert(ids:receive() == "app:child")
end
--@ child
return function(parent) process.send(parent, "id", process.id()) end

--# `spawn(entry, host, ...)` | PID string of the new process
return function()
  local hello = process.listen("hello")
  local pid, err = process.spawn("app:child", "app:processes", process.pid(), 1, nil, "three", { 4 }, nil)
  assert(type(pid) == "string", tostring(err))
  local got = hello:receive()
  assert(got.pid == pid, "the child is who spawn said")
  assert(got.pid ~= process.pid())
  assert(got.count == 6, "trailing nil arguments count: " .. tostring(got.count))
  assert(got.a == 1 and got.b == nil and got.c == "three" and got.d[1] == 4)
end
--@ child
return function(...)
  local parent, a, b, c, d = ...
  process.send(parent, "hello", { pid = process.pid(), count = select("#", ...), a = a, b = b, c = c, d = d })
end

--# as spawn; the tie exists before the child's first instruction
--: title spawn_monitored sees even the shortest life
return function()
  local events = process.events()
  for i = 1, 20 do
    local pid = assert(process.spawn_monitored("app:child", "app:processes", i))
    local event = events:receive()
    assert(event.kind == process.event.EXIT and event.from == pid and event.result == i)
  end
end
--@ child
return function(i) return i end

--# as spawn; the tie exists before the child's first instruction
--: title spawn_linked sees even the shortest life
return function()
  local events = process.events()
  assert(process.set_options({ trap_links = true }))
  for i = 1, 20 do
    local pid = assert(process.spawn_linked("app:child", "app:processes", i))
    local event = events:receive()
    assert(event.kind == process.event.LINK_DOWN and event.from == pid)
    assert(tostring(event.error) == "no " .. i, tostring(event.error))
  end
end
--@ child
return function(i) return nil, "no " .. i end

--# `spawn_monitored`, `spawn_linked`, `spawn_linked_monitored`
--: title spawn_linked_monitored makes both ties, monitor first
return function()
  local events = process.events()
  assert(process.set_options({ trap_links = true }))
  local pid = assert(process.spawn_linked_monitored("app:child", "app:processes"))
  local first, second = events:receive(), events:receive()
  assert(first.kind == process.event.EXIT and first.from == pid, first.kind)
  assert(second.kind == process.event.LINK_DOWN and second.from == pid, second.kind)
end
--@ child
return function() error("both") end

--# `spawn_monitored`, `spawn_linked`, `spawn_linked_monitored`
--: title the tied spawns pass arguments as spawn does
return function()
  local got = process.listen("got")
  for _, spawn in { process.spawn, process.spawn_monitored, process.spawn_linked, process.spawn_linked_monitored } do
    local pid = assert(spawn("app:child", "app:processes", process.pid(), "x", 2))
    local args = got:receive()
    assert(args[1] == "x" and args[2] == 2 and args[3] == pid)
  end
end
--@ child
return function(parent, a, b) process.send(parent, "got", a, b, process.pid()) end

--# A string, opaque to scripts: `{app:processes|0x0001f-4c1d9a…}`
--: title a PID has its host, a counter and a tag
return function()
  local seen = {}
  for _ = 1, 10 do
    local pid = assert(process.spawn("app:child", "app:processes"))
    local number, tag = string.match(pid, "^{app:processes|0x(%x+)%-(%x+)}$")
    assert(number and #tag >= 16, pid)
    assert(not seen[number] and not seen[tag], "used twice: " .. pid)
    seen[number], seen[tag] = true, true
  end
end
--@ child
return function() end

--# host, counter (never reused while the node lives), and an unguessable tag.
--: title the counter is not used again after an end
return function()
  local events, seen = process.events(), {}
  for _ = 1, 10 do
    local pid = assert(process.spawn_monitored("app:child", "app:other"))
    assert(events:receive().from == pid)
    local number = string.match(pid, "^{app:other|0x(%x+)%-%x+}$")
    assert(number and not seen[number], pid)
    seen[number] = true
  end
end
--@ entries
- name: other
  kind: process.host
--@ child
return function() end

--# A script can reach only whom it was told of: a PID with a wrong tag resolves to nothing.
return function()
  local pid = assert(process.spawn("app:child", "app:processes"))
  local last = string.sub(pid, -2, -2)
  local wrong = string.sub(pid, 1, -3) .. (if last == "0" then "1" else "0") .. "}"
  for name, call in {
    send = function(to) return process.send(to, "topic") end,
    monitor = process.monitor,
    link = process.link,
    cancel = process.cancel,
    terminate = process.terminate,
    register = function(to) return process.registry.register("name", to) end,
  } do
    local ok, err = call(wrong)
    assert(not ok and err:kind() == errors.NOT_FOUND, name .. ": " .. tostring(err))
  end
  assert(process.send(pid, "topic"), "the true one still lives")
end
--@ child
return function() process.inbox():receive() end

--# One that is neither: NotFound ``could not resolve 'X' as PID or registered name``.
--# `dest` is a PID string or a registered name.
return function()
  for name, call in {
    send = function(to) return process.send(to, "topic") end,
    monitor = process.monitor,
    unmonitor = process.unmonitor,
    link = process.link,
    unlink = process.unlink,
    cancel = process.cancel,
    terminate = process.terminate,
  } do
    for _, to in { "nobody", "app:main", "0x1", "{x", "" } do
      local ok, err = call(to)
      assert(ok == nil, name)
      assert(err:kind() == errors.NOT_FOUND, name .. " " .. to .. ": " .. err:kind())
      assert(err:message() == "could not resolve '" .. to .. "' as PID or registered name", tostring(err))
    end
  end
end

--# `dest` is a PID string or a registered name.
--: title every call takes a name
return function()
  local events = process.events()
  local pid = assert(process.spawn("app:child", "app:processes"))
  assert(process.registry.register("child", pid))
  assert(process.monitor("child"))
  assert(process.unmonitor("child"))
  assert(process.link("child"))
  assert(process.unlink("child"))
  assert(process.monitor("child"))
  assert(process.cancel("child", "by name"))
  assert(process.send("child", "end"))
  local event = events:receive()
  assert(event.from == pid and event.result == "by name", tostring(event.error))
end
--@ child
return function()
  local event = process.events():receive()
  process.listen("end"):receive()
  return event.reason
end
