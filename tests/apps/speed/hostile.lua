-- One who does his worst without end. None breaks a limit, which would end him.
local deeds = {}

function deeds.spin()
    while true do
    end
end

-- Messages through the supervisor, as fast as it takes them: to himself, so that no mailbox fills.
function deeds.flood()
    local me, text, own = process.pid(), string.rep("x", 100), process.listen("own")
    coroutine.spawn(function()
        while own:receive() do
        end
    end)
    while true do
        process.send(me, "own", text)
    end
end

function deeds.print()
    local text = string.rep("x", 100)
    while true do
        print(text)
    end
end

-- Up to a third of what a process of this host may have, again and again.
function deeds.allocate()
    while true do
        local hoard = {}
        for i = 1, 20 do
            hoard[i] = buffer.create(1048576)
        end
    end
end

return function(deed: string)
    deeds[deed]()
end
