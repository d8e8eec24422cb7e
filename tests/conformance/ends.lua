-- Which ends are normal, which are not.

--# Normal: the body returns nothing, or a first value with no second one (`return false` too), or a second value that is neither a string nor an Error.
return function()
  local events = process.events()
  for case, result in {
    nothing = "nil",
    ["nil"] = "nil",
    value = "7",
    ["false"] = "false",
    text = "only text",
    number = "1",
    table = "2",
    boolean = "3",
    ["nil second"] = "4",
  } do
    assert(process.spawn_linked_monitored("app:child", "app:processes", case))
    local event = events:receive()
    assert(event.kind == process.event.EXIT)
    assert(event.error == nil, case .. ": " .. tostring(event.error))
    assert(tostring(event.result) == result, case .. ": " .. tostring(event.result))
    assert(event.exit.kind == "normal" and event.exit.code == 0, case)
  end
end
--@ child
return function(case)
  if case == "nil" then
    return nil
  elseif case == "value" then
    return 7
  elseif case == "false" then
    return false
  elseif case == "text" then
    return "only text"
  elseif case == "number" then
    return 1, 5
  elseif case == "table" then
    return 2, { "no error" }
  elseif case == "boolean" then
    return 3, false
  elseif case == "nil second" then
    return 4, nil, "third"
  end
end

--# Abnormal: `return x, "text"` or `return x, Error` for any x
return function()
  local events = process.events()
  for i, x in { "nil", false, 0, "x", { 1 } } do
    for _, second in { "text", errors.new("text") } do
      assert(process.spawn_monitored("app:child", "app:processes", x, second))
      local event = events:receive()
      assert(event.error ~= nil and tostring(event.error) == "text", i .. ": " .. tostring(event.error))
      assert(event.result == nil and event.exit.kind == "error")
    end
  end
end
--@ child
return function(x, second)
  if x == "nil" then
    return nil, second
  end
  return x, second
end

--# an error raised in the body or in any coroutine
return function()
  local events = process.events()
  for _, how in { "body", "coroutine", "after waiting", "table", "runtime" } do
    local pid = assert(process.spawn_monitored("app:child", "app:processes", how))
    local event = events:receive()
    assert(event.from == pid and event.exit.kind == "error", how .. ": " .. event.exit.kind)
    assert(event.error ~= nil and event.result == nil, how)
    if how ~= "table" and how ~= "runtime" then
      assert(string.find(event.error, "raised in " .. how, 1, true), tostring(event.error))
      assert(string.find(event.error, "child.lua:", 1, true), "it says where: " .. tostring(event.error))
    end
    assert(not string.find(event.error, "0x", 1, true), "no heap address: " .. tostring(event.error))
  end
end
--@ child
return function(how)
  if how == "body" then
    error("raised in body")
  elseif how == "coroutine" then
    coroutine.spawn(function() error("raised in coroutine") end)
  elseif how == "after waiting" then
    coroutine.spawn(function()
      time.sleep("1ms")
      error("raised in after waiting")
    end)
  elseif how == "table" then
    error({ "no text" })
  else
    local none = nil
    return none.field
  end
  process.inbox():receive()
end

--# every coroutine blocked for ever
return function()
  local events = process.events()
  for _, how in { "receive", "send", "select", "two" } do
    assert(process.spawn_monitored("app:child", "app:processes", how))
    local event = events:receive()
    assert(event.exit.kind == "error" and event.result == nil, how .. ": " .. event.exit.kind)
    assert(string.find(event.error, "blocked", 1, true), tostring(event.error))
  end
end
--@ child
return function(how)
  local ch = channel.new()
  if how == "receive" then
    ch:receive()
  elseif how == "send" then
    ch:send(1)
  elseif how == "select" then
    channel.select({ ch:case_receive(), channel.new():case_send(1) })
  else
    local other = channel.new()
    coroutine.spawn(function() other:receive() end)
    ch:receive()
  end
end

--# every coroutine blocked for ever
--: title whoever waits for messages, events or time is not blocked for ever
return function()
  local events, ready = process.events(), process.listen("ready")
  for _, how in { "inbox", "listen", "events", "sleep" } do
    local pid = assert(process.spawn_monitored("app:child", "app:processes", process.pid(), how))
    ready:receive()
    assert(process.send(pid, "topic"))
    if how == "events" then
      assert(process.cancel(pid))
    end
    local event = events:receive()
    assert(event.from == pid and event.result == how, tostring(event.error))
  end
end
--@ child
return function(parent, how)
  coroutine.spawn(function() channel.new():receive() end)
  process.send(parent, "ready")
  if how == "inbox" then
    process.inbox():receive()
  elseif how == "listen" then
    process.listen("topic"):receive()
  elseif how == "events" then
    process.events():receive()
  else
    time.sleep("1ms")
  end
  return how
end

--# terminate; death of a linked process without trap_links
--: title ends that others cause are abnormal
return function()
  local events = process.events()
  local pid = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(process.terminate(pid))
  local event = events:receive()
  assert(event.error ~= nil and event.result == nil and event.exit.kind == "terminated")
  pid = assert(process.spawn_monitored("app:child", "app:processes"))
  local fails = assert(process.spawn("app:fails", "app:processes", pid))
  event = events:receive()
  assert(event.from == pid and event.from ~= fails)
  assert(event.error ~= nil and event.result == nil and event.exit.kind == "link")
end
--@ child
return function() process.inbox():receive() end
--@ fails
return function(peer)
  assert(process.link(peer))
  error("fails")
end

--# Abnormal: `return x, "text"` or `return x, Error` for any x
--: title a main that fails ends the run with 1
--: exit 1
--: stderr-has main went wrong
return function() return nil, "main went wrong" end

--# an error raised in the body or in any coroutine
--: title a main that raises ends the run with 1
--: exit 1
--: stderr-has main raised
return function()
  print("before")
  error("main raised")
end
--@ stdout
-- before

--# when the body returns, all coroutines end.
--: title the end of the body ends a process whatever its coroutines do
return function()
  local events = process.events()
  local pid = assert(process.spawn_monitored("app:child", "app:processes", process.pid()))
  local event = events:receive()
  assert(event.from == pid and event.error == nil and event.result == "done")
end
--@ child
return function()
  local ch = channel.new()
  coroutine.spawn(function() time.sleep("1h") end)
  coroutine.spawn(function() ch:receive() end)
  coroutine.spawn(function()
    while true do
      time.sleep("1ms")
    end
  end)
  return "done"
end
