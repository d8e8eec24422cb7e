-- So many idle processes, seen from outside before and after they have come; then each is asked.
return function(count: number)
    crowds.stop("empty")
    local pids, err = crowds.gather(count)
    if err then
        print("refused", err)
    end
    crowds.stop("full")
    return { answered = crowds.ask(pids) }
end
