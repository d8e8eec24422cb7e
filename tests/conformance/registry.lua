-- Names.

--# `register(name, pid?)` → `true` | AlreadyExists "name already registered" (the same PID again is fine), NotFound for a dead PID
--# `lookup(name)` → PID | `nil, err` NotFound.
return function()
  local registry, me = process.registry, process.pid()
  assert(registry.register("me") == true)
  assert(registry.lookup("me") == me)
  assert(registry.register("me") == true, "the same PID again is fine")
  assert(registry.register("me", me) == true)
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(registry.register("child", pid) == true)
  assert(registry.lookup("child") == pid)
  local ok, err = registry.register("me", pid)
  assert(ok == nil and err:kind() == errors.ALREADY_EXISTS, tostring(err))
  assert(err:message() == "name already registered", tostring(err))
  assert(registry.lookup("me") == me)
  assert(process.send("child", "end"))
  process.events():receive()
  ok, err = registry.register("other", pid)
  assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
  ok, err = registry.lookup("other")
  assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
end
--@ child
return function() process.listen("end"):receive() end

--# AlreadyExists "name already registered"
--: title of many who want a name one gets it
return function()
  local told, got = process.listen("told"), 0
  for _ = 1, 10 do
    assert(process.spawn("app:child", "app:processes", process.pid()))
  end
  local winner
  for _ = 1, 10 do
    local result = told:receive()
    if result.ok then
      got += 1
      winner = result.pid
    else
      assert(result.kind == errors.ALREADY_EXISTS and result.text == "name already registered")
    end
  end
  assert(got == 1 and process.registry.lookup("wanted") == winner)
end
--@ child
return function(parent)
  local ok, err = process.registry.register("wanted")
  process.send(parent, "told", {
    ok = ok == true,
    pid = process.pid(),
    kind = if err then err:kind() else nil,
    text = if err then tostring(err) else nil,
  })
  process.inbox():receive()
end

--# `unregister(name)` → `true`, or `false` where it was not registered or belongs to another.
return function()
  local registry, told = process.registry, process.listen("told")
  assert(registry.unregister("mine") == false)
  assert(registry.register("mine"))
  assert(process.spawn("app:child", "app:processes", process.pid()))
  assert(told:receive() == false, "it belongs to another")
  assert(registry.lookup("mine") == process.pid())
  assert(registry.unregister("mine") == true)
  assert(registry.unregister("mine") == false)
  assert(registry.lookup("mine") == nil)
  local ok, err = process.send("mine", "topic")
  assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
end
--@ child
return function(parent)
  process.send(parent, "told", (process.registry.unregister("mine")))
end

--# Several names per process; all are released when it ends, before its EXIT is seen.
return function()
  local registry, events = process.registry, process.events()
  local pid = assert(process.spawn_monitored("app:child", "app:processes", process.pid()))
  assert(process.listen("ready"):receive())
  for i = 1, 10 do
    assert(registry.lookup("name" .. i) == pid)
  end
  assert(process.terminate(pid))
  assert(events:receive().from == pid)
  for i = 1, 10 do
    local found, err = registry.lookup("name" .. i)
    assert(found == nil and err:kind() == errors.NOT_FOUND)
    assert(registry.register("name" .. i))
  end
end
--@ child
return function(parent)
  for i = 1, 10 do
    assert(process.registry.register("name" .. i))
  end
  process.send(parent, "ready", true)
  process.inbox():receive()
end

--# Several names per process
--: title a name that moved leads to its new owner
return function()
  local registry, events, told = process.registry, process.events(), process.listen("told")
  for i = 1, 5 do
    local pid = assert(process.spawn_monitored("app:child", "app:processes", process.pid()))
    assert(told:receive() == pid)
    assert(process.send("server", "who"))
    assert(told:receive() == pid, "round " .. i)
    assert(process.send("server", "end"))
    assert(events:receive().from == pid)
  end
end
--@ child
return function(parent)
  assert(process.registry.register("server"))
  process.send(parent, "told", process.pid())
  process.listen("who"):receive()
  process.send(parent, "told", process.pid())
  process.listen("end"):receive()
end
