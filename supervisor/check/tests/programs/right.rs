//! Programs of the contract.

use super::all_errors;

/// Nothing is found in any of these, each by itself.
fn right(programs: &[&str]) {
    let wrong = programs.iter().zip(all_errors(programs)).filter_map(|(program, found)| {
        (!found.is_empty()).then(|| format!("{program}\n    {}", found.join("\n    ")))
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `VALUE` failed, and something is done with the error.
const FAILS: [&str; 12] = [
    "local v, err = VALUE if not v then print(\"failed: \" .. err, err:kind()) end",
    "local v, err = VALUE if v == nil then return nil, err end",
    "local v, err = VALUE if err then print(\"failed: \" .. err) return end print(v)",
    "local v, err = VALUE assert(v, err)",
    "local v, err = VALUE assert(v, tostring(err))",
    "local v, err = VALUE assert(v == nil and err:kind() == errors.NOT_FOUND, tostring(err))",
    "local v, err = VALUE if not v and string.find(err, \"not found\") then print(err:message()) end",
    "local v, err = VALUE if not v and err:retryable() then time.sleep(\"1s\") end",
    "local v, err = VALUE print(if v then \"ok\" else err .. \"!\")",
    "local v, err = VALUE print(v, err and err:kind() or \"none\")",
    "local v, err = VALUE if err ~= nil then error(err) end print(v)",
    "local v, err = VALUE if not v then error(errors.wrap(err, \"while starting\")) end",
];

const VALUES: [&str; 21] = [
    "process.spawn(\"app:worker\", \"app:processes\")",
    "process.spawn_linked_monitored(\"app:worker\", \"app:processes\", 1)",
    "process.exec(\"app:worker\", \"app:processes\")",
    "process.with_context({}):with_name(\"w\"):spawn(\"app:worker\", \"app:processes\")",
    "process.send(\"worker\", \"topic\", {1, 2})",
    "process.listen(\"topic\")",
    "process.monitor(\"worker\")",
    "process.link(\"worker\")",
    "process.cancel(\"worker\", \"10s\")",
    "process.terminate(\"worker\")",
    "process.set_options({trap_links = true})",
    "process.registry.lookup(\"worker\")",
    "process.registry.register(\"worker\")",
    "time.parse(time.RFC3339, \"2024-01-01T00:00:00Z\")",
    "time.parse_duration(\"1s\")",
    "time.load_location(\"Europe/Berlin\")",
    "time.after(\"1s\")",
    "json.decode(\"{}\")",
    "json.encode({1})",
    "payload.new({1}):transcode(payload.format.JSON)",
    "funcs.call(\"app:sum\", 1, 2)",
];

#[test]
fn the_error_of_whatever_fails() {
    let programs: Vec<_> =
        VALUES.iter().flat_map(|value| FAILS.map(|fails| fails.replace("VALUE", value))).collect();
    right(&programs.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_value_whose_error_is_tested() {
    right(&[
        "local pid, err = process.spawn(\"app:worker\", \"app:processes\")
        if err then error(err) end
        process.send(pid, \"topic\", 1)
        print(\"started \" .. pid, #pid, pid:upper())",
        "local pid, err = process.registry.lookup(\"db\")
        assert(not err, tostring(err))
        process.monitor(pid)",
        "local t, err = time.parse(time.DATE_ONLY, \"2024-01-01\")
        if err ~= nil then return nil, err end
        print(t:year(), t:add(time.HOUR):format(time.RFC3339))",
        "local text, err = json.encode({})
        if not err then print(text .. \"!\") end",
        "local pid, err
        repeat
            pid, err = process.registry.lookup(\"db\")
            time.sleep(\"10ms\")
        until not err
        process.link(pid)",
        "local d, err = time.parse_duration(\"1s\")
        local s = if err then 0 else d:seconds()
        print(s)",
    ]);
}

#[test]
fn events_by_their_kind() {
    right(&["
local events = process.events()
while true do
    local event, ok = events:receive()
    if not ok then break end
    if event.kind == process.event.EXIT then
        if event.error then
            print(event.from .. \" failed: \" .. event.error, event.error:kind())
        end
        if event.exit.kind == \"signal\" then
            print(\"killed by \" .. event.exit.signal, event.exit.os_pid > 0)
        elseif event.exit.limit then
            print(event.exit.limit.used > event.exit.limit.limit)
        end
        assert(event.result == nil or event.result.n == 1)
    elseif event.kind == process.event.LINK_DOWN then
        print(\"lost: \" .. event.error .. string.find(event.error, \"x\", 1, true))
    elseif event.kind == process.event.CANCEL then
        print(\"asked by \" .. event.from, event.deadline and event.deadline:sub(time.now()):seconds())
        print(event.reason and \"because \" .. event.reason)
        return
    end
end"]);
}

#[test]
fn results_that_are_dropped_or_passed_on() {
    right(&[
        "print(tostring(time.parse_duration(\"1s\")), tostring(json.encode({})))",
        "local hour = assert(time.parse_duration(\"1h\")) print(time.now():round(hour))",
        "local numbers = {} table.insert(numbers, process.inbox():receive():payload():data())",
        "local t = {} table.insert(t, (process.inbox():receive()))",
        "print(payload.new(json.encode({1})))",
        "local ok, err = pcall(process.send, \"a\", \"b\") print(ok, tostring(err))",
        "local ok, v, err = pcall(process.spawn, \"app:worker\", \"app:processes\") print(ok, v, err)",
        "return function(...) return process.send(\"a\", \"b\", ...) end",
        "local function start(...) return process.spawn(\"app:worker\", \"app:processes\", ...) end
        local pid, err = start(1) if not pid then print(\"no: \" .. err) end",
        "local function start()
            local pid, err = process.spawn(\"app:worker\", \"app:processes\")
            if not pid then return nil, err end
            return pid
        end
        local pid, why = start() if not pid then print(why) end",
    ]);
}

#[test]
fn tables_loops_and_names_that_are_computed() {
    right(&[
        "for name, run in { a = function() end, b = function() end } do print(name) run() end",
        "for name, kind in { NOT_FOUND = 1, INVALID = 2 } do print(errors[name], kind) end",
        "for _, value in { 1, \"a\", true, { 1 } } do print(value) end",
        "for _, value in { 1, \"a\", { a = 1 }, { [true] = 1 }, { 1 }, print, channel.new() } do print(type(value)) end",
        "for _, spawn in { process.spawn, process.spawn_linked } do
            print(spawn(\"app:worker\", \"app:processes\"))
        end",
        "local names = { \"RFC3339\", \"DATE_ONLY\" }
        for _, name in names do print(time.now():format(time[name])) end",
        "local builder = process.with_context({ user = \"ada\" })
        for _, how in { \"spawn\", \"spawn_linked\" } do
            print(builder[how](builder, \"app:worker\", \"app:processes\"))
        end",
        "for _, case in { { 1, \"a\" }, { \"x\", \"b\" }, { {}, \"c\" } } do
            print(payload.new(case[1]):transcode(case[2]), string.find(\"x\", case[2]))
        end",
        "for _, case in { { name = \"a\", value = 1 }, { name = \"b\", value = {}, more = true } } do
            print(case.name .. \"!\", case.value, case.more)
        end",
        "local n = 0
        for x in function() if n < 3 then n += 1 return n end end do print(x) end",
        "local t = {} t.a = 1 t[\"b\"] = 2 for k, v in pairs(t) do print(k, v) end",
    ]);
}

#[test]
fn functions_without_types() {
    right(&[
        "local function twice(n) return 2 * n end print(twice(2))",
        "return { twice = function(n) return 2 * n end }",
        "local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end print(deep(3))",
        "local function fib(n) return if n < 2 then n else fib(n - 1) + fib(n - 2) end print(fib(9))",
        "local function same(a, b)
            if type(a) ~= \"table\" or type(b) ~= \"table\" then return a == b end
            for k, v in a do if not same(v, b[k]) then return false end end
            return true
        end
        print(same({ 1 }, { 1 }), same(1, \"1\"))",
        "local function double(from)
            local to = channel.new()
            coroutine.spawn(function()
                while true do
                    local value, ok = from:receive()
                    if not ok then return to:close() end
                    to:send(2 * value)
                end
            end)
            return to
        end
        print(double(channel.new()):receive())",
    ]);
}

#[test]
fn channels_of_every_kind() {
    right(&[
        "local inbox, events = process.inbox(), process.events()
        local timeout = time.after(\"1s\")
        while true do
            local result = channel.select({
                inbox:case_receive(), events:case_receive(), timeout:case_receive(),
            })
            if result.channel == inbox then
                local message = result.value
                print(message.topic, message:topic(), message:payload():data(), message:from())
                process.send(message:from(), \"reply\", message.payload)
            elseif result.channel == events then
                print(result.value.kind)
            elseif not result.ok or result.channel == timeout then
                return
            end
        end",
        "local by = { [process.inbox()] = \"inbox\", [process.events()] = \"events\" }
        local result = channel.select({ process.events():case_receive(), default = true })
        print(by[result.channel], process.inbox() ~= process.events())",
        "local ch = process.listen(\"x\", { message = true })
        local message, ok = ch:receive()
        if ok and message.topic == \"x\" then print(message.payload.n, message:payload()) end",
    ]);
}

#[test]
fn options_that_are_set_as_they_were() {
    right(&[
        "process.set_options(process.get_options())",
        "local before = process.get_options()
        process.set_options({ trap_links = true })
        process.set_options(before)
        local traps: boolean = before.trap_links
        print(traps)",
        "local options = process.get_options()
        options.trap_links = not options.trap_links
        local ok, err = process.set_options(options)
        if not ok then print(err:message()) end",
        "local options: OptionChanges = { upgradable = true } process.set_options(options)",
        "process.set_options({ trap_links = true, upgradable = false })",
        "process.set_options({})",
    ]);
}

#[test]
fn casts_and_errors() {
    right(&[
        "print(string(1) .. \"x\", number(\"1\") + 1, integer(\"2\") + 1, boolean(\"true\"))",
        "local err = errors.new({ message = \"m\", kind = errors.NOT_FOUND, details = { a = 1 } })
        print(err:details().a, err .. \"x\", \"x\" .. err, err:kind() == \"NotFound\", #err:stack())",
        "local ok, err = pcall(error, errors.new(\"x\"))
        if not ok and errors.is(err, errors.INVALID) then print(err:message()) end",
        "return function() return nil, errors.new(\"x\") end",
        "return function(n) if n > 1 then return n end return nil, \"too small\" end",
        "print(string.format(\"%s %s\", errors.new(\"x\"), process.pid()), errors.call_stack(errors.new(\"x\")).frames[1].line)",
    ]);
}
