-- Messages from this process to so many receivers in turn, all delivered: how many in a second.
return function(receivers: number, count: number, bytes: number, window: number)
    local marks, done = process.listen("mark"), process.listen("done")
    local each, half, me, pids = count // receivers, window // 2, process.pid(), {}
    for i = 1, receivers do
        pids[i] = assert(process.spawn("speed:receiver", "speed:pool", me, each))
    end
    local text, unanswered = string.rep("x", bytes), 0
    local began = time.now()
    for i = 1, each do
        for _, pid in pids do
            assert(process.send(pid, "item", text))
        end
        if i % half == 0 then
            for _, pid in pids do
                assert(process.send(pid, "mark"))
            end
            unanswered += receivers
            while unanswered > receivers do
                marks:receive()
                unanswered -= 1
            end
        end
    end
    for _ in pids do
        done:receive()
    end
    return { per_second = measure.per_second(each * receivers, began) }
end
