-- Messages and Payloads.

--# `:topic()`, `:from()` (PID or nil), `:payload()` (a Payload)
return function()
  local inbox, whole = process.inbox(), process.listen("whole", { message = true })
  local pid = assert(process.spawn("app:child", "app:processes", process.pid()))
  local message = inbox:receive()
  assert(message:topic() == "unheard" and message:from() == pid)
  assert(message:payload():data().a[1] == 1)
  message = whole:receive()
  assert(message:topic() == "whole" and message:from() == pid)
  assert(message:payload():data() == nil, "no payload is nil")
  message = whole:receive()
  local data = message:payload():data()
  assert(#data == 2 and data[1] == "x" and data[2] == "y", "several payload values are one array")
end
--@ child
return function(parent)
  process.send(parent, "unheard", { a = { 1 } })
  process.send(parent, "whole")
  process.send(parent, "whole", "x", "y")
end

--# the fields `msg.topic`, `msg.from`, `msg.payload` (raw value) work as well.
return function()
  local inbox, me = process.inbox(), process.pid()
  assert(process.send(me, "greet", { "hello" }))
  local message = inbox:receive()
  assert(message.topic == "greet" and message:topic() == "greet", "as field and as method")
  assert(message.from == me and message:from() == me)
  assert(message.payload[1] == "hello" and message:payload():data()[1] == "hello")
  assert(message.nothing == nil or not pcall(function() return message.nothing end))
  assert(process.send(me, "bare"))
  assert(inbox:receive().payload == nil)
end

--# `print(msg.topic, msg.payload)` prints the topic and the value.
return function()
  local inbox, me = process.inbox(), process.pid()
  assert(process.send(me, "greet", "hello"))
  assert(process.send(me, "count", 42))
  assert(process.send(me, "flag", true))
  for _ = 1, 3 do
    local msg = inbox:receive()
    print(msg.topic, msg.payload)
  end
end
--@ stdout
-- greet	hello
-- count	42
-- flag	true

--# `:data()` and `:unmarshal()` the raw value, `:get_format()`
--# `payload.new(v)`.
return function()
  for _, value in { 1, "text", true, false } do
    local p = payload.new(value)
    assert(p:data() == value and p:unmarshal() == value)
    assert(p:get_format() == "lua/any")
  end
  assert(payload.new(nil):data() == nil)
  assert(payload.new({ a = 1 }):data().a == 1)
  assert(payload.new({ 1, 2 }):unmarshal()[2] == 2)
  local inbox = process.inbox()
  assert(process.send(process.pid(), "topic", { 7 }))
  local p = inbox:receive():payload()
  assert(p:get_format() == "lua/any" and p:data()[1] == 7 and p:unmarshal()[1] == 7)
end

--# `payload.format`: `LUA "lua/any"` (any plain value), `JSON "json/plain"`, `YAML "yaml/plain"`, `STRING "text/plain"`, `BYTES "application/octet-stream"`, `MSGPACK "application/msgpack"`, `ERROR "golang/error"` (`payload.new` of an Error), `GOLANG "golang/any"` (a name kept for programs written against it).
return function()
  for name, text in {
    LUA = "lua/any",
    JSON = "json/plain",
    YAML = "yaml/plain",
    STRING = "text/plain",
    BYTES = "application/octet-stream",
    MSGPACK = "application/msgpack",
    ERROR = "golang/error",
    GOLANG = "golang/any",
  } do
    assert(payload.format[name] == text, name)
  end
  local p = payload.new(errors.new({ message = "why", kind = "Timeout" }))
  assert(p:get_format() == payload.format.ERROR)
  assert(tostring(p:data()) == "why" and p:data():kind() == "Timeout")
end

--# It prints as `payload(lua/any): value`.
return function()
  print(payload.new("value"))
  print(payload.new(12))
  assert(tostring(payload.new(true)) == "payload(lua/any): true")
end
--@ stdout
-- payload(lua/any): value
-- payload(lua/any): 12
