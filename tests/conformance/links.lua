-- Links, and the order of what happens at an end.

--# `link(dest)` | `true`; symmetric, idempotent; to self: `true`, no effect
--: title a link is symmetric
return function()
  local events = process.events()
  assert(process.set_options({ trap_links = true }))
  local pid = assert(process.spawn("app:child", "app:processes"))
  assert(process.link(pid) == true)
  assert(process.send(pid, "fail"))
  local event = events:receive()
  assert(event.kind == process.event.LINK_DOWN and event.from == pid, "the one who linked is told")
  local listening = process.listen("linked")
  pid = assert(process.spawn("app:linker", "app:processes", process.pid()))
  assert(listening:receive() == true)
  assert(process.send(pid, "fail"))
  event = events:receive()
  assert(event.kind == process.event.LINK_DOWN and event.from == pid, "the one who was linked is told")
end
--@ child
return function()
  process.listen("fail"):receive()
  error("fails")
end
--@ linker
return function(parent)
  local fail = process.listen("fail")
  process.send(parent, "linked", (process.link(parent)))
  fail:receive()
  error("fails")
end

--# `link(dest)` | `true`; symmetric, idempotent; to self: `true`, no effect
--: title linking twice is linking once, and oneself not at all
return function()
  local events = process.events()
  assert(process.set_options({ trap_links = true }))
  assert(process.link(process.pid()) == true)
  local pid = assert(process.spawn_linked("app:child", "app:processes"))
  assert(process.link(pid) == true)
  assert(process.link(pid) == true)
  assert(process.send(pid, "fail"))
  assert(events:receive().from == pid)
  local last = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(process.send(last, "fail"))
  local event = events:receive()
  assert(event.kind == process.event.EXIT and event.from == last, "one LINK_DOWN only")
end
--@ child
return function()
  process.listen("fail"):receive()
  error("fails")
end

--# `link(dest)` | `true`; symmetric, idempotent; to self: `true`, no effect | dead or unknown: NotFound
--: title linking to the dead
return function()
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(process.events():receive().from == pid)
  local ok, err = process.link(pid)
  assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
  ok, err = process.link("nobody")
  assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
end
--@ child
return function() end

--# 1. The PID and its names stop resolving.
--# 2. EXIT to each monitor.
--# So whoever has seen the EXIT can no longer send to that PID, and can register its name.
return function()
  local events, registry = process.events(), process.registry
  for i = 1, 20 do
    local pid = assert(process.spawn_monitored("app:child", "app:processes", i))
    local event = events:receive()
    assert(event.from == pid and event.result == i)
    assert(process.send(pid, "topic") == nil, "the PID is gone")
    assert(process.monitor(pid) == nil)
    assert(registry.lookup("name") == nil, "the name is gone")
    assert(process.send("name", "topic") == nil)
    assert(registry.register("name"), "the name is free")
    assert(registry.unregister("name"))
  end
end
--@ child
return function(i)
  assert(process.registry.register("name"))
  return i
end

--# 3. LINK_DOWN to each linked process, only where the end was abnormal
--: title EXIT comes before LINK_DOWN, and a normal end is no LINK_DOWN
return function()
  local events = process.events()
  assert(process.set_options({ trap_links = true }))
  local good = assert(process.spawn_linked_monitored("app:child", "app:processes"))
  assert(process.send(good, "end"))
  local event = events:receive()
  assert(event.kind == process.event.EXIT and event.from == good)
  local bad = assert(process.spawn_linked_monitored("app:child", "app:processes"))
  assert(process.send(bad, "end", "badly"))
  event = events:receive()
  assert(event.kind == process.event.EXIT and event.from == bad, event.kind)
  event = events:receive()
  assert(event.kind == process.event.LINK_DOWN and event.from == bad, event.kind)
end
--@ child
return function() return nil, (process.listen("end"):receive()) end

