//! Bytes in, whole frames out.

use crate::codec::{HEADER_LENGTH, LENGTH};
use crate::limits::HEADER_MAX;
use std::rc::Rc;

/// Bytes from which on a frame is read straight to where it stays, and its body may be passed on
/// without a copy.
pub const LARGE: usize = 64 * 1024;

/// Cuts a stream of bytes into frames.
///
/// It holds only what is left of an incomplete frame: whoever reads into one buffer for many
/// connections copies nothing where frames arrive whole, and an idle connection holds no memory.
#[derive(Debug)]
pub struct Deframer {
    partial: Vec<u8>,
    /// Where the room begins that [`Deframer::room`] has made.
    room_at: usize,
    /// The large frame that was given out last.
    large: Option<Rc<Vec<u8>>>,
    frame_max: usize,
}

/// One frame, without its length field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What [`decode`](crate::codec::decode) takes.
    pub header: &'a [u8],
    /// The payload.
    pub body: &'a [u8],
    /// The bytes at whose end the payload lies, where it is large: to be kept without a copy.
    pub large: Option<&'a Rc<Vec<u8>>>,
}

/// Bytes that are no frames. The connection cannot be used any further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length field names more than the limit.
    #[error("frame of {length} bytes is over the limit of {max}")]
    TooLarge {
        /// From the length field.
        length: usize,
        /// The limit.
        max: usize,
    },
    /// The header's length does not fit the frame or the limit.
    #[error("header of {header} bytes in a frame of {length}")]
    BadHeader {
        /// From the header's length field.
        header: usize,
        /// From the length field.
        length: usize,
    },
}

impl Deframer {
    /// A deframer for frames of at most `frame_max` bytes, length field excluded.
    #[must_use]
    pub fn new(frame_max: usize) -> Self {
        Deframer { partial: Vec::new(), room_at: 0, large: None, frame_max }
    }

    /// True where half a frame is waiting for its rest.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Bytes of memory that it holds.
    #[must_use]
    pub fn held(&self) -> usize {
        self.partial.capacity()
    }

    /// Bytes that a frame of at least `least` bytes which has begun still lacks; 0 where there is none.
    /// Whoever reads while one of [`LARGE`] lacks some may do so into [`Deframer::room`].
    #[must_use]
    pub fn lacks(&self, least: usize) -> usize {
        match frame_length(&self.partial, self.frame_max) {
            Ok(Some(length)) if length >= least => {
                (LENGTH + length).saturating_sub(self.partial.len())
            }
            _ => 0,
        }
    }

    /// Room for the next bytes of a large frame: at most as many as it lacks, as `most`, and as have
    /// come already, so that memory is taken for what was really sent. [`Deframer::came`] comes next, and
    /// then a feed with nothing.
    pub fn room(&mut self, most: usize) -> &mut [u8] {
        let len = self.partial.len();
        let room = self.lacks(LARGE).min(most).min(len.max(LARGE));
        self.room_at = len;
        self.partial.resize(len + room, 0);
        &mut self.partial[len..]
    }

    /// So many bytes have come into the room.
    pub fn came(&mut self, count: usize) {
        self.partial.truncate(self.room_at + count);
    }

    /// Takes bytes; [`Feed::next_frame`] gives the frames in them.
    pub fn feed<'a>(&'a mut self, bytes: &'a [u8]) -> Feed<'a> {
        Feed { deframer: self, bytes, emitted: false }
    }
}

/// The frames in one read. Dropping it keeps the incomplete rest for the next one.
#[derive(Debug)]
pub struct Feed<'a> {
    deframer: &'a mut Deframer,
    bytes: &'a [u8],
    /// The frame in `partial` was given out and is to be forgotten.
    emitted: bool,
}

impl Feed<'_> {
    /// The next whole frame, or `None` when only an incomplete rest is left.
    ///
    /// # Errors
    /// Where the bytes are no frame; every further call gives an error too.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        self.forget_emitted();
        match self.deframer.partial.is_empty() {
            true => self.next_in_bytes(),
            false => self.next_in_partial(),
        }
    }

    fn next_in_bytes(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        let Some(length) = frame_length(self.bytes, self.deframer.frame_max)? else {
            return Ok(None);
        };
        if self.bytes.len() < LENGTH + length {
            return Ok(None);
        }
        let frame = split(&self.bytes[LENGTH..LENGTH + length])?;
        self.bytes = &self.bytes[LENGTH + length..];
        Ok(Some(frame))
    }

    fn next_in_partial(&mut self) -> Result<Option<Frame<'_>>, FrameError> {
        self.take_up_to(LENGTH);
        let partial = &self.deframer.partial;
        let Some(length) = frame_length(partial, self.deframer.frame_max)? else {
            return Ok(None);
        };
        self.take_up_to(LENGTH + length);
        if self.deframer.partial.len() < LENGTH + length {
            return Ok(None);
        }
        self.emitted = true;
        if self.deframer.partial.len() < LARGE {
            return split(&self.deframer.partial[LENGTH..]).map(Some);
        }
        let whole = Rc::new(std::mem::take(&mut self.deframer.partial));
        let whole = self.deframer.large.insert(whole);
        split(&whole[LENGTH..]).map(|frame| Some(Frame { large: Some(whole), ..frame }))
    }

    fn forget_emitted(&mut self) {
        if std::mem::take(&mut self.emitted) {
            // A large buffer is not kept for a connection that may never need it again.
            self.deframer.partial = Vec::new();
            self.deframer.large = None;
        }
    }

    /// Moves bytes into `partial` until it holds `want` or the bytes are used up.
    fn take_up_to(&mut self, want: usize) {
        let missing = want.saturating_sub(self.deframer.partial.len()).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(missing);
        self.deframer.partial.extend_from_slice(now);
        self.bytes = later;
    }
}

