-- The modules that an entry names.

--# Each name under a manifest entry's `modules:` and `imports:` can be required and is a global too.
--: title modules that an entry names
return function()
  for _, name in { "base64", "hash", "logger", "uuid" } do
    assert(require(name) ~= nil, name)
  end
  assert(require("uuid") == uuid and require("hash") == hash)
  assert(require("base64") == base64 and require("logger") == logger)
  assert(require("json") == json)
  assert(lib.has() == false, "what an entry does not name it does not have")
end
--@ manifest
--[[
namespace: app
entries:
  - name: processes
    kind: process.host
  - name: main
    kind: process.lua
    source: file://main.lua
    modules: [base64, hash, json, logger, uuid]
    imports: {lib: app:lib}
  - name: lib
    kind: library.lua
    source: file://lib.lua
]]
--@ file:lib.lua
return { has = function() return uuid ~= nil or pcall(require, "uuid") end }

--# Each name under a manifest entry's `modules:` and `imports:` can be required and is a global too.
--: title a module that does not exist
--: exit 2
--: stderr-has module 'uudi' not found
--: stderr-has _index.yaml:6
--: stderr-has the modules are base64, channel, chaos, coroutine, ctx, errors, funcs, hash, json, logger, payload, process, time, uuid
return function() end
--@ manifest
--[[
namespace: app
entries:
  - name: main
    kind: process.lua
    source: file://main.lua
    modules: [time, uudi]
]]

--# Each name under a manifest entry's `modules:` and `imports:` can be required and is a global too.
--: title what the modules do
return function()
  local empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  assert(hash.sha256("") == empty and #hash.sha256("", true) == 32)
  assert(hash.sha256(buffer.create(0)) == empty)
  assert(string.sub(hash.sha512("abc"), 1, 16) == "ddaf35a193617aba" and #hash.sha512("abc") == 128)
  assert(hash.blake3("") == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262")
  -- RFC 4231, test case 2.
  local signed = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
  assert(hash.hmac_sha256("what do ya want for nothing?", "Jefe") == signed)
  assert(#hash.hmac_sha512("data", "key", true) == 64)
  assert(not pcall(hash.sha256) and not pcall(hash.sha256, 5) and not pcall(hash.hmac_sha256, "data"))

  assert(base64.encode("a\0b?>") == "YQBiPz4=" and base64.decode("YQBiPz4=") == "a\0b?>")
  assert(base64.encode_url("a\0b?>") == "YQBiPz4" and base64.decode_url("YQBiPz4") == "a\0b?>")
  assert(base64.encode("\xfb\xff") == "+/8=" and base64.encode_url("\xfb\xff") == "-_8")
  assert(base64.decode("+/8") == "\xfb\xff", "with or without its end")
  local none, err = base64.decode("a*b=")
  assert(none == nil and err:kind() == errors.INVALID)

  local id = uuid.v4()
  assert(#id == 36 and uuid.validate(id) and uuid.version(id) == 4 and id ~= uuid.v4())
  local early = uuid.v7()
  time.sleep("5ms")
  assert(uuid.version(early) == 7 and early < uuid.v7(), "in the order of time")
  local before = uuid.v7()
  for i = 1, 10000 do
    local next_one = uuid.v7()
    assert(next_one > before, `{i}: {next_one} after {before}`)
    before = next_one
  end
  assert(uuid.parse("{67E55044-10B1-426F-9247-BB680E5FE0C8}") == "67e55044-10b1-426f-9247-bb680e5fe0c8")
  none, err = uuid.parse("67e55044")
  assert(none == nil and err:kind() == errors.INVALID)
  assert(not uuid.validate("x") and not uuid.validate(5) and not uuid.validate(nil))
end
--@ manifest
--[[
namespace: app
entries:
  - name: processes
    kind: process.host
  - name: main
    kind: process.lua
    source: file://main.lua
    modules: [base64, hash, uuid]
]]

--# Each name under a manifest entry's `modules:` and `imports:` can be required and is a global too.
--: title a logger writes lines
return function()
  logger:info("started")
  local log = logger:with({ job = 7, name = "two words" })
  log:warn("a \"quote\"\nand a line", { list = { 1, 2 }, job = 8 })
  log:error(errors.new("why"))
  logger:debug("", { when_ = time.utc })
  assert(not pcall(logger.info, logger, 5) and not pcall(logger.with, logger, 5))
end
--@ manifest
--[[
namespace: app
entries:
  - name: processes
    kind: process.host
  - name: main
    kind: process.lua
    source: file://main.lua
    modules: [logger]
]]
--@ stdout
-- 20<*>Z info started
-- 20<*>Z warn "a \"quote\"\nand a line" job=8 list=[1,2] name="two words"
-- 20<*>Z error why job=7 name="two words"
-- 20<*>Z debug "" when_=UTC
