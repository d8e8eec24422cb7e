-- A service and its client. The client knows the service by name only.
--
--     wabe run examples/echo

return function()
    assert(process.spawn("app:server", "app:processes"))
    assert(process.spawn_monitored("app:client", "app:processes"))

    -- The client decides when this is over.
    local exit = process.events():receive()

    -- When the main process ends, everybody else is ended too: the server gets a CANCEL.
    return exit.result, exit.error
end
