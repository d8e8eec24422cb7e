-- Which channel a message goes to, and in which order.

--# 1. A listener of exactly that topic gets it.
--: title topics are exact
return function()
  local inbox = process.inbox()
  local a, ab = process.listen("a"), process.listen("a.b")
  local me = process.pid()
  for _, topic in { "a.b", "a", "A", "a.", "a.b.c" } do
    assert(process.send(me, topic, topic))
  end
  assert(a:receive() == "a" and ab:receive() == "a.b")
  for _, topic in { "A", "a.", "a.b.c" } do
    assert(inbox:receive():topic() == topic)
  end
end

--# 2. Otherwise the inbox, if `inbox()` was ever called.
--# `inbox()` | channel of Messages whose topic has no listener
return function()
  local me, inbox, heard = process.pid(), process.inbox(), process.listen("heard")
  assert(process.send(me, "heard", 1))
  assert(process.send(me, "unheard", 2))
  local message, ok = inbox:receive()
  assert(ok == true and message:topic() == "unheard" and message:payload():data() == 2)
  assert(heard:receive() == 1)
end

--# 3. Otherwise it waits, in order, until someone subscribes: messages sent before `listen()` are not lost.
--: title messages wait for a listener
return function()
  local me = process.pid()
  for i = 1, 100 do
    assert(process.send(me, "early", i))
    assert(process.send(me, "other", -i))
  end
  local sync = process.listen("sync")
  assert(process.send(me, "sync"))
  sync:receive()
  local early = process.listen("early")
  assert(process.send(me, "early", 101))
  for i = 1, 101 do
    assert(early:receive() == i)
  end
  local other = process.listen("other")
  for i = 1, 100 do
    assert(other:receive() == -i)
  end
end

--# 3. Otherwise it waits, in order, until someone subscribes: messages sent before `listen()` are not lost.
--: title messages of all topics wait for the inbox, in order
return function()
  local me = process.pid()
  for i = 1, 50 do
    assert(process.send(me, "topic" .. i % 3, i))
  end
  local sync = process.listen("sync")
  assert(process.send(me, "sync"))
  sync:receive()
  local zero = process.listen("topic0")
  local inbox = process.inbox()
  for i = 1, 50 do
    if i % 3 == 0 then
      assert(zero:receive() == i)
    else
      assert(inbox:receive().payload == i)
    end
  end
end

--# Calling `inbox()`, `events()` or `listen(same topic)` again gives the *same* channel (`==`), also as `result.channel` of a select.
return function()
  assert(process.inbox() == process.inbox())
  assert(process.events() == process.events())
  assert(process.listen("topic") == process.listen("topic"))
  assert(process.listen("topic") ~= process.listen("other"))
  assert(process.inbox() ~= process.events())
  assert(process.send(process.pid(), "topic", 1))
  local result = channel.select({
    process.inbox():case_receive(),
    process.events():case_receive(),
    process.listen("topic"):case_receive(),
  })
  assert(result.channel == process.listen("topic") and result.value == 1)
  assert(process.send(process.pid(), "unheard", 2))
  result = channel.select({ process.events():case_receive(), process.inbox():case_receive() })
  assert(result.channel == process.inbox())
  local child = assert(process.spawn_monitored("app:child", "app:processes"))
  result = channel.select({ process.inbox():case_receive(), process.events():case_receive() })
  assert(result.channel == process.events() and result.value.from == child)
  local keyed = { [process.events()] = "events" }
  assert(keyed[result.channel] == "events", "it is the same as a key, too")
end
--@ child
return function() end

--# `listen(topic, {message=bool}?)` | a channel | `nil, err` Invalid: empty topic, topic that starts with `@`
return function()
  local plain = process.listen("plain", { message = false })
  local whole = process.listen("whole", { message = true })
  local me = process.pid()
  assert(process.send(me, "plain", "a"))
  assert(process.send(me, "whole", "b"))
  assert(plain:receive() == "a")
  local message = whole:receive()
  assert(message:topic() == "whole" and message:payload():data() == "b" and message:from() == me)
  for _, topic in { "", "@", "@events" } do
    local ch, err = process.listen(topic)
    assert(ch == nil and err:kind() == errors.INVALID, topic)
  end
end

--# `unlisten(ch)` | `true`; closes `ch`
--# After `unlisten`, what was buffered can still be read, then `nil, false`.
return function()
  local me, topic, sync = process.pid(), process.listen("topic"), process.listen("sync")
  for i = 1, 3 do
    assert(process.send(me, "topic", i))
  end
  assert(process.send(me, "sync"))
  sync:receive()
  assert(process.unlisten(topic) == true)
  assert(process.send(me, "topic", "later"))
  for i = 1, 3 do
    local value, ok = topic:receive()
    assert(value == i and ok == true)
  end
  for _ = 1, 2 do
    local value, ok = topic:receive()
    assert(value == nil and ok == false)
  end
  local again = process.listen("topic")
  assert(again ~= topic, "a new subscription has a channel of its own")
  assert(again:receive() == "later", "what came after unlisten waits for it")
