//! Sockets of every family, and what can be done with those that are there.

use super::env::{Env, OWN_SOCKET};
use super::stoppers::{DESCRIPTOR, FILE, FILTER, NETWORK, PRIVILEGE};
use super::sys::{Failed, Reached, check, descriptor, sys, zeroed};
use super::{Probe, native};
use ipc::sandbox::Layer::{Capabilities, Landlock, Namespaces, Rlimits, Seccomp, Uid};
use libc::{AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_RAW, SOCK_STREAM, c_int};

pub(super) const PROBES: &[Probe] = &[
    native("tcp-connect", |env| tcp(env, AF_INET, 0)).stopped_by(FILE),
    native("tcp-connect-by-ipv6", |env| {
        // 127.0.0.1 as an address of IPv6, whatever the machine has of that.
        let mut address: libc::sockaddr_in6 = zeroed();
        address.sin6_family = AF_INET6 as u16;
        address.sin6_port = env.world.tcp.to_be();
        address.sin6_addr.s6_addr[10..].copy_from_slice(&[0xff, 0xff, 127, 0, 0, 1]);
        let socket = socket(AF_INET6, SOCK_STREAM, 0)?;
        connect(socket, &address)?;
        echoes(socket, env.secret())
    })
    .stopped_by(FILE),
    native("tcp-by-first-data", |env| {
        // MSG_FASTOPEN connects without connect(2).
        let (socket, address) = (socket(AF_INET, SOCK_STREAM, 0)?, loopback(env.world.tcp));
        send_to(socket, env.secret(), libc::MSG_FASTOPEN, &address)?;
        hears(socket, env.secret())
    })
    .stopped_by(NETWORK),
    native("mptcp-connect", |env| tcp(env, AF_INET, 262 /* IPPROTO_MPTCP */)).stopped_by(NETWORK),
    native("tcp-listen", |_| {
        let socket = socket(AF_INET, SOCK_STREAM, 0)?;
        bind(socket, &loopback(0))?;
        sys!(libc::SYS_listen, socket, 1).map(|_| ())
    })
    .stopped_by(&[Landlock, Rlimits, Seccomp]),
    native("tcp-listen-unbound", |_| {
        sys!(libc::SYS_listen, socket(AF_INET, SOCK_STREAM, 0)?, 1).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("udp", |env| {
        let socket = socket(AF_INET, SOCK_DGRAM, 0)?;
        send_to(socket, env.secret(), 0, &loopback(env.world.udp))?;
        hears(socket, env.secret())
    })
    .stopped_by(NETWORK),
    native("raw-ip", |_| {
        let socket = socket(AF_INET, SOCK_RAW, libc::IPPROTO_ICMP)?;
        // An echo request without data, which the kernel answers.
        let request = "\u{8}\0\u{77}\0\0\0\0\0";
        send_to(socket, request, 0, &loopback(0)).map(|_| ())
    })
    .stopped_by(&[Namespaces, Uid, Capabilities, Rlimits, Seccomp]),
    native("packet", |_| socket(libc::AF_PACKET, SOCK_RAW, 0x0300).map(|_| ())).stopped_by(&[
        Uid,
        Capabilities,
        Rlimits,
        Seccomp,
    ]),
    native("netlink", |_| {
        let socket = socket(libc::AF_NETLINK, SOCK_RAW, libc::NETLINK_ROUTE)?;
        // struct nlmsghdr and rtgenmsg: all links, please (RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP).
        let request = [20_u32, 0x0301_0012, 1, 0, 0];
        sys!(libc::SYS_sendto, socket, request.as_ptr(), 20, 0, 0, 0)?;
        let mut answer = [0_u8; 8192];
        let flags = libc::MSG_DONTWAIT;
        let len = sys!(libc::SYS_recvfrom, socket, answer.as_mut_ptr(), 8192, flags, 0, 0)?;
        check(len > 100, "no link")
    })
    .stopped_by(DESCRIPTOR),
    native("vsock", |_| {
        // Bound, not connected: at the other end is whoever runs this machine.
        let socket = socket(libc::AF_VSOCK, SOCK_STREAM, 0)?;
        let mut address: libc::sockaddr_vm = zeroed();
        address.svm_family = libc::AF_VSOCK as u16;
        (address.svm_cid, address.svm_port) = (libc::VMADDR_CID_ANY, libc::VMADDR_PORT_ANY);
        bind(socket, &address)?;
        sys!(libc::SYS_listen, socket, 1).map(|_| ())
    })
    .needs("CONFIG_VSOCKETS")
    .stopped_by(DESCRIPTOR),
    native("kernel-crypto", |_| socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0).map(|_| ()))
        .needs("CONFIG_CRYPTO_USER_API")
        .stopped_by(FILTER),
    native("unix-abstract", |env| {
        let (address, len) = unix(&format!("\0{}", env.world.abstract_socket));
        let socket = socket(AF_UNIX, SOCK_STREAM, 0)?;
        sys!(libc::SYS_connect, socket, &raw const address, len)?;
        echoes(socket, env.secret())
    })
    .stopped_by(FILE),
    native("unix-path", |env| {
        let (address, len) = unix(&format!("{}/socket", env.world.folder));
        let socket = socket(AF_UNIX, SOCK_STREAM, 0)?;
        sys!(libc::SYS_connect, socket, &raw const address, len)?;
        echoes(socket, env.secret())
    })
    .stopped_by(NETWORK),
    native("unix-datagram", |env| {
        let (address, len) = unix(&format!("{}/datagrams", env.world.folder));
        let (socket, text) = (socket(AF_UNIX, SOCK_DGRAM, 0)?, env.secret());
        sys!(libc::SYS_sendto, socket, text.as_ptr(), text.len(), 0, &raw const address, len)
            .map(|_| ())
    })
    .stopped_by(NETWORK),
    native("unix-bind", |env| {
        let (address, len) = unix(&format!("\0probe-{}", env.secret()));
        let socket = socket(AF_UNIX, SOCK_STREAM, 0)?;
        sys!(libc::SYS_bind, socket, &raw const address, len).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("own-socket-to-elsewhere", |env| {
        let (address, len) = unix(&format!("{}/datagrams", env.world.folder));
        sys!(libc::SYS_sendto, OWN_SOCKET, c"x", 1, 0, &raw const address, len).map(|_| ())
    })
    .needs("own sockets that are no streams")
    .stopped_by(FILTER),
    native("own-socket-out-of-band", |_| {
        sys!(libc::SYS_sendto, OWN_SOCKET, c"x", 1, libc::MSG_OOB, 0, 0).map(|_| ())
    })
    .stopped_by(FILTER),
    native("own-socket-larger-buffer", |_| {
        let (option, size) = (libc::SO_SNDBUFFORCE, 1 << 26);
        let value: *const c_int = &raw const size;
        sys!(libc::SYS_setsockopt, OWN_SOCKET, libc::SOL_SOCKET, option, value, 4).map(|_| ())
    })
    .stopped_by(PRIVILEGE),
    native("own-socket-descriptors", |_| {
        // Beside a frame that an honest worker may say.
        let mut frame = Vec::new();
        ipc::codec::encode(&mut frame, &ipc::frame::FromWorker::Listening, &[]);
        rights(OWN_SOCKET, 100, &frame)
    })
    .stopped_by(FILTER),
    native("socketpair-out-of-band", |_| {
        let [one, other] = pair()?;
        sys!(libc::SYS_sendto, one, c"x", 1, libc::MSG_OOB, 0, 0)?;
        let (mut byte, flags) = ([0_u8], libc::MSG_OOB);
        sys!(libc::SYS_recvfrom, other, byte.as_mut_ptr(), 1, flags, 0, 0).map(|_| ())
    })
    .stopped_by(DESCRIPTOR),
    native("descriptors-in-flight", |_| {
        // More than a worker may have open, kept where nobody counts them.
        let [one, _other] = pair()?;
        (0..4).try_for_each(|_| rights(one, 100, b"x"))
    })
    .stopped_by(DESCRIPTOR),
    native("receive-descriptors", |_| {
        let [one, other] = pair()?;
        rights(one, 1, b"x")?;
        let mut room = [0_u64; 8];
        let mut byte = [0_u8];
        let bytes = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
        let mut message: libc::msghdr = zeroed();
        (message.msg_iov, message.msg_iovlen) = ((&raw const bytes).cast_mut(), 1);
        (message.msg_control, message.msg_controllen) = (room.as_mut_ptr().cast(), 64);
        sys!(libc::SYS_recvmsg, other, &raw mut message, 0)?;
        check(message.msg_controllen >= 20, "none came")
    })
    .stopped_by(DESCRIPTOR),
];

pub(super) fn socket(family: c_int, kind: c_int, protocol: c_int) -> Result<c_int, Failed> {
    sys!(libc::SYS_socket, family, kind, protocol).map(descriptor)
}

pub(super) fn pair() -> Result<[c_int; 2], Failed> {
    let mut both = [0; 2];
    sys!(libc::SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, both.as_mut_ptr())?;
    Ok(both)
}

fn tcp(env: &Env, family: c_int, protocol: c_int) -> Reached {
    let socket = socket(family, SOCK_STREAM, protocol)?;
    connect(socket, &loopback(env.world.tcp))?;
    echoes(socket, env.secret())
}

/// 127.0.0.1
fn loopback(port: u16) -> libc::sockaddr_in {
    let mut address: libc::sockaddr_in = zeroed();
    address.sin_family = AF_INET as u16;
    address.sin_port = port.to_be();
    address.sin_addr.s_addr = u32::from_ne_bytes([127, 0, 0, 1]);
    address
}

/// An address of AF_UNIX, and its length.
fn unix(name: &str) -> (libc::sockaddr_un, usize) {
    let mut address: libc::sockaddr_un = zeroed();
    address.sun_family = AF_UNIX as u16;
    let path = name.bytes().map(|byte| byte as libc::c_char);
    address.sun_path.iter_mut().zip(path).for_each(|(place, byte)| *place = byte);
    (address, 2 + name.len())
}

fn connect<T>(socket: c_int, address: &T) -> Result<usize, Failed> {
    sys!(libc::SYS_connect, socket, std::ptr::from_ref(address), size_of::<T>())
}

fn bind<T>(socket: c_int, address: &T) -> Result<usize, Failed> {
    sys!(libc::SYS_bind, socket, std::ptr::from_ref(address), size_of::<T>())
}

fn send_to<T>(socket: c_int, text: &str, flags: c_int, to: &T) -> Result<usize, Failed> {
    let (bytes, len) = (text.as_ptr(), text.len());
    sys!(libc::SYS_sendto, socket, bytes, len, flags, std::ptr::from_ref(to), size_of::<T>())
}

/// Says something and hears it back.
pub(super) fn echoes(socket: c_int, text: &str) -> Reached {
    sys!(libc::SYS_sendto, socket, text.as_ptr(), text.len(), libc::MSG_NOSIGNAL, 0, 0)?;
    hears(socket, text)
}

fn hears(socket: c_int, text: &str) -> Reached {
    let mut bytes = [0_u8; 64];
    let len = sys!(libc::SYS_recvfrom, socket, bytes.as_mut_ptr(), bytes.len(), 0, 0, 0)?;
    check(&bytes[..len] == text.as_bytes(), "another answer")
}

/// Sends a descriptor so many times, beside some bytes (unix(7), SCM_RIGHTS).
fn rights(socket: c_int, count: usize, beside: &[u8]) -> Reached {
    let mut control = vec![0_u64; 2 + count.div_ceil(2)];
    control[0] = 16 + 4 * count as u64;
    control[1] = u64::from(libc::SOL_SOCKET as u32) | (u64::from(libc::SCM_RIGHTS as u32) << 32);
    control[2..].fill(u64::from(OWN_SOCKET as u32) << 32 | u64::from(OWN_SOCKET as u32));
    let bytes = libc::iovec { iov_base: beside.as_ptr().cast_mut().cast(), iov_len: beside.len() };
    let mut message: libc::msghdr = zeroed();
    (message.msg_iov, message.msg_iovlen) = ((&raw const bytes).cast_mut(), 1);
    (message.msg_control, message.msg_controllen) = (control.as_mut_ptr().cast(), 16 + 4 * count);
    sys!(libc::SYS_sendmsg, socket, &raw const message, 0).map(|_| ())
}
