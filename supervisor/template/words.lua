-- What more than one entry needs is a library.

local words = {}

function words.count(text: string): number
    local count = 0
    for _ in string.gmatch(text, "%S+") do
        count += 1
    end
    return count
end

return words
