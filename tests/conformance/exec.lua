-- Processes that are waited for.

--# | `exec(entry, host, ...)` | the child's return value; waits for it |
--: title exec gives the child's return value
return function()
  for i = 1, 20 do
    local value, err = process.exec("app:child", "app:processes", i, nil, { "x" })
    assert(err == nil and value.i == i and value.count == 3 and value.x == "x", tostring(err))
  end
  assert(select("#", process.exec("app:child", "app:processes")) >= 1)
  local value, err = process.exec("app:child", "app:processes")
  assert(value == nil and err == nil, "nothing is returned")
  assert(process.exec("app:child", "app:processes", false) == false)
end
--@ child
return function(...)
  local i, _, list = ...
  if i == nil or i == false then return i end
  return { i = i, count = select("#", ...), x = list[1] }
end

--# `nil, err` of the child or of the spawn
return function()
  local value, err = process.exec("app:child", "app:processes", "returns")
  assert(value == nil and tostring(err) == "no such thing" and err:kind() == "NotFound" and err:details().a == 1)
  value, err = process.exec("app:child", "app:processes", "text")
  assert(value == nil and tostring(err) == "just text")
  value, err = process.exec("app:child", "app:processes", "raises")
  assert(value == nil and string.find(err, "child.lua:%d+: loud"), tostring(err))
  value, err = process.exec("app:child", "app:processes", "function")
  assert(value == nil and tostring(err) == "result is a function")

  value, err = process.exec("app:nothing", "app:processes")
  assert(value == nil and err:kind() == errors.NOT_FOUND)
  value, err = process.exec("app:child", "app:nowhere")
  assert(value == nil and err:kind() == errors.NOT_FOUND)
  value, err = process.exec("app:broken", "app:processes")
  assert(value == nil and err:kind() == errors.INVALID and string.find(err, "top level"), tostring(err))
  value, err = process.exec("app:child")
  assert(value == nil and err:kind() == errors.INVALID)
  value, err = process.exec("app:child", "app:processes", print)
  assert(value == nil and string.find(err, "argument #3 is a function"), tostring(err))
  local ok, raised = pcall(process.exec, 1, "app:processes")
  assert(not ok and string.find(raised, "bad argument #1 to 'exec' (string expected, got number)", 1, true))
end
--@ child
return function(how)
  if how == "returns" then return nil, errors.new({ message = "no such thing", kind = "NotFound", details = { a = 1 } }) end
  if how == "text" then return 7, "just text" end
  if how == "function" then return print end
  error("loud")
end
--@ broken
error("top level")

--# | `exec(entry, host, ...)` | the child's return value; waits for it |
--: title the end of a child that is executed is no event, with and without somebody who asks for events
return function()
  assert(process.exec("app:child", "app:processes", 1) == 1)
  local events = process.events()
  assert(process.exec("app:child", "app:processes", 2) == 2)
  local pid = assert(process.spawn_monitored("app:child", "app:processes", 3))
  local event = events:receive()
  assert(event.from == pid and event.result == 3)
  assert(channel.select({ events:case_receive(), default = true }).default)
end
--@ child
return function(i) return i end

--# | `exec(entry, host, ...)` | the child's return value; waits for it |
--: title many execs are under way at once, and messages of a child come before its result
return function()
  local done, news = channel.new(30), process.listen("news")
  for i = 1, 30 do
    coroutine.spawn(function()
      done:send({ i, (process.exec("app:child", "app:processes", process.pid(), i)) })
    end)
  end
  for _ = 1, 30 do
    local pair = done:receive()
    assert(pair[2] == pair[1] * 2)
  end
  for _ = 1, 30 do
    assert(not channel.select({ news:case_receive(), default = true }).default)
  end
end
--@ child
return function(parent, i)
  assert(process.send(parent, "news", i))
  return i * 2
end

--# | `exec(entry, host, ...)` | the child's return value; waits for it |
--: title a child that is executed ends with its caller, and when nobody waits for it any more
return function()
  local hello, events = process.listen("hello"), process.events()
  local task = coroutine.spawn(function()
    process.exec("app:child", "app:processes", process.pid())
  end)
  local child = hello:receive()
  assert(process.monitor(child))
  coroutine.close(task)
  local event = events:receive()
  assert(event.from == child and event.exit.kind == "terminated")
  assert(tostring(event.error) == "terminated: nobody waits for its result any more")

  local caller = assert(process.spawn("app:caller", "app:processes", process.pid()))
  child = hello:receive()
  assert(process.monitor(child))
  assert(process.terminate(caller))
  event = events:receive()
  assert(event.from == child and event.exit.kind == "terminated")
  assert(tostring(event.error) == "terminated: its caller ended")
end
--@ caller
return function(parent)
  process.exec("app:child", "app:processes", parent)
end
--@ child
return function(parent)
  process.send(parent, "hello", process.pid())
  process.inbox():receive()
end
