//! The encoding of a frame: `length: u32 LE` of all that follows, `header_len: u16 LE`, the header
//! (MessagePack), the body (the rest).

use crate::limits::HEADER_MAX;
use serde::{Deserialize, Serialize};

/// Bytes before the header: the length field and the header's length.
pub const PREFIX: usize = LENGTH + HEADER_LENGTH;
/// Bytes of the length field.
pub const LENGTH: usize = 4;
/// Bytes of the header's length.
pub const HEADER_LENGTH: usize = 2;

/// Bytes of the largest frame that a message limit of `message` allows.
#[must_use]
pub const fn frame_max(message: usize) -> usize {
    message + HEADER_MAX + PREFIX
}

/// A header that is no frame of the expected direction.
#[derive(Debug, thiserror::Error)]
#[error("header does not decode: {0}")]
pub struct HeaderError(#[from] rmp_serde::decode::Error);

/// Decodes a header.
///
/// # Errors
/// Where the bytes do not begin with one value of that type.
pub fn decode<'a, T: Deserialize<'a>>(header: &'a [u8]) -> Result<T, HeaderError> {
    let mut decoder = rmp_serde::Deserializer::from_read_ref(header);
    // Headers nest a handful of levels; anything deeper is an attack on the stack.
    decoder.set_max_depth(16);
    Ok(T::deserialize(&mut decoder)?)
}

/// True for a header that can be encoded: what a worker says may be longer when it is said again.
#[must_use]
pub fn is_fit(header: &impl Serialize) -> bool {
    rmp_serde::to_vec(header).is_ok_and(|header| header.len() <= HEADER_MAX)
}

/// Appends one frame to `out`.
///
/// # Panics
/// Where the header is longer than [`HEADER_MAX`] or the frame longer than a `u32` counts: both are
/// bounded by the limits of what the headers hold, checked where those enter.
pub fn encode(out: &mut Vec<u8>, header: &impl Serialize, body: &[u8]) {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX]);
    rmp_serde::encode::write(out, header).expect("headers hold only what MessagePack can say");
    let header_len = out.len() - start - PREFIX;
    assert!(header_len <= HEADER_MAX, "header of {header_len} bytes");
    out.extend_from_slice(body);
    let length = u32::try_from(out.len() - start - LENGTH).expect("a frame shorter than 4 GiB");
    out[start..start + LENGTH].copy_from_slice(&length.to_le_bytes());
    let header_len = u16::try_from(header_len).expect("HEADER_MAX fits 16 bits");
    out[start + LENGTH..start + PREFIX].copy_from_slice(&header_len.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{FromWorker, Op, Ties, ToWorker, With};

    fn header_of(frame: &[u8]) -> &[u8] {
        let len = u16::from_le_bytes([frame[4], frame[5]]) as usize;
        &frame[PREFIX..PREFIX + len]
    }

    #[test]
    fn headers_come_back() {
        let op = Op::Spawn {
            entry: "app:a",
            host: "app:p",
            ties: Ties::default(),
            with: With::default(),
        };
        let call = FromWorker::Call { call: 7, op };
        let mut out = Vec::new();
        encode(&mut out, &call, b"body");
        assert_eq!(decode::<FromWorker<'_>>(header_of(&out)).expect("decodes"), call);
        assert!(out.ends_with(b"body"));
        assert_eq!(u32::from_le_bytes([out[0], out[1], out[2], out[3]]) as usize, out.len() - 4);
    }

    #[test]
    fn a_worker_cannot_say_what_only_a_supervisor_says() {
        let mut out = Vec::new();
        encode(&mut out, &ToWorker::Deliver { from: "x", topic: "t" }, b"");
        assert!(decode::<FromWorker<'_>>(header_of(&out)).is_err());
    }

    #[test]
    fn a_header_that_grows_when_it_is_said_again_is_not_fit() {
        // HandBack(Deliver { from, topic: "" }) with numbers in place of names.
        let mut header = vec![0x81, 14, 0x81, 6, 0x92, 0xda];
        let from = HEADER_MAX - header.len() - 3;
        header.extend_from_slice(&u16::try_from(from).expect("16 bits").to_be_bytes());
        header.extend(std::iter::repeat_n(b'a', from));
        header.push(0xa0);
        assert_eq!(header.len(), HEADER_MAX);
        let said = decode::<FromWorker<'_>>(&header).expect("it is a header");
        let FromWorker::HandBack(told @ ToWorker::Deliver { .. }) = said else {
            panic!("{said:?}")
        };
        assert!(!is_fit(&told));
        assert!(is_fit(&ToWorker::Deliver { from: "x", topic: "t" }));
    }

    #[test]
    fn deep_nesting_is_refused() {
        let header = vec![0x91; 4096];
        assert!(decode::<FromWorker<'_>>(&header).is_err());
    }
}
