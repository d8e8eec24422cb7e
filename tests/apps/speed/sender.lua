-- Sends so many messages of so many bytes to `main`. After each half of `window` comes a mark, which
-- main answers: no more than the window is under way, so that no mailbox is ever full.
return function(main: string, count: number, bytes: number, window: number)
    process.listen("go"):receive()
    local answers, half, unanswered = process.listen("mark"), window // 2, 0
    local me, text = process.pid(), string.rep("x", bytes)
    for i = 1, count do
        assert(process.send(main, "item", text))
        if i % half == 0 then
            assert(process.send(main, "mark", me))
            unanswered += 1
            if unanswered == 2 then
                answers:receive()
                unanswered -= 1
            end
        end
    end
    -- Main ends first: it answers marks, and must find somebody to answer.
    process.inbox():receive()
end
