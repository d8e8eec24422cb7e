//! `docs/sandbox.md` says what the code does.

use std::fs;
use std::path::Path;

fn document() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sandbox.md");
    fs::read_to_string(path).expect("the document is there")
}

/// The rows of the table that follows a mark.
fn table<'a>(document: &'a str, mark: &str) -> Vec<&'a str> {
    let (_, after) = document.split_once(mark).expect("a table of calls");
    let lines = after.lines().skip(1).skip_while(|line| !line.starts_with("| `"));
    lines.take_while(|line| line.starts_with("| `")).collect()
}

fn compare(rows: &[&str], rules: &[worker::sandbox::Rule]) {
    for rule in rules {
        let row = rows.iter().find(|row| row.starts_with(&format!("| `{}` |", rule.name)));
        let row = row.unwrap_or_else(|| panic!("{} is not in the table", rule.name));
        assert!(row.ends_with(&format!("| {} |", rule.why)), "{}: {row}", rule.name);
    }
    // On other architectures there is no poll(2).
    assert!(rows.len() - rules.len() <= 1, "the table has calls that the filter has not");
}

#[test]
fn each_system_call_of_the_filter_is_in_a_table_with_its_reason_and_no_other() {
    let document = document();
    compare(&table(&document, "<!-- calls:"), &worker::sandbox::rules());
    compare(&table(&document, "<!-- door:"), &worker::sandbox::rules_of_the_door());
}

#[test]
fn each_layer_is_in_the_table() {
    let document = document();
    for layer in ipc::sandbox::Layer::ALL {
        assert!(document.contains(&format!("\n| `{layer}` |")), "{layer}");
    }
}
