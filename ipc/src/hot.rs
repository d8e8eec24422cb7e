//! The headers of messages, by hand: they are most of what goes over a busy wire, and a general
//! encoder takes longer over them than the rest of the way does.
//!
//! What is written is byte for byte what [`codec::encode`](crate::codec::encode) writes. What is read
//! is only what is written so; anything else is for [`codec::decode`](crate::codec::decode), which
//! says what is wrong with it.

use crate::codec::{HEADER_LENGTH, LENGTH, PREFIX};
use crate::frame::RouteId;
use crate::limits::HEADER_MAX;

/// What `{"Send": [` is.
const SEND: &[u8] = b"\x81\xa4Send\x92";
/// What `{"Deliver": [` is.
const DELIVER: &[u8] = b"\x81\xa7Deliver\x92";
/// What `{"Consumed": [` is.
const CONSUMED: &[u8] = b"\x81\xa8Consumed\x91";

/// Appends the frame of [`FromWorker::Send`](crate::frame::FromWorker::Send).
///
/// # Panics
/// As [`codec::encode`](crate::codec::encode).
pub fn write_send(out: &mut Vec<u8>, route: RouteId, topic: &str, body: &[u8]) {
    begin(out, body.len(), SEND.len() + topic.len() + 10, |out| {
        out.extend_from_slice(SEND);
        write_number(out, route.into());
        write_text(out, topic);
    });
    out.extend_from_slice(body);
}

/// Appends the frame of [`ToWorker::Deliver`](crate::frame::ToWorker::Deliver).
///
/// # Panics
/// As [`codec::encode`](crate::codec::encode).
pub fn write_deliver(out: &mut Vec<u8>, from: &str, topic: &str, body: &[u8]) {
    begin_deliver(out, from, topic, body.len());
    out.extend_from_slice(body);
}

/// Appends the same but for the body, which comes right behind it and is so long.
///
/// # Panics
/// As [`codec::encode`](crate::codec::encode).
pub fn begin_deliver(out: &mut Vec<u8>, from: &str, topic: &str, body: usize) {
    begin(out, body, DELIVER.len() + from.len() + topic.len() + 10, |out| {
        out.extend_from_slice(DELIVER);
        write_text(out, from);
        write_text(out, topic);
    });
}

/// The route and the topic, where the header is a [`FromWorker::Send`](crate::frame::FromWorker::Send).
#[must_use]
pub fn read_send(header: &[u8]) -> Option<(RouteId, &str)> {
    let (route, rest) = read_number(header.strip_prefix(SEND)?)?;
    let (topic, rest) = read_text(rest)?;
    let topic = str::from_utf8(topic).ok().filter(|_| rest.is_empty())?;
    Some((RouteId::try_from(route).ok()?, topic))
}

/// The bytes of sender and topic, where the header is a
/// [`ToWorker::Deliver`](crate::frame::ToWorker::Deliver).
#[must_use]
pub fn read_deliver(header: &[u8]) -> Option<(&[u8], &[u8])> {
    let (from, rest) = read_text(header.strip_prefix(DELIVER)?)?;
    let (topic, rest) = read_text(rest)?;
    rest.is_empty().then_some((from, topic))
}

/// The bytes, where the header is a [`FromWorker::Consumed`](crate::frame::FromWorker::Consumed).
#[must_use]
pub fn read_consumed(header: &[u8]) -> Option<u64> {
    let (bytes, rest) = read_number(header.strip_prefix(CONSUMED)?)?;
    rest.is_empty().then_some(bytes)
}

/// One frame but for its body. `about`: bytes of the header, or some more.
#[inline]
fn begin(out: &mut Vec<u8>, body: usize, about: usize, header: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.reserve(PREFIX + about);
    out.extend_from_slice(&[0; PREFIX]);
    header(out);
    let header_len = out.len() - start - PREFIX;
    assert!(header_len <= HEADER_MAX, "header of {header_len} bytes");
    let header_len = u16::try_from(header_len).expect("HEADER_MAX fits 16 bits");
    let length = HEADER_LENGTH + usize::from(header_len) + body;
    let length = u32::try_from(length).expect("a frame shorter than 4 GiB");
    out[start..start + LENGTH].copy_from_slice(&length.to_le_bytes());
    out[start + LENGTH..start + PREFIX].copy_from_slice(&header_len.to_le_bytes());
}

