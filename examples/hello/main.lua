-- The smallest app: one process.
--
--     wabe run examples/hello
--     wabe run examples/hello app:main ada
--     wabe run --json examples/hello
--
-- What a script returns is the body of the process. Its arguments come from the command line, its
-- first result is what `--json` shows. `process.id()` is the entry that the process was made from.

return function(name: string?)
    print("hello, " .. (name or "world") .. ", from " .. process.id())
    return 42
end
