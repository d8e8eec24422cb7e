-- Monitors, cancel, terminate and options.

--# `monitor(dest)` | `true` | dead or unknown: NotFound; twice: AlreadyExists
return function()
  local events = process.events()
  local pid = assert(process.spawn("app:child", "app:processes"))
  assert(process.monitor(pid) == true)
  local ok, err = process.monitor(pid)
  assert(ok == nil and err:kind() == errors.ALREADY_EXISTS, tostring(err))
  assert(process.send(pid, "end"))
  local event = events:receive()
  assert(event.kind == process.event.EXIT and event.from == pid and event.result == "ended")
  ok, err = process.monitor(pid)
  assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
  ok, err = process.monitor("nobody")
  assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
  local tied = assert(process.spawn_monitored("app:child", "app:processes"))
  ok, err = process.monitor(tied)
  assert(ok == nil and err:kind() == errors.ALREADY_EXISTS, "spawn_monitored is a monitor, too")
end
--@ child
return function()
  process.listen("end"):receive()
  return "ended"
end

--# `unmonitor(dest)`, `unlink(dest)` | `true`, also when there was no tie | `nil, err` only where a name does not resolve
--: title unmonitor undoes a monitor
return function()
  local events, told = process.events(), process.listen("told")
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(process.spawn("app:watcher", "app:processes", process.pid(), pid))
  assert(told:receive() == "watching")
  assert(process.unmonitor(pid) == true)
  assert(process.unmonitor(pid) == true, "also when there was no tie")
  assert(process.send(pid, "end"))
  assert(told:receive() == "ended")
  local result = channel.select({ events:case_receive(), default = true })
  assert(result.default, "no EXIT although another watcher has its own")
  assert(process.unmonitor(pid) == true, "also when it is dead")
  local ok, err = process.unmonitor("nobody")
  assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
  pid = assert(process.spawn("app:child", "app:processes"))
  assert(process.monitor(pid) and process.unmonitor(pid) and process.monitor(pid), "and again")
  assert(process.send(pid, "end"))
  assert(events:receive().from == pid)
end
--@ child
return function() process.listen("end"):receive() end
--@ watcher
return function(parent, pid)
  assert(process.monitor(pid))
  process.send(parent, "told", "watching")
  process.events():receive()
  process.send(parent, "told", "ended")
end

--# A string that is no duration is the reason
--# a CANCEL event reaches the target.
return function()
  local events = process.events()
  for _, reason in { "please stop", "10", "ten ms" } do
    local pid = assert(process.spawn_monitored("app:child", "app:processes"))
    assert(process.cancel(pid, reason) == true)
    local event = events:receive()
    assert(event.from == pid and event.error == nil, tostring(event.error))
    assert(event.result.reason == reason and event.result.from == process.pid())
  end
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(process.cancel(pid) == true, "without a reason, too")
  local event = events:receive()
  assert(event.result.from == process.pid() and event.result.reason == nil)
end
--@ child
return function()
  local event = process.events():receive()
  assert(event.kind == process.event.CANCEL and event.deadline == nil)
  return { reason = event.reason, from = event.from }
end

--# a number (ns) or duration string is a deadline, after which the target is terminated
--: title a target that ignores its deadline is terminated
return function()
  local events, ready = process.events(), process.listen("ready")
  for _, deadline in { 20 * time.MILLISECOND, "20ms" } do
    local pid = assert(process.spawn_monitored("app:child", "app:processes", process.pid()))
    ready:receive()
    assert(process.cancel(pid, deadline) == true)
    local event = events:receive()
    assert(event.from == pid and event.exit.kind == "terminated", event.exit.kind)
    assert(event.error ~= nil and event.result == nil)
  end
end
--@ child
return function(parent)
  local events = process.events()
  process.send(parent, "ready")
  while true do
    events:receive()
  end
end

--# a number (ns) or duration string is a deadline, after which the target is terminated
--: title a target that ends before its deadline ends normally
return function()
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(process.cancel(pid, "1h") == true)
  local event = process.events():receive()
  assert(event.from == pid and event.error == nil and event.result == "in time", tostring(event.error))
  assert(event.exit.kind == "normal")
