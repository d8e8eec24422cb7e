//! The table of the Lua API is what a worker does and what the documents say.

use api::{CLASSES, Function, Item, MODULES, NAMED, OBJECT, expected, params};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tests::{App, Ran, bin, run};

const DEADLINE: Duration = Duration::from_secs(60);

/// Luau's own functions have Luau's own words.
const LUAUS: [&str; 5] = [
    "coroutine.create",
    "coroutine.resume",
    "coroutine.status",
    "coroutine.close",
    "debug.traceback",
];

/// How to come by an object of each class.
const OBJECTS: [(&str, &str); 12] = [
    ("Error", "errors.new('x')"),
    ("Payload", "payload.new(1)"),
    ("Channel", "channel.new()"),
    ("Case", "channel.new():case_receive()"),
    ("Time", "time.now()"),
    ("Duration", "time.now():sub(time.now())"),
    ("Location", "time.utc"),
    ("Timer", "time.timer('1h')"),
    ("Ticker", "time.ticker('1h')"),
    ("Builder", "process.with_context({})"),
    ("Future", "funcs.async('app:nobody')"),
    ("Logger", "logger"),
];

#[test]
fn the_reference_is_what_the_table_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let written = fs::read_to_string(page).unwrap_or_default();
    let remedy = "run `cargo run -p tests --example api -- --write`";
    assert!(written == api::docs::page(), "docs/api.md is not what `api` says: {remedy}");
}

#[test]
fn a_wrong_type_raises_in_the_words_of_the_table() {
    let mut script = String::from(HEAD);
    let mut count = 0;
    for module in MODULES.iter().filter(|module| module.name != OBJECT.0) {
        let prefix = if module.name.is_empty() { "" } else { module.name };
        calls(&mut script, prefix, module.items, &mut count);
    }
    for class in CLASSES {
        let name = class.bare_name();
        let object = OBJECTS.iter().find(|(known, _)| *known == name);
        for item in class.items {
            if let (Item::Function(function), Some((_, object))) = (item, object) {
                method(&mut script, class.runtime, object, function, &mut count);
            }
        }
    }
    let _ = writeln!(script, "  print('tried', {count})\nend");
    assert!(count > 180, "only {count} parameters were tried");
    let manifest = format!(
        "namespace: app\nentries:\n  - name: main\n    kind: process.lua\n    \
         source: file://main.lua\n    modules: [{}]\n",
        NAMED.join(", ")
    );
    let app = App::new().file("_index.yaml", &manifest).file("main.lua", &script);
    let ran = run(&mut app.command("app:main"), DEADLINE);
    assert_eq!(ran.code, Some(0), "{ran:?}\n{script}");
    assert_eq!(ran.stdout, format!("tried\t{count}\n"), "{}", ran.stderr);
}

fn checked(script: &str) -> Ran {
    let app = App::new().file("main.lua", script);
    let mut command = Command::new(bin("wabe"));
    run(command.args(["check", "main.lua"]).current_dir(app.path()), DEADLINE)
}

#[test]
fn the_types_of_the_table_fit_how_a_script_uses_them() {
    let ran = checked(USES);
    assert_eq!((ran.stderr.as_str(), ran.stdout.as_str()), ("", "0 errors, 0 warnings\n"));
}

#[test]
fn the_types_of_the_table_do_not_fit_what_raises() {
    let ran = checked(MISUSES);
    assert_eq!(ran.stdout, "2 errors, 0 warnings\n", "{}", ran.stderr);
    for line in 3..=4 {
        assert!(ran.stderr.contains(&format!("main.lua:{line}:")), "{line}: {}", ran.stderr);
    }
}

/// A table is no text, and a text is no channel.
const MISUSES: &str = "
return function()
    print(debug.traceback({}))
    process.unlisten('topic')
end
";

