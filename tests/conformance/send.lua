-- What send says, and when it says no.

--# `send(dest, topic, ...)` | `true`
--# `true` means: accepted for a live destination, in order.
return function()
  local back = process.listen("back")
  local pid = assert(process.spawn("app:child", "app:processes", process.pid()))
  for i = 1, 100 do
    local ok, err = process.send(pid, "there", i)
    assert(ok == true and err == nil, tostring(err))
  end
  for i = 1, 100 do
    assert(back:receive() == i)
  end
  assert(process.send(process.pid(), "back", "to oneself") == true)
  assert(back:receive() == "to oneself")
end
--@ child
return function(parent)
  local there = process.listen("there")
  while true do
    process.send(parent, "back", (there:receive()))
  end
end

--# `nil, err`: fewer than two arguments
return function()
  local ok, err = process.send()
  assert(ok == nil and err:kind() == errors.INVALID, tostring(err))
  ok, err = process.send(process.pid())
  assert(ok == nil and err:kind() == errors.INVALID, tostring(err))
end

--# topic starting with `@`
return function()
  for _, topic in { "@", "@topic", "" } do
    local ok, err = process.send(process.pid(), topic, 1)
    assert(ok == nil and err:kind() == errors.INVALID, topic)
  end
  assert(process.send(process.pid(), "a@topic", 1))
  assert(process.listen("a@topic"):receive() == 1)
end

--# destination dead (NotFound, "process not found"), unknown
--: title a dead destination
return function()
  local events = process.events()
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(process.send(pid, "end"))
  assert(events:receive().from == pid)
  for _ = 1, 3 do
    local ok, err = process.send(pid, "end")
    assert(ok == nil and err:kind() == errors.NOT_FOUND, tostring(err))
    assert(err:message() == "process not found", tostring(err))
  end
end
--@ child
return function() process.listen("end"):receive() end

--# or at its mailbox limit (RateLimited, "mailbox full")
--# It never waits for the receiver.
--: title a full mailbox refuses, and has room again when its owner reads
return function()
  local read = process.listen("read")
  local pid = assert(process.spawn("app:child", "app:small", process.pid()))
  assert(read:receive() == "ready")
  local text, sent, ok, err = string.rep("x", 16 * 1024), 0, nil, nil
  repeat
    ok, err = process.send(pid, "fill", text)
    if ok then
      sent += 1
    end
    assert(sent < 1000, "a mailbox of 256 KiB takes no 16 MiB")
  until not ok
  assert(ok == nil and err:kind() == errors.RATE_LIMITED, tostring(err))
  assert(err:message() == "mailbox full", tostring(err))
  assert(sent >= 8, "about 256 KiB fit, not " .. sent .. " times 16 KiB")
  assert(process.send(process.pid(), "others", 1), "nobody else is full")
  assert(process.cancel(pid, "read now"), "events need no room")
  for _ = 1, sent do
    assert(read:receive() == #text, "what was accepted is delivered")
  end
  assert(process.send(pid, "fill", text), "there is room again")
  assert(read:receive() == #text)
end
--@ child
return function(parent)
  local events = process.events()
  process.send(parent, "read", "ready")
  events:receive()
  local fill = process.listen("fill")
  while true do
    process.send(parent, "read", #(fill:receive()))
  end
end
--@ entries
- name: small
  kind: process.host
  host: {max_processes: 2, message: 65536, mailbox: 262144}

--# It never waits for the receiver.
--: title a receiver in an endless loop holds up no sender
return function()
  local ready = process.listen("ready")
  local pid = assert(process.spawn("app:child", "app:processes", process.pid()))
  ready:receive()
  for i = 1, 1000 do
    assert(process.send(pid, "more", i))
  end
end
--@ child
return function(parent)
  process.send(parent, "ready")
  while true do
  end
end

--# message over the size limit (Invalid)
return function()
  local report = process.listen("report")
  assert(process.spawn("app:child", "app:small", process.pid()))
  local kind = report:receive()
  assert(kind == errors.INVALID, tostring(kind))
  assert(report:receive() == 1000, "smaller ones travel still")
end
--@ child
return function(parent)
  local ok, err = process.send(parent, "report", string.rep("x", 65537))
  process.send(parent, "report", if ok then "it was sent" else err:kind())
  process.send(parent, "report", #string.rep("x", 1000))
end
--@ entries
- name: small
  kind: process.host
  host: {max_processes: 2, message: 65536, mailbox: 262144}

--# message over the size limit (Invalid)
--: title the default limit lets one MiB through
return function()
  local text = string.rep("0123456789abcdef", 65536)
  local back = process.listen("back")
  local pid = assert(process.spawn("app:child", "app:processes", process.pid()))
  assert(process.send(pid, "there", text))
  assert(back:receive() == text)
end
--@ child
return function(parent) process.send(parent, "back", (process.listen("there"):receive())) end

--# Several payload values make one message: a plain listener gets an array of them.
return function()
  local topic = process.listen("topic")
  assert(process.send(process.pid(), "topic", 1, "two", { 3 }))
  local got, ok = topic:receive()
  assert(ok == true and #got == 3)
  assert(got[1] == 1 and got[2] == "two" and got[3][1] == 3)
  assert(process.send(process.pid(), "topic", { 1, 2 }))
  got = topic:receive()
  assert(#got == 2 and got[2] == 2, "one array is itself")
end

--# A send without a payload gives a plain listener `nil, true`.
return function()
  local topic = process.listen("topic")
  assert(process.send(process.pid(), "topic"))
  assert(process.send(process.pid(), "topic", nil))
  assert(process.send(process.pid(), "topic", false))
  for _, expected in { "nil", "nil", "false" } do
    local value, ok = topic:receive()
    assert(tostring(value) == expected and ok == true)
  end
end
