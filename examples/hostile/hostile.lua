-- What a script can try. Each function is the body of one entry, and gets the PID of `main`.

local hostile = {}

local function until_refused(act)
    local done, err
    repeat
        done, err = act()
    until not done
    return done, err
end

-- Takes all memory.
function hostile.hoard()
    local all = {}
    while true do
        table.insert(all, { #all })
    end
end

-- Takes it at once, and would rather not hear of it.
function hostile.bomb()
    while true do
        pcall(string.rep, "x", 1_000_000_000)
    end
end

-- Never yields.
function hostile.spin()
    while true do
    end
end

-- Never yields, and catches whatever is raised to stop it.
function hostile.swallow()
    while true do
        pcall(hostile.spin)
    end
end

-- Yields politely, and computes for ever.
function hostile.mine()
    while true do
        for i = 1, 100_000 do
            math.sqrt(i)
        end
        coroutine.yield()
    end
end

-- Does nothing, and does not end.
function hostile.linger()
    time.sleep("1h")
end

-- Sends what nobody could hold.
function hostile.shout(main)
    return process.send(main, "noise", string.rep("x", 1_000_000))
end

-- Sends more than the receiver takes.
function hostile.flood()
    return until_refused(function()
        return process.send(process.pid(), "noise", string.rep("x", 1000))
    end)
end

-- Has children without end.
function hostile.multiply()
    return until_refused(function()
        return process.spawn("app:idle", "app:cell")
    end)
end

-- Has a child which has a child, and so on, until the host is full.
function hostile.brood()
    local child, err = process.spawn_monitored("app:brood", "app:cell")
    if not child then
        return nil, err
    end
    return nil, process.events():receive().error
end

-- Takes all names.
function hostile.squat()
    local count = 0
    return until_refused(function()
        count += 1
        return process.registry.register(`cell.{count}`)
    end)
end

-- Watches all that it can.
function hostile.spy()
    return until_refused(function()
        return process.spawn_monitored("app:idle", "app:cell")
    end)
end

-- Wants to run on the host of others.
function hostile.usurp()
    return process.spawn("app:idle", "app:processes")
end

-- Wants to be taken for another.
function hostile.impostor()
    return process.registry.register("database")
end

-- Wants another to end.
function hostile.sabotage(main)
    return process.terminate(main)
end

-- Knows what PIDs look like.
function hostile.guess()
    return process.send("{app:processes|0x00001-0000000000000000}", "hello")
end

-- Wants to read what is not its own.
function hostile.steal()
    return io.open("/etc/passwd")
end

-- Waits until it is ended.
function hostile.idle()
    process.events():receive()
end

return hostile
