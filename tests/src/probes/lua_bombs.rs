//! Scripts that take all time and all memory. Each gives up by itself and returns true where nothing
//! stops it: it takes at most 256 MiB (2^28), and the test ends what spins.

use super::{Probe, lua};

/// What the limit of a turn makes of a script that never yields.
const TURN: &str = "ended: turn";
/// What the limit of memory makes of one that takes too much.
const MEMORY: &str = "ended: memory";

pub(super) const PROBES: &[Probe] = &[
    lua("spin", "while true do end").with_all(TURN),
    lua("spin-in-pcall", "while true do pcall(function() while true do end end) end").with_all(TURN),
    lua(
        "spin-in-handler",
        r#"
        local function spin() while true do end end
        while true do xpcall(error, spin) end"#,
    )
    .with_all(TURN),
    lua(
        "spin-in-coroutines",
        r#"
        local function spin() while true do pcall(coroutine.wrap(function() while true do end end)) end end
        for _ = 1, 10 do coroutine.spawn(spin) end
        spin()"#,
    )
    .with_all(TURN),
    lua("spin-in-metamethod", r#"
        local t = setmetatable({}, { __index = function() while true do end end })
        return pcall(function() return (t :: any).x end)"#)
    .with_all(TURN),
    lua(
        "spin-in-last-words",
        r#"error(setmetatable({}, { __tostring = function() while true do end end }))"#,
    )
    .with_all(TURN),
    lua("spin-in-sort", r#"
        local list = table.create(100000, 1)
        while true do table.sort(list, function(a, b) return a < b end) end"#)
    .with_all(TURN),
    lua("spin-in-replacement", r#"string.gsub("x", "x", function() while true do end return "" end)"#)
        .with_all(TURN),
    lua(
        "pattern-blow-up",
        r#"string.find(string.rep("a", 1000), string.rep("a*", 30) .. "b") return true"#,
    )
    .with_all(TURN),
    lua(
        "search-in-c",
        r#"
        local text = string.rep("a", 2^20)
        while true do string.find(text, string.rep("a", 2^19) .. "b", 1, true) end"#,
    )
    .with_all(TURN),
    lua("move-in-c", r#"
        table.move({}, 1, 2^31 - 2, 2, {})
        return true"#)
    .with_all(TURN),
    // The supervisor stops reading: no line is lost, and its own memory stays what it was.
    lua("endless-print", "while true do print(string.rep('x', 1000)) end").with_all("ended: wall"),
    lua("string-bomb", r#"return #string.rep("x", 2^28) == 2^28"#).with_all(MEMORY),
    lua(
        "string-bomb-by-doubling",
        r#"
        local text = "x"
        while #text < 2^28 do text ..= text end
        return true"#,
    )
    .with_all(MEMORY),
    lua("string-bomb-in-pcall", r#"
        for _ = 1, 100 do
          if pcall(string.rep, "x", 2^28) then return true end
        end
        return false"#)
    .with_all(MEMORY),
    lua("string-bomb-by-format", r#"
        local part, parts = string.rep("x", 2^20), {}
        for i = 1, 256 do parts[i] = part end
        return #string.format(string.rep("%s", 256), table.unpack(parts)) == 2^28"#)
    .with_all(MEMORY),
    lua("table-bomb", "return #table.create(2^24, 0) == 2^24").with_all(MEMORY),
    lua("table-bomb-by-growth", r#"
        local list = {}
        for i = 1, 2^24 do list[i] = i end
        return true"#)
    .with_all(MEMORY),
    lua("tables-in-tables", r#"
        local all = {}
        for _ = 1, 2^21 do all = { all, {} } end
        return true"#)
    .with_all(MEMORY),
    lua("buffer-bomb", "return buffer.len(buffer.create(2^28)) == 2^28").with_all(MEMORY),
    lua("coroutine-bomb", r#"
        local all = {}
        for i = 1, 2^18 do all[i] = coroutine.create(function() coroutine.yield() end); coroutine.resume(all[i]) end
        return true"#)
    .with_all(MEMORY),
    lua("channel-bomb", r#"
        local c = channel.new(2^24)
        for i = 1, 2^18 do c:send(string.rep("x", 16383) .. i) end
        return true"#)
    .with_all(MEMORY),
    lua("channel-of-any-size", r#"
        for _ = 1, 1000 do channel.new(2^30) end
        return false"#),
    lua("width-in-a-format", r#"return (pcall(string.format, "%99999999d", 1))"#),
    lua("recursion", r#"
        local function down(n) return 1 + down(n + 1) end
        return (pcall(down, 1))"#),
    lua("recursion-in-c", r#"
        local function down() return (string.gsub("x", "x", down)) end
        return (pcall(down))"#),
    lua("recursion-in-pcall", r#"
        local function down() return assert(pcall(down)) end
        return (pcall(down))"#).with_all(TURN),
    lua("index-in-a-circle", r#"
        local a, b = {}, {}
        setmetatable(a, { __index = b }); setmetatable(b, { __index = a })
        return (pcall(function() return (a :: any).x end))"#),
    lua("million-parentheses", r#"return (process.spawn("app:parentheses", "app:scripts")) ~= nil"#),
];
