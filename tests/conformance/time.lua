-- Sleeping, and timers as channels. Tests wait for time to pass, never for it to be short.

--# Waiting: `sleep(d)`
--# `d` is a number of nanoseconds, a string (`"100ms"`, `"1h30m"`; units ns us ms s m h)
--: title sleep takes nanoseconds and texts
return function()
  for ms, d in {
    [20] = 20 * time.MILLISECOND,
    [21] = "21ms",
    [22] = "22000us",
    [23] = "23000000ns",
    [24] = "0.024s",
    [25] = "10ms15ms",
  } do
    local before = time.now():unix_nano()
    time.sleep(d)
    local passed = (time.now():unix_nano() - before) / 1e6
    assert(passed >= ms - 1, tostring(d) .. " was " .. passed .. " ms")
  end
end

--# `d` is a number of nanoseconds, a string (`"100ms"`, `"1h30m"`; units ns us ms s m h)
--: title long durations are accepted
return function()
  for _, d in { "1h30m", "1.5h", "2h45m30.5s", 3600 * time.SECOND, 24 * time.HOUR } do
    local ch, err = time.after(d)
    assert(ch, tostring(err))
    local got = channel.select({ ch:case_receive(), default = true })
    assert(got.default, tostring(d) .. " is not over")
  end
end

--# Waiting: `sleep(d)`
--: title shorter sleeps end first
return function()
  local done = channel.new()
  for _, ms in { 300, 10, 150 } do
    coroutine.spawn(function()
      time.sleep(ms * time.MILLISECOND)
      done:send(ms)
    end)
  end
  assert(done:receive() == 10)
  assert(done:receive() == 150)
  assert(done:receive() == 300)
end

--# `after(d)` (a channel: one Time, then closed)
return function()
  local before = time.now():unix_nano()
  local ch = time.after("20ms")
  local at, ok = ch:receive()
  assert(ok == true and (at:unix_nano() - before) / 1e6 >= 19)
  for _ = 1, 2 do
    at, ok = ch:receive()
    assert(at == nil and ok == false)
  end
  local got = channel.select({ channel.new():case_receive(), time.after("1ms"):case_receive() })
  assert(got.ok == true and got.value:unix() > 1700000000, "as a guard in a select")
end

--# Bad text: `nil, err` Invalid
return function()
  for _, text in { "soon", "10", "10 ms", "ms", "", "1x", "--1s" } do
    for _, call in { time.sleep, time.after } do
      local value, err = call(text)
      assert(value == nil and err:kind() == errors.INVALID, "'" .. text .. "': " .. tostring(err))
    end
  end
end

--# `after` of zero or less: Invalid
--# `sleep` of zero or less returns at once.
return function()
  for _, d in { 0, -1, "0s", "-1s", -time.HOUR } do
    local ch, err = time.after(d)
    assert(ch == nil and err:kind() == errors.INVALID, tostring(d))
    local _, failed = time.sleep(d)
    assert(failed == nil, tostring(failed))
  end
end

--# Values: `now()`
--: title now
return function()
  local a = time.now()
  local b = time.now()
  assert(type(a) == "userdata")
  assert(math.abs(a:unix() - os.time()) <= 5)
  assert(b:unix_nano() >= a:unix_nano())
  assert(math.abs(a:unix() - a:unix_nano() / 1e9) <= 1)
end

--# Constants: `NANOSECOND … HOUR` in nanoseconds
return function()
  assert(time.NANOSECOND == 1 and time.MICROSECOND == 1e3 and time.MILLISECOND == 1e6)
  assert(time.SECOND == 1e9 and time.MINUTE == 6e10 and time.HOUR == 3.6e12)
end

--# `after` of zero or less: Invalid
--: title what is no number is no duration
return function()
  for _, wait in { time.after, time.sleep } do
    local value, err = wait(0 / 0)
    assert(value == nil and err:kind() == errors.INVALID)
  end
  assert(time.sleep("1ms") == true)
end
