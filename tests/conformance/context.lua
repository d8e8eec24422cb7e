-- Builders: what a process has before its first instruction, and the context that it inherits.

--# | `with_context(t)` | a builder: `:with_name(n) :with_message(topic, ...) :with_options(t)` and every `spawn*`/`exec`; each method returns a new builder; children inherit the context; `ctx.get(key)` reads it | raises |
--: title children inherit the context, transitively and also without a builder
return function()
  local value, err = ctx.get("user")
  assert(value == nil and err:kind() == errors.NOT_FOUND and string.find(err, "user"), tostring(err))
  assert(require("ctx") == ctx)
  local t = { user = "ada", deep = { list = { 1, 2, a = 3 } }, no = false }
  local builder = process.with_context(t)
  t.user = "changed later"
  t.deep.list[1] = 100
  local seen = assert(builder:exec("app:child", "app:processes", 2))
  assert(seen.user == "ada" and seen.list == 1 and seen.no == false and seen.added == "here", seen.added)
  assert(ctx.get("user") == nil, "the context of this process is its own")
  local bare = assert(process.exec("app:bare", "app:processes"))
  assert(bare == "none")
end
--@ child
return function(depth)
  local deep = assert(ctx.get("deep"))
  if depth > 0 then
    deep.list[1] = "changed in a copy"
    assert(ctx.get("deep").list[1] == 1)
    if depth == 2 then
      return process.with_context({ added = "here" }):exec("app:child", "app:processes", 1)
    end
    return process.exec("app:child", "app:processes", 0)
  end
  return { user = ctx.get("user"), list = deep.list[1], no = ctx.get("no"), added = ctx.get("added") }
end
--@ bare
return function() return if ctx.get("user") then "some" else "none" end

--# | `with_context(t)` | a builder: `:with_name(n) :with_message(topic, ...) :with_options(t)` and every `spawn*`/`exec`; each method returns a new builder; children inherit the context; `ctx.get(key)` reads it | raises |
--: title a child has its name, its messages and its options before its first instruction
return function()
  local events, hello = process.events(), process.listen("hello")
  local base = process.with_context({})
  local named = base:with_name("the.child")
  local both = named:with_message("a", 1):with_message("b"):with_message("a", 2, { 3 }):with_options({ trap_links = true })
  assert(base ~= named and named ~= both, "each method returns a new builder")
  for _, fname in { "spawn", "spawn_monitored", "spawn_linked_monitored", "spawn_linked" } do
    local pid = assert(both[fname](both, "app:child", "app:processes", process.pid()))
    local got = hello:receive()
    assert(got.name == pid and got.trap == true and got.from == process.pid())
    assert(got.a1 == 1 and got.b == "nothing" and got.a2[1] == 2 and got.a2[2][1] == 3)
    -- One that cannot be monitored any more has ended.
    if string.find(fname, "monitored") or process.monitor(pid) then
      assert(events:receive().from == pid)
    end
  end
  assert(base:exec("app:plain", "app:processes") == "plain", "a builder is not changed by what is made of it")
  local value = assert(both:exec("app:child", "app:processes", process.pid()))
  assert(value == "done" and hello:receive().trap)
end
--@ child
return function(parent)
  local name = process.registry.lookup("the.child")
  local a = process.listen("a")
  local first = channel.select({ a:case_receive(), default = true })
  assert(not first.default, "it is there at once")
  local b = process.listen("b", { message = true })
  local message = b:receive()
  local from, nothing = message:from(), message:payload():data()
  process.send(parent, "hello", {
    name = name,
    trap = process.get_options().trap_links,
    a1 = first.value,
    a2 = a:receive(),
    b = if nothing == nil then "nothing" else "something",
    from = from,
  })
  return "done"
end
--@ plain
return function()
  local _, err = process.registry.lookup("the.child")
  assert(err and not process.get_options().trap_links)
  assert(channel.select({ process.inbox():case_receive(), default = true }).default)
  return "plain"
end

