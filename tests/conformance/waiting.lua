-- Everything that waits suspends one coroutine only, also inside pcall and coroutine.spawn.

--# Everything that waits (receive, send on a full channel, select, sleep, spawn, exec) suspends only the calling coroutine
--: title a coroutine that waits stops no other
return function()
  local done = channel.new(8)
  local never = channel.new()
  local full = channel.new(1)
  full:send("full")
  coroutine.spawn(function() never:receive() end)
  coroutine.spawn(function() full:send("waits") end)
  coroutine.spawn(function() channel.select({ never:case_receive() }) end)
  coroutine.spawn(function() time.sleep("1h") end)
  coroutine.spawn(function()
    assert(process.spawn("app:child", "app:processes"))
    done:send("spawned")
  end)
  coroutine.spawn(function() done:send("ran") end)
  local first, second = done:receive(), done:receive()
  assert(first ~= second, "both got on although four others wait")
end
--@ child
return function() end

--# it works inside `pcall` and inside `coroutine.spawn`.
--: title pcall gives what was received, and hides no deadlock
--: exit 1
--: stderr-has blocked
return function()
  local ch = channel.new()
  coroutine.spawn(function() ch:send("a") end)
  local ok, value, open = pcall(function() return ch:receive() end)
  assert(ok and value == "a" and open == true)
  pcall(ch.receive, channel.new())
  error("unreachable: all coroutines wait for ever")
end

--# it works inside `pcall` and inside `coroutine.spawn`.
--: title each waiting call inside pcall and xpcall
return function()
  local ch = channel.new()
  local ok, result = pcall(function()
    coroutine.spawn(function() assert(ch:receive() == 1) end)
    ch:send(1)
    coroutine.spawn(function() ch:send(2) end)
    local got = channel.select({ ch:case_receive() })
    assert(got.value == 2)
    time.sleep("1ms")
    return assert(process.spawn("app:child", "app:processes"))
  end)
  assert(ok and type(result) == "string", tostring(result))
  local passed, text = xpcall(function()
    time.sleep("1ms")
    error("after waiting", 0)
  end, function(err) return "handled " .. tostring(err) end)
  assert(not passed and text == "handled after waiting", tostring(text))
  ok, text = pcall(function()
    pcall(time.sleep, "1ms")
    error("outer", 0)
  end)
  assert(not ok and text == "outer")
end
--@ child
return function() end

--# it works inside `pcall` and inside `coroutine.spawn`.
--: title each waiting call inside coroutine.spawn
return function()
  local done = channel.new()
  coroutine.spawn(function()
    local ch = channel.new()
    coroutine.spawn(function() ch:send("x") end)
    assert(ch:receive() == "x")
    time.sleep("1ms")
    local event = process.events()
    local child = assert(process.spawn_monitored("app:child", "app:processes"))
    assert(event:receive().from == child)
    done:send(true)
  end)
  assert(done:receive() == true)
end
--@ child
return function() end

--# it works inside `pcall` and inside `coroutine.spawn`.
--: title waiting inside an iterator and a deep stack
return function()
  local co = coroutine.create(function(a)
    local b = coroutine.yield(a + 1)
    return b * 2
  end)
  local _, x = coroutine.resume(co, 1)
  local _, y = coroutine.resume(co, 5)
  assert(x == 2 and y == 10, "plain coroutines are as in Luau")
  local function deep(n)
    if n == 0 then
      time.sleep("1ms")
      return 0
    end
    return 1 + deep(n - 1)
  end
  assert(deep(100) == 100)
  for i in function(_, i) time.sleep("1ms") if i < 3 then return i + 1 end end, nil, 0 do
    assert(i <= 3)
  end
end

--# it works inside `pcall` and inside `coroutine.spawn`
--: title a task that yields lets what waits for the socket go on
return function()
  local pid = assert(process.spawn("app:child", "app:processes"))
  local done = 0
  for _ = 1, 4 do
    coroutine.spawn(function()
      assert(process.send(pid, "fill", string.rep("x", 1000000)))
      done += 1
    end)
  end
  while done < 4 do
    coroutine.yield()
  end
end
--@ child
return function()
  local inbox = process.inbox()
  for _ = 1, 4 do inbox:receive() end
end

