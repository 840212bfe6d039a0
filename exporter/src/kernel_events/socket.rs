//! A netlink socket: the only place here that makes system calls.
//!
//! Any process may send to another's netlink socket; the kernel's messages come from port 0 (netlink(7)).
//! When the receive buffer is full the kernel drops messages and the next read fails once with ENOBUFS.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use edgebench_sampler::units::Bytes;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketFlags, SocketType, sockopt};

/// Room for one datagram. A message of taskstats has about 1.2 KiB, one of the process connector 76 bytes.
const LONGEST: usize = 16 << 10;

#[derive(Debug)]
pub(super) struct Socket {
    fd: OwnedFd,
    buffer: Box<[u8]>,
}

/// What a read found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received<'a> {
    /// A datagram of the kernel.
    Datagram(&'a [u8]),
    /// Nothing more at the moment.
    Nothing,
    /// The kernel dropped messages, or sent one that is too long.
    Lost,
}

impl Socket {
    /// Opens a socket that does not block. `groups`: the multicast groups it joins, as a mask.
    pub(super) fn open(protocol: Protocol, groups: u32, receive_buffer: Bytes) -> Result<Socket, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(protocol))?;
        let size = receive_buffer.0 as usize;
        // The forced size needs CAP_NET_ADMIN; the other one is cut at net.core.rmem_max.
        sockopt::set_socket_recv_buffer_size_force(&fd, size)
            .or_else(|_| sockopt::set_socket_recv_buffer_size(&fd, size))?;
        rustix::net::bind(&fd, &SocketAddrNetlink::new(0, groups))?;
        Ok(Socket { fd, buffer: vec![0; LONGEST].into_boxed_slice() })
    }

    /// Sends a message to the kernel.
    pub(super) fn send(&self, message: &[u8]) -> Result<(), Errno> {
        rustix::net::sendto(&self.fd, message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)).map(drop)
    }

    /// Takes the next datagram of the kernel.
    pub(super) fn receive(&mut self) -> Result<Received<'_>, Errno> {
        let length = loop {
            let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
            match rustix::net::recvfrom(&self.fd, &mut self.buffer[..], flags) {
                Ok((_, length, sender)) => {
                    let sender = sender.and_then(|sender| SocketAddrNetlink::try_from(sender).ok());
                    if sender.is_some_and(|sender| sender.pid() == 0) {
                        break length;
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(Received::Nothing),
                Err(Errno::NOBUFS) => return Ok(Received::Lost),
                Err(errno) => return Err(errno),
            }
        };
        Ok(self.buffer.get(..length).map_or(Received::Lost, Received::Datagram))
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
