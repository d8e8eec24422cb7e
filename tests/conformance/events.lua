-- The tables that arrive on events(), field by field.

--# Tables on `events()`, in order
--# `events()` | channel of events
--: title events come in the order in which things happened
return function()
  local events = process.events()
  local pids = {}
  for i = 1, 5 do
    pids[i] = assert(process.spawn_monitored("app:child", "app:processes", process.pid()))
  end
  for i = 1, 5 do
    assert(process.send(pids[i], "end"))
    assert(events:receive().from == pids[i])
  end
  assert(process.cancel(process.pid(), "first"))
  assert(process.cancel(process.pid(), "second"))
  assert(events:receive().reason == "first")
  assert(events:receive().reason == "second")
end
--@ child
return function() process.listen("end"):receive() end

--# `{kind = process.event.EXIT, from, at, result, error, exit}`: a monitored process ended.
--# `result` is the value that the body returned (nil where it failed)
--: title the fields of an EXIT
return function()
  local before = time.now():unix_nano()
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  local event, ok = process.events():receive()
  assert(ok == true and type(event) == "table")
  assert(event.kind == process.event.EXIT and event.from == pid)
  assert(event.result.answer == 42 and event.result.list[2] == "b")
  assert(event.error == nil)
  local after = time.now():unix_nano()
  assert(event.at:unix_nano() >= before and event.at:unix_nano() <= after)
  assert(math.abs(event.at:unix() - event.at:unix_nano() / 1e9) <= 1)
end
--@ child
return function() return { answer = 42, list = { "a", "b" } } end

--# Exactly one for each monitor.
return function()
  local events, told = process.events(), process.listen("told")
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  for _ = 1, 3 do
    assert(process.spawn("app:watcher", "app:processes", process.pid(), pid))
    assert(told:receive() == "watching")
  end
  assert(process.send(pid, "end"))
  for _ = 1, 3 do
    assert(told:receive() == 1, "each watcher has one")
  end
  assert(events:receive().from == pid)
  local last = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(process.send(last, "end"))
  assert(events:receive().from == last, "no second EXIT came before this one")
end
--@ child
return function() process.listen("end"):receive() end
--@ watcher
return function(parent, pid)
  local events = process.events()
  assert(process.monitor(pid))
  process.send(parent, "told", "watching")
  local count = 0
  local event = events:receive()
  if event.kind == process.event.EXIT and event.from == pid then
    count += 1
  end
  local other = assert(process.spawn_monitored("app:child", "app:processes"))
  process.send(other, "end")
  assert(events:receive().from == other)
  process.send(parent, "told", count)
end

--# `{kind = process.event.LINK_DOWN, from, at, error, exit}`: a linked process ended abnormally and this one traps links.
return function()
  local events = process.events()
  assert(process.set_options({ trap_links = true }))
  local pid = assert(process.spawn_linked("app:child", "app:processes"))
  local event = events:receive()
  assert(event.kind == process.event.LINK_DOWN and event.from == pid)
  assert(string.find(event.error, "broken", 1, true), tostring(event.error))
  assert(event.at:unix() > 1700000000)
  assert(event.exit.kind == "error" and event.exit.os_pid > 0)
end
--@ child
return function() error("broken") end

--# `{kind = process.event.CANCEL, from, at, reason, deadline}`.
return function()
  local told = process.listen("told")
  local pid = assert(process.spawn("app:child", "app:processes", process.pid()))
  assert(process.cancel(pid, "enough"))
  assert(process.cancel(pid, "1h"))
  local reason, deadline = told:receive(), told:receive()
  assert(reason.is_cancel and reason.from == process.pid() and reason.at > 1700000000)
  assert(reason.reason == "enough" and reason.has_deadline == false)
  assert(deadline.is_cancel and deadline.reason == nil and deadline.has_deadline == true)
end
--@ child
return function(parent)
  local events = process.events()
  for _ = 1, 2 do
    local event = events:receive()
    process.send(parent, "told", {
      is_cancel = event.kind == process.event.CANCEL,
      from = event.from,
      at = event.at:unix(),
      reason = event.reason,
      has_deadline = event.deadline ~= nil,
    })
  end
end

