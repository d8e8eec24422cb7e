//! Bytes that no honest worker sends.

/// The same bytes each time, of every value (xorshift).
#[must_use]
pub fn rubbish(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Payloads that no encoder makes.
#[must_use]
pub fn malformed() -> Vec<Vec<u8>> {
    vec![
        vec![],
        vec![0xc1],
        rubbish(10_000),
        vec![0xdd, 0xff, 0xff, 0xff, 0xff],
        vec![0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0],
        vec![0xdb, 0xff, 0xff, 0xff, 0xff],
        vec![0xc9, 0xff, 0xff, 0xff, 0xff, 1],
        vec![0x91; 200_000],
        [0x81, 0xc0].repeat(50_000),
        vec![0xc7, 3, 1, 0x91, 0x91, 0xc1],
        vec![7, 7],
        nested_errors(40_000),
        [&[0xdd, 0xff, 0xff, 0xff, 0xff].repeat(64)[..], &[0xc0; 200_000]].concat(),
    ]
}

/// Errors in Errors (extension 1 with a length of 32 bits), which cost six bytes a level.
#[must_use]
pub fn nested_errors(levels: u32) -> Vec<u8> {
    let heads = (0..levels).rev().map(|inner| {
        let [a, b, c, d] = (6 * inner + 1).to_be_bytes();
        [0xc9, a, b, c, d, 1]
    });
    heads.flatten().chain([0xc0]).collect()
}
