//! One MessagePack value and at most two descriptors in each packet of a SOCK_SEQPACKET socket
//! (unix(7)), as supervisor and zygote talk.
#![forbid(unsafe_code)]

use ipc::limits::PACKET_MAX;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, IoSlice, IoSliceMut};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::{Serialize, de::DeserializeOwned};
use std::io;
use std::mem::MaybeUninit;

/// Descriptors beside one packet.
const DESCRIPTORS_MAX: usize = 2;

/// Sends one packet.
///
/// # Errors
/// As sendmsg(2); `WouldBlock` on a full socket that does not block.
pub fn send(
    socket: impl AsFd,
    value: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let bytes = rmp_serde::to_vec(value).map_err(io::Error::other)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let none = descriptors.is_empty();
    if !none && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("no room for the descriptors"));
    }
    loop {
        match sendmsg(&socket, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL) {
            Ok(_) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Receives one packet and the descriptors beside it; `None` at the end of the connection. Where not
/// all of them find a place in this process, there are none.
///
/// # Errors
/// As recvmsg(2); `InvalidData` where the packet is no such value.
pub fn receive<T: DeserializeOwned>(socket: impl AsFd) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut bytes = [0; PACKET_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = loop {
        let mut buffers = [IoSliceMut::new(&mut bytes)];
        // CLOEXEC from the first moment: no descriptor ever survives an exec by accident.
        match recvmsg(&socket, &mut buffers, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) => break received,
            // Whoever ended before it had read everything resets the connection. That is told once, and
            // first; what it had said is still there.
            Err(Errno::INTR | Errno::CONNRESET) => {}
            Err(error) => return Err(error.into()),
        }
    };
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    // Some of them found no place in the table of descriptors: without one the others are no use.
    if received.flags.contains(ReturnFlags::CTRUNC) {
        descriptors.clear();
    }
    if received.bytes == 0 {
        return Ok(None);
    }
    let value = rmp_serde::from_slice(&bytes[..received.bytes])
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(Some((value, descriptors)))
}
