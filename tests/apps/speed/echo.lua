-- Idle, until it is asked.
return function(main: string)
    local requests = process.listen("request")
    while true do
        assert(process.send(main, "reply", (requests:receive())))
    end
end
