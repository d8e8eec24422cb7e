//! The zygote's side of its control socket: packets as `ipc::zygote` has them, by sendmsg(2) and
//! recvmsg(2) through the door. (The supervisor's side is the crate `packet`.)

use super::call;
use ipc::limits::PACKET_MAX;
use ipc::zygote::{FromZygote, ToZygote};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// A descriptor that is closed through the door, as libc's close(2) would not be allowed.
#[derive(Debug)]
pub(crate) struct Descriptor(RawFd);

impl Descriptor {
    /// Owns a descriptor that the kernel has just opened and nobody else owns.
    pub(crate) fn fresh(number: RawFd) -> Self {
        Descriptor(number)
    }

    /// The same, closed as any other from now on: once there is no filter, or never.
    pub(crate) fn into_owned(self) -> OwnedFd {
        let number = std::mem::ManuallyDrop::new(self).0;
        // SAFETY: this was its owner, and is gone.
        unsafe { OwnedFd::from_raw_fd(number) }
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: it is open as long as its owner is there.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        super::close(self.0);
    }
}

/// Descriptors beside one packet.
const DESCRIPTORS_MAX: usize = 2;

/// Room for them, aligned as a `cmsghdr` has to be.
#[repr(align(8))]
struct Ancillary([u8; 64]);

/// Bytes of a control message with so many descriptors (`CMSG_LEN` and `CMSG_SPACE` of cmsg(3)).
fn lengths(descriptors: usize) -> (usize, usize) {
    let bytes = (descriptors * size_of::<RawFd>()) as u32;
    // SAFETY: both compute a number from a number.
    unsafe { (libc::CMSG_LEN(bytes) as usize, libc::CMSG_SPACE(bytes) as usize) }
}

fn header(part: &mut libc::iovec, ancillary: &mut Ancillary, len: usize) -> libc::msghdr {
    // SAFETY: all fields of a msghdr may be zero.
    let mut header: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    header.msg_iov = part;
    header.msg_iovlen = 1;
    if len > 0 {
        header.msg_control = ancillary.0.as_mut_ptr().cast();
        header.msg_controllen = len as _;
    }
    header
}

/// Sends one packet.
///
/// # Errors
/// As sendmsg(2).
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    answer: &FromZygote,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut bytes = rmp_serde::to_vec(answer).map_err(io::Error::other)?;
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let mut ancillary = Ancillary([0; 64]);
    let descriptors = &descriptors[..descriptors.len().min(DESCRIPTORS_MAX)];
    let (len, space) = if descriptors.is_empty() { (0, 0) } else { lengths(descriptors.len()) };
    let header = header(&mut part, &mut ancillary, space);
    if len > 0 {
        // SAFETY: there is room for one control message with so many descriptors, by `lengths`.
        unsafe {
            let message = libc::CMSG_FIRSTHDR(&raw const header);
            (*message).cmsg_level = libc::SOL_SOCKET;
            (*message).cmsg_type = libc::SCM_RIGHTS;
            (*message).cmsg_len = len as _;
            for (index, descriptor) in descriptors.iter().enumerate() {
                let place = libc::CMSG_DATA(message).cast::<RawFd>().add(index);
                ptr::write_unaligned(place, descriptor.as_raw_fd());
            }
        }
    }
    let arguments =
        [socket.as_raw_fd() as usize, &raw const header as usize, libc::MSG_NOSIGNAL as usize];
    // SAFETY: the header points to values that live until the call is over.
    retried(|| unsafe { call(libc::SYS_sendmsg, six(arguments)) }).map(drop)
}

/// Receives one packet and the descriptors beside it; `None` at the end of the connection.
///
/// # Errors
/// As recvmsg(2); `InvalidData` where the packet is no request.
pub(crate) fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<(ToZygote, Vec<Descriptor>)>> {
    let mut bytes = [0u8; PACKET_MAX];
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let mut ancillary = Ancillary([0; 64]);
    let (_, space) = lengths(DESCRIPTORS_MAX);
    let mut header = header(&mut part, &mut ancillary, space);
    // CLOEXEC from the first moment: no descriptor ever survives an exec by accident.
    let flags = libc::MSG_CMSG_CLOEXEC as usize;
    let arguments = [socket.as_raw_fd() as usize, &raw mut header as usize, flags];
    // SAFETY: the header points to values that live until the call is over, with their lengths.
    let received = retried(|| unsafe { call(libc::SYS_recvmsg, six(arguments)) })?;
    let descriptors = received_descriptors(&header);
    if received == 0 {
        return Ok(None);
    }
    let value = rmp_serde::from_slice(&bytes[..received])
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    Ok(Some((value, descriptors)))
}

fn received_descriptors(header: &libc::msghdr) -> Vec<Descriptor> {
    let mut all = Vec::new();
    // SAFETY: the kernel has written whole control messages and their length; each number in one of
    // SCM_RIGHTS is a descriptor that it has just opened for this process.
    unsafe {
        let mut message = libc::CMSG_FIRSTHDR(header);
        while let Some(found) = message.as_ref() {
            if (found.cmsg_level, found.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS) {
                let bytes = found.cmsg_len - lengths(0).0;
                for index in 0..bytes / size_of::<RawFd>() {
                    let place = libc::CMSG_DATA(message).cast::<RawFd>().add(index);
                    all.push(Descriptor::fresh(ptr::read_unaligned(place)));
                }
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    all
}

fn six([a, b, c]: [usize; 3]) -> [usize; 6] {
    [a, b, c, 0, 0, 0]
}

fn retried(once: impl Fn() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match once() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    use std::os::fd::AsFd;

    #[test]
    fn answers_leave_and_requests_arrive_with_their_descriptors() {
        let (kind, flags) = (SocketType::SEQPACKET, SocketFlags::CLOEXEC);
        let (a, b) = socketpair(AddressFamily::UNIX, kind, flags, None).expect("a pair");
        send(a.as_fd(), &FromZygote::Forked, &[a.as_fd()]).expect("sent");
        let (answer, one) = packet::receive::<FromZygote>(&b).expect("received").expect("a packet");
        assert_eq!((answer, one.len()), (FromZygote::Forked, 1));
        let request = ToZygote::Fork { uid: 7 };
        packet::send(&b, &ToZygote::Load, &[]).expect("sent");
        packet::send(&b, &request, &[a.as_fd(), b.as_fd()]).expect("sent");
        drop((b, one));
        let (load, none) = receive(a.as_fd()).expect("received").expect("a packet");
        assert_eq!((load, none.len()), (ToZygote::Load, 0));
        let (fork, two) = receive(a.as_fd()).expect("received").expect("a packet");
        assert_eq!((fork, two.len()), (request, 2));
        drop(two);
        assert!(receive(a.as_fd()).expect("received").is_none());
    }
}
