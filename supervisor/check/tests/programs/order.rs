//! A value whose error is tested, and where: what is used before its test may be nil.

use super::{all_errors, errors};

const GET: &str = "v, err = process.registry.lookup(\"db\")";

/// The programs, with what gives a value and an error, and with what needs the value.
fn written(programs: &[&str]) -> Vec<String> {
    let program = |text: &&str| text.replace("GET", GET).replace("USE", "process.link(v)");
    programs.iter().map(program).collect()
}

#[test]
fn a_test_before_the_use_excuses_it() {
    let programs = written(&[
        "local GET if not v then return end USE",
        "local GET if err then return end USE",
        "local GET if err ~= nil then return nil, err end USE",
        "local GET assert(v, err) USE",
        "local GET assert(not err, tostring(err)) USE",
        "local GET v = v or \"other\" USE",
        "local GET local w = v or \"other\" process.link(w)",
        "local GET local ok = v ~= nil if ok then USE end",
        "local GET local failed = not v if failed then return end USE",
        "local GET local failed = err ~= nil if failed then return end USE",
        "local GET local ok ok = v ~= nil and err == nil if ok then USE end",
        "local GET if not v and string.find(err, \"not found\") then return end if v then USE end",
        "local GET if err then if err:kind() == errors.NOT_FOUND then return end error(err) end USE",
        "local GET if err then print(err) else USE end",
        "local GET local s = if err then 0 else string.len(v) print(s)",
        "local GET print(err or #v) print(not err and #v)",
        "local GET if err or #v == 0 then return end",
    ]);
    right(&programs);
}

#[test]
fn a_test_excuses_where_the_order_cannot_be_seen() {
    let programs = written(&[
        // Loops come by again.
        "local v, err while true do if v and not err then USE end GET end",
        "local v, err for _ = 1, 3 do if v then USE end GET if not err then break end end",
        "local v, err repeat GET until not err USE",
        "local v, err while err or not v do GET end USE",
        "for _ = 1, 3 do local GET if err then continue end USE end",
        "for _ = 1, 3 do local GET if err then break end coroutine.spawn(function() USE end) end",
        // Functions run when they are called.
        "local GET if err then return end local function f() USE end f()",
        "local GET if not err then coroutine.spawn(function() USE end) end",
        "local v, err local function f() USE end GET if err then return end f()",
        "local v, err local function get() GET end get() if err then return end USE",
        "local GET local function check() if err then error(err) end end check() USE",
        "local function f() local GET if err then return end USE end f()",
        "return function() local GET if err then return nil, err end return #v end",
        // One test of what has been tried twice.
        "local GET if err then GET end if err then return end USE",
        "local v, err if os.time() > 1 then GET else GET end if err then return end USE",
        "local GET local w, err = process.registry.lookup(v or \"x\") if err then return end process.link(w)",
    ]);
    right(&programs);
}

fn right(programs: &[String]) {
    let texts: Vec<_> = programs.iter().map(String::as_str).collect();
    let found: Vec<_> = programs.iter().zip(all_errors(&texts)).collect();
    let wrong: Vec<_> = found.iter().filter(|(_, errors)| !errors.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_other_test_does() {
    let programs = written(&[
        "local GET USE",
        "local GET print(err) USE",
        // It comes too late.
        "local GET USE if err then return end",
        "local GET if #v > 0 and not err then return end",
        "return function() local GET USE if err then return nil, err end end",
        "for _ = 1, 3 do local GET USE if err then break end end",
        "while true do local GET USE if err then return end end",
        // It is of another error that has the same name.
        "local _, err = process.link(\"x\") if err then return end do local GET USE end",
        "do local GET if err then return end print(v) end local GET USE",
        "local GET do local err = nil if err then return end end USE",
        "local function f() local GET if err then return end print(v) end f() local GET USE",
        // It is of the try before.
        "local GET if err then return end print(v) GET USE",
        "local GET if err then GET end USE",
        "local w, err = process.link(\"x\") if err then return end print(w) local v GET USE",
    ]);
    for program in programs {
        let found = errors(&program);
        assert!(found.iter().any(|one| one.contains("string?")), "{program}: {found:?}");
    }
}
