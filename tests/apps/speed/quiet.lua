-- Request and reply of 100 B beside those who do these things without end.
return function(count: number, ...: string)
    local hostile = {}
    for i, deed in { ... } do
        hostile[i] = assert(process.spawn("speed:hostile", "speed:others", deed))
    end
    local times = measure.round_trips(count)
    for i, pid in hostile do
        -- Who has ended meanwhile was hostile for a part of the time only.
        assert(process.monitor(pid), `number {i} has ended`)
    end
    return { p50 = measure.p50(times), p99 = measure.p99(times) }
end