/// A source of each kind of object, as the documents have them.
const USES: &str = r#"
local log = logger:with({ job = 7 })
return function()
    log:info("x", { a = 1 })
    log:warn(errors.new("x"))
    print(hash.sha256(buffer.create(3), true), hash.hmac_sha256("a", "b"))
    local id = assert(uuid.parse(uuid.v4()))
    print(base64.encode(id), base64.decode("eA"), uuid.version(id))
    local future = funcs.async("app:main")
    local value, err = future:result()
    print(value, err, future:is_complete(), future:cancel(), future:response():receive())
    local t = time.date(2024, 1, 2, 3, 4, 5, 0, time.utc)
    print(t:add_date(1, 2, 3):format(time.RFC3339), t:round(assert(time.parse_duration("1s"))))
    local timer, ticker = time.timer("1s"), time.ticker("1s")
    print(timer:reset("2s"), timer:stop(), ticker:stop(), ticker:channel() == timer:response())
    local p = payload.new("a: 1", payload.format.YAML)
    print(assert(p:transcode(payload.format.JSON)):data(), assert(json.encode({ 1 })), json.decode("1"))
    local builder = process.with_context({ a = 1 }):with_name("x"):with_message("t", 1)
    local child = builder:with_options({ trap_links = true })
    print(child:spawn("app:main", "app:processes"), child:exec("app:main", "app:processes"), ctx.get("a"))
    print(chaos.kill(process.pid(), "SIGKILL"), errors.call_stack(errors.new("x")).frames[1].line)
    local options: Options = process.get_options()
    process.set_options({ trap_links = not options.trap_links })
    process.set_options({ upgradable = true, trap_links = false })
    print(xpcall(print, debug.traceback), debug.traceback(errors.new("x"), 1), debug.traceback())
    print(debug.traceback(coroutine.create(print), "x", 0), process.cancel(process.pid(), "1h"))
    local event = process.events():receive()
    print(event.from or "nobody", process.cancel(process.pid(), 5))
    process.upgrade()
end
"#;

/// `try` prints what differs, and what does not name the line of the script. A thread is of no type that a
/// parameter has.
const HEAD: &str = "
local wrong = coroutine.create(function() end)
local function try(said, fn, ...)
  local ok, err = pcall(function(...) fn(...) end, ...)
  local text = if ok then 'it did not raise' else string.match(tostring(err), '^main.lua:%d+: (.*)$') or err
  if text ~= said then print(said, 'is', text) end
end
return function()
";

/// A value of the type that an error calls so.
fn valid(expected: &str) -> &str {
    let object = OBJECTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(expected));
    match expected {
        "string" | "string or number" | "string or buffer" => "'x'",
        "number" => "1",
        "boolean" => "true",
        "table" => "{}",
        "function" => "function() end",
        "duration" => "'1s'",
        _ => object.map_or("nil", |(_, object)| object),
    }
}

/// All arguments valid, but that one.
fn arguments(function: &Function, wrong: usize) -> String {
    let given = params(function.params).into_iter().filter(|param| !param.is_rest());
    let given = given.enumerate().map(|(index, param)| match index == wrong {
        true => "wrong".to_owned(),
        false => valid(&expected(param.luau)).to_owned(),
    });
    given.collect::<Vec<_>>().join(", ")
}

fn calls(script: &mut String, prefix: &str, items: &[Item], count: &mut usize) {
    for item in items {
        let name = match prefix {
            "" => item.name().to_owned(),
            _ => format!("{prefix}.{}", item.name()),
        };
        if LUAUS.contains(&name.as_str()) {
            continue;
        }
        match item {
            Item::Function(function) => each(function, 0, |index, said, arguments| {
                let _ = writeln!(script, "  try(\"{said}\", {name}, {arguments}) -- {index}");
                *count += 1;
            }),
            Item::Table { items, .. } => calls(script, &name, items, count),
            Item::Field { .. } => {}
        }
    }
}

/// Every parameter that raises, with what it is to say, and the arguments that make it say so.
fn each(function: &Function, before: usize, mut one: impl FnMut(usize, &str, &str)) {
    for (index, param) in params(function.params).iter().enumerate() {
        if param.is_checked() {
            let (position, expected) = (index + 1 + before, expected(param.luau));
            let name = function.name;
            let said =
                format!("bad argument #{position} to '{name}' ({expected} expected, got thread)");
            one(index, &said, &arguments(function, index));
        }
    }
}

/// A method's first argument is its object: called on something else, it says so.
fn method(script: &mut String, class: &str, object: &str, function: &Function, count: &mut usize) {
    let name = function.name;
    let said = format!("bad argument #1 to '{name}' ({class} expected, got thread)");
    let _ = writeln!(script, "  try(\"{said}\", ({object}).{name}, wrong)");
    *count += 1;
    each(function, 1, |_, said, arguments| {
        let _ = writeln!(script, "  try(\"{said}\", ({object}).{name}, {object}, {arguments})");
        *count += 1;
    });
}
