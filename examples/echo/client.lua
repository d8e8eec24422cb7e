-- Asks the service called "echo" three times.

return function()
    -- A name does where a PID does: process.send("echo", ...) would find the service too.
    -- Looking it up says whether there is one, and gives the PID that replies come from.
    local server, err = process.registry.lookup("echo")
    if not server then
        return nil, err
    end

    local replies = process.listen("reply", { message = true })
    for _, value in { "hello", 42, { name = "honeycomb" } } do
        assert(process.send(server, "request", value))
        local reply = replies:receive()
        assert(reply:from() == server)
        local payload = reply.payload
        print(if type(payload) == "table" then `a table with the name {payload.name}` else payload)
    end
end
