//! Links the program statically, where the libraries for that are there.
//!
//! What a fork costs, and the end of what was forked, grows with the number of mappings: a worker
//! with shared libraries has 43 of them, a static one 14, and a spawn takes an eighth less CPU time.
//! rustc's own switch (`crt-static`) is for whole builds and forbids procedural macros, so this is done
//! for the one program, by files that stand in for the shared libraries that rustc names.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Libraries that rustc asks for as shared ones, and what the linker is to take instead.
const STAND_INS: [(&str, &str); 4] = [
    ("libc.so", "GROUP ( libc.a libgcc_eh.a libgcc.a )"),
    ("libgcc_s.so", "GROUP ( libgcc_eh.a libgcc.a )"),
    ("libm.so", "INPUT ( libm.a )"),
    ("libstdc++.so", "INPUT ( libstdc++.a )"),
];

/// What is added to the linker's own layout (its manual, INSERT): room before and behind the code for
/// the rest of a large page, so that all of it can lie in large pages (`src/mapping.rs`) wherever the
/// program is loaded. Were it aligned to them instead, there were 512 times fewer places to guess. Behind
/// that lies the door (`src/door`), in small pages.
const ROOM: &str = "
SECTIONS {
  .wabe_before : { HIDDEN(wabe_room_begins = .); . += 0x200000; }
} INSERT BEFORE .text;
SECTIONS {
  .wabe_behind : { . += 0x200000; HIDDEN(wabe_room_ends = .); }
  .wabe_door : { KEEP(*(.wabe_door)) }
} INSERT AFTER .text;
HIDDEN(wabe_code_begins = ADDR(.text));
HIDDEN(wabe_code_ends = ADDR(.text) + SIZEOF(.text));
";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") != "linux" || target("ENV") != "gnu" {
        return;
    }
    let missing =
        ["libc.a", "libgcc_eh.a", "libm.a", "libstdc++.a"].iter().find(|name| !is_there(name));
    if let Some(missing) = missing {
        println!(
            "cargo:warning=wabe-worker is linked to shared libraries, since {missing} is not there: \
             processes start a little slower"
        );
        return;
    }
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    for (name, instead) in STAND_INS {
        fs::write(folder.join(name), instead).expect("OUT_DIR can be written");
    }
    let bin = "cargo:rustc-link-arg-bin=wabe-worker";
    println!("{bin}=-L{}", folder.display());
    println!("{bin}=-static-pie");
    fs::write(folder.join("room.ld"), ROOM).expect("OUT_DIR can be written");
    println!("{bin}=-Wl,-T,{}", folder.join("room.ld").display());
}

/// Asks the C compiler, which is the linker: it answers with a path only where it finds the file.
fn is_there(library: &str) -> bool {
    let found = Command::new("cc").arg(format!("-print-file-name={library}")).output();
    found.is_ok_and(|found| Path::new(String::from_utf8_lossy(&found.stdout).trim()).is_absolute())
}
