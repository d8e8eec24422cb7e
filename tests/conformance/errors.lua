-- Errors that a script makes, wraps and raises.

--# `errors.new(text | {message, kind, retryable, details})`; without them `kind()` is `""`, `retryable()` and `details()` are nil; empty details are nil.
return function()
  local bare = errors.new("text")
  assert(bare:message() == "text" and bare:kind() == "")
  assert(bare:retryable() == nil and bare:details() == nil)
  local full = errors.new({ message = "m", kind = errors.TIMEOUT, retryable = true, details = { a = { 1 } } })
  assert(full:message() == "m" and full:kind() == "Timeout" and full:retryable() == true)
  assert(full:details().a[1] == 1)
  local no = errors.new({ message = "m", retryable = false, details = {} })
  assert(no:retryable() == false and no:details() == nil and no:kind() == "")
end

--# `errors.wrap(err | text, context)` keeps kind, retryable and details; `:message()` stays the inner one, `tostring` shows both.
return function()
  local inner = errors.new({ message = "inner", kind = errors.CONFLICT, retryable = true, details = { n = 1 } })
  local outer = errors.wrap(inner, "context")
  assert(outer:kind() == "Conflict" and outer:retryable() == true and outer:details().n == 1)
  assert(outer:message() == "inner")
  assert(string.find(outer, "inner", 1, true) and string.find(outer, "context", 1, true), tostring(outer))
  local text = errors.wrap("plain", "context")
  assert(text:message() == "plain" and text:kind() == "")
  assert(string.find(text, "plain", 1, true) and string.find(text, "context", 1, true))
  assert(tostring(inner) == "inner", "the inner one is as it was")
end

--# `errors.is(v, kind)` is false for what is no Error.
return function()
  local err = errors.new({ message = "m", kind = errors.TIMEOUT })
  assert(errors.is(err, errors.TIMEOUT) == true and errors.is(err, "Timeout") == true)
  assert(errors.is(err, errors.INVALID) == false)
  assert(errors.is(errors.wrap(err, "c"), errors.TIMEOUT) == true)
  for _, v in { "Timeout", 1, true, {}, { kind = "Timeout" }, print } do
    assert(errors.is(v, errors.TIMEOUT) == false)
  end
  assert(errors.is(nil, errors.TIMEOUT) == false)
end

--# `err:stack()` is text
return function()
  local function make() return errors.new("here") end
  local err, here = make(), select(2, pcall(function() error("") end))
  local file, line = string.match(here, "^(main%.lua):(%d+): $")
  local own = `{file}:{tonumber(line) - 1}`
  assert(string.find(err:stack(), `^{own} function make\n`), err:stack())
  assert(string.find(err:stack(), `\n{file}:{line}`), err:stack())
  local _, sent = process.send("nobody", "topic")
  assert(string.find(sent:stack(), `^{file}:{tonumber(line) + 5}\n`), sent:stack())
end

--# `err:stack()` is text
--: title the stack of what wabe raises or refuses begins where the script is
return function()
  local function refuse() return select(2, time.sleep("never")) end
  local stack = refuse():stack()
  assert(string.find(stack, "^main%.lua:%d+ function refuse\nmain%.lua:%d+\n"), stack)
  local events = process.events()
  for _, entry in { "app:raises", "app:waits" } do
    assert(process.spawn_monitored(entry, "app:processes"))
    stack = events:receive().error:stack()
    assert(string.find(stack, `^{string.sub(entry, 5)}%.lua:%d+ function own\n`), stack)
  end
  -- Where the script had returned already there is nothing of it.
  assert(process.spawn_monitored("app:returns", "app:processes"))
  stack = events:receive().error:stack()
  assert(not string.find(stack, "wabe", 1, true), stack)
end
--@ raises
local closed = channel.new(1)
closed:close()
local function own()
  closed:send(1)
  return nil
end
return function() return own() end
--@ waits
local function own()
  channel.new():receive()
  return nil
end
return function() return own() end
--@ returns
return function() return nil, "no" end

--# `error("text")` inside `pcall` gives the text as in plain Luau; an Error that is raised comes back as itself.
return function()
  local ok, text = pcall(error, "text", 0)
  assert(not ok and text == "text")
  ok, text = pcall(function() error("text") end)
  assert(not ok and type(text) == "string" and string.find(text, "^.*main.lua:%d+: text$"), text)
  local table_error = {}
  ok, text = pcall(error, table_error)
  assert(not ok and text == table_error)
  local err = errors.new({ message = "m", kind = errors.TIMEOUT, retryable = true })
  local raised
  ok, raised = pcall(error, err)
  assert(not ok and raised == err and raised:kind() == "Timeout")
  ok, raised = pcall(function()
    time.sleep("1ms")
    error(err)
  end)
  assert(not ok and raised == err)
end

--# `errors.new(text | {message, kind, retryable, details})`
--: title what is no Error's part does not get into one
return function()
  local child = assert(process.spawn_monitored("app:child", "app:processes"))
  for _, wrong in { { message = 1 }, { message = "m", kind = {} }, { message = "m", retryable = 1 } } do
    assert(not pcall(errors.new, wrong))
  end
  local err = errors.new({ message = "m", text = {}, stack = 5 })
  assert(tostring(err) == "m" and type(err:stack()) == "string")
  assert(process.send(child, "error", err))
  assert(process.events():receive().result == "m")
end
--@ child
return function() return tostring(process.listen("error"):receive()) end

--# `errors.call_stack(err)` is `{thread, frames = {{level, source, line, name, type}}}`.
return function()
  local function make() return errors.new("here") end
  local err = make()
  local stack = errors.call_stack(err)
  assert(stack.thread == "main", tostring(stack.thread))
  local first, second = stack.frames[1], stack.frames[2]
  assert(first.level == 1 and first.source == "main.lua" and first.name == "make" and first.type == "Lua")
  assert(second.level == 2 and second.source == "main.lua" and second.line == first.line + 1, tostring(second.line))
  for _, frame in stack.frames do
    assert(not string.find(frame.source, "wabe", 1, true), "frames of the script alone: " .. frame.source)
  end
  local other = channel.new(1)
  coroutine.spawn(function() other:send(errors.call_stack(errors.new("there")).thread) end)
  assert(other:receive() == "coroutine")
  for _, wrong in { "text", 5, {} } do
    assert(not pcall(errors.call_stack, wrong))
  end
  local _, raised = pcall(function() error(errors.new("raised")) end)
  assert(errors.call_stack(raised).frames[1].source == "main.lua")
  local child = assert(process.spawn_monitored("app:child", "app:processes"))
  assert(process.send(child, "error", err))
  local there = process.events():receive().result
  assert(there.thread == "main" and there.frames[1].name == "make" and #there.frames == #stack.frames, "it travels")
end
--@ child
return function() return errors.call_stack(process.listen("error"):receive()) end
