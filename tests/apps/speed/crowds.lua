-- Many processes: at once, and one after the other.
local crowds = {}

local HOST = "speed:pool"

-- Spawns so many that wait for a request. Returns fewer, and why, where there is no room for more.
function crowds.gather(count: number): ({ string }, any)
    local pids = table.create(count) :: { string }
    for i = 1, count do
        local pid, err = process.spawn("speed:echo", HOST, process.pid())
        if not pid then
            return pids, err
        end
        pids[i] = pid
    end
    return pids
end

-- Asks each of them, and returns how many have answered.
function crowds.ask(pids: { string }): number
    local replies, answered = process.listen("reply"), 0
    for _, pid in pids do
        assert(process.send(pid, "request", pid))
    end
    local asked = {}
    for _ in pids do
        asked[replies:receive()] = true
    end
    for _ in asked do
        answered += 1
    end
    return answered
end

-- Ends them, and returns when all have ended.
function crowds.dismiss(pids: { string })
    local events = process.events()
    for _, pid in pids do
        assert(process.monitor(pid))
        assert(process.terminate(pid))
    end
    for _ in pids do
        assert(events:receive().kind == process.event.EXIT)
    end
end

-- So many processes with an empty body come and go, at most `at_once` of them at the same time.
function crowds.churn(count: number, at_once: number)
    local events, places = process.events(), channel.new(at_once)
    for _ = 1, at_once do
        places:send(true)
    end
    local left = count
    for _ = 1, at_once do
        coroutine.spawn(function()
            while left > 0 do
                left -= 1
                places:receive()
                assert(process.spawn_monitored("speed:empty", HOST))
            end
        end)
    end
    for _ = 1, count do
        local event = events:receive()
        assert(event.kind == process.event.EXIT and not event.error, tostring(event.error))
        places:send(true)
    end
end

-- Says so, and waits until somebody outside has killed the process `go`: there is no other way to
-- tell a process from outside that it is time to go on.
function crowds.stop(word: string)
    local go = assert(process.spawn_monitored("speed:go", HOST))
    print("stop", word)
    assert(process.events():receive().from == go)
end

return crowds
