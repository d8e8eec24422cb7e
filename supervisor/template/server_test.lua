-- Starts a server of its own, asks it, and compares.

return function()
    local server = assert(process.spawn_linked("app:server", "app:processes"))
    local counts = process.listen("count")
    assert(process.send(server, "text", "one two three"))
    local count = counts:receive()
    assert(count == 3, `expected 3 words, got {count}`)
    assert(process.cancel(server))
end