--# `error` is an Error where the end was abnormal, else nil.
return function()
  local events = process.events()
  for _, how in { "text", "Error", "raise", "raise Error" } do
    local pid = assert(process.spawn_monitored("app:child", "app:processes", how))
    local event = events:receive()
    assert(event.from == pid and event.result == nil, how .. ": no result where it failed")
    assert(string.find(event.error:message(), "went wrong", 1, true), how .. ": " .. tostring(event.error))
    assert(type(event.error:kind()) == "string" and type(event.error .. "") == "string")
    if string.find(how, "Error") then
      assert(event.error:kind() == "Conflict" and event.error:retryable() == true, how)
      assert(event.error:details().n == 1, how)
    end
  end
end
--@ child
return function(how)
  local err = errors.new({ message = "went wrong", kind = "Conflict", retryable = true, details = { n = 1 } })
  if how == "text" then
    return 1, "went wrong"
  elseif how == "Error" then
    return 1, err
  elseif how == "raise" then
    error("went wrong")
  end
  error(err)
end

--# `exit` says what the operating system saw: `{kind, signal, code, limit, os_pid}`
--: title exit of a normal end
return function()
  local events, seen = process.events(), {}
  for _ = 1, 3 do
    assert(process.spawn_monitored("app:child", "app:processes"))
    local exit = events:receive().exit
    assert(exit.kind == "normal" and exit.code == 0)
    assert(exit.signal == nil and exit.limit == nil)
    assert(exit.os_pid > 0 and exit.os_pid % 1 == 0)
    assert(not seen[exit.os_pid], "each process is an OS process of its own")
    seen[exit.os_pid] = true
  end
end
--@ child
return function() end

--# kind one of `normal error signal code memory cpu turn wall mailbox sandbox protocol link terminated watchdog shutdown node_down`
--: title exit kinds of the ends that a script can cause
return function()
  local events = process.events()
  for _, how in { "normal", "error", "link", "terminated" } do
    local pid = assert(process.spawn_monitored("app:child", "app:processes", how))
    if how == "terminated" then
      assert(process.terminate(pid))
    end
    local event = events:receive()
    assert(event.exit.kind == how, how .. ": " .. event.exit.kind)
    assert((event.error == nil) == (how == "normal"))
    assert(event.exit.os_pid > 0)
  end
end
--@ child
return function(how)
  if how == "error" then
    error("on purpose")
  elseif how == "link" then
    assert(process.spawn_linked("app:child", "app:processes", "error"))
  elseif how == "normal" then
    return
  end
  process.inbox():receive()
end

--# The default is `raw`, as above.
return function()
  local events = process.events()
  assert(process.spawn_monitored("app:child", "app:processes"))
  local event = events:receive()
  assert(event.result == "raw", "no record around it")
end
--@ child
return function() return "raw" end

--# A host may set `event_result: record`; then `result` is `{value=…, error=…}` in EXIT and LINK_DOWN, for programs written against that form.
--# `process.host`: `host:` with `max_processes`, limits, sandbox, permissions, `event_result`
return function()
  local events = process.events()
  assert(process.spawn_monitored("app:reader", "app:old"))
  local event = events:receive()
  assert(event.error == nil, tostring(event.error))
  assert(event.result == "well", "whose host is not asked shows results raw")
end
--@ reader
return function()
  local events = process.events()
  assert(process.set_options({ trap_links = true }))
  assert(process.spawn_monitored("app:child", "app:processes", "value"))
  local event = events:receive()
  assert(event.kind == process.event.EXIT and event.result.value.n == 1)
  assert(event.result.error == nil and event.error == nil)
  assert(process.spawn_monitored("app:child", "app:processes", "nothing"))
  event = events:receive()
  assert(type(event.result) == "table" and next(event.result) == nil)
  assert(process.spawn_linked_monitored("app:child", "app:processes", "fails"))
  for _, kind in { process.event.EXIT, process.event.LINK_DOWN } do
    event = events:receive()
    assert(event.kind == kind and event.result.value == nil)
    assert(tostring(event.result.error) == "no" and event.result.error == event.error)
  end
  return "well"
end
--@ child
return function(how)
  if how == "value" then return { n = 1 } end
  if how == "fails" then return nil, errors.new("no") end
end
--@ entries
--[[
- name: old
  kind: process.host
  host: {event_result: record}
]]
