//! A connection: what it reads and what it has still to send.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use plugnet_core::{Endpoints, KeepAlive, Report, SocketId, Written};
use plugnet_ipc::Family;
use rustix::buffer::{Buffer, spare_capacity};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, Shutdown, sockopt};

use crate::limits::Place;
use crate::limits::rate::Turns;
use crate::net::errno;
use crate::net::poller::Readiness;
use crate::observe::Record;

/// How much is read at a time, as in libuv.
pub(super) const READ_SIZE: usize = 64 * 1024;

/// From this size on, received bytes keep the buffer that they came in.
const LARGE: usize = 16 * 1024;

/// A connection of a socket.
pub(super) struct Connected {
    // Closed before the record reports it. Shared with a write that is under way alone.
    fd: Arc<OwnedFd>,
    medium: Medium,
    record: Record,
    place: Place,
    pub(super) endpoints: Endpoints,
    /// Absent until the core opens it.
    pub(super) owner: Option<SocketId>,
    reading: Reading,
    unsent: Option<Box<Unsent>>,
    /// Why sending ahead failed, for the write that follows.
    failed: Option<Errno>,
    /// Under a limit of bytes per second.
    turns: Option<Box<BothTurns>>,
}

/// What the bytes go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    Socket(Family),
    Pipe(Ends),
}

/// Which ends of a pipe a descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    Reading,
    Writing,
    /// Of a named pipe.
    Both,
}

impl From<Family> for Medium {
    fn from(family: Family) -> Self {
        Medium::Socket(family)
    }
}

impl Medium {
    fn read(self, fd: &OwnedFd, to: impl Buffer<u8, Output = usize>) -> Result<usize, Errno> {
        match self {
            Medium::Socket(_) => Ok(rustix::net::recv(fd, to, RecvFlags::empty())?.1),
            Medium::Pipe(_) => rustix::io::read(fd, to),
        }
    }

    fn write(self, fd: &OwnedFd, data: &[u8]) -> Result<usize, Errno> {
        match self {
            Medium::Socket(_) => send(fd, data),
            // As in libuv.
            Medium::Pipe(Ends::Reading) => Err(Errno::PIPE),
            // Rust's programs ignore the signal that a pipe without a reader gives.
            Medium::Pipe(_) => rustix::io::write(fd, data),
        }
    }
}

impl Ends {
    /// Those that a descriptor was opened for.
    pub(super) fn of(pipe: &OwnedFd) -> Result<Ends, Errno> {
        Ok(match rustix::fs::fcntl_getfl(pipe)? & OFlags::ACCMODE {
            OFlags::RDWR => Ends::Both,
            OFlags::WRONLY => Ends::Writing,
            _ => Ends::Reading,
        })
    }
}

/// Whether the core has asked for bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    No,
    Asked,
}

/// What the system has not taken yet of a write.
struct Unsent {
    data: Vec<u8>,
    sent: usize,
}

struct BothTurns {
    incoming: Turns,
    outgoing: Turns,
}

/// What came of trying to go on.
pub(super) enum Progress {
    /// The system has to become ready first.
    None,
    /// A limit of bytes per second holds it back: try again when the task is woken.
    Held,
    /// Some went out, but not all.
    Some,
    /// To be told to the core.
    Report(Report),
}

