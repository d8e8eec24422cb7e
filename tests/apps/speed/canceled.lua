-- Says each time that it was canceled; first, that it listens.
return function(main: string)
    local events = process.events()
    while true do
        assert(process.send(main, "heard"))
        assert(events:receive().kind == process.event.CANCEL)
    end
end
