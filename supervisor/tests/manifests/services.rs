//! Services, what they require, and groups of them.

use crate::{load, refused};
use node::services::{Backoff, Ready, Strategy};
use supervisor::Diagnostic;
use supervisor::app::{App, Service};

const BEFORE: &str =
    "namespace: app\nentries:\n  - {name: main, kind: process.lua, source: 'file://main.lua'}\n";

fn service(name: &str, lifecycle: &str) -> String {
    format!(
        "  - name: {name}\n    kind: process.service\n    process: app:main\n    \
         host: app:processes\n    lifecycle: {lifecycle}\n"
    )
}

fn group(name: &str, rest: &str) -> String {
    format!("  - {{name: {name}, kind: process.group, {rest}}}\n")
}

fn app(entries: &[String]) -> Result<App, Diagnostic> {
    load(&format!("{BEFORE}{}", entries.concat()))
}

fn try_service(lifecycle: &str) -> Result<App, Diagnostic> {
    app(&[service("a", lifecycle)])
}

fn check(lifecycle: &str, check: impl Fn(&Service)) {
    let app = try_service(lifecycle).unwrap_or_else(|error| panic!("{}", error.render(false)));
    check(app.services().next().expect("the manifest has it").1);
}

const MS: u64 = 1_000_000;

#[test]
fn a_service_that_says_nothing_has_the_defaults() {
    check("{}", |service| {
        assert!(!service.auto_start && service.requires.is_empty());
        assert_eq!(service.ready, Ready::Loaded);
        assert_eq!((service.start_timeout_ns, service.stop_timeout_ns), (10_000 * MS, None));
        assert_eq!((service.stable_ns, &service.backoff), (10_000 * MS, &Backoff::DEFAULT));
    });
}

#[test]
fn a_service_has_what_it_says() {
    let lifecycle = "{auto_start: true, ready: notify, start_timeout: 1m, stop_timeout: 20ms, \
                     stable_threshold: 3s, restart: {initial_delay: 5ms, max_delay: 1h, \
                     backoff_factor: 1.5, jitter: 0.25, max_attempts: 7}}";
    check(lifecycle, |service| {
        assert!(service.auto_start);
        assert_eq!(service.ready, Ready::Said);
        assert_eq!(
            (service.start_timeout_ns, service.stop_timeout_ns),
            (60_000 * MS, Some(20 * MS))
        );
        assert_eq!(service.stable_ns, 3000 * MS);
        let expected = Backoff {
            initial_ns: 5 * MS,
            max_ns: 3_600_000 * MS,
            factor: 1.5,
            jitter: 0.25,
            max_attempts: Some(7),
        };
        assert_eq!(service.backoff, expected);
    });
    check("{restart: {max_attempts: none}}", |service| {
        assert_eq!(service.backoff.max_attempts, None);
    });
    // What is not given fits what is.
    check("{restart: {initial_delay: 2m}}", |service| {
        assert_eq!(service.backoff.max_ns, 120_000 * MS);
    });
    check("{restart: {max_delay: 10ms}}", |service| {
        assert_eq!(service.backoff.initial_ns, 10 * MS);
    });
}

