return function(name: string?)
    print("hello, " .. (name or "world") .. ", from " .. process.id())
    return 42
end
