-- Scripts that harm whom they can, each watched to its end.
--
--     wabe run examples/hostile

local DEEDS = {
    "hoard",
    "bomb",
    "spin",
    "swallow",
    "mine",
    "linger",
    "shout",
    "flood",
    "multiply",
    "brood",
    "squat",
    "spy",
    "usurp",
    "impostor",
    "sabotage",
    "guess",
    "steal",
}

return function()
    local events = process.events()
    for _, name in DEEDS do
        local hostile = assert(process.spawn_monitored(`app:{name}`, "app:cell", process.pid()))
        local event = events:receive()
        assert(event.kind == process.event.EXIT and event.from == hostile)
        -- An error has its place below it, as far as there is one: the first line says enough here.
        local text = string.match(tostring(event.error), "[^\n]*")
        print(`{name}: {event.exit.kind}, {text}`)
    end
end
