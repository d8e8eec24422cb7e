//! Prints the reference of the Lua API that the crate `api` makes; `--write` puts it into `docs/api.md`.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let page = api::docs::page();
    if env::args().any(|word| word == "--write") {
        return fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md"), page);
    }
    print!("{page}");
    Ok(())
}