impl Connected {
    pub(super) fn new(
        fd: OwnedFd,
        medium: impl Into<Medium>,
        endpoints: Endpoints,
        place: Place,
        record: Record,
    ) -> Self {
        let (incoming, outgoing) = (record.turns_in(), record.turns_out());
        let turns = (incoming.limited() || outgoing.limited())
            .then(|| Box::new(BothTurns { incoming, outgoing }));
        Connected {
            fd: Arc::new(fd),
            medium: medium.into(),
            record,
            place,
            endpoints,
            owner: None,
            reading: Reading::No,
            unsent: None,
            failed: None,
            turns,
        }
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The socket and what stands for it in limits and reports; none of a pipe.
    pub(super) fn into_parts(self) -> Option<(OwnedFd, Family, Place, Record)> {
        match self.medium {
            Medium::Socket(family) => {
                let fd = Arc::into_inner(self.fd)?;
                Some((fd, family, self.place, self.record))
            }
            Medium::Pipe(_) => None,
        }
    }

    pub(super) fn is_pipe(&self) -> bool {
        matches!(self.medium, Medium::Pipe(_))
    }

    fn is_tcp(&self) -> bool {
        self.medium == Medium::Socket(Family::Tcp)
    }

    /// Whether bytes can come.
    pub(super) fn reads(&self) -> bool {
        self.medium != Medium::Pipe(Ends::Writing)
    }

    /// The core asks for bytes.
    pub(super) fn ask(&mut self) {
        self.reading = Reading::Asked;
    }

    /// Whether something can go on when the socket is so ready.
    pub(super) fn goes_on(&self, ready: Readiness) -> bool {
        (ready.readable && self.reading == Reading::Asked)
            || (ready.writable && self.unsent.is_some())
    }

    /// Reads what is there, if the core has asked. Returns how much, too.
    pub(super) fn read(
        &mut self,
        ready: &mut Readiness,
        buffer: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) -> Progress {
        if self.reading == Reading::No || !ready.readable {
            return Progress::None;
        }
        let mut most = READ_SIZE;
        if let Some(turns) = &mut self.turns {
            match turns.incoming.poll(cx, most) {
                Poll::Ready(allowed) => most = allowed,
                Poll::Pending => return Progress::Held,
            }
        }
        buffer.clear();
        buffer.reserve(READ_SIZE);
        let read = rustix::io::retry_on_intr(|| {
            let received = if self.turns.is_none() {
                // As much as there is room for.
                most = buffer.capacity();
                self.medium.read(&self.fd, spare_capacity(buffer))?
            } else {
                buffer.resize(most, 0);
                self.medium.read(&self.fd, buffer.as_mut_slice())?
            };
            Ok(received)
        });
        if let Some(turns) = &mut self.turns {
            turns.incoming.went(read.unwrap_or(0));
        }
        let report = match read {
            Ok(0) => Report::PeerEnded,
            Ok(length) => {
                buffer.truncate(length);
                self.record.received(length);
                // A socket that gave less than was asked for has no more; what comes then is
                // reported anew. The end may have been reported already.
                if length < most && !ready.closed {
                    ready.readable = false;
                }
                Report::Received(taken(buffer))
            }
            Err(Errno::AGAIN) => {
                ready.readable = false;
                return Progress::None;
            }
            Err(error) => Report::ReadFailed(errno::of_system(error)),
        };
        self.reading = Reading::No;
        Progress::Report(report)
    }

    /// The socket, if bytes may be sent past [`Connected::write`] now.
    pub(super) fn ahead(&self, ready: Readiness) -> Option<Arc<OwnedFd>> {
        let may = ready.writable
            && self.unsent.is_none()
            && self.turns.is_none()
            && matches!(self.medium, Medium::Socket(_));
        may.then(|| Arc::clone(&self.fd))
    }

    /// Counts what was sent that way. A failure is told to the write that follows.
    pub(super) fn sent_ahead(&mut self, sent: Result<usize, Errno>, ready: &mut Readiness) {
        match sent {
            Ok(bytes) => self.record.sent(bytes),
            Err(Errno::AGAIN) => ready.writable = false,
            Err(error) => self.failed = Some(error),
        }
    }

    /// Sends all of this, now or when the system takes it. Beyond what it returns, the core learns
    /// by `Progress`; an error is to be reported.
    pub(super) fn write(
        &mut self,
        data: Vec<u8>,
        ready: &mut Readiness,
    ) -> (Written, Option<Report>) {
        if let Some(error) = self.failed.take() {
            let report = Report::WriteFailed(errno::of_system(error));
            return (Written::Refused, Some(report));
        }
        let mut unsent = Unsent { data, sent: 0 };
        // A limited connection waits for its turn, which needs a task.
        if self.turns.is_none() {
            match unsent.send(&self.fd, self.medium, usize::MAX, &self.record) {
                Sent::All => return (Written::All, None),
                Sent::Full => ready.writable = false,
                Sent::Failed(report) => return (Written::Refused, Some(report)),
                Sent::Some => {}
            }
        }
        let sent = unsent.sent;
        self.unsent = Some(Box::new(unsent));
        (Written::Some(sent), None)
    }

    /// Sends more of what the system has not taken yet.
    pub(super) fn send(&mut self, ready: &mut Readiness, cx: &mut Context<'_>) -> Progress {
        let Some(unsent) = &mut self.unsent else {
            return Progress::None;
        };
        if !ready.writable {
            return Progress::None;
        }
        let before = unsent.sent;
        let mut most = usize::MAX;
        if let Some(turns) = &mut self.turns {
            match turns.outgoing.poll(cx, unsent.data.len() - before) {
                Poll::Ready(allowed) => most = allowed,
                Poll::Pending => return Progress::Held,
            }
        }
        let outcome = unsent.send(&self.fd, self.medium, most, &self.record);
        let went = unsent.sent - before;
        if let Some(turns) = &mut self.turns {
            turns.outgoing.went(went);
        }
        match outcome {
            Sent::All => {
                self.unsent = None;
                Progress::Report(Report::Written)
            }
            Sent::Failed(report) => {
                self.unsent = None;
                Progress::Report(report)
            }
            Sent::Some => Progress::Some,
            Sent::Full => {
                ready.writable = false;
                if went > 0 {
                    Progress::Some
                } else {
                    Progress::None
                }
            }
        }
    }

    /// Sends the FIN. A peer that is gone is no error.
    pub(super) fn shut_down(&self) {
        let _ = rustix::net::shutdown(&self.fd, Shutdown::Write);
    }

    /// Has the peer told by a RST when this is dropped.
    pub(super) fn reset_when_closed(&self) {
        let _ = sockopt::set_socket_linger(&self.fd, Some(Duration::ZERO));
    }

    pub(super) fn set_no_delay(&self, no_delay: bool) {
        if self.is_tcp() {
            // A failure has no consequence, as in Node.
            let _ = sockopt::set_tcp_nodelay(&self.fd, no_delay);
        }
    }

    /// Sets IP_TOS, or IPV6_TCLASS on a socket of IPv6: as in Node by the socket's family, not the
    /// peer's.
    pub(super) fn set_type_of_service(&self, type_of_service: u8) {
        let _ = match sockopt::socket_domain(&self.fd) {
            Ok(AddressFamily::INET) => sockopt::set_ip_tos(&self.fd, type_of_service),
            Ok(AddressFamily::INET6) => sockopt::set_ipv6_tclass(&self.fd, type_of_service.into()),
            _ => Ok(()),
        };
    }

    pub(super) fn type_of_service(&self) -> Option<u8> {
        match sockopt::socket_domain(&self.fd).ok()? {
            AddressFamily::INET => sockopt::ip_tos(&self.fd).ok(),
            AddressFamily::INET6 => u8::try_from(sockopt::ipv6_tclass(&self.fd).ok()?).ok(),
            _ => None,
        }
    }

    pub(super) fn set_keep_alive(&self, keep_alive: KeepAlive) {
        // A failure has no consequence, as in Node.
        if self.is_tcp() {
            let _ = set_keep_alive(&self.fd, keep_alive);
        }
    }
}

/// Sends what the system takes.
pub(super) fn send(fd: &OwnedFd, data: &[u8]) -> Result<usize, Errno> {
    rustix::net::send(fd, data, SendFlags::NOSIGNAL)
}

/// What was received, in a buffer of its size.
fn taken(buffer: &mut Vec<u8>) -> Vec<u8> {
    if buffer.len() < LARGE {
        return buffer.as_slice().to_vec();
    }
    let mut data = std::mem::take(buffer);
    data.shrink_to_fit();
    data
}

/// What came of a write.
enum Sent {
    /// All of it went.
    All,
    /// As much as was allowed.
    Some,
    /// What the system takes for now.
    Full,
    Failed(Report),
}

impl Unsent {
    /// Sends at most so many bytes.
    fn send(&mut self, fd: &OwnedFd, medium: Medium, mut most: usize, record: &Record) -> Sent {
        while self.sent < self.data.len() {
            if most == 0 {
                return Sent::Some;
            }
            let rest = &self.data[self.sent..];
            let rest = &rest[..rest.len().min(most)];
            match rustix::io::retry_on_intr(|| medium.write(fd, rest)) {
                Ok(bytes) => {
                    record.sent(bytes);
                    self.sent += bytes;
                    most -= bytes;
                }
                Err(Errno::AGAIN) => return Sent::Full,
                Err(error) => return Sent::Failed(Report::WriteFailed(errno::of_system(error))),
            }
        }
        Sent::All
    }
}

fn set_keep_alive(fd: &OwnedFd, keep_alive: KeepAlive) -> Result<(), Errno> {
    sockopt::set_socket_keepalive(fd, keep_alive != KeepAlive::Off)?;
    if let KeepAlive::On(Some(probes)) = keep_alive {
        let seconds = Duration::from_secs;
        sockopt::set_tcp_keepidle(fd, seconds(probes.delay))?;
        sockopt::set_tcp_keepintvl(fd, seconds(probes.interval))?;
        sockopt::set_tcp_keepcnt(fd, probes.count)?;
    }
    Ok(())
}
