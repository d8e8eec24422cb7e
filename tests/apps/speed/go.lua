-- Waits to be killed: see `crowds.stop`.
return function()
    process.inbox():receive()
end
