-- Receives so many messages from `main`, answers its marks, and says when it has all.
return function(main: string, count: number)
    local items, marks = process.listen("item"), process.listen("mark")
    coroutine.spawn(function()
        while true do
            marks:receive()
            assert(process.send(main, "mark"))
        end
    end)
    for _ = 1, count do
        items:receive()
    end
    assert(process.send(main, "done"))
    process.inbox():receive()
end
