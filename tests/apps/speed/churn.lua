-- Processes that come and go, `at_once` of them at the same time, as many as each number says, with
-- a stop after each but the last. Returns how many came and went in a second, of the last.
return function(at_once: number, ...: number)
    local counts = { ... }
    local rate = 0
    for i, count in counts do
        local began = time.now()
        crowds.churn(count, at_once)
        rate = measure.per_second(count, began)
        if i < #counts then
            crowds.stop(tostring(count))
        end
    end
    return { per_second = rate }
end