end
--@ child
return function()
  local event = process.events():receive()
  assert(event.kind == process.event.CANCEL and event.deadline ~= nil and event.reason == nil)
  return "in time"
end

--# `cancel(dest, reason_or_deadline?)` | `true`
--: title cancel of the dead and the unknown
return function()
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  process.events():receive()
  for _, dest in { pid, "nobody" } do
    local ok, err = process.cancel(dest, "stop")
    assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
  end
end
--@ child
return function() end

--# `terminate(dest)` | `true` (asynchronous); no Lua of the target runs any more | `nil, err` NotFound
--: title terminate
return function()
  local events, topic = process.events(), process.listen("topic")
  local pid = assert(process.spawn_monitored("app:child", "app:processes", process.pid()))
  assert(topic:receive() == "ready")
  assert(process.terminate(pid) == true)
  local event = events:receive()
  assert(event.kind == process.event.EXIT and event.from == pid and event.result == nil)
  assert(event.exit.kind == "terminated")
  assert(string.find(event.error, "terminated", 1, true), tostring(event.error))
  local result = channel.select({ topic:case_receive(), default = true })
  assert(result.default, "it had no chance to say goodbye")
  for _, dest in { pid, "nobody" } do
    local ok, err = process.terminate(dest)
    assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
  end
end
--@ child
return function(parent)
  process.send(parent, "topic", "ready")
  local ok, result = pcall(function() return process.events():receive() end)
  process.send(parent, "topic", if ok then result else "caught")
end

--# `terminate(dest)` | `true` (asynchronous); no Lua of the target runs any more | `nil, err` NotFound
--: title a process that terminates itself
return function()
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  local event = process.events():receive()
  assert(event.from == pid and event.exit.kind == "terminated", event.exit.kind)
end
--@ child
return function()
  process.terminate(process.pid())
  process.inbox():receive()
end

--# `get_options()` | `{trap_links = bool}`
--# `set_options(t)` | `true`
return function()
  assert(process.get_options().trap_links == false)
  assert(process.set_options({ trap_links = true }) == true)
  assert(process.get_options().trap_links == true)
  assert(process.set_options({}) == true, "nothing to change")
  assert(process.get_options().trap_links == true)
  local told = process.listen("told")
  assert(process.spawn("app:child", "app:processes", process.pid()))
  assert(told:receive() == false, "a child begins with its own")
  assert(process.set_options({ trap_links = false }) == true)
  assert(process.get_options().trap_links == false)
end
--@ child
return function(parent) process.send(parent, "told", process.get_options().trap_links) end

--# **`false, err`**: not a table, wrong type, unknown option
return function()
  local none, why = process.set_options(nil)
  assert(none == false and why:kind() == errors.INVALID, "it does not raise")
  for _, options in { "trap_links", 1, true, { trap_links = "yes" }, { trap_links = 1 }, { trap = true }, { true } } do
    local ok, err = process.set_options(options)
    assert(ok == false and err ~= nil, tostring(options))
    assert(err:kind() == errors.INVALID, err:kind())
  end
  local ok, err = process.set_options({ trap_links = true, unknown = 1 })
  assert(ok == false and string.find(err, "unknown", 1, true), tostring(err))
  assert(process.get_options().trap_links == false, "all or nothing")
end

--# `true`; a CANCEL event reaches the target.
--: title who has many unread cancels gets no more of them, but a deadline holds
return function()
  local ready = process.listen("ready")
  local pid = assert(process.spawn_monitored("app:child", "app:processes", process.pid()))
  ready:receive()
  local accepted, err = 0, nil
  repeat
    local ok, refused = process.cancel(pid, "reason")
    accepted, err = accepted + (if ok then 1 else 0), refused
  until not ok
  assert(accepted == 64 and err:kind() == errors.RATE_LIMITED, tostring(err))
  assert(process.send(pid, "read"))
  ready:receive()
  assert(process.cancel(pid, "one was read"))
  assert(process.cancel(pid, "1ms"))
  assert(process.events():receive().exit.kind == "terminated")
end
--@ child
return function(parent)
  local events = process.events()
  process.send(parent, "ready")
  process.listen("read"):receive()
  events:receive()
  process.send(parent, "ready")
  channel.select({ process.inbox():case_receive() })
end
