//! Sources that are too much for the analyzer: one warning says so, and the rest is checked.

use super::KINDS;
use check::{Around, Code, Finding, Spot, Unit, check};

fn numbered(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

/// What is found in a large source, in the library that it imports, and in a small one beside it.
fn found(large: &str) -> Vec<Finding> {
    let text = format!("prnt(1)\n{large}");
    let small = "print(large.anything:whatever());process.send(1, \"topic\")";
    let unit = |id, file, text, imports| Unit { id, file, text, imports, modules: Vec::new() };
    let units = [
        unit("app:large", "large.lua", &*text, Vec::new()),
        unit("app:small", "small.lua", small, vec![("large", "app:large")]),
    ];
    let around = Around { kinds: KINDS.to_vec(), config: "" };
    check(&units, &around).expect("there is memory for a stack")
}

/// The names of a large source are checked, and its types are not: once, for a reason.
fn too_much(large: &str, expected: &str) {
    let found = found(large);
    let of_large = |one: &&Finding| one.unit == 0 && one.code != Code::Lint;
    let of_large: Vec<_> = found.iter().filter(of_large).collect();
    let [unchecked, name] = &of_large[..] else { panic!("{expected}: {of_large:?}") };
    assert_eq!(name.message, "unknown global 'prnt'");
    let start = "the types of large.lua could not be checked: ";
    assert_eq!(unchecked.message.strip_prefix(start), Some(expected));
    assert!(unchecked.help.ends_with("or put '--!nocheck' before the script"), "{unchecked:?}");

    let of_small: Vec<_> = found.iter().filter(|one| one.unit == 1).collect();
    let [small] = &of_small[..] else { panic!("{expected}: {of_small:?}") };
    assert_eq!(small.message, "Expected this to be 'string', but got 'number'");
}

#[test]
fn data_without_end() {
    let row = |at| format!("{{ id = {at}, name = \"n{at}\", tags = {{ \"a\", \"b\" }} }},\n");
    let table = format!("local t = {{\n{}}} print(t)", numbered(60_000, row));
    let expected = "it has 540010 expressions and statements, more than 300000";
    too_much(&table, expected);
    // A hundred kilobytes of them are none too many.
    let table = format!("local t = {{\n{}}} print(#t)", numbered(2000, row));
    assert!(found(&table).iter().all(|one| one.code != Code::Unchecked));
}

#[test]
fn statements() {
    let calls = numbered(2000, |at| format!("print({at})\n"));
    assert!(found(&calls).iter().all(|one| one.code != Code::Unchecked));
    let blocks = numbered(6_000, |at| format!("do local a = {{ n = {at} }} print(a.n) end\n"));
    too_much(&blocks, "it has 54004 expressions and statements in 6001 blocks");
}

#[test]
fn branches_and_loops_round_one_local() {
    let expected = |count| {
        format!("branches and loops of a function test or set a local {count} times, more than 250")
    };
    let guards = |count| {
        let guard = |at| format!("if not x or x == \"{at}\" then return end\n");
        format!("local x: string? = nil do {} end", numbered(count, guard))
    };
    too_much(&guards(1000), &expected(2000));
    let sums = numbered(1000, |at| format!("for i = 1, {at} do sum += i end\n"));
    too_much(&format!("local sum = 0 {sums}"), &expected(1000));
    let sums = sums.replace("for i = 1,", "local i = 0 while i <").replace("sum += i", "sum = 1");
    too_much(&format!("local sum = 0 do {} end", &sums), &expected(1000));
    // Each function begins anew.
    let function = format!("print(function() {} end)\n", guards(50));
    let functions = function.repeat(10);
    assert!(found(&functions).iter().all(|one| one.code != Code::Unchecked));
}

#[test]
fn what_is_deep_is_said_once_where_it_begins() {
    for deep in [
        format!("print({}1{})", "{ a = ".repeat(900), " }".repeat(900)),
        format!("print({}1{})", "(".repeat(900), ")".repeat(900)),
        format!("{} print(1) {}", "do ".repeat(900), " end".repeat(900)),
        format!("print({}\"a\")", "\"a\" .. ".repeat(900)),
    ] {
        let found = found(&deep);
        let unchecked: Vec<_> = found.iter().filter(|one| one.code == Code::Unchecked).collect();
        let [one] = &unchecked[..] else { panic!("{unchecked:?}") };
        let why = "this is too complex for the analyzer";
        assert_eq!(one.message, format!("the types of large.lua could not be checked: {why}"));
        assert!(one.spot > Spot::Source(0, 0), "{one:?}");
    }
}

#[test]
fn who_asks_for_no_check_is_not_told() {
    let text = "--!nocheck\nlocal x: string? = nil\n".to_owned()
        + &numbered(1000, |at| format!("if x == \"{at}\" then return end\n"));
    let id = "app:large";
    let unit = Unit { id, file: "a.lua", text: &text, imports: Vec::new(), modules: Vec::new() };
    let mut around = Around::default();
    let found = check(std::slice::from_ref(&unit), &around).expect("there is memory for a stack");
    assert_eq!(found, []);
    around.config = "{\"languageMode\": \"nocheck\"}";
    let unit = Unit { text: &text["--!nocheck\n".len()..], ..unit };
    let found = check(&[unit], &around).expect("there is memory for a stack");
    assert_eq!(found, []);
}
