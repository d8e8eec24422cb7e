//! What a host says of its sandbox.

use crate::{app, refused, try_host};
use ipc::sandbox::{Layer, Layers, Sandbox};
use supervisor::app::Enclosure;

#[test]
fn a_sandbox_is_one_of_three() {
    let enclosure = |fields: &[&str]| app(fields).enclosure("app:pool");
    assert_eq!(enclosure(&["sandbox: standard"]), Enclosure::default());
    assert_eq!(enclosure(&["sandbox: strict"]).sandbox, Sandbox::Strict);
    assert_eq!(enclosure(&["sandbox: none"]).sandbox, Sandbox::None);
    assert_eq!(app(&["sandbox: strict"]).enclosure("app:processes"), Enclosure::default());
    assert_eq!(app(&["sandbox: strict"]).enclosure("no:host"), Enclosure::default());
    refused(
        try_host(&["sandbox: off"]),
        "sandbox cannot be off",
        "off",
        "write one of standard, strict, none",
    );
}

#[test]
fn three_layers_may_be_optional() {
    let all = app(&["optional: [namespaces, cgroup, uid]"]).enclosure("app:pool").optional;
    assert_eq!(all, Layer::MAY_BE_OPTIONAL.into_iter().collect());
    let one = app(&["optional: [uid]"]).enclosure("app:pool").optional;
    assert_eq!(one, Layers::NONE.with(Layer::Uid));
    let help = "optional may be namespaces, uid, cgroup";
    for layer in Layer::ALL.into_iter().filter(|layer| !all.has(*layer)) {
        let message = format!("layer '{layer}' is never optional");
        refused(try_host(&[&format!("optional: [{layer}]")]), &message, layer.as_str(), help);
    }
    refused(
        try_host(&["optional: [uid, network]"]),
        "layer 'network' does not exist",
        "network",
        help,
    );
}

#[test]
fn no_sandbox_is_refused_at_its_place() {
    let (app, strict) = (app(&["sandbox: none   # for now"]), app(&["sandbox: strict"]));
    refused(
        app.refuse_unenclosed(),
        "host 'app:pool' has no sandbox",
        "none",
        "run wabe with --allow-no-sandbox, for debugging only",
    );
    assert_eq!(strict.refuse_unenclosed(), Ok(()));
}
