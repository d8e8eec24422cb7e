//! The module `chaos`: what it does in a test, to whom, and that it does nothing anywhere else.

use super::{App, app, lines, passes, test};
use std::process::Command;
use tests::live::DEADLINE;
use tests::{bin, run};

#[test]
fn a_process_that_is_killed_ends_by_the_signal() {
    passes(
        "return function()
        local events = process.events()
        for _, signal in { 'SIGKILL', 'SIGSEGV', 'SIGTERM', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGHUP',
            'SIGILL', 'SIGINT', 'SIGQUIT' } do
            local pid = assert(process.spawn_monitored('app:sleeper', 'app:processes'))
            assert(chaos.kill(pid, signal) == true)
            local exit = events:receive()
            assert(exit.kind == process.event.EXIT and exit.from == pid)
            assert(exit.exit.kind == 'signal' and exit.exit.signal == signal, exit.exit.signal)
            local again, err = chaos.kill(pid, signal)
            assert(again == nil and err:kind() == errors.NOT_FOUND, err)
        end
    end",
    );
}

#[test]
fn a_stopped_process_is_ended_all_the_same() {
    passes(
        "return function()
        local events = process.events()
        -- By a terminate.
        local pid = assert(process.spawn_monitored('app:sleeper', 'app:processes'))
        assert(chaos.stop(pid) == true)
        assert(process.terminate(pid))
        assert(events:receive().exit.kind == 'terminated')
        -- By a deadline.
        pid = assert(process.spawn_monitored('app:sleeper', 'app:processes'))
        assert(chaos.stop(pid))
        assert(process.cancel(pid, '10ms'))
        assert(events:receive().exit.kind == 'terminated')
        -- By the death of one that it is linked to.
        local linked = process.listen('linked')
        pid = assert(process.spawn_monitored('app:sleeper', 'app:processes'))
        local other = assert(process.spawn('app:linker', 'app:processes', pid, process.pid()))
        linked:receive()
        assert(chaos.stop(pid))
        assert(chaos.kill(other, 'SIGSEGV'))
        local exit = events:receive()
        assert(exit.from == pid and exit.exit.kind == 'link', exit.exit.kind)
        -- By the kernel.
        pid = assert(process.spawn_monitored('app:sleeper', 'app:processes'))
        assert(chaos.stop(pid))
        assert(chaos.kill(pid, 'SIGKILL'))
        assert(events:receive().exit.signal == 'SIGKILL')
    end",
    );
}

#[test]
fn a_process_goes_on_where_it_was_stopped() {
    passes(
        "return function()
        local events = process.events()
        local pid = assert(process.spawn_monitored('app:sleeper', 'app:processes'))
        assert(process.registry.register('sleepy', pid))
        assert(chaos.stop('sleepy'))
        assert(process.send(pid, 'wake', 1))
        local result = channel.select({events:case_receive(), default = true})
        assert(result.default, 'it cannot have ended')
        assert(chaos.cont('sleepy'))
        assert(events:receive().exit.kind == 'normal')
    end",
    );
}

#[test]
fn what_cannot_be_asked_for_is_refused() {
    passes(
        "return function()
        local function refused(kind, text, ok, err)
            assert(ok == nil and err:kind() == kind and string.find(err, text, 1, true), err)
        end
        for _, name in { 'SIGSTOP', 'SIGCONT', 'KILL', '', 'stop' } do
            refused('Invalid', `signal '{name}' ends no process: use one of SIGABRT`,
                chaos.kill(process.pid(), name))
        end
        refused('NotFound', 'could not resolve', chaos.stop('nobody'))
        refused('NotFound', 'process not found', chaos.cont('{app:processes|0x00001-0000000000000000}'))
        assert(not pcall(chaos.kill, process.pid()))
        assert(not pcall(chaos.kill, process.pid(), 9))
        assert(not pcall(chaos.stop, {}))
        assert(require('chaos') == chaos and table.isfrozen(chaos))
    end",
    );
}

#[test]
fn an_entry_that_does_not_name_it_does_not_find_it() {
    let plain = "namespace: app\nentries:\n  - {name: plain, kind: process.lua, source: 'file://plain.lua', meta: {type: test}}\n";
    let script = "return function()
        assert(chaos == nil)
        local found, why = pcall(require, 'chaos')
        assert(not found and string.find(why, \"module 'chaos' not found\"), why)
    end";
    let app = app(&[]).file("plain.yaml", plain).file("plain.lua", script);
    let (tests, _) = lines(&test(&app, &["--json"]));
    assert_eq!(tests[0]["verdict"], "passed", "{:#}", tests[0]);
}

/// As with a terminate: the host's permissions say who may decide whose fate.
#[test]
fn permissions_hold_in_a_test_too() {
    let jail = "namespace: app\nentries:
  - {name: jail, kind: process.host, host: {trust: untrusted}}
  - {name: convict, kind: process.lua, source: 'file://convict.lua', modules: [chaos]}
";
    let convict = "return function(warden)
        for _, done in { chaos.kill, chaos.stop, chaos.cont } do
            local ok, err = done(warden, 'SIGKILL')
            assert(ok == nil and err:kind() == 'PermissionDenied', err)
        end
    end";
    let test_script = "return function()
        assert(process.spawn_monitored('app:convict', 'app:jail', process.pid()))
        local exit = process.events():receive()
        assert(not exit.error, exit.error)
    end";
    let app = app(&[("only", "default_host: 'app:processes'", test_script)])
        .file("jail.yaml", jail)
        .file("convict.lua", convict);
    let (tests, _) = lines(&test(&app, &["--json"]));
    assert_eq!(tests[0]["verdict"], "passed", "{:#}", tests[0]);
}

/// The supervisor refuses it, so no worker can have it by lying: what it would send is what is sent here.
#[test]
fn outside_of_a_test_it_is_denied() {
    let main = "return function()
        local events = process.events()
        local pid = assert(process.spawn_monitored('app:sleeper', 'app:processes'))
        for _, done in { chaos.kill, chaos.stop, chaos.cont } do
            local ok, err = done(pid, 'SIGKILL')
            assert(ok == nil and err:kind() == errors.PERMISSION_DENIED, err)
            print(err)
        end
        assert(process.send(pid, 'wake', 1))
        assert(events:receive().exit.kind == 'normal')
    end";
    let entry = "namespace: app\nentries:\n  - {name: main, kind: process.lua, source: 'file://main.lua', modules: [chaos]}\n";
    let app: App = app(&[]).file("main.yaml", entry).file("main.lua", main);
    let mut command = Command::new(bin("wabe"));
    let ran = run(command.arg("run").arg(app.path()).arg("app:main"), DEADLINE);
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    let text = "chaos works in a test only: run it with 'wabe test'\n";
    assert_eq!(ran.stdout, text.repeat(3));
}
