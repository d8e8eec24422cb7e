-- Counts the words of one text, tells whoever asked, and ends.

return function(asker: string, text: string)
    process.send(asker, "count", words.count(text))
end
