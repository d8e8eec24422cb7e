-- So many processes, killed from outside one after the other: when each EXIT is seen.
return function(count: number)
    local events = process.events()
    for _ = 1, count do
        assert(process.spawn_monitored("speed:echo", "speed:pool", process.pid()))
    end
    print("ready")
    for _ = 1, count do
        local event = events:receive()
        local now = time.now()
        assert(event.exit.kind == "signal", event.exit.kind)
        print("seen", string.format("%.0f", now:unix_nano()))
    end
end
