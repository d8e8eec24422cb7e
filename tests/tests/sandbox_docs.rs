//! `docs/sandbox.md` says what the code does.

use std::fs;
use std::path::Path;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sandbox.md");
    fs::read_to_string(path).expect("the document is there")
}

#[test]
fn each_system_call_of_the_filter_is_in_the_table_with_its_reason_and_no_other() {
    let document = document();
    let (_, table) = document.split_once("<!-- calls:").expect("a table of calls");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let rows = &rows[..rows.iter().position(|row| row.starts_with("| `getppid`")).expect("it") + 1];
    let rules = worker::sandbox::rules(1);
    for rule in &rules {
        let row = rows.iter().find(|row| row.starts_with(&format!("| `{}` |", rule.name)));
        let row = row.unwrap_or_else(|| panic!("{} is not in the table", rule.name));
        assert!(row.ends_with(&format!("| {} |", rule.why)), "{}: {row}", rule.name);
    }
    // On other architectures there is no poll(2).
    assert!(rows.len() - rules.len() <= 1, "the table has calls that the filter has not");
}

#[test]
fn each_layer_is_in_the_table() {
    let document = document();
    for layer in ipc::sandbox::Layer::ALL {
        assert!(document.contains(&format!("\n| `{layer}` |")), "{layer}");
    }
}
