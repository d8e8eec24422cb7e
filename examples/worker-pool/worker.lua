-- Waits for one task, and returns its result: the parent finds it in the EXIT.

local function is_prime(n: number): boolean
    for divisor = 2, math.floor(math.sqrt(n)) do
        if n % divisor == 0 then
            return false
        end
    end
    return n >= 2
end

return function()
    local limit: number = process.listen("task"):receive()
    local count = 0
    for n = 2, limit - 1 do
        if is_prime(n) then
            count += 1
        end
    end
    return count
end
