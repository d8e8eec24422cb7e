-- Which values go from one process to another, and how they arrive.

--# nil, booleans, numbers, strings (any bytes), buffers, vectors, Errors, and tables of these, copied deep
--: title plain values
return function()
  local back = process.listen("back")
  local echo = assert(process.spawn("app:echo", "app:processes", process.pid()))
  local function trip(value)
    assert(process.send(echo, "value", value))
    local got, ok = back:receive()
    assert(ok == true)
    return got
  end
  assert(trip(nil) == nil and trip(true) == true and trip(false) == false)
  for _, n in { 0, 1, -1, 0.5, -0.25, 127, 128, 255, 256, 65535, 65536, -32769, 2 ^ 31, 2 ^ 32, -2 ^ 33, 1e300, -1e-300, math.pi, math.huge, -math.huge } do
    assert(trip(n) == n, "number " .. n)
  end
  local nan = trip(0 / 0)
  assert(nan ~= nan)
  assert(1 / trip(-0.0) == -math.huge, "the sign of zero")
  local bytes = {}
  for i = 0, 255 do
    table.insert(bytes, string.char(i))
  end
  local all = table.concat(bytes)
  assert(trip(all) == all and trip("") == "" and trip("a\0b\255") == "a\0b\255")
  assert(trip(string.rep("é", 70000)) == string.rep("é", 70000))
end
--@ echo
return function(parent)
  local value = process.listen("value")
  while true do
    process.send(parent, "back", (value:receive()))
  end
end

--# nil, booleans, numbers, strings (any bytes), buffers, vectors, Errors, and tables of these, copied deep
--: title buffers, vectors and Errors
return function()
  local back = process.listen("back")
  local echo = assert(process.spawn("app:echo", "app:processes", process.pid()))
  local b = buffer.fromstring("\0\1\254\255")
  assert(process.send(echo, "value", b))
  local got = back:receive()
  assert(type(got) == "buffer" and buffer.tostring(got) == "\0\1\254\255")
  assert(process.send(echo, "value", { v = vector.create(1, -2.5, 3), b = buffer.create(0) }))
  got = back:receive()
  assert(type(got.v) == "vector" and got.v == vector.create(1, -2.5, 3))
  assert(buffer.len(got.b) == 0)
  local err = errors.new({ message = "why", kind = "Conflict", retryable = true, details = { n = 1, list = { "x" } } })
  assert(process.send(echo, "value", { err }))
  got = back:receive()[1]
  assert(got:message() == "why" and tostring(got) == "why" and got:kind() == "Conflict")
  assert(got:retryable() == true and got:details().n == 1 and got:details().list[1] == "x")
  assert(got .. "!" == "why!" and errors.is(got, "Conflict"))
  assert(process.send(echo, "value", errors.new("bare")))
  got = back:receive()
  assert(got:kind() == "" and got:retryable() == nil and got:details() == nil and tostring(got) == "bare")
end
--@ echo
return function(parent)
  local value = process.listen("value")
  while true do
    process.send(parent, "back", (value:receive()))
  end
end

--# and tables of these, copied deep
--: title a copy is a copy, also to oneself
return function()
  local topic = process.listen("topic")
  local inner = { "kept" }
  local sent = { inner = inner, twice = { inner, inner } }
  assert(process.send(process.pid(), "topic", sent))
  inner[1] = "changed"
  sent.added = true
  local got = topic:receive()
  assert(got ~= sent and got.inner ~= inner)
  assert(got.inner[1] == "kept" and got.added == nil)
  assert(got.twice[1][1] == "kept" and got.twice[2][1] == "kept", "the same table twice is no cycle")
end

--# a table with cycles or over the depth limit fails with Invalid.
return function()
  local cycle = { list = {} }
  cycle.list[1] = cycle
  local ok, err = process.send(process.pid(), "topic", cycle)
  assert(ok == nil and err:kind() == errors.INVALID, tostring(err))
  local function nested(levels)
    local t = "bottom"
    for _ = 1, levels do
      t = { t }
    end
    return t
  end
  assert(process.send(process.pid(), "topic", nested(64)), "64 tables in one another travel")
  ok, err = process.send(process.pid(), "topic", nested(65))
  assert(ok == nil and err:kind() == errors.INVALID, "65 do not")
  ok, err = process.send(process.pid(), "topic", nested(100000))
  assert(ok == nil and err:kind() == errors.INVALID, "nor do 100000")
  local got = process.listen("topic"):receive()
  for _ = 1, 64 do
    got = got[1]
  end
  assert(got == "bottom")