end

--# `unlisten(ch)` | `true`; closes `ch`
--: title unlisten wakes a receiver that waits
return function()
  local topic, woken = process.listen("topic"), channel.new()
  coroutine.spawn(function()
    local value, ok = topic:receive()
    woken:send({ value = value, ok = ok })
  end)
  assert(process.unlisten(topic))
  local got = woken:receive()
  assert(got.value == nil and got.ok == false)
end

--# `false, err` "channel not found"
--# A wrong Lua *type* for a required argument raises
--: title unlisten of a channel without a topic, and of what is none
return function()
  local topic = process.listen("topic")
  assert(process.unlisten(topic))
  for _, ch in { topic, channel.new(), channel.new(1) } do
    local ok, err = process.unlisten(ch)
    assert(ok == false and tostring(err) == "channel not found", tostring(err))
    assert(err:kind() == errors.NOT_FOUND)
  end
  for _, wrong in { "topic", 1, {}, time.utc, topic:case_receive() } do
    local ok, err = pcall(process.unlisten, wrong)
    local text = `bad argument #1 to 'unlisten' (channel expected, got {typeof(wrong)})`
    assert(not ok and err == text, tostring(err))
  end
  local ok, err = pcall(process.unlisten)
  assert(not ok and string.find(err, "got nil", 1, true), tostring(err))
end

--# Messages from one sender to one receiver arrive in the order sent
return function()
  local a, b = process.listen("a"), process.listen("b", { message = true })
  local first = assert(process.spawn("app:child", "app:processes", process.pid()))
  local second = assert(process.spawn("app:child", "app:processes", process.pid()))
  local due = { [a] = { [first] = 1, [second] = 1 }, [b] = { [first] = 2, [second] = 2 } }
  for _ = 1, 4000 do
    local got = channel.select({ a:case_receive(), b:case_receive() })
    local from = if got.channel == a then got.value.from else got.value:from()
    local i = if got.channel == a then got.value.i else got.value.payload
    assert(i == due[got.channel][from], "got " .. i .. " for " .. due[got.channel][from])
    due[got.channel][from] += 2
  end
end
--@ child
return function(parent)
  for i = 1, 2000 do
    if i % 2 == 1 then
      assert(process.send(parent, "a", { i = i, from = process.pid() }))
    else
      assert(process.send(parent, "b", i))
    end
  end
end

--# Messages from one sender to one receiver arrive in the order sent
--: title order across topics, sizes and names, by the inbox
return function()
  local inbox = process.inbox()
  assert(process.registry.register("main"))
  local pid = assert(process.spawn("app:child", "app:processes", process.pid()))
  for i = 1, 600 do
    local message = inbox:receive()
    assert(message:from() == pid)
    assert(message.payload.i == i, "got " .. message.payload.i .. " for " .. i)
  end
end
--@ child
return function(parent)
  for i = 1, 600 do
    local size = if i % 50 == 0 then 300000 else i % 7
    local to = if i % 5 == 0 then "main" else parent
    assert(process.send(to, "topic" .. i % 3, { i = i, text = string.rep("x", size) }))
  end
end

--# what a process sent before it ended arrives before its EXIT.
return function()
  local events, topic = process.events(), process.listen("topic")
  for _, how in { "return", "error", "text" } do
    local pid = assert(process.spawn_monitored("app:child", "app:processes", process.pid(), how))
    assert(events:receive().from == pid)
    for i = 1, 200 do
      local got = channel.select({ topic:case_receive(), default = true })
      assert(got.value == i, how .. ": message " .. i .. " is not there at the EXIT")
    end
  end
end
--@ child
return function(parent, how)
  for i = 1, 200 do
    assert(process.send(parent, "topic", i))
  end
  if how == "error" then
    error("ends")
  end
  return nil, if how == "text" then "ends" else nil
end

--# After `unlisten`, what was buffered can still be read, then `nil, false`.
--: title the channels of the mailbox are only for receiving
return function()
  for _, ch in { process.inbox(), process.events(), process.listen("t") } do
    assert(not pcall(ch.send, ch, 1) and not pcall(ch.close, ch) and not pcall(ch.case_send, ch, 1))
  end
  assert(process.send(process.pid(), "t", "still here"))
  assert(process.listen("t"):receive() == "still here")
end
