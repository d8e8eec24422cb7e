-- Request and reply of 100 B, with so many idle processes beside.
return function(count: number, idle: number)
    local pids, err = crowds.gather(idle)
    assert(#pids == idle, tostring(err))
    local times = measure.round_trips(count)
    return { p50 = measure.p50(times), p99 = measure.p99(times) }
end