--# it works inside `pcall` and inside `coroutine.spawn`
--: title a spawned coroutine that waits can be closed, and takes nothing any more
return function()
  local ch, got = channel.new(), {}
  local first = coroutine.spawn(function() table.insert(got, "first " .. ch:receive()) end)
  coroutine.spawn(function() table.insert(got, "second " .. ch:receive()) end)
  coroutine.yield()
  assert(coroutine.status(first) == "normal")
  local ok, err = coroutine.resume(first, "forged", true)
  assert(ok == false and string.find(err, "waits", 1, true), err)
  assert(coroutine.close(first) == true)
  ch:send("value")
  coroutine.yield()
  assert(#got == 1 and got[1] == "second value", got[1])
end

--# every coroutine blocked for ever
--: title a closed wait does not hide that everybody is blocked
--: exit 1
--: stderr-has blocked
return function()
  local listener = process.listen("never")
  local task = coroutine.spawn(function() listener:receive() end)
  coroutine.yield()
  coroutine.close(task)
  channel.new():receive()
end

--# Everything that waits (receive, send on a full channel, select, sleep, spawn, exec) suspends only the calling coroutine
--: title resume and wrap give exactly what the coroutine gives
return function()
  local co = coroutine.create(function() coroutine.yield() end)
  assert(select("#", coroutine.resume(co)) == 1)
  assert(select("#", coroutine.wrap(function() end)()) == 0)
  assert(select("#", coroutine.wrap(function() return nil, nil end)()) == 2)
  local waits = coroutine.wrap(function() time.sleep("1ms") return 1, nil, 3 end)
  assert(select("#", waits()) == 3)
end

--# every coroutine blocked for ever
--: title closing one that was woken, or that waits by way of another, miscounts nobody
return function()
  local me, t, u = process.pid(), process.listen("t"), process.listen("u")
  local woken = coroutine.spawn(function() t:receive() end)
  coroutine.spawn(function() u:receive() coroutine.close(woken) end)
  local outer = coroutine.spawn(function()
    coroutine.resume(coroutine.create(function() process.listen("never"):receive() end))
  end)
  coroutine.yield()
  coroutine.close(outer)
  local inbox = process.inbox()
  assert(process.send(me, "open", 0))
  assert(inbox:receive().payload == 0)
  assert(process.send(me, "u", 0) and process.send(me, "t", 0) and process.send(me, "open", 1))
  assert(inbox:receive().payload == 1)
  assert(process.send(me, "open", 2))
  assert(inbox:receive().payload == 2)
end

--# it works inside `pcall` and inside `coroutine.spawn`
--: title who waits first for a topic is served first, also where one before gives up or unlistens
return function()
  local me, t, got = process.pid(), process.listen("t"), {}
  local function wait(name)
    return coroutine.spawn(function()
      local value, ok = t:receive()
      table.insert(got, `{name}: {value} {ok}`)
    end)
  end
  local function send(...)
    for _, value in { ... } do
      assert(process.send(me, "t", value))
    end
    assert(process.send(me, "done"))
    process.inbox():receive()
  end
  local first = wait("first")
  wait("second")
  wait("third")
  coroutine.yield()
  coroutine.close(first)
  wait("fourth")
  coroutine.yield()
  send(1, 2)
  wait("fifth")
  coroutine.yield()
  send(3)
  coroutine.yield()
  assert(process.unlisten(t))
  coroutine.yield()
  local all = table.concat(got, ", ")
  assert(all == "second: 1 true, third: 2 true, fourth: 3 true, fifth: nil false", all)
end

--# it works inside `pcall` and inside `coroutine.spawn`
--: title where nothing can wait it raises, and leaves nothing behind
return function()
  local ch = channel.new()
  local function everywhere(wait)
    return pcall(table.sort, { 1, 2 }, function() wait() return false end)
  end
  for _, wait in {
    function() time.sleep("1ms") end,
    function() ch:receive() end,
    function() process.registry.lookup("nobody") end,
  } do
    local ok, err = everywhere(wait)
    assert(not ok and string.find(err, "C-call boundary", 1, true), tostring(err))
  end
  local tick = time.after("20ms")
  assert(select("#", tick:receive()) == 2 and ch ~= nil)
  coroutine.spawn(function() ch:send("for who waits now") end)
  assert(ch:receive() == "for who waits now")
  assert(process.registry.lookup("nobody") == nil)
end
