-- Timers and tickers. Tests wait for time to pass, never for it to be short.

--# `timer(d)` (`:channel()`, also as `:response()`; `:stop()` → bool, closes; `:reset(d)` → bool)
return function()
  local before = time.now():unix_nano()
  local timer = assert(time.timer("20ms"))
  assert(timer:channel() == timer:response())
  local at, ok = timer:channel():receive()
  assert(ok == true and (at:unix_nano() - before) / 1e6 >= 19)
  assert(timer:stop() == false, "it has fired")
  at, ok = timer:channel():receive()
  assert(at == nil and ok == false, "a stopped one is closed")
end

--# `timer(d)` (`:channel()`, also as `:response()`; `:stop()` → bool, closes; `:reset(d)` → bool)
--: title a timer that is stopped does not fire, and wakes who waits
return function()
  local timer = assert(time.timer("1h"))
  local woken = channel.new()
  coroutine.spawn(function()
    local at, ok = timer:channel():receive()
    woken:send(at == nil and ok == false)
  end)
  coroutine.yield()
  assert(timer:stop() == true and timer:stop() == false)
  assert(woken:receive() == true)
end

--# `timer(d)` (`:channel()`, also as `:response()`; `:stop()` → bool, closes; `:reset(d)` → bool)
--: title a timer that is reset
return function()
  local timer = assert(time.timer("1h"))
  assert(timer:reset("10ms") == true, "it ran")
  local first = timer:channel():receive()
  assert(timer:reset(time.parse_duration("10ms")) == false, "it had fired")
  local second = timer:channel():receive()
  assert(second:after(first))
  timer:reset("1ms")
  time.sleep("20ms")
  timer:reset("1h")
  local got = channel.select({ timer:channel():case_receive(), default = true })
  assert(got.default, "what was not read before is gone")
  timer:stop()
  assert(timer:reset("1ms") == false)
  assert(select(2, timer:channel():receive()) == true, "a stopped one has a new channel then")
  local none, err = timer:reset("soon")
  assert(none == nil and err:kind() == errors.INVALID)
end

--# `ticker(d)` (`:channel()`; `:stop()`; ticks are dropped when nobody reads).
return function()
  local ticker = assert(time.ticker("10ms"))
  local last
  for _ = 1, 3 do
    local at, ok = ticker:channel():receive()
    assert(ok == true and (last == nil or at:sub(last):nanoseconds() > 0))
    last = at
  end
  time.sleep("100ms")
  assert(ticker:channel():receive(), "one tick waits")
  local more = 0
  while not channel.select({ ticker:channel():case_receive(), default = true }).default do
    more += 1
  end
  assert(more <= 1, "the others were dropped")
  assert(ticker:stop() == true and ticker:stop() == false)
  while select(2, ticker:channel():receive()) do
  end
  assert(select(2, ticker:channel():receive()) == false)
end

--# `ticker(d)` (`:channel()`; `:stop()`; ticks are dropped when nobody reads).
--: title durations that are none
return function()
  for _, make in { time.timer, time.ticker } do
    for _, d in { 0, -1, "0s", "soon", 0 / 0 } do
      local none, err = make(d)
      assert(none == nil and err:kind() == errors.INVALID, tostring(d))
    end
    assert(not pcall(make, {}) and not pcall(make))
  end
end

--# `timer(d)` (`:channel()`, also as `:response()`; `:stop()` → bool, closes; `:reset(d)` → bool)
--: title many timers that are stopped leave nothing
--: exit 1
--: stderr-has all coroutines are blocked for ever
return function()
  local timers = {}
  for i = 1, 1000 do
    timers[i] = time.timer((i * 7919 % 1000 + 1) * time.HOUR)
  end
  for i = 1, 1000 do
    timers[i * 331 % 1000 + 1]:stop()
  end
  local sleeper = coroutine.spawn(function() time.sleep("1h") end)
  coroutine.yield()
  coroutine.close(sleeper)
  local got = {}
  local a, b, c = time.timer("1h"), time.timer("10ms"), time.timer("20ms")
  c:stop()
  for i = 1, 2 do
    local result = channel.select({ a:channel():case_receive(), b:channel():case_receive() })
    table.insert(got, result.channel)
    if i == 1 then a:reset("1ms") end
  end
  assert(got[1] == b:channel() and got[2] == a:channel(), "in their order")
  channel.new():receive()
end

--# `ch:close()` is idempotent.
--: title a channel that its script has closed gets nothing more from a timer
return function()
  local after, timer, ticker = time.after("5ms"), time.timer("5ms"), time.ticker("5ms")
  local channels = { after, timer:channel(), ticker:channel() }
  for _, ch in channels do
    ch:close()
  end
  time.after("20ms"):receive()
  for index, ch in channels do
    local at, ok = ch:receive()
    assert(at == nil and ok == false, `{index}: {tostring(at)}`)
  end
  ticker:stop()
end
