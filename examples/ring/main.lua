-- A ring of 100 OS processes that pass a token on, from neighbour to neighbour.
--
--     wabe run examples/ring
--     wabe run examples/ring app:main 100    a hundred laps instead of ten

local MEMBERS = 100

return function(laps: number?)
    local rounds = laps or 10
    local token = process.listen("token")

    -- Built backwards: the last member's neighbour is this process, which closes the ring.
    local neighbour = process.pid()
    for _ = 2, MEMBERS do
        neighbour = assert(process.spawn("app:member", "app:processes", neighbour))
    end

    -- One lap that does not count: the first message to a destination asks whether it lives, the
    -- following ones go without an answer.
    process.send(neighbour, "token", 0)
    token:receive()

    local start = time.now()
    for lap = 1, rounds do
        assert(process.send(neighbour, "token", lap))
        assert(token:receive() == lap)
    end
    local hops = rounds * MEMBERS
    local each = time.now():sub(start):microseconds() / hops
    print(`{hops} hops round {MEMBERS} processes, {string.format("%.1f", each)} microseconds each`)

    -- The members still wait for tokens. They never asked for events, so a CANCEL would reach
    -- nobody: when this process ends they are terminated at once.
end
