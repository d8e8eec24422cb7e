-- Has each text that it is sent counted by a worker of its own, so that one text cannot hold up
-- another, and none can take the server down.

-- The top level runs before the spawn of this process is answered: whoever has spawned it can rely on
-- the name.
assert(process.registry.register("counter"))

return function()
    local inbox, events = process.inbox(), process.events()
    while true do
        local ready = channel.select({ inbox:case_receive(), events:case_receive() })
        if ready.channel == events then
            -- Nobody is monitored or linked here, so the event is a CANCEL: end, in good order.
            return
        end
        local message = ready.value
        local pid, err = process.spawn("app:worker", "app:processes", message.from, message.payload)
        if not pid then
            print("no worker:", err)
        end
    end
end