#[test]
fn what_is_no_such_field_is_refused() {
    let time = "write a number with its unit: 500ms, 10s, 1m30s";
    let refused_with = |lifecycle, message, underlined, help| {
        refused(try_service(lifecycle), message, underlined, help);
    };
    refused_with("{start_timeout: 5}", "start_timeout cannot be 5", "5", time);
    refused_with("{stop_timeout: none}", "stop_timeout cannot be none", "none", time);
    refused_with("{ready: true}", "ready cannot be true", "true", "write one of loaded, notify");
    let factor = "{restart: {backoff_factor: 0.5}}";
    refused_with(factor, "backoff_factor of 0.5 is out of range", "0.5", "use 1 to 100");
    let jitter = "{restart: {jitter: much}}";
    refused_with(jitter, "jitter cannot be much", "much", "write a number, such as 0.5 or 2");
    let attempts = "{restart: {max_attempts: -1}}";
    let help = "write a whole number, or none";
    refused_with(attempts, "max_attempts cannot be -1", "-1", help);
    let delays = "{restart: {initial_delay: 2s, max_delay: 1s}}";
    let message = "max_delay of 1s is shorter than initial_delay";
    refused_with(delays, message, "1s", "delays grow: raise it, or lower initial_delay");
    let unknown = "invalid manifest: unknown field `delay`, expected one of initial_delay, max_delay, \
                   backoff_factor, jitter, max_attempts";
    let fields = "the fields of each kind are in docs/manifests.md";
    refused_with("{restart: {delay: 1s}}", unknown, "lifecycle: {restart: {delay: 1s}}", fields);
    let none = "invalid manifest: a field without a value";
    refused_with("{start_timeout: }", none, "lifecycle: {start_timeout: }", fields);
}

#[test]
fn requirements_are_services_and_go_not_round_in_a_circle() {
    let requires = |name: &str, list: &str| service(name, &format!("{{requires: [{list}]}}"));
    let known = app(&[requires("a", "app:b"), requires("b", "app:c"), service("c", "{}")]);
    assert!(known.is_ok());
    let message = "entry 'app:x' does not exist";
    let help = "the entries of kind process.service are app:a";
    refused(app(&[requires("a", "app:x")]), message, "app:x", help);
    let message = "entry 'app:main' is a process.lua, not a process.service";
    let help = "name an entry of kind process.service";
    refused(app(&[requires("a", "app:main")]), message, "app:main", help);
    let help = "remove one: none of these could ever start";
    let message = "requirements go round in a circle: app:a -> app:a";
    refused(app(&[requires("a", "app:a")]), message, "app:a", help);
    let circle = [requires("a", "app:b"), requires("b", "app:c"), requires("c", "app:b")];
    let message = "requirements go round in a circle: app:b -> app:c -> app:b";
    refused(app(&circle), message, "app:b", help);
    let Err(error) = app(&circle) else { panic!("loaded") };
    assert_eq!(error.to_string(), format!("_index.yaml:18: {message}"));
}

#[test]
fn a_group_has_services_of_which_none_is_in_two() {
    let both = [service("a", "{}"), service("b", "{}")];
    let of = |groups: &[String]| app(&[&both[..], groups].concat());
    let whole = group(
        "g",
        "services: ['app:b', 'app:a'], restart: {strategy: rest_for_one, intensity: 3, period: 1m}",
    );
    let loaded = of(&[whole]).unwrap_or_else(|error| panic!("{}", error.render(false)));
    let (id, found) = loaded.groups().next().expect("the manifest has it");
    let services: Vec<_> = found.services.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!((id, services), ("app:g", vec!["app:b", "app:a"]));
    assert_eq!((found.strategy, found.intensity), (Strategy::RestForOne, 3));
    assert_eq!(found.period_ns, 60_000 * MS);
    let loaded = of(&[group("g", "services: []")]).unwrap_or_else(|error| panic!("{error}"));
    let (_, found) = loaded.groups().next().expect("the manifest has it");
    assert_eq!((found.strategy, found.intensity), (Strategy::OneForOne, 1));
    assert_eq!(found.period_ns, 5000 * MS);

    let twice = [group("g", "services: ['app:a']"), group("h", "services: ['app:a']")];
    let message = "service 'app:a' is in group 'app:g' already";
    refused(of(&twice), message, "'app:a'", "a service is in one group, and once");
    let help = "name an entry of kind process.service";
    let message = "entry 'app:main' is a process.lua, not a process.service";
    refused(of(&[group("g", "services: ['app:main']")]), message, "'app:main'", help);
    let strategy = group("g", "services: [], restart: {strategy: simple}");
    let help = "write one of one_for_one, one_for_all, rest_for_one";
    refused(of(&[strategy]), "strategy cannot be simple", "simple", help);
}
