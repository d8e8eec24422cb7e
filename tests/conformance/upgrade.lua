-- Processes that go on with other code.

--# | `upgrade(entry or nil, ...)` | never returns: the same PID goes on with the new code and these arguments; names, monitors, links and unread messages stay; trap_links goes back to false; channels, timers and coroutines are gone | the process fails |
--: title the same PID goes on with the new code, its names, its ties and its unread mail
return function()
  local events, news = process.events(), process.listen("news")
  assert(process.set_options({ trap_links = true }))
  local pid = assert(process.with_context({ who = "me" }):spawn_linked_monitored("app:old", "app:processes", process.pid()))
  assert(news:receive() == "old")
  for i = 1, 30 do
    assert(process.send(pid, if i % 2 == 0 then "even" else "odd", i))
  end
  assert(process.send(pid, "go"))
  local got = news:receive()
  assert(got.pid == pid and got.id == "app:new" and got.name == pid, "the same process")
  assert(got.count == 3 and got.first == "a" and got.third == "c", "with these arguments")
  assert(got.trap == false and got.who == "me")
  local order = news:receive()
  assert(#order == 29, #order)
  for i, value in order do assert(value == i + 1, "in the order of their sending, less the one that was read") end
  assert(process.send(pid, "after", "end"))
  local kinds = {}
  for _ = 1, 2 do
    local event = events:receive()
    assert(event.from == pid and tostring(event.error) == "as wished")
    kinds[event.kind] = true
  end
  assert(kinds.EXIT and kinds.LINK_DOWN)
end
--@ old
return function(parent)
  assert(process.registry.register("the.process"))
  assert(process.set_options({ trap_links = true }))
  time.after("1ms")
  coroutine.spawn(function() process.send(parent, "news", channel.new():receive()) end)
  local odd, go = process.listen("odd"), process.listen("go")
  assert(process.send(parent, "news", "old"))
  assert(go:receive() == nil and odd:receive() == 1)
  local ok = pcall(process.upgrade, "app:new", "a", nil, "c")
  process.send(parent, "news", "returned " .. tostring(ok))
end
--@ new
return function(...)
  local parent = process.registry.lookup("the.process") and nil
  local inbox, events = process.inbox(), process.events()
  local numbers, from = {}, nil
  for _ = 1, 29 do
    local message = inbox:receive()
    from = message:from()
    table.insert(numbers, message:payload():data())
  end
  local first, _, third = ...
  process.send(from, "news", {
    pid = process.pid(), id = process.id(), name = process.registry.lookup("the.process"),
    count = select("#", ...), first = first, third = third,
    trap = process.get_options().trap_links, who = ctx.get("who"),
  })
  process.send(from, "news", numbers)
  assert(inbox:receive():payload():data() == "end")
  return nil, "as wished"
end

--# | `upgrade(entry or nil, ...)` | never returns: the same PID goes on with the new code and these arguments; names, monitors, links and unread messages stay; trap_links goes back to false; channels, timers and coroutines are gone | the process fails |
--: title without an entry it begins anew, again and again, and unread events stay
return function()
  local child = assert(process.spawn_monitored("app:counter", "app:processes", 0, {}))
  local event = process.events():receive()
  assert(event.from == child and event.error == nil, tostring(event.error))
  assert(event.result.count == 10 and event.result.events == 10)
  for _, ok in event.result.results do assert(ok == "short") end
end
--@ counter
return function(count, results)
  if count < 10 then
    -- Its end is told to whoever is this process by then.
    local short = assert(process.spawn_monitored("app:short", "app:processes"))
    table.insert(results, 0)
    if count % 2 == 0 then
      -- It has ended, and the event lies here unread.
      while process.send(short, "x") do time.sleep("1ms") end
    end
    process.upgrade(nil, count + 1, results)
  end
  local events, seen = process.events(), 0
  for i = 1, 10 do
    local ended = events:receive()
    assert(ended.kind == process.event.EXIT and ended.at)
    results[i] = ended.result
    seen += 1
  end
  return { count = count, events = seen, results = results }
end
--@ short
return function() return "short" end

--# | `upgrade(entry or nil, ...)` | never returns: the same PID goes on with the new code and these arguments; names, monitors, links and unread messages stay; trap_links goes back to false; channels, timers and coroutines are gone | the process fails |
--: title where it cannot be done the process fails
return function()
  local events = process.events()
  local function fails(text, ...)
    local pid = assert(process.spawn_monitored("app:child", "app:processes", ...))
    local event = events:receive()
    assert(event.from == pid and event.exit.kind == "error", event.exit.kind)
    assert(string.find(event.error, text, 1, true), tostring(event.error))
  end
  fails("cannot upgrade: entry 'app:none' not found", "app:none")
  fails("cannot upgrade: entry 'app:util' is a library.lua", "app:util")
  fails("cannot upgrade: broken.lua:", "app:broken")
  fails("cannot upgrade: argument #2 is a function", "function")
  fails("bad argument #1 to 'upgrade' (string expected, got number)", 7)
  local pid, err = process.spawn("app:early", "app:processes")
  assert(pid == nil and string.find(err, "cannot upgrade: it is not loaded yet"), tostring(err))
  local value
  value, err = process.exec("app:child", "app:processes", "app:value")
  assert(err == nil and value == "of the new code", "whoever waits for it gets the last value")
end
--@ child
return function(how)
  if how == "function" then pcall(process.upgrade, nil, print) end
  process.upgrade(how)
end
--@ value
return function() return "of the new code" end
--@ broken
error("top level")
--@ early
process.upgrade("app:value")
return function() end
--@ lib:util
return {}

--# channels, timers and coroutines are gone
return function()
  local news = process.listen("news")
  local events = process.events()
  local pid = assert(process.spawn_monitored("app:child", "app:processes", process.pid()))
  -- What the old code has said comes before what the new one says.
  local old = 0
  while news:receive() ~= "new" do old += 1 end
  assert(old > 0)
  local event = events:receive()
  assert(event.from == pid and event.result == "quiet", tostring(event.error))
  assert(channel.select({ news:case_receive(), default = true }).default, "nothing of the old code speaks")
  assert(process.send(process.pid(), "last"))
end
--@ child
return function(parent)
  for _ = 1, 5 do
    coroutine.spawn(function()
      while true do
        process.send(parent, "news", "a coroutine of the old code")
        time.sleep("1ms")
      end
    end)
  end
  local exec = coroutine.spawn(function()
    process.exec("app:forever", "app:processes", process.pid())
    process.send(parent, "news", "an exec of the old code")
  end)
  process.listen("up"):receive()
  process.upgrade("app:new", parent)
end
--@ forever
return function(caller)
  process.send(caller, "up")
  process.inbox():receive()
end
--@ new
return function(parent)
  process.send(parent, "news", "new")
  time.sleep("20ms")
  return "quiet"
end
