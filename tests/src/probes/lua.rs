//! Scripts that look for a way out of the VM. Each returns true where it found one.

use super::{Probe, lua};

pub(super) const PROBES: &[Probe] = &[
    lua(
        "globals-that-nobody-promised",
        r#"
        -- What Lua 5.1 to 5.4, LuaJIT, Luau and its embedders have, and this has not.
        local names = { "collectgarbage", "dofile", "gcinfo", "getfenv", "io", "jit", "ffi", "load", "loadfile",
          "loadstring", "module", "newproxy", "package", "rawset_", "setfenv", "shared", "script", "game",
          "_G", "_ENV", "_LOADED", "settings", "task", "tick", "delay", "spawn", "wait", "warn", "native", "wabe",
          "ljson", "lfs", "socket", "posix", "bit", "getregistry", "getrawmetatable", "setreadonly" }
        local env = { collectgarbage = collectgarbage, dofile = dofile, gcinfo = gcinfo, getfenv = getfenv, io = io,
          jit = jit, ffi = ffi, load = load, loadfile = loadfile, loadstring = loadstring, module = module,
          newproxy = newproxy, package = package, setfenv = setfenv, shared = shared, script = script, game = game,
          _G = _G, _ENV = _ENV, _LOADED = _LOADED, settings = settings, task = task, tick = tick, delay = delay,
          spawn = spawn, wait = wait, warn = warn, native = native, wabe = wabe, ljson = ljson, lfs = lfs,
          socket = socket, posix = posix, bit = bit, getregistry = getregistry, getrawmetatable = getrawmetatable,
          setreadonly = setreadonly }
        for _, name in names do
          if env[name] ~= nil then return true end
        end
        return false"#,
    ),
    lua("bytecode", r#"return load ~= nil or loadstring ~= nil or (string :: any).dump ~= nil"#),
    lua("environment-of-a-function", r#"return getfenv ~= nil or setfenv ~= nil"#),
    lua(
        "debug-library",
        r#"
        for name in debug do
          if name ~= "traceback" then return true end
        end
        return (debug :: any).getregistry ~= nil or (debug :: any).info ~= nil"#,
    ),
    lua(
        "programs-and-files",
        r#"
        local known = { clock = true, date = true, difftime = true, time = true }
        for name in os do
          if not known[name] then return true end
        end
        return io ~= nil"#,
    ),
    lua(
        "require-a-file",
        r#"
        for _, name in { "/etc/passwd", "./main", "../main", "@self", "@self/main", "file:///etc/passwd", "main",
          "app:main", "libc.so.6", "" } do
          if pcall(require, name) then return true end
        end
        return false"#,
    ),
    lua(
        "heap-address-of-a-value",
        r#"
        -- Values made one after another lie side by side. What is shown of each must not tell.
        local function address(value)
          return tonumber(string.match(tostring(value), "0x(%x+)") or "", 16)
        end
        local makers = {
          function() return {} end,
          function(i) return function() return i end end,
          function() return buffer.create(8) end,
          function() return coroutine.create(print) end,
          function() return channel.new() end,
        }
        for _, make in makers do
          local kept, last = {}, nil
          for i = 1, 100 do
            kept[i] = make(i)
            local this = address(kept[i])
            if this and last and math.abs(this - last) < 2^20 then return true end
            last = this
          end
        end
        return (pcall(string.format, "%p", {}))"#,
    ),
    lua(
        "heap-address-in-an-error",
        r#"
        local function text(fn)
          local _, err = pcall(fn)
          return tostring(err)
        end
        local function texts(n)
          return {
            text(function() return ({} :: any) + 1 end),
            text(function() return ({} :: any) < ({} :: any) end),
            text(function() return ("x" :: any) .. {} end),
            text(function() error({}) end),
            text(function() error(function() return n end) end),
            text(function() return ({} :: any)[nil].x end),
            tostring(select(2, process.send(process.pid(), "t", function() end))),
            debug.traceback(),
          }
        end
        local last = {}
        for n = 1, 100 do
          for i, found in texts(n) do
            local this = tonumber(string.match(found, "0x(%x%x%x%x%x+)") or "", 16)
            if this and last[i] and math.abs(this - last[i]) < 2^20 then return true end
            last[i] = this
          end
        end
        return false"#,
    ),
    lua(
        "equal-random-numbers",
        r#"
        local events, seen = process.events(), {}
        for _ = 1, 8 do
          assert(process.spawn_monitored("app:random", "app:scripts"))
          local drawn = assert(events:receive().result)
          if seen[drawn] then return true end
          seen[drawn] = true
        end
        return false"#,
    ),
    lua(
        "poison-strings",
        r#"
        local all = getmetatable("") :: any
        local tries = {
          pcall(function() all.__index = {} end),
          pcall(function() (string :: any).rep = print end),
          pcall(function() rawset(string :: any, "rep", print) end),
          pcall(function() setmetatable(string :: any, {}) end),
          pcall(function() table.clear(string :: any) end),
          pcall(function() (math :: any).random = print end),
          pcall(function() (process :: any).send = print end),
          pcall(function() (coroutine :: any).wrap = print end),
          pcall(function() rawset(errors :: any, "NOT_FOUND", "x") end),
          pcall(function() table.insert(table :: any, print) end),
        }
        return table.find(tries, true) ~= nil"#,
    ),
    lua(
        "metatable-of-an-object",
        r#"
        local c = channel.new()
        if type(getmetatable(c :: any)) == "table" or type(getmetatable("")) == "table" then return true end
        return (pcall(setmetatable, c :: any, {}))"#,
    ),
    lua(
        "method-of-another-object",
        r#"
        -- A method called with what is no such object must notice.
        local c = channel.new(1) :: any
        local wrong = { {}, "x", 1, coroutine.create(print), errors.new("x"), time.now() }
        for _, value in wrong do
          if pcall(c.send, value, 1) or pcall(c.close, value) then return true end
        end
        return false"#,
    ),
    lua(
        "outside-of-a-buffer",
        r#"
        local b = buffer.create(8)
        for _, at in { -1, 5, 8, 2^31 - 1, 2^31, 2^32 - 4, 2^32, 2^53, -2^31, 0/0, 1/0, -1/0 } do
          if pcall(buffer.readu32, b, at) and not (at ~= at or at == 2^32 or math.abs(at) == 1/0) then return true end
          if pcall(buffer.copy, b, at, b, 0, 8) and at ~= at == false and at ~= 2^32 then return true end
        end
        return (pcall(buffer.readstring, b, 0, 9)) or (pcall(buffer.fill, b, 4, 0, 5))"#,
    ),
    lua(
        "outside-of-a-string",
        r#"
        if pcall(string.unpack, "z", "no end") or pcall(string.unpack, "s8", "\255\255\255\255\255\255\255\127") then
          return true
        end
        return (pcall(string.unpack, "i4", "abc")) or #string.sub("abc", -2^53, 2^53) > 3"#,
    ),
    lua(
        "error-that-has-no-text",
        r#"
        -- It is this process that ends, and nobody else.
        error(setmetatable({}, { __tostring = function() error("no text") end }))"#,
    )
    .with_all("ended: error"),
    lua(
        "tostring-that-raises",
        r#"
        local value = setmetatable({}, { __tostring = function() error("no text") end })
        return (pcall(print, value)) or (pcall(tostring, value)) or (pcall(error, value))"#,
    ),
    lua(
        "tostring-that-returns-no-text",
        r#"return (pcall(print, setmetatable({}, { __tostring = function() return {} :: any end })))"#,
    ),
    lua(
        "yield-where-nobody-expects-it",
        r#"
        local sorted = pcall(table.sort, { 3, 2, 1 }, function() coroutine.yield() return true end)
        local replaced = pcall(string.gsub, "abc", "%w", function() coroutine.yield() return "x" end)
        return sorted or replaced"#,
    ),
    lua(
        "comparison-that-lies",
        r#"
        -- Sorting must stay inside of the array, whatever it is told.
        local list = table.create(1000, 0)
        for i in list do list[i] = i end
        pcall(table.sort, list, function() return true end)
        pcall(table.sort, list, function() return math.random() < 0.5 end)
        for _, value in list do
          if type(value) ~= "number" then return true end
        end
        return #list ~= 1000"#,
    ),
    lua(
        "message-of-the-node",
        r#"
        local sent = process.send(process.pid(), "@cancel", {})
        local heard = process.listen("@exit")
        return sent ~= nil or heard ~= nil"#,
    ),
    lua(
        "pid-that-was-guessed",
        r#"
        local own = process.pid()
        for digit = 0, 15 do
          local guess = string.gsub(own, "%x}$", string.format("%x}", digit))
          if guess ~= own and process.send(guess, "x") then return true end
        end
        return false"#,
    ),
    lua(
        "cycle-in-a-message",
        r#"
        local cycle = {}
        cycle.cycle = cycle
        return process.send(process.pid(), "x", cycle) ~= nil"#,
    ),
    lua(
        "deep-result",
        r#"
        local deep = {}
        for _ = 1, 100000 do deep = { deep } end
        return deep :: any"#,
    )
    .with_all("ended: error"),
];