/// A number in the shortest form, as MessagePack wants it.
#[inline]
fn write_number(out: &mut Vec<u8>, number: u64) {
    match number {
        0..=0x7f => out.push(number as u8),
        0x80..=0xff => out.extend_from_slice(&[0xcc, number as u8]),
        0x100..=0xffff => {
            out.push(0xcd);
            out.extend_from_slice(&(number as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(0xce);
            out.extend_from_slice(&(number as u32).to_be_bytes());
        }
        _ => {
            out.push(0xcf);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

#[inline]
fn write_text(out: &mut Vec<u8>, text: &str) {
    let len = text.len();
    match len {
        0..=31 => out.push(0xa0 | len as u8),
        32..=0xff => out.extend_from_slice(&[0xd9, len as u8]),
        // Longer ones do not fit a header.
        _ => {
            out.push(0xda);
            out.extend_from_slice(&(len.min(0xffff) as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
}

#[inline]
fn read_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&marker, rest) = bytes.split_first()?;
    match marker {
        0..=0x7f => Some((marker.into(), rest)),
        0xcc => rest.split_first_chunk().map(|(n, rest)| (u8::from_be_bytes(*n).into(), rest)),
        0xcd => rest.split_first_chunk().map(|(n, rest)| (u16::from_be_bytes(*n).into(), rest)),
        0xce => rest.split_first_chunk().map(|(n, rest)| (u32::from_be_bytes(*n).into(), rest)),
        0xcf => rest.split_first_chunk().map(|(n, rest)| (u64::from_be_bytes(*n), rest)),
        _ => None,
    }
}

#[inline]
fn read_text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&marker, rest) = bytes.split_first()?;
    let (len, rest) = match marker {
        0xa0..=0xbf => (usize::from(marker & 0x1f), rest),
        0xd9 => rest.split_first().map(|(len, rest)| (usize::from(*len), rest))?,
        0xda => rest
            .split_first_chunk()
            .map(|(len, rest)| (usize::from(u16::from_be_bytes(*len)), rest))?,
        _ => return None,
    };
    rest.split_at_checked(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};
    use crate::frame::{FromWorker, ToWorker};
    use proptest::prelude::*;

    fn header_of(frame: &[u8]) -> &[u8] {
        let len = usize::from(u16::from_le_bytes([frame[4], frame[5]]));
        &frame[PREFIX..PREFIX + len]
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![".{0,40}", "[a-z]{200,300}"]
    }

    /// Numbers of every length.
    fn number() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0u32..64).prop_map(|(number, shift)| number >> shift)
    }

    proptest! {
        #[test]
        fn sends_are_as_the_codec_writes_and_reads_them(
            route in number(), topic in text(), body: Vec<u8>,
        ) {
            let route = route as RouteId;
            let header = FromWorker::Send { route, topic: &topic };
            let (mut slow, mut fast) = (vec![1], vec![1]);
            encode(&mut slow, &header, &body);
            write_send(&mut fast, route, &topic, &body);
            prop_assert_eq!(&slow, &fast);
            prop_assert_eq!(read_send(header_of(&slow[1..])), Some((route, &*topic)));
        }

        #[test]
        fn deliveries_are_as_the_codec_writes_and_reads_them(
            from in text(), topic in text(), body: Vec<u8>,
        ) {
            let header = ToWorker::Deliver { from: &from, topic: &topic };
            let (mut slow, mut fast) = (vec![1], vec![1]);
            encode(&mut slow, &header, &body);
            write_deliver(&mut fast, &from, &topic, &body);
            prop_assert_eq!(&slow, &fast);
            let read = read_deliver(header_of(&slow[1..]));
            prop_assert_eq!(read, Some((from.as_bytes(), topic.as_bytes())));
        }

        #[test]
        fn reports_are_read_as_the_codec_reads_them(bytes in number()) {
            let mut slow = Vec::new();
            encode(&mut slow, &FromWorker::Consumed { bytes }, &[]);
            prop_assert_eq!(read_consumed(header_of(&slow)), Some(bytes));
        }

        /// Whatever is read here, the codec reads as the same.
        #[test]
        fn nothing_else_is_read(
            begin in prop::sample::select(vec![SEND, DELIVER, CONSUMED]),
            rest in prop::collection::vec(
                prop_oneof![any::<u8>(), Just(0xa1), Just(0xd9), Just(0xcc), Just(b'a')], 0..12),
        ) {
            let header = [begin, &rest[..]].concat();
            if let Some((route, topic)) = read_send(&header) {
                let slow = decode::<FromWorker<'_>>(&header);
                prop_assert_eq!(slow.expect("decodes"), FromWorker::Send { route, topic });
            }
            if let Some(bytes) = read_consumed(&header) {
                let slow = decode::<FromWorker<'_>>(&header);
                prop_assert_eq!(slow.expect("decodes"), FromWorker::Consumed { bytes });
            }
            if let Some((from, topic)) = read_deliver(&header)
                && let (Ok(from), Ok(topic)) = (str::from_utf8(from), str::from_utf8(topic))
            {
                let slow = decode::<ToWorker<'_>>(&header);
                prop_assert_eq!(slow.expect("decodes"), ToWorker::Deliver { from, topic });
            }
        }
    }
}
