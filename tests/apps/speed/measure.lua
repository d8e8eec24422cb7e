-- Times and what is told of them, in microseconds.
local measure = {}

function measure.since(began): number
    return time.now():sub(began):microseconds()
end

-- Scripts see the time in steps of a microsecond. Many values are equal, so the median is placed
-- within its step by how many of the equal ones lie below it (the median of grouped values).
function measure.p50(times: { number }): number
    table.sort(times)
    local middle = times[#times // 2 + 1]
    local below, equal = 0, 0
    for _, value in times do
        if value < middle then
            below += 1
        elseif value == middle then
            equal += 1
        end
    end
    return middle - 0.5 + (#times / 2 - below) / equal
end

function measure.p99(times: { number }): number
    table.sort(times)
    return times[math.ceil(#times * 0.99)]
end

-- The times of so many calls of `operation`, after a tenth of them that do not count. `between`,
-- where it is given, is called before each and not measured.
function measure.each(count: number, operation: () -> (), between: (() -> ())?): { number }
    local times = {}
    for i = 1 - count // 10, count do
        if between then
            between()
        end
        local began = time.now()
        operation()
        times[i] = measure.since(began)
    end
    return table.move(times, 1, count, 1, table.create(count) :: { number })
end

-- Time for the supervisor to fork a warm worker in place of one that was used. Not by a sleep, after
-- which all caches are cold.
local REFILL_US = 2000

function measure.refill()
    local began = time.now()
    while measure.since(began) < REFILL_US do
    end
end

-- So many things in the time since then, as a number per second.
function measure.per_second(count: number, began): number
    return count * 1e6 / measure.since(began)
end

-- The times of so many requests of 100 B and their replies, with a new process.
function measure.round_trips(count: number): { number }
    local echo = assert(process.spawn("speed:echo", "speed:pool", process.pid()))
    local replies, text = process.listen("reply"), string.rep("x", 100)
    local times = measure.each(count, function()
        assert(process.send(echo, "request", text))
        replies:receive()
    end)
    assert(process.terminate(echo))
    return times
end

return measure
