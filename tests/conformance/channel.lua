-- Channels: send, receive, close. Select is in select.lua.

--# `channel.new(n?)` (n = 0: rendezvous).
--: title a rendezvous waits for the receiver
return function()
  for _, ch in { channel.new(), channel.new(0) } do
    local before, after = channel.new(), channel.new(1)
    coroutine.spawn(function()
      before:send("sends")
      ch:send("x")
      after:send("sent")
    end)
    assert(before:receive() == "sends")
    time.sleep("1ms")
    local result = channel.select({ after:case_receive(), default = true })
    assert(result.default, "nobody received yet")
    assert(ch:receive() == "x")
    assert(after:receive() == "sent")
  end
end

--# `channel.new(n?)` (n = 0: rendezvous).
--: title a buffer takes n values without a receiver
return function()
  local ch = channel.new(3)
  for i = 1, 3 do
    assert(ch:send(i) == true)
  end
  local result = channel.select({ ch:case_send(4), default = true })
  assert(result.default, "the fourth must wait")
  coroutine.spawn(function() ch:send(4) end)
  for i = 1, 4 do
    local value, ok = ch:receive()
    assert(value == i and ok == true, "in order")
  end
end

--# `ch:send(v)` → `true`; on a closed channel it raises "send on closed channel", also for a sender that was already waiting.
return function()
  local ch = channel.new(1)
  assert(ch:send(1) == true)
  local waiting = channel.new()
  coroutine.spawn(function()
    local ok, err = pcall(ch.send, ch, 2)
    waiting:send({ ok = ok, err = tostring(err) })
  end)
  coroutine.spawn(function() ch:close() end)
  local got = waiting:receive()
  assert(got.ok == false and string.find(got.err, "send on closed channel", 1, true), got.err)
  local ok, err = pcall(function() ch:send(3) end)
  assert(not ok and string.find(tostring(err), "send on closed channel", 1, true), tostring(err))
  local value, open = ch:receive()
  assert(value == 1 and open == true, "what was buffered stays")
  value, open = ch:receive()
  assert(value == nil and open == false, "what was refused is not there")
end

--# `ch:receive()` → `v, true`; closed and drained: `nil, false`.
return function()
  local ch = channel.new(3)
  ch:send("a")
  ch:send(false)
  ch:send(nil)
  ch:close()
  local value, ok = ch:receive()
  assert(value == "a" and ok == true)
  value, ok = ch:receive()
  assert(value == false and ok == true)
  value, ok = ch:receive()
  assert(value == nil and ok == true, "nil is a value")
  for _ = 1, 2 do
    value, ok = ch:receive()
    assert(value == nil and ok == false)
  end
end

--# `ch:receive()` → `v, true`; closed and drained: `nil, false`.
--: title close wakes all who wait to receive
return function()
  local ch, woken = channel.new(), channel.new(3)
  for _ = 1, 3 do
    coroutine.spawn(function()
      local value, ok = ch:receive()
      woken:send(value == nil and ok == false)
    end)
  end
  ch:close()
  for _ = 1, 3 do
    assert(woken:receive() == true)
  end
end

--# `ch:close()` is idempotent.
return function()
  local ch = channel.new()
  ch:close()
  ch:close()
  local _, ok = ch:receive()
  assert(ok == false)
  ch:close()
end

--# Channels live inside one process.
--: title values in a channel are the same, not copies
return function()
  local ch = channel.new(2)
  local t, f = {}, function() return t end
  ch:send(t)
  ch:send(f)
  assert(ch:receive() == t and ch:receive() == f)
  local inner = channel.new(1)
  ch:send(inner)
  assert(ch:receive() == inner)
end

--# Channels live inside one process.
--: title a channel does not travel
return function()
  local ok, err = process.send(process.pid(), "topic", channel.new(1))
  assert(ok == nil and err:kind() == errors.INVALID, tostring(err))
  local pid
  pid, err = process.spawn("app:child", "app:processes", channel.new())
  assert(pid == nil and err:kind() == errors.INVALID, tostring(err))
end
--@ child
return function() end

--# `coroutine.spawn(fn)` runs `fn` concurrently
--: title coroutines run in turn and share their state
return function()
  local sum, done = 0, channel.new()
  for i = 1, 100 do
    coroutine.spawn(function()
      sum += i
      done:send(i)
    end)
  end
  local count = 0
  for _ = 1, 100 do
    count += done:receive()
  end
  assert(sum == 5050 and count == 5050)
end

--# `coroutine.spawn(fn)` runs `fn` concurrently
--: title a pipeline of coroutines
return function()
  local source = channel.new()
  local function double(from)
    local to = channel.new()
    coroutine.spawn(function()
      while true do
        local value, ok = from:receive()
        if not ok then
          return to:close()
        end
        to:send(2 * value)
      end
    end)
    return to
  end
  local sink = double(double(double(source)))
  coroutine.spawn(function()
    for i = 1, 100 do
      source:send(i)
    end
    source:close()
  end)
  for i = 1, 100 do
    assert(sink:receive() == 8 * i)
  end
  local _, ok = sink:receive()
  assert(ok == false)
end

--# when the body returns, all coroutines end.
return function()
  coroutine.spawn(function()
    time.sleep("1h")
    print("never")
  end)
  coroutine.spawn(function() channel.new():receive() end)
  local late = channel.new()
  coroutine.spawn(function()
    late:receive()
    print("never either")
  end)
  print("done")
end
--@ stdout
-- done
