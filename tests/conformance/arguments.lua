-- Wrong types of arguments: every call of the contract that requires one. (What each says in full is held up by
-- tests/tests/api.rs.)

--# A wrong Lua *type* for a required argument raises (`bad argument #1 to 'send' (string expected, got table)`).
return function()
  local ok, err = pcall(process.send, {}, "topic")
  assert(not ok, "a table as destination must raise")
  assert(err == "bad argument #1 to 'send' (string expected, got table)", tostring(err))
  local list = process.listen("a topic")
  local t, timer, builder = time.now(), time.timer("1h"), process.with_context({})
  local span, p, wrong, tried = t:sub(t), payload.new(1), coroutine.create(print), 0
  -- Every call of the contract with a required argument: where it must be of one type, that one is wrong.
  local function raises(position, fname, fn, ...)
    local fine, raised = pcall(fn, ...)
    local text = `bad argument #{position} to '{fname}' (`
    assert(not fine and string.find(tostring(raised), text, 1, true), `{fname} #{position}: {tostring(raised)}`)
    assert(string.find(raised, " expected, got thread)", 1, true), tostring(raised))
    tried += 1
  end
  for _, fname in { "spawn", "spawn_monitored", "spawn_linked", "spawn_linked_monitored", "exec" } do
    raises(1, fname, process[fname], wrong, "app:processes")
    raises(2, fname, process[fname], "app:main", wrong)
    raises(2, fname, builder[fname], builder, wrong, "app:processes")
    raises(3, fname, builder[fname], builder, "app:main", wrong)
  end
  for _, fname in { "listen", "unlisten", "monitor", "unmonitor", "link", "unlink", "cancel", "terminate", "with_context", "upgrade" } do
    raises(1, fname, process[fname], wrong)
  end
  for _, fname in { "register", "lookup", "unregister" } do
    raises(1, fname, process.registry[fname], wrong)
  end
  for _, fname in { "with_name", "with_message", "with_options" } do
    raises(2, fname, builder[fname], builder, wrong)
  end
  raises(1, "send", process.send, wrong, "topic")
  raises(2, "send", process.send, process.pid(), wrong)
  raises(1, "get", ctx.get, wrong)
  for _, fname in { "send", "receive", "close", "case_receive", "case_send" } do
    raises(1, fname, list[fname], wrong)
  end
  raises(1, "select", channel.select, wrong)
  raises(1, "spawn", coroutine.spawn, wrong)
  for _, fname in { "sleep", "after", "timer", "ticker", "parse_duration", "load_location" } do
    raises(1, fname, time[fname], wrong)
  end
  for i = 1, 7 do
    local fields = { 2024, 1, 2, 3, 4, 5, 6 }
    fields[i] = wrong
    raises(i, "date", time.date, unpack(fields))
  end
  raises(1, "unix", time.unix, wrong, 0)
  raises(2, "unix", time.unix, 0, wrong)
  raises(1, "parse", time.parse, wrong, "2024")
  raises(2, "parse", time.parse, "2006", wrong)
  raises(1, "fixed_zone", time.fixed_zone, wrong, 0)
  raises(2, "fixed_zone", time.fixed_zone, "x", wrong)
  for _, fname in { "add", "sub", "before", "after", "equal", "format", "in_location", "round", "truncate" } do
    raises(2, fname, t[fname], t, wrong)
  end
  raises(2, "add_date", t.add_date, t, wrong, 0, 0)
  raises(3, "add_date", t.add_date, t, 0, wrong, 0)
  raises(4, "add_date", t.add_date, t, 0, 0, wrong)
  raises(2, "reset", timer.reset, timer, wrong)
  raises(1, "hours", span.hours, wrong)
  raises(1, "new", errors.new, wrong)
  raises(1, "wrap", errors.wrap, wrong, "context")
  raises(2, "wrap", errors.wrap, "text", wrong)
  raises(1, "call_stack", errors.call_stack, wrong)
  raises(2, "transcode", p.transcode, p, wrong)
  raises(1, "decode", json.decode, wrong)
  raises(1, "require", require, wrong)
  raises(1, "call", funcs.call, wrong)
  raises(1, "async", funcs.async, wrong)
  assert(tried == 88, tostring(tried))
end
--@ manifest
--[[
namespace: app
entries:
  - {name: main, kind: process.lua, source: file://main.lua, modules: [funcs]}
]]
