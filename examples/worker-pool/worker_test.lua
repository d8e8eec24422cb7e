-- Tests of the worker, each run in a process tree of its own:
--
--     wabe test examples/worker-pool
--     wabe test examples/worker-pool killed    those with "killed" in their id or suite
--
-- A test passes unless it raises, returns false or an error, takes too long, or leaves processes
-- behind. Both of these wait for the end of the worker that they have started.

local function started(): string
    return assert(process.spawn_monitored("app:worker", "app:processes"))
end

local function counts()
    local events = process.events()
    for limit, primes in { [2] = 0, [10] = 4, [1000] = 168 } do
        local worker = started()
        assert(process.send(worker, "task", limit))
        local exit = events:receive()
        assert(exit.result == primes, `{exit.result} primes below {limit}, not {primes}`)
    end
end

-- `chaos` is there for whoever names it under `modules`, and works in tests only.
local function killed()
    local events, worker = process.events(), started()
    assert(chaos.kill(worker, "SIGKILL"))
    local exit = events:receive()
    assert(exit.from == worker and exit.exit.signal == "SIGKILL", tostring(exit.error))
end

return { counts = counts, killed = killed }
