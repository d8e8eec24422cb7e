//! The smallest program there is: it exits with the low byte of its effective user id. And code that
//! returns 42, for memory that should never run.
#![cfg(target_arch = "x86_64")]

use super::sys::{Reached, check, sys};
use libc::c_void;

/// `mov eax, 107; syscall; mov edi, eax; mov eax, 60; syscall`: `exit(geteuid())`.
const TEXT: [u8; 16] = [0xb8, 107, 0, 0, 0, 0x0f, 0x05, 0x89, 0xc7, 0xb8, 60, 0, 0, 0, 0x0f, 0x05];

/// Where the program is loaded.
const BASE: u64 = 0x40_0000;
/// Bytes before the code: the headers.
const HEADERS: u64 = 64 + 56;

/// The program, as a file (elf(5)).
#[must_use]
pub(super) fn program() -> Vec<u8> {
    let len = HEADERS + TEXT.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    let half = |file: &mut Vec<u8>, values: &[u16]| {
        values.iter().for_each(|value| file.extend(value.to_le_bytes()));
    };
    let word = |file: &mut Vec<u8>, values: &[u32]| {
        values.iter().for_each(|value| file.extend(value.to_le_bytes()));
    };
    let wide = |file: &mut Vec<u8>, values: &[u64]| {
        values.iter().for_each(|value| file.extend(value.to_le_bytes()));
    };
    // An executable for x86-64, version 1; entry, program headers, no section headers.
    half(&mut file, &[2, 62]);
    word(&mut file, &[1]);
    wide(&mut file, &[BASE + HEADERS, 64, 0]);
    word(&mut file, &[0]);
    half(&mut file, &[64, 56, 1, 0, 0, 0]);
    // One segment to load, to read and to run: all of the file.
    word(&mut file, &[1, 5]);
    wide(&mut file, &[0, BASE, BASE, len, len, 0x1000]);
    file.extend(TEXT);
    file
}

/// `mov eax, 42; ret`.
const RETURNS_42: [u8; 6] = [0xb8, 42, 0, 0, 0, 0xc3];

/// Puts the code there.
pub(super) fn write_code(memory: *mut c_void) {
    // SAFETY: the caller has mapped at least a page there, to be written.
    unsafe { std::ptr::copy_nonoverlapping(RETURNS_42.as_ptr(), memory.cast(), RETURNS_42.len()) };
}

/// Runs the code there.
pub(super) fn run_code(memory: *const c_void) -> Reached {
    // SAFETY: `write_code` has put a whole function there that follows the C calling convention.
    // Where the page must not run, the process dies of SIGSEGV, which is what the probe is to show.
    let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(memory) };
    check(function() == 42, "the code did not run")
}

/// Runs a descriptor's file as a program, in a child, and returns how that ended.
pub(super) fn run_file(
    directory: i32,
    path: &std::ffi::CStr,
    flags: i32,
) -> Result<i32, super::sys::Failed> {
    let arguments = [path.as_ptr(), std::ptr::null()];
    let environment: [*const libc::c_char; 1] = [std::ptr::null()];
    super::sys::in_child(0, || {
        let failed = sys!(
            libc::SYS_execveat,
            directory,
            path,
            arguments.as_ptr(),
            environment.as_ptr(),
            flags
        );
        match failed {
            Err(super::sys::Failed::Errno(errno)) => 200 + errno % 50,
            _ => 255,
        }
    })
}
