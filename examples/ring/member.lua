-- Passes every token on to its neighbour, for ever.

return function(neighbour: string)
    local token = process.listen("token")
    while true do
        process.send(neighbour, "token", (token:receive()))
    end
end
