//! What is too much to be checked, or to be shown.

use super::{app, check, lines};
use serde_json::json;

#[test]
fn unchecked() {
    let deep = format!("{}1{}", "{ a = ".repeat(900), " }".repeat(900));
    let ran = check(&app(&format!("prnt(1)\nprint(util,\n{deep})\n")), &["--json"]);
    let found = lines(&ran);
    // What the analyzer cannot do is said, and what the names tell is found all the same.
    assert_eq!(found[0]["code"], "unknown-name", "{ran:?}");
    let expected =
        "the types of main.lua could not be checked: this is too complex for the analyzer";
    assert_eq!(found[1]["message"], expected);
    assert_eq!((&found[1]["code"], &found[1]["line"]), (&json!("unchecked"), &json!(3)));
    assert_eq!(found[2..], [json!({"errors": 1, "warnings": 1})], "{ran:?}");
}

#[test]
fn more_than_a_thousand_findings_are_counted_and_not_shown() {
    let app = app(&format!("print(util)\n{}", "prnt(1)\n".repeat(1005)));
    let ran = check(&app, &["--json"]);
    let found = lines(&ran);
    assert_eq!(found.len(), 1002, "{:?}", found.last());
    assert_eq!(found[1000]["message"], "1000 findings are shown, and 5 are not");
    assert_eq!(found[1001], json!({"errors": 1005, "warnings": 1}));
    let ran = check(&app, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), "1005 errors, 1 warning\n"));
    assert_eq!(ran.stderr.matches("error[unknown-name]").count(), 1000);
    let last = "\nwarning[unchecked]: 1000 findings are shown, and 5 are not\n";
    assert!(ran.stderr.contains(last), "{}", &ran.stderr[ran.stderr.len() - 200..]);
}
