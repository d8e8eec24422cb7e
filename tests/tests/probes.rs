//! The sandbox, attacked from inside: what each probe comes to without a layer, with each layer
//! alone and with all is held against what the lists in `tests::probes` say. As an ordinary user only
//! the run with all is: without a layer its workers cannot do what only root can.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use tests::probes::measure::Measured;
use tests::probes::{By, all, table};

#[test]
fn each_probe_ends_as_listed() {
    let measured = Measured::new().expect("the machine gives what probes reach for");
    let surprises: Vec<_> = all().flat_map(|probe| measured.surprises(probe)).collect();
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
}

#[test]
fn each_probe_has_a_name_of_its_own_and_a_layer_that_stops_it() {
    let mut names = BTreeSet::new();
    for probe in all() {
        assert!(names.insert(probe.name), "two probes are named {}", probe.name);
        let native = matches!(probe.by, By::Native(_));
        assert_eq!(native, !probe.stopped_by.is_empty(), "what stops {}?", probe.name);
        assert_ne!(probe.with_all, tests::probes::SUCCEEDED, "nothing stops {}", probe.name);
    }
    assert!(names.len() >= 110, "only {} probes", names.len());
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_table_in_the_documents_is_that_of_the_lists() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sandbox.md");
    let text = fs::read_to_string(document).expect("docs/sandbox.md is there");
    let placed = table::placed_in(&text, &table::listed()).expect("it has the marks of the table");
    assert!(placed == text, "run `cargo run -p tests --example probes -- --write`");
}
