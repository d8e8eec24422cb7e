-- Select.

--# `ch:case_receive()`, `ch:case_send(v)`, `channel.select{…}` / `channel.select({…})` → `{channel, value, ok}`
return function()
  local a, b = channel.new(1), channel.new(1)
  a:send("x")
  local got = channel.select({ a:case_receive(), b:case_receive() })
  assert(got.channel == a and got.value == "x" and got.ok == true and not got.default)
  got = channel.select({ a:case_receive(), b:case_send("y") })
  assert(got.channel == b and got.ok == true)
  assert(b:receive() == "y", "the case has sent")
  a:send(nil)
  got = channel.select { a:case_receive() }
  assert(got.channel == a and got.value == nil and got.ok == true, "nil is a value")
end

--# `ch:case_receive()`, `ch:case_send(v)`, `channel.select{…}` / `channel.select({…})` → `{channel, value, ok}`
--: title a select that waits takes the first that becomes ready
return function()
  local a, b, done = channel.new(), channel.new(), channel.new()
  coroutine.spawn(function() b:send("late") end)
  local got = channel.select({ a:case_receive(), b:case_receive() })
  assert(got.channel == b and got.value == "late" and got.ok == true)
  coroutine.spawn(function() done:send((a:receive())) end)
  got = channel.select({ b:case_receive(), a:case_send("to a") })
  assert(got.channel == a and got.ok == true)
  assert(done:receive() == "to a")
  coroutine.spawn(function()
    local one = channel.select({ a:case_receive(), b:case_receive() })
    done:send(one.value)
  end)
  coroutine.spawn(function() channel.select({ a:case_send("between selects") }) end)
  assert(done:receive() == "between selects")
end

--# `ch:case_receive()`, `ch:case_send(v)`, `channel.select{…}` / `channel.select({…})` → `{channel, value, ok}`
--: title a select takes one value only, and leaves nothing behind
return function()
  local a, b, sync = channel.new(), channel.new(), channel.new()
  coroutine.spawn(function() a:send(1) end)
  coroutine.spawn(function() b:send(2) end)
  local first = channel.select({ a:case_receive(), b:case_receive() })
  local second = channel.select({ a:case_receive(), b:case_receive() })
  assert(first.channel ~= second.channel and first.value + second.value == 3)
  coroutine.spawn(function()
    channel.select({ a:case_receive(), b:case_receive() })
    sync:send(true)
  end)
  a:send("for the select")
  sync:receive()
  local none = channel.select({ b:case_send("x"), default = true })
  assert(none.default, "the select no longer waits on the other channel")
end

--# with `default = true` in the table: `{default = true, ok = true}` when nothing is ready.
return function()
  local a, b = channel.new(), channel.new(1)
  local got = channel.select({ a:case_receive(), a:case_send(1), default = true })
  assert(got.default == true and got.ok == true and got.channel == nil and got.value == nil)
  b:send("ready")
  got = channel.select({ a:case_receive(), b:case_receive(), default = true })
  assert(not got.default and got.channel == b and got.value == "ready")
  got = channel.select({ default = true })
  assert(got.default == true)
end

--# Ready cases are tried in table order.
return function()
  local channels, cases = {}, {}
  for i = 1, 5 do
    channels[i] = channel.new(1)
    channels[i]:send(i)
    cases[i] = channels[i]:case_receive()
  end
  for i = 1, 5 do
    assert(channel.select(cases).value == i)
  end
  local full, free = channel.new(), channel.new(1)
  free:send(9)
  for _ = 1, 20 do
    local got = channel.select({ full:case_receive(), free:case_receive(), free:case_send(9) })
    if got.value == 9 then
      free:send(9)
    end
    assert(got.channel == free and got.value == 9, "the receive stands first")
  end
end

--# A closed channel is ready to receive (`ok` false).
return function()
  local open, closed = channel.new(), channel.new(1)
  closed:send("left")
  closed:close()
  local got = channel.select({ open:case_receive(), closed:case_receive() })
  assert(got.channel == closed and got.value == "left" and got.ok == true)
  for _ = 1, 2 do
    got = channel.select({ open:case_receive(), closed:case_receive(), default = true })
    assert(got.channel == closed and got.value == nil and got.ok == false and not got.default)
  end
  local woken = channel.new()
  coroutine.spawn(function()
    local result = channel.select({ open:case_receive() })
    woken:send(result.ok)
  end)
  open:close()
  assert(woken:receive() == false, "closing wakes a select that waits")
end

--# on a closed channel it raises "send on closed channel", also for a sender that was already waiting.
--: title a case that sends on a closed channel raises
return function()
  local ch, told = channel.new(), channel.new()
  coroutine.spawn(function()
    local ok, err = pcall(channel.select, { ch:case_send(1) })
    told:send({ ok = ok, err = tostring(err) })
  end)
  coroutine.spawn(function() ch:close() end)
  local got = told:receive()
  assert(got.ok == false and string.find(got.err, "send on closed channel", 1, true), got.err)
  local ok, err = pcall(channel.select, { ch:case_send(1), default = true })
  assert(not ok and string.find(tostring(err), "send on closed channel", 1, true), tostring(err))
end

--# A value that is no case raises.
return function()
  local ch = channel.new(1)
  ch:send(1)
  for _, wrong in { "case", 1, true, {}, ch, print } do
    assert(not pcall(channel.select, { wrong }), tostring(wrong))
    assert(not pcall(channel.select, { ch:case_receive(), wrong }), tostring(wrong))
  end
  assert(ch:receive() == 1, "a select that raised took nothing")
  assert(not pcall(channel.select, "no table"))
end

--# A value that is no case raises.
--: title a hole is a case that is never ready, a key that is no index raises
return function()
  local a, b = channel.new(1), channel.new(1)
  b:send("b")
  local result = channel.select({ a:case_receive(), nil, b:case_receive(), default = true })
  assert(result.channel == b and result.value == "b")
  for _, key in { 0, 1.5, -1, "x" } do
    assert(not pcall(channel.select, { [key] = a:case_receive(), default = true }), tostring(key))
  end
end
