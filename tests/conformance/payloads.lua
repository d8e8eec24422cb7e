-- Payloads in other formats, and JSON.

--# `:transcode(format)` → Payload | `nil, err`
return function()
  local f = payload.format
  local value = { name = "ada", list = { 1, 2.5, "three" }, yes = true, inner = { a = { b = "c" } } }
  local function equal(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then
      return a == b
    end
    for key in a do
      if not equal(a[key], b[key]) then return false end
    end
    for key in b do
      if a[key] == nil then return false end
    end
    return true
  end
  local p = payload.new(value)
  for _, format in { f.JSON, f.YAML, f.MSGPACK } do
    local document = assert(p:transcode(format))
    assert(document:get_format() == format and type(document:data()) == "string")
    local back = assert(document:transcode(f.LUA))
    assert(back:get_format() == f.LUA and equal(back:data(), value), format)
    for _, other in { f.JSON, f.YAML, f.MSGPACK, f.GOLANG } do
      local again = assert(document:transcode(other)):transcode(f.LUA)
      assert(equal(again:data(), value), format .. " " .. other)
    end
    assert(document:transcode(f.BYTES):data() == document:data(), "its bytes")
  end
  local json = p:transcode(f.JSON)
  assert(json:data() == '{"inner":{"a":{"b":"c"}},"list":[1,2.5,"three"],"name":"ada","yes":true}', json:data())
  assert(json:transcode(f.STRING):data() == json:data(), "its text")
  assert(p:get_format() == f.LUA and p:data() == value, "the payload itself stays as it is")
  print(payload.new({ 1, 2 }):transcode(f.JSON))
end
--@ stdout
-- payload(json/plain): [1,2]

--# `:transcode(format)` → Payload | `nil, err`
--: title documents from elsewhere
return function()
  local f = payload.format
  local yaml = payload.new("base: &b {n: 1}\nlist: [*b, no, 0x10, '1']\n? 2\n: ~\n3: x\n", f.YAML)
  assert(yaml:get_format() == f.YAML)
  local value = assert(yaml:transcode(f.LUA)):data()
  assert(value.base.n == 1 and value.list[1].n == 1 and value.list[2] == "no" and value.list[3] == 16)
  assert(value.list[4] == "1" and value[2] == nil and value[3] == "x")
  assert(payload.new("[1]", f.JSON):transcode(f.LUA):data()[1] == 1)
  for format, text in { [f.YAML] = "a: [1", [f.JSON] = "{", [f.MSGPACK] = "\xc1" } do
    local none, err = payload.new(text, format):transcode(f.LUA)
    assert(none == nil and err:kind() == errors.INVALID and string.find(err, "invalid", 1, true))
    assert(not pcall(payload.new, {}, format) and not pcall(payload.new, 5, format))
  end
  local none, err = payload.new("a", "text/html")
  assert(none == nil and err:kind() == errors.INVALID)
  assert(not pcall(payload.new, "text", f.ERROR) and not pcall(payload.new, "text", 5))
end

--# `:transcode(format)` → Payload | `nil, err`
--: title texts, bytes and errors
return function()
  local f = payload.format
  assert(payload.new("text"):transcode(f.STRING):data() == "text")
  assert(payload.new(12):transcode(f.STRING):data() == "12")
  assert(payload.new(true):transcode(f.STRING):data() == "true")
  assert(payload.new("a\0b"):transcode(f.BYTES):data() == "a\0b")
  assert(payload.new(buffer.fromstring("b")):transcode(f.BYTES):data() == "b")
  assert(payload.new("text"):transcode(f.STRING):transcode(f.JSON):data() == '"text"', "a text is a value")
  local err = errors.new({ message = "why", kind = errors.TIMEOUT, retryable = true, details = { n = 1 } })
  local json = assert(payload.new(err):transcode(f.JSON))
  assert(json:data() == '{"message":"why","kind":"Timeout","retryable":true,"details":{"n":1}}', json:data())
  local back = assert(json:transcode(f.ERROR)):data()
  assert(back:message() == "why" and back:kind() == "Timeout" and back:retryable() == true and back:details().n == 1)
  assert(payload.new(err):transcode(f.MSGPACK):transcode(f.LUA):data():kind() == "Timeout", "it stays an Error")
  assert(payload.new("oops"):transcode(f.ERROR):data():message() == "oops")
end

--# `:transcode(format)` → Payload | `nil, err`
--: title what cannot be
return function()
  local f = payload.format
  for _, wrong in {
    { { 1 }, f.STRING, "a table cannot be text/plain" },
    { 12, f.BYTES, "a number cannot be application/octet-stream" },
    { {}, f.ERROR, "a table cannot be golang/error" },
    { { a = { print } }, f.JSON, "value.a[1] is a function" },
    { { f = print }, f.YAML, "value.f is a function" },
    { { f = print }, f.MSGPACK, "value.f is a function" },
    { 0 / 0, f.JSON, "value is not a finite number" },
    { "a", "text/html", "'text/html' is no format" },
  } do
    local none, err = payload.new(wrong[1]):transcode(wrong[2])
    assert(none == nil and err:kind() == errors.INVALID, wrong[2])
    assert(string.find(err, wrong[3], 1, true), tostring(err))
  end
  assert(not pcall(function() payload.new(1):transcode() end))
end

--# `process`, `channel`, `time`, `errors`, `payload`, `json`, `coroutine`, `print`, `os.time/date/clock` and the safe standard library are globals
--: title json
return function()
  assert(require("json") == json)
  for value, text in { [1] = "1", ["a\"\n"] = '"a\\"\\n"', [true] = "true", [0.5] = "0.5", [1e300] = "1e+300", [-7] = "-7" } do
    assert(json.encode(value) == text, tostring(json.encode(value)))
    assert(json.decode(text) == value)
  end
  assert(json.encode(nil) == "null" and json.encode({}) == "[]")
  assert(json.encode({ 1, { 2 }, "x" }) == '[1,[2],"x"]')
  assert(json.encode({ [1] = "a", [3] = "c" }) == '{"1":"a","3":"c"}', "one with holes is an object")
  local value, err = json.decode("null")
  assert(value == nil and err == nil)
  local object = json.decode('{"a":[1,null,3],"b":null,"1":{}}')
  assert(object.a[1] == 1 and object.a[2] == nil and object.a[3] == 3 and object.b == nil)
  assert(next(object["1"]) == nil and object[1] == nil, "keys stay texts")
end

--# `process`, `channel`, `time`, `errors`, `payload`, `json`, `coroutine`, `print`, `os.time/date/clock` and the safe standard library are globals
--: title json that is none
return function()
  for text, where in {
    [""] = "line 1 column 0",
    ["{\n\"a\": }"] = "line 2 column 6",
    ["[1,2"] = "line 1 column 4",
    ["[1] x"] = "line 1 column 5",
    ["\"\xff\""] = "line 1",
  } do
    local none, err = json.decode(text)
    assert(none == nil and err:kind() == errors.INVALID, text)
    assert(string.find(err, "invalid JSON: ", 1, true) and string.find(err, where, 1, true), tostring(err))
  end
  local deep = string.rep("[", 65) .. string.rep("]", 65)
  local none, err = json.decode(deep)
  assert(none == nil and string.find(err, "nested deeper than 64 tables", 1, true))
  assert(json.decode(string.sub(deep, 2, -2)))
  local cycle = {}
  cycle[1] = cycle
  for _, wrong in { cycle, { [print] = 1 }, { print }, "\xff", { [true] = 1 }, { ["1"] = 1, [1] = 1, x = 1 }, channel.new(), buffer.create(1) } do
    none, err = json.encode(wrong)
    assert(none == nil and err:kind() == errors.INVALID)
  end
  assert(not pcall(json.decode) and not pcall(json.decode, 5) and not pcall(json.decode, {}))
end

--# A Payload or Message is unwrapped, also inside tables and return values.
--: title also in JSON
return function()
  assert(json.encode({ payload.new({ 1 }) }) == "[[1]]")
  local none, err = json.encode({ t = time.now() })
  assert(none == nil and string.find(err, "value.t is a Time", 1, true), tostring(err))
end

--# A function, coroutine, channel or other userdata fails with Invalid naming the place (`payload.list[3] is a function`): nothing is dropped silently.
--: title times stay at home
return function()
  for name, value in { Time = time.now(), Duration = time.parse_duration("1s"), Location = time.utc, Timer = time.timer("1h") } do
    local none, err = process.send(process.pid(), "topic", { value })
    assert(none == nil and err:kind() == errors.INVALID)
    assert(string.find(err, "payload[1] is a " .. name, 1, true), tostring(err))
  end
end
