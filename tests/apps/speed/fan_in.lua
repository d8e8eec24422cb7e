-- Messages from so many senders to this process, all delivered: how many in a second. With one
-- sender it is the flow from one to one.
return function(senders: number, count: number, bytes: number, window: number)
    local items, marks = process.listen("item"), process.listen("mark")
    local each, me, pids = count // senders, process.pid(), {}
    for i = 1, senders do
        pids[i] = assert(process.spawn("speed:sender", "speed:pool", me, each, bytes, window))
    end
    local began = time.now()
    for _, pid in pids do
        assert(process.send(pid, "go"))
    end
    -- Not before: nothing is taken so far, and whoever gets an answer sends on.
    coroutine.spawn(function()
        while true do
            assert(process.send(marks:receive(), "mark"))
        end
    end)
    for _ = 1, each * senders do
        assert(#items:receive() == bytes)
    end
    return { per_second = measure.per_second(each * senders, began) }
end
