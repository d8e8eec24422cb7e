-- From the call of `spawn` to the PID, with a warm worker there.
return function(count: number)
    local times = measure.each(count, function()
        assert(process.spawn("speed:empty", "speed:pool"))
    end, measure.refill)
    return { p50 = measure.p50(times), p99 = measure.p99(times) }
end