--# | `with_context(t)` | a builder: `:with_name(n) :with_message(topic, ...) :with_options(t)` and every `spawn*`/`exec`; each method returns a new builder; children inherit the context; `ctx.get(key)` reads it | raises |
--: title each method returns another builder and leaves the first as it was
return function()
  local first = process.with_context({ a = 1 }):with_name("first"):with_message("m", 1):with_options({ trap_links = true })
  local others = {
    first:with_name("other"),
    first:with_message("m", 2),
    first:with_options({ trap_links = false }),
    first:with_options({}),
    process.with_context({ a = 2 }),
  }
  local seen = { [first] = true }
  for index, other in others do
    assert(not seen[other], `number {index} is no other builder`)
    seen[other] = true
  end
  local function says(builder, expected)
    local text = assert(builder:exec("app:child", "app:processes"))
    assert(text == expected, text)
  end
  for _ = 1, 2 do
    says(first, "first 1 true 1")
    says(others[1], "other 1 true 1")
    says(others[2], "first 1,2 true 1")
    says(others[3], "first 1 false 1")
    says(others[4], "first 1 true 1")
    says(others[5], "none  false 2")
  end
end
--@ child
return function()
  local name, got, topic = "none", {}, process.listen("m")
  for _, known in { "first", "other" } do
    if process.registry.lookup(known) == process.pid() then name = known end
  end
  while true do
    local result = channel.select({ topic:case_receive(), default = true })
    if result.default then break end
    table.insert(got, result.value)
  end
  return `{name} {table.concat(got, ",")} {process.get_options().trap_links} {ctx.get("a")}`
end

--# | `with_context(t)` | a builder: `:with_name(n) :with_message(topic, ...) :with_options(t)` and every `spawn*`/`exec`; each method returns a new builder; children inherit the context; `ctx.get(key)` reads it | raises |
--: title wrong types raise, and other failures are those of the spawn
return function()
  local function raises(text, fn, ...)
    local ok, err = pcall(fn, ...)
    assert(not ok and string.find(tostring(err), text, 1, true), tostring(err))
  end
  local builder = process.with_context({ a = 1 })
  raises("bad argument #1 to 'with_context' (table expected, got string)", process.with_context, "x")
  raises("keys must be strings, got number", process.with_context, { 1 })
  raises("context.f is a function", process.with_context, { f = print })
  raises("bad argument #2 to 'with_name' (string expected, got number)", builder.with_name, builder, 1)
  raises("bad argument #2 to 'with_message' (string expected, got nil)", builder.with_message, builder)
  raises("topic", builder.with_message, builder, "@x", 1)
  raises("payload is a function", builder.with_message, builder, "x", print)
  raises("bad argument #2 to 'with_options' (table expected, got number)", builder.with_options, builder, 1)
  raises("unknown option 'other': there is only trap_links", builder.with_options, builder, { other = true })
  raises("unknown option 'upgradable': there is only trap_links", builder.with_options, builder, { upgradable = true })
  raises("option 'trap_links' must be a boolean", builder.with_options, builder, { trap_links = 1 })
  raises("bad argument #2 to 'spawn' (string expected, got number)", builder.spawn, builder, 1, "app:processes")
  raises("bad argument #1 to 'get' (string expected, got number)", ctx.get, 1)

  local function refused(kind, value, err)
    assert(value == nil and err:kind() == kind, tostring(err))
  end
  assert(process.registry.register("taken"))
  for _, fname in { "spawn", "exec" } do
    refused("AlreadyExists", builder:with_name("taken")[fname](builder:with_name("taken"), "app:child", "app:processes"))
    refused("Invalid", builder:with_name("{no"):spawn("app:child", "app:processes"))
    refused("Invalid", builder[fname](builder, "app:child"))
    refused("NotFound", builder[fname](builder, "app:child", "app:nowhere"))
  end
  refused("Invalid", builder:with_name("free"):spawn("app:broken", "app:processes"))
  refused("NotFound", process.registry.lookup("free"))
  local large = process.with_context({ big = string.rep("x", 3000000) })
  refused("Invalid", large:spawn("app:child", "app:processes", string.rep("y", 3000000)))
  refused("Invalid", large:with_message("t", string.rep("y", 3000000)):spawn("app:child", "app:processes"))
  assert(large:exec("app:child", "app:processes", "small") == "small")
end
--@ child
return function(...) return ... end
--@ broken
error("no")
