-- One of every kind of operation beside so many live processes, after so many have died.
local HOST = "speed:pool"

local function operations(count: number)
    local events, found = process.events(), {}
    local other: any
    local function p50(name: string, operation, between)
        found[name] = measure.p50(measure.each(count, operation, between))
    end

    p50("spawn to EXIT", function()
        assert(process.spawn_monitored("speed:empty", HOST))
        events:receive()
    end)
    p50("spawn call, warm", function()
        assert(process.spawn("speed:empty", HOST))
    end, measure.refill)
    found["request and reply, 100 B"] = measure.p50(measure.round_trips(count * 10))

    other = assert(process.spawn("speed:canceled", HOST, process.pid()))
    local heard = process.listen("heard")
    heard:receive()
    p50("monitor, unmonitor", function()
        assert(process.monitor(other))
        assert(process.unmonitor(other))
    end)
    p50("link, unlink", function()
        assert(process.link(other))
        assert(process.unlink(other))
    end)
    p50("register, lookup, unregister", function()
        assert(process.registry.register("growth"))
        assert(process.registry.lookup("growth"))
        assert(process.registry.unregister("growth"))
    end)
    p50("listen, unlisten", function()
        assert(process.unlisten(assert(process.listen("growth"))))
    end)
    p50("cancel until it is heard of", function()
        assert(process.cancel(other, "growth"))
        heard:receive()
    end)
    crowds.dismiss({ other })
    return found
end

return function(count: number, live: number, died: number)
    crowds.churn(died, 8)
    local pids, err = crowds.gather(live)
    assert(#pids == live, tostring(err))
    local found = operations(count)
    crowds.dismiss(pids)
    return found
end
