//! `docs/performance.md`: what benchmarks write into it, and on which machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::available_parallelism;

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md")
}

/// Replaces what stands between `<!-- NAME -->` and `<!-- end of NAME -->`; the prose round it stays.
///
/// # Errors
/// Where the document or its markers are missing.
pub fn write(name: &str, block: &str) -> Result<(), String> {
    let told = |error| format!("cannot write {}: {error}", path().display());
    let old = fs::read_to_string(path()).map_err(told)?;
    let new = replaced(&old, name, block)?;
    fs::write(path(), new).map_err(told)
}

fn replaced(old: &str, name: &str, block: &str) -> Result<String, String> {
    let (begin, end) = (format!("<!-- {name} -->"), format!("<!-- end of {name} -->"));
    let missing = || format!("the document has no '{begin}' with '{end}' after it");
    let (before, rest) = old.split_once(&begin).ok_or_else(missing)?;
    let (_, after) = rest.split_once(&end).ok_or_else(missing)?;
    Ok(format!("{before}{begin}\n\n{}\n\n{end}{after}", block.trim()))
}

/// The machine and the day, in a line.
#[must_use]
pub fn machine() -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown CPU".to_owned());
    let memory = field("/proc/meminfo", "MemTotal");
    let kib: f64 = memory.and_then(|text| text.trim_end_matches(" kB").parse().ok()).unwrap_or(0.0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let gib = kib / 1024.0 / 1024.0;
    format!("{cpu}, {cores} cores, {gib:.1} GiB, Linux {}, {}", kernel.trim(), today())
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start().strip_prefix(':')?.trim().to_owned())
}

fn today() -> String {
    let date = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    date.map_or_else(
        |_| "unknown day".to_owned(),
        |date| String::from_utf8_lossy(&date.stdout).trim().to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prose_round_a_block_stays() {
        let old = "a\n<!-- x -->\nold\n<!-- end of x -->\nb <!-- y --><!-- end of y -->";
        let new = replaced(old, "x", "new\n").expect("both markers");
        let expected = "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb <!-- y --><!-- end of y -->";
        assert_eq!(new, expected);
        assert_eq!(replaced(&new, "x", "new").as_deref(), Ok(expected));
        assert!(replaced(old, "z", "new").is_err());
    }
}
