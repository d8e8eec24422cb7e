-- From the call of `spawn_monitored` to the EXIT of a process with an empty body.
return function(count: number)
    local events = process.events()
    local times = measure.each(count, function()
        local pid = assert(process.spawn_monitored("speed:empty", "speed:pool"))
        local event = events:receive()
        assert(event.from == pid and not event.error, tostring(event.error))
    end)
    return { p50 = measure.p50(times), p99 = measure.p99(times) }
end