--# one without trap_links ends too (error "linked process failed: …" naming the first cause), and so on along the links
--# its own monitors see that cause, not the bare signal used to end it.
--: title a chain of links carries the first cause
return function()
  local events, ready = process.events(), process.listen("ready")
  assert(process.spawn("app:link", "app:processes", process.pid(), 5))
  local names = {}
  for _ = 1, 5 do
    local pid = ready:receive()
    assert(process.monitor(pid))
    names[pid] = true
  end
  assert(process.send("last", "fail"))
  for _ = 1, 5 do
    local event = events:receive()
    assert(names[event.from], "each end is told once")
    names[event.from] = nil
    assert(string.find(event.error, "the first cause", 1, true), tostring(event.error))
    if event.exit.kind ~= "error" then
      assert(event.exit.kind == "link", event.exit.kind)
      local _, times = string.gsub(tostring(event.error), "linked process failed: ", "")
      assert(times == 1, tostring(event.error))
      assert(string.find(event.error, "^linked process failed: "), tostring(event.error))
    end
  end
end
--@ link
return function(main, n)
  local fail = process.listen("fail")
  if n > 1 then
    assert(process.spawn_linked("app:link", "app:processes", main, n - 1))
  else
    assert(process.registry.register("last"))
  end
  process.send(main, "ready", process.pid())
  fail:receive()
  return nil, "the first cause"
end

--# A normal end leaves linked processes alone.
return function()
  local events = process.events()
  for _ = 1, 5 do
    local pid = assert(process.spawn_linked_monitored("app:child", "app:processes"))
    assert(events:receive().from == pid)
  end
  time.sleep("1ms")
  print("alive")
end
--@ child
return function() return "fine" end
--@ stdout
-- alive

--# one without trap_links ends too (error "linked process failed: …" naming the first cause)
--: title a main that is linked to a failing process fails
--: exit 1
--: stderr-has linked process failed: child failed
return function()
  assert(process.spawn_linked("app:child", "app:processes"))
  process.inbox():receive()
end
--@ child
return function() return nil, "child failed" end

--# `unmonitor(dest)`, `unlink(dest)` | `true`, also when there was no tie | `nil, err` only where a name does not resolve
--: title unlink undoes a link, from either side
return function()
  local events, told = process.events(), process.listen("told")
  local pid = assert(process.spawn_linked_monitored("app:child", "app:processes", process.pid()))
  assert(process.unlink(pid) == true)
  assert(process.unlink(pid) == true, "also when there was no tie")
  assert(process.unlink(process.pid()) == true)
  assert(process.send(pid, "fail"))
  assert(events:receive().error ~= nil)
  assert(process.unlink(pid) == true, "also when it is dead")
  pid = assert(process.spawn_linked_monitored("app:child", "app:processes", process.pid()))
  assert(process.send(pid, "unlink"))
  assert(told:receive() == true)
  assert(process.send(pid, "fail"))
  assert(events:receive().error ~= nil)
  local ok, err = process.unlink("nobody")
  assert(ok == nil and err:kind() == errors.NOT_FOUND)
end
--@ child
return function(parent)
  local unlink, fail = process.listen("unlink"), process.listen("fail")
  local result = channel.select({ unlink:case_receive(), fail:case_receive() })
  if result.channel == unlink then
    process.send(parent, "told", (process.unlink(parent)))
    fail:receive()
  end
  error("fails")
end

--# **Nothing Lua does can block this**
--: title a loop, a busy library call and a busy pcall are ended
return function()
  local events, ready = process.events(), process.listen("ready")
  for _, how in { "loop", "pattern", "pcall" } do
    for _, by in { "terminate", "deadline", "link" } do
      local pid = assert(process.spawn_monitored("app:child", "app:processes", process.pid(), how))
      assert(ready:receive() == how)
      if by == "terminate" then
        assert(process.terminate(pid))
      elseif by == "deadline" then
        assert(process.cancel(pid, "10ms"))
      else
        assert(process.spawn("app:fails", "app:processes", pid))
      end
      local event = events:receive()
      assert(event.from == pid)
      assert(event.exit.kind == if by == "link" then "link" else "terminated", how .. " by " .. by)
    end
  end
end
--@ child
return function(parent, how)
  process.send(parent, "ready", how)
  if how == "pattern" then
    local text = string.rep("a", 300)
    while true do
      string.find(text, string.rep("a*", 100) .. "b")
    end
  end
  while true do
    if how == "pcall" then
      pcall(function()
        while true do
        end
      end)
    end
  end
end
--@ fails
return function(pid)
  assert(process.link(pid))
  error("fails")
end
