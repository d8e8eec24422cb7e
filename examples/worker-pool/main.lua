-- A pool: one parent, five workers, each an operating-system process of its own.
--
--     wabe run examples/worker-pool
--     wabe run -v examples/worker-pool       the OS process of everybody, main's too
--     wabe run --json examples/worker-pool   main's is exit.os_pid in the last line
--
-- Six processes are at work: the five whose OS pids are printed here, and this one. A process does
-- not know its own OS pid; those who monitor it learn it from the EXIT event, when it is over.

local WORKERS = 5

return function()
    local events = process.events()

    -- All five are started before the first gets its task, so they are alive at the same time.
    -- Monitored means: when it ends, for whatever reason, an EXIT arrives at `events`.
    local pids: { string } = {}
    for i = 1, WORKERS do
        pids[i] = assert(process.spawn_monitored("app:worker", "app:processes"))
    end
    for i, pid in pids do
        assert(process.send(pid, "task", i * 1000))
    end

    -- They end in any order: keep what each EXIT says by the PID it is from.
    local exits = {}
    for _ = 1, WORKERS do
        local exit = events:receive()
        exits[exit.from] = exit
    end

    for i, pid in pids do
        local exit = exits[pid]
        if exit.error then
            return nil, `worker {i} failed: {exit.error}`
        end
        print(`worker {i}: {exit.result} primes below {i * 1000}, in OS process {exit.exit.os_pid}`)
    end
end