impl Drop for Feed<'_> {
    fn drop(&mut self) {
        self.forget_emitted();
        self.deframer.partial.extend_from_slice(self.bytes);
    }
}

fn frame_length(bytes: &[u8], max: usize) -> Result<Option<usize>, FrameError> {
    let Some(field) = bytes.first_chunk::<LENGTH>() else { return Ok(None) };
    let length = u32::from_le_bytes(*field) as usize;
    match (length > max, length < HEADER_LENGTH) {
        (true, _) => Err(FrameError::TooLarge { length, max }),
        (_, true) => Err(FrameError::BadHeader { header: 0, length }),
        _ => Ok(Some(length)),
    }
}

fn split(frame: &[u8]) -> Result<Frame<'_>, FrameError> {
    let (field, rest) = frame.split_at(HEADER_LENGTH);
    let header = usize::from(u16::from_le_bytes([field[0], field[1]]));
    if header > HEADER_MAX || header > rest.len() {
        return Err(FrameError::BadHeader { header, length: frame.len() });
    }
    let (header, body) = rest.split_at(header);
    Ok(Frame { header, body, large: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::encode;
    use proptest::prelude::*;

    fn stream(bodies: &[Vec<u8>]) -> Vec<u8> {
        let mut out = Vec::new();
        for (i, body) in bodies.iter().enumerate() {
            encode(&mut out, &(i as u32), body);
        }
        out
    }

    fn read_in_pieces(bytes: &[u8], cuts: &[usize]) -> Result<Vec<Vec<u8>>, FrameError> {
        let (mut deframer, mut frames, mut rest) = (Deframer::new(1 << 16), Vec::new(), bytes);
        let mut cuts = cuts.iter().cycle();
        while !rest.is_empty() {
            let cut = (*cuts.next().expect("a cycle")).clamp(1, rest.len());
            let (now, later) = rest.split_at(cut);
            let mut feed = deframer.feed(now);
            while let Some(frame) = feed.next_frame()? {
                frames.push(frame.body.to_vec());
            }
            drop(feed);
            rest = later;
        }
        assert!(!deframer.is_partial());
        Ok(frames)
    }

    /// The same, large frames straight to where they stay, by so many bytes at most.
    fn read_straight(mut rest: &[u8], most: usize) -> Result<Vec<Vec<u8>>, FrameError> {
        let (mut deframer, mut frames) = (Deframer::new(1 << 20), Vec::new());
        while !rest.is_empty() {
            let now = match deframer.lacks(LARGE) {
                0 => {
                    let (now, later) = rest.split_at(most.min(rest.len()));
                    rest = later;
                    now
                }
                lacks => {
                    let room = deframer.room(most);
                    assert!(!room.is_empty() && room.len() <= lacks);
                    let count = room.len().min(rest.len());
                    room[..count].copy_from_slice(&rest[..count]);
                    deframer.came(count);
                    rest = &rest[count..];
                    &[]
                }
            };
            let mut feed = deframer.feed(now);
            while let Some(frame) = feed.next_frame()? {
                if let Some(whole) = frame.large {
                    assert!(whole.ends_with(frame.body));
                }
                frames.push(frame.body.to_vec());
            }
        }
        assert!(!deframer.is_partial());
        Ok(frames)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn large_frames_come_straight_to_where_they_stay(
            lengths in prop::collection::vec(prop_oneof![0usize..300, 60_000usize..300_000], 0..6),
            most in 1000usize..200_000,
        ) {
            let bodies: Vec<_> = lengths.iter().map(|len| vec![*len as u8; *len]).collect();
            prop_assert_eq!(read_straight(&stream(&bodies), most), Ok(bodies));
        }
    }

    proptest! {
        #[test]
        fn however_the_bytes_arrive_the_frames_are_the_same(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
            cuts in prop::collection::vec(1usize..400, 1..10),
        ) {
            prop_assert_eq!(read_in_pieces(&stream(&bodies), &cuts), Ok(bodies));
        }

        #[test]
        fn any_bytes_give_frames_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let mut deframer = Deframer::new(64);
            let mut feed = deframer.feed(&bytes);
            while let Ok(Some(_)) = feed.next_frame() {}
        }
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_any_memory_is_taken() {
        let mut deframer = Deframer::new(100);
        let error = deframer.feed(&u32::MAX.to_le_bytes()).next_frame().map(|_| ());
        assert_eq!(error, Err(FrameError::TooLarge { length: u32::MAX as usize, max: 100 }));
    }

    #[test]
    fn a_header_longer_than_its_frame_is_refused() {
        let mut deframer = Deframer::new(100);
        let bytes = [4, 0, 0, 0, 9, 0, 1, 2];
        let error = deframer.feed(&bytes).next_frame().map(|_| ());
        assert_eq!(error, Err(FrameError::BadHeader { header: 9, length: 4 }));
    }
}
