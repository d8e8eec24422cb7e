//! Trust and permissions.

use crate::{host, only, refused, try_host};
use ipc::Limits;
use node::{Allowed, Control, HostSpec, Permissions};

#[test]
fn an_untrusted_host_has_less() {
    let spec = host(&["trust: untrusted"]);
    let permissions = Permissions { hosts: only(&["app:pool"]), ..Permissions::NONE };
    assert_eq!(spec, HostSpec { max_processes: 100, limits: Limits::UNTRUSTED, permissions });
    assert_eq!(host(&["trust: trusted"]), HostSpec::DEFAULT);
    let raised = host(&["trust: untrusted", "max_processes: 7", "cpu: none", "memory: 8MiB"]);
    assert_eq!(raised.max_processes, 7);
    assert_eq!(raised.limits, Limits { cpu_s: u64::MAX, memory: 8 << 20, ..Limits::UNTRUSTED });
    refused(
        try_host(&["trust: partly"]),
        "trust cannot be partly",
        "partly",
        "write one of trusted, untrusted",
    );
}

#[test]
fn permissions_restrict_a_trusted_host_where_they_are_given() {
    let given = host(&[
        "permissions:",
        "  spawn: [app:main, 'app.tools:*']",
        "  names: ['*', app.*]",
        "  control: descendants",
    ]);
    let expected = Permissions {
        spawn: only(&["app:main", "app.tools:*"]),
        hosts: Allowed::All,
        names: only(&["*", "app.*"]),
        control: Control::Descendants,
    };
    assert_eq!(given.permissions, expected);
    assert_eq!(host(&["permissions: {spawn: []}"]).permissions.spawn, only(&[]));
    assert_eq!(host(&["permissions: {}"]).permissions, Permissions::ALL);
}

#[test]
fn permissions_allow_an_untrusted_host_what_is_given_and_no_more() {
    let given = host(&[
        "trust: untrusted",
        "permissions: {spawn: [app:main], hosts: [app:processes], control: any}",
    ]);
    let expected = Permissions {
        spawn: only(&["app:main"]),
        hosts: only(&["app:processes"]),
        names: only(&[]),
        control: Control::Any,
    };
    assert_eq!(given.permissions, expected);
}

#[test]
fn patterns_that_cannot_be_meant_are_refused() {
    let permissions = |fields: &str| try_host(&[&format!("permissions: {{{fields}}}")]);
    refused(
        permissions("spawn: [app:man]"),
        "entry 'app:man' does not exist",
        "app:man",
        "the entries of kind process.lua are app:main",
    );
    refused(
        permissions("spawn: ['app:pool']"),
        "entry 'app:pool' is a process.host, not a process.lua",
        "'app:pool'",
        "name an entry of kind process.lua",
    );
    refused(
        permissions("hosts: [app:main]"),
        "entry 'app:main' is a process.lua, not a process.host",
        "app:main",
        "name an entry of kind process.host",
    );
    refused(
        permissions("hosts: [app:pol]"),
        "entry 'app:pol' does not exist",
        "app:pol",
        "the entries of kind process.host are app:pool, app:processes",
    );
    refused(permissions("names: ['']"), "empty pattern", "''", "remove it: it allows nothing");
    let long = "a".repeat(256);
    refused(
        permissions(&format!("names: [{long}]")),
        "pattern of 256 bytes",
        &long,
        "use at most 255",
    );
    refused(
        permissions("control: all"),
        "control cannot be all",
        "all",
        "write one of any, descendants",
    );
}