end

--# Arrays and maps survive exactly: `{1,2,a=3}`, `{[1]="a",[3]="c"}` and integers up to 2^53 come back equal.
return function()
  local back = process.listen("back")
  local echo = assert(process.spawn("app:echo", "app:processes", process.pid()))
  local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
      return a == b and type(a) == type(b)
    end
    for k, v in a do
      if not same(v, b[k]) then
        return false
      end
    end
    for k in b do
      if a[k] == nil then
        return false
      end
    end
    return true
  end
  for i, t in {
    { 1, 2, a = 3 },
    { [1] = "a", [3] = "c" },
    { [2] = "b" },
    { [0] = "zero", "one" },
    { [-1] = "minus", [1.5] = "half" },
    { [true] = "yes", [false] = "no" },
    { ["1"] = "text", [1] = "number" },
    { {}, { {} }, { a = {} } },
    { 1, nil, 3 },
    { ["a\0b"] = 1, [""] = 2 },
    { 2 ^ 53, -2 ^ 53, 2 ^ 53 - 1, 9007199254740991, 4294967296 },
    { [2 ^ 53] = "far" },
    {},
  } do
    assert(process.send(echo, "value", t))
    local got = back:receive()
    assert(same(t, got), "table " .. i .. " came back different")
  end
  local long = table.create(10000, 7)
  assert(process.send(echo, "value", long))
  assert(same(long, back:receive()))
end
--@ echo
return function(parent)
  local value = process.listen("value")
  while true do
    process.send(parent, "back", (value:receive()))
  end
end

--# A Payload or Message is unwrapped, also inside tables and return values.
return function()
  local topic, events = process.listen("topic"), process.events()
  local me = process.pid()
  assert(process.send(me, "topic", payload.new({ 5 })))
  assert(topic:receive()[1] == 5)
  assert(process.send(me, "topic", { p = payload.new("x"), list = { payload.new(payload.new(2)) } }))
  local got = topic:receive()
  assert(got.p == "x" and got.list[1] == 2)
  local inbox = process.inbox()
  assert(process.send(me, "unheard", "inner"))
  local message = inbox:receive()
  assert(process.send(me, "topic", message))
  assert(topic:receive() == "inner")
  assert(process.send(me, "topic", { m = message, p = message:payload() }))
  got = topic:receive()
  assert(got.m == "inner" and got.p == "inner")
  local pid = assert(process.spawn_monitored("app:child", "app:processes", payload.new("argument"), { message }))
  local event = events:receive()
  assert(event.from == pid and event.result.whole == "argument", tostring(event.error))
  assert(event.result.inside == "inner" and event.result.wrapped == "return")
end
--@ child
return function(whole, list)
  return payload.new({ whole = whole, inside = list[1], wrapped = payload.new("return") })
end

--# A function, coroutine, channel or other userdata fails with Invalid naming the place (`payload.list[3] is a function`): nothing is dropped silently.
return function()
  local me = process.pid()
  local function refused(value, text)
    local ok, err = process.send(me, "topic", value)
    assert(ok == nil and err:kind() == errors.INVALID, text .. ": " .. tostring(err))
    assert(string.find(err, text, 1, true), tostring(err))
  end
  refused({ list = { 1, 2, function() end } }, "payload.list[3] is a function")
  refused({ list = { 1, 2, print } }, "payload.list[3] is a function")
  refused(print, "payload is a function")
  refused({ print }, "payload[1] is a function")
  refused({ a = { b = { c = print } } }, "payload.a.b.c is a function")
  refused({ deep = { coroutine.create(function() end) } }, "payload.deep[1] is a ")
  refused({ ch = channel.new() }, "payload.ch is a ")
  refused({ ch = process.events() }, "payload.ch is a ")
  refused({ [print] = 1 }, "function")
  assert(process.send(me, "topic", "first"))
  assert(process.listen("topic"):receive() == "first", "nothing of all that was sent")
end
