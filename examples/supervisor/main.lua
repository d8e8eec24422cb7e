-- A parent that restarts its child when it fails, and gives up when it fails too often.
--
--     wabe run examples/supervisor
--
-- A link is symmetric: an abnormal end of one takes the other with it, unless that one traps links.
-- Then it lives, and receives the event LINK_DOWN.

local RESTARTS_MAX = 3

-- Keeps a child alive until it says that its work is done. True, or nil and the last error.
local function supervise(name: string, failures: number)
    local events, done = process.events(), process.listen("done")
    for attempt = 1, 1 + RESTARTS_MAX do
        local child = assert(
            process.spawn_linked("app:flaky", "app:processes", process.pid(), attempt, failures)
        )
        local got = channel.select({ done:case_receive(), events:case_receive() })
        if got.channel == done then
            print(`{name}: done at attempt {attempt}`)
            return true
        end

        local event = got.value
        if event.kind == process.event.CANCEL then
            return nil, "canceled"
        end
        assert(event.kind == process.event.LINK_DOWN and event.from == child)
        print(`{name}: attempt {attempt} failed: {event.error}`)
        if attempt > RESTARTS_MAX then
            print(`{name}: given up`)
            return nil, event.error
        end
        -- What just failed may need a moment: wait a little longer each time.
        time.sleep(attempt * 5 * time.MILLISECOND)
    end
end

return function()
    assert(process.set_options({ trap_links = true }))
    assert(supervise("first", 2))
    assert(supervise("second", 100) == nil)
end
