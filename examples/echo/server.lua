-- Sends back whatever it is sent, under the topic "reply".

-- The top level runs before the spawn of this process is answered. So whoever spawned it can rely
-- on the name being there. (A name that is taken already makes the spawn fail.)
assert(process.registry.register("echo"))

return function()
    local inbox, events = process.inbox(), process.events()
    while true do
        local got = channel.select({ inbox:case_receive(), events:case_receive() })
        if got.channel == events then
            -- Nobody is monitored or linked here, so the event is a CANCEL: end, in good order.
            return
        end
        local message = got.value
        -- A client that is gone by now is no reason to fail: what `send` says is ignored.
        process.send(message:from(), "reply", message.payload)
    end
end
