-- Functions: bodies that are called.

--# `function.lua`: a body that can be run and waited for (`funcs.call(id, ...)`, `funcs.async`), in a process of its own; with `meta.type: test` it is a test.
return function()
  local value, err = funcs.call("app:sum", 1, 2, 3)
  assert(err == nil and value.sum == 6 and value.id == "app:sum", tostring(err))
  assert(value.pid ~= process.pid() and require("funcs") == funcs)
  assert(string.find(value.pid, "app:processes|", 1, true), "on the host of its caller")
  assert(string.find(funcs.call("app:elsewhere"), "app:other|", 1, true), "on the host that it names")
  assert(string.find(funcs.call("app:process"), "app:other|", 1, true), "a process with a default host, too")

  value, err = funcs.call("app:fails")
  assert(value == nil and err:kind() == errors.CONFLICT and tostring(err) == "no")
  local function refused(kind, text, id, ...)
    local nothing, why = funcs.call(id, ...)
    assert(nothing == nil and why:kind() == kind and string.find(why, text, 1, true), tostring(why))
  end
  refused("NotFound", "app:none", "app:none")
  refused("Invalid", "app:main", "app:main")
  refused("Invalid", "app:processes", "app:processes")
  refused("Invalid", "argument #2 is a function", "app:sum", print)
  local ok, raised = pcall(funcs.call, 1)
  assert(not ok and string.find(raised, "bad argument #1 to 'call' (string expected, got number)", 1, true))
  local pid, why = process.spawn("app:sum", "app:processes")
  assert(pid == nil and why:kind() == "Invalid" and string.find(why, "function.lua"), "it is no process for spawn")
  assert(select(2, process.exec("app:sum", "app:processes")):kind() == "Invalid")

  local seen = process.with_context({ a = 7 }):exec("app:caller", "app:processes")
  assert(seen == 7, "a call inherits the context")
end
--@ sum
return function(...)
  local sum = 0
  for _, n in { ... } do sum += n end
  return { sum = sum, id = process.id(), pid = process.pid() }
end
--@ manifest
--[[
namespace: app
entries:
  - {name: processes, kind: process.host}
  - {name: other, kind: process.host}
  - {name: main, kind: process.lua, source: file://main.lua, modules: [funcs]}
  - {name: caller, kind: process.lua, source: file://caller.lua, modules: [funcs]}
  - {name: sum, kind: function.lua, source: file://sum.lua}
  - {name: context, kind: function.lua, source: file://context.lua}
  - {name: elsewhere, kind: function.lua, source: file://where.lua, meta: {default_host: 'app:other'}}
  - {name: process, kind: process.lua, source: file://where.lua, meta: {default_host: 'app:other'}}
  - {name: fails, kind: function.lua, source: file://fails.lua}
]]
--@ caller
return function() return (funcs.call("app:context")) end
--@ context
return function() return (ctx.get("a")) end
--@ where
return function() return process.pid() end
--@ fails
return function() return nil, errors.new({ message = "no", kind = "Conflict" }) end

--# `function.lua`: a body that can be run and waited for (`funcs.call(id, ...)`, `funcs.async`), in a process of its own; with `meta.type: test` it is a test.
--: title funcs.async gives a future
return function()
  local futures = {}
  for i = 1, 10 do futures[i] = funcs.async("app:double", i) end
  for i = 10, 1, -1 do
    local value, err = futures[i]:result()
    assert(value == i * 2 and err == nil and futures[i]:is_complete())
    assert(futures[i]:result() == i * 2, "as often as one likes")
  end
  local future = funcs.async("app:double", 4)
  local value, ok = future:response():receive()
  assert(value == 8 and ok and future:response() == future:response())
  value, ok = future:response():receive()
  assert(value == nil and not ok, "one value, then it is closed")

  local failed = funcs.async("app:double", "text")
  local nothing, err = failed:result()
  assert(nothing == nil and string.find(err, "double.lua"), tostring(err))
  assert(failed:response():receive() == err)

  local hello, events = process.listen("hello"), process.events()
  local slow = funcs.async("app:slow", process.pid())
  assert(not slow:is_complete())
  local pid = hello:receive()
  assert(process.monitor(pid))
  assert(slow:cancel() == true and slow:cancel() == false)
  local event = events:receive()
  assert(event.from == pid and event.exit.kind == "terminated", "its process is ended")
  nothing, err = slow:result()
  assert(nothing == nil and err:kind() == errors.CANCELED and slow:is_complete())
  local early = funcs.async("app:slow", process.pid())
  assert(early:cancel(), "before it has begun")
  assert(early:response():receive():kind() == errors.CANCELED)
  local done = funcs.async("app:double", 1)
  done:result()
  assert(done:cancel() == false and done:result() == 2)
end
--@ manifest
--[[
namespace: app
entries:
  - {name: main, kind: process.lua, source: file://main.lua, modules: [funcs]}
  - {name: double, kind: function.lua, source: file://double.lua}
  - {name: slow, kind: function.lua, source: file://slow.lua}
]]
--@ double
return function(n) return n * 2 end
--@ slow
return function(caller)
  process.send(caller, "hello", process.pid())
  process.inbox():receive()
end

--# `ch:close()` is idempotent.
--: title a channel that its script has closed gets no result
return function()
  local future = funcs.async("app:double", 2)
  future:response():close()
  assert(future:result() == 4 and future:is_complete())
  local value, ok = future:response():receive()
  assert(value == nil and ok == false, tostring(value))
end
--@ manifest
--[[
namespace: app
entries:
  - {name: main, kind: process.lua, source: file://main.lua, modules: [funcs]}
  - {name: double, kind: function.lua, source: file://double.lua}
]]
--@ double
return function(n) return n * 2 end
