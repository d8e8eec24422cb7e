-- Fails as often as it is told to, then does its work.
--
-- A new attempt is a new process: it has nothing of the memory of the one before. What it needs to
-- know comes with its arguments.

return function(parent: string, attempt: number, failures: number)
    if attempt <= failures then
        return nil, errors.new(`no luck ({attempt} of {failures})`)
    end
    -- A normal end is no LINK_DOWN, so the parent is told by a message.
    process.send(parent, "done")
end
