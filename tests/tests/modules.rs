//! What modules do with the world round them: time zones of the machine, documents that are bombs.

use std::process::Command;
use tests::live::DEADLINE;
use tests::{App, bin, run};

/// What the script prints, with that variable `TZ`.
fn printed(host: &str, tz: Option<&str>, script: &str) -> String {
    let app = App::of(host, &[("main", script)]);
    let mut command = Command::new(bin("wabe"));
    command.arg("run").arg(app.path()).arg("app:main");
    match tz {
        Some(tz) => command.env("TZ", tz),
        None => command.env_remove("TZ"),
    };
    let ran = run(&mut command, DEADLINE);
    assert_eq!(ran.code, Some(0), "{script}\n{ran:#?}");
    ran.stdout
}

#[test]
fn the_local_zone_is_that_of_the_variable_tz() {
    const SCRIPT: &str = "return function()
        print(time.localtz, time.date(2024, 7, 1, 12, 0, 0, 0):utc(), os.date('%H', 1719835200))
    end";
    for (tz, said) in [
        ("America/New_York", "America/New_York\t2024-07-01 16:00:00 +0000 UTC\t08\n"),
        (":Europe/Berlin", "Europe/Berlin\t2024-07-01 10:00:00 +0000 UTC\t14\n"),
        ("XST-5:45", "XST-5:45\t2024-07-01 06:15:00 +0000 UTC\t17\n"),
        ("UTC", "UTC\t2024-07-01 12:00:00 +0000 UTC\t12\n"),
        ("", "UTC\t2024-07-01 12:00:00 +0000 UTC\t12\n"),
        ("No/Where at all", "UTC\t2024-07-01 12:00:00 +0000 UTC\t12\n"),
    ] {
        assert_eq!(printed("{}", Some(tz), SCRIPT), said, "{tz}");
    }
    let local = printed("{}", None, SCRIPT);
    assert!(local.starts_with("Local\t2024-07-01 ") || local.starts_with("UTC\t"), "{local}");
}

#[test]
fn every_zone_of_the_machine_can_be_loaded_in_a_strict_sandbox() {
    const SCRIPT: &str = "return function()
        for _, name in { 'Europe/Berlin', 'Asia/Kolkata', 'Etc/GMT+5', 'UTC', 'Australia/Lord_Howe' } do
            local there = time.unix(1719835200, 0):in_location(assert(time.load_location(name)))
            print(there:format('15:04 -0700 MST'))
        end
    end";
    let wanted =
        "14:00 +0200 CEST\n17:30 +0530 IST\n07:00 -0500 -05\n12:00 +0000 UTC\n22:30 +1030 +1030\n";
    assert_eq!(printed("{sandbox: strict}", Some("UTC"), SCRIPT), wanted);
}

/// Each is small, and would be more than the process may use. It is told so, and lives on.
#[test]
fn a_document_that_would_take_too_much_memory_is_refused_before_it_does() {
    let mut aliases = "a0: &a0 [x,x,x,x,x,x,x,x,x]\\n".to_owned();
    for level in 1..12 {
        let inner = vec![format!("*a{}", level - 1); 9].join(",");
        aliases += &format!("a{level}: &a{level} [{inner}]\\n");
    }
    let read = |document: &str, format: &str| {
        format!("payload.new({document}, payload.format.{format}):transcode(payload.format.LUA)")
    };
    let bytes = "'\\xdd\\0\\3\\0\\0' .. string.rep('\\x90', 3 * 65536)";
    for bomb in [
        read(&format!("\"{aliases}\""), "YAML"),
        read("'[' .. string.rep('[],', 200000) .. '[]]'", "YAML"),
        read("string.rep('[', 1000000)", "YAML"),
        read(bytes, "MSGPACK"),
        "json.decode('[' .. string.rep('[],', 200000) .. '[]]')".to_owned(),
        "json.decode('[' .. string.rep('1,', 400000) .. '1]')".to_owned(),
        "json.decode('{\"' .. string.rep('a\":{\"', 62) .. 'a\":' .. '[' .. string.rep('{},', 200000) .. '1]' .. string.rep('}', 63))"
            .to_owned(),
    ] {
        let script = format!(
            "return function()
                local value, err = {bomb}
                assert(value == nil, 'it was read')
                print(err:kind())
            end"
        );
        assert_eq!(printed("{memory: 16MiB, turn: 5s}", None, &script), "Invalid\n", "{bomb}");
    }
}
