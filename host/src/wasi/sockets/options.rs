//! The options of a TCP socket, evened out between systems as in wasmtime-wasi: the same effects
//! and the same errors.

use std::time::Duration;

use rustix::fd::AsFd;
use rustix::io::Errno;
use rustix::net::sockopt;
use wasmtime_wasi::p3::bindings::sockets::types::{ErrorCode, IpAddressFamily};

const SECOND: u64 = 1_000_000_000;

/// Linux's, and the smallest of all systems'.
const LONGEST_KEEP_ALIVE: u64 = i16::MAX as u64 * SECOND;

/// Linux's, and the smallest of all systems'.
const MOST_PROBES: u32 = i8::MAX as u32;

type Result<T> = std::result::Result<T, ErrorCode>;

/// A socket, or why there is none: invalid values are reported first.
type Fd<T> = Result<T>;

/// WASI refuses zero everywhere.
fn not_zero<T: PartialEq + Default>(value: T) -> Result<T> {
    if value == T::default() {
        return Err(ErrorCode::InvalidArgument);
    }
    Ok(value)
}

/// A time is never rounded down to zero, or refused as too long.
fn keep_alive_time(nanos: u64) -> Result<Duration> {
    let nanos = not_zero(nanos)?.clamp(SECOND, LONGEST_KEEP_ALIVE);
    Ok(Duration::from_nanos(nanos))
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Linux counts its own bookkeeping: twice what was requested.
fn buffer_size(size: usize) -> u64 {
    let size = if cfg!(target_os = "linux") {
        size / 2
    } else {
        size
    };
    size as u64
}

fn buffer_size_to_set(size: u64) -> Result<usize> {
    let most = i32::MAX as usize;
    Ok(usize::try_from(not_zero(size)?).unwrap_or(most).min(most))
}

/// A size out of range is a hint like any other.
fn hint(result: std::result::Result<(), Errno>) -> Result<()> {
    match result {
        Err(Errno::NOBUFS) => Ok(()),
        result => Ok(result?),
    }
}

pub(super) fn keep_alive_enabled(socket: impl AsFd) -> Result<bool> {
    Ok(sockopt::socket_keepalive(socket)?)
}

pub(super) fn set_keep_alive_enabled(socket: Fd<impl AsFd>, value: bool) -> Result<()> {
    Ok(sockopt::set_socket_keepalive(socket?, value)?)
}

pub(super) fn keep_alive_idle_time(socket: impl AsFd) -> Result<u64> {
    Ok(nanos(sockopt::tcp_keepidle(socket)?))
}

pub(super) fn set_keep_alive_idle_time(socket: Fd<impl AsFd>, value: u64) -> Result<()> {
    let time = keep_alive_time(value)?;
    Ok(sockopt::set_tcp_keepidle(socket?, time)?)
}

pub(super) fn keep_alive_interval(socket: impl AsFd) -> Result<u64> {
    Ok(nanos(sockopt::tcp_keepintvl(socket)?))
}

pub(super) fn set_keep_alive_interval(socket: Fd<impl AsFd>, value: u64) -> Result<()> {
    let time = keep_alive_time(value)?;
    Ok(sockopt::set_tcp_keepintvl(socket?, time)?)
}

pub(super) fn keep_alive_count(socket: impl AsFd) -> Result<u32> {
    Ok(sockopt::tcp_keepcnt(socket)?)
}

pub(super) fn set_keep_alive_count(socket: Fd<impl AsFd>, value: u32) -> Result<()> {
    let count = not_zero(value)?.min(MOST_PROBES);
    Ok(sockopt::set_tcp_keepcnt(socket?, count)?)
}

pub(super) fn hop_limit(socket: impl AsFd, family: IpAddressFamily) -> Result<u8> {
    match family {
        IpAddressFamily::Ipv4 => {
            let hops = sockopt::ip_ttl(socket)?;
            u8::try_from(hops).map_err(|_| ErrorCode::NotSupported)
        }
        IpAddressFamily::Ipv6 => Ok(sockopt::ipv6_unicast_hops(socket)?),
    }
}

pub(super) fn set_hop_limit(
    socket: Fd<impl AsFd>,
    family: IpAddressFamily,
    value: u8,
) -> Result<()> {
    let hops = not_zero(value)?;
    let socket = socket?;
    match family {
        IpAddressFamily::Ipv4 => sockopt::set_ip_ttl(socket, hops.into())?,
        IpAddressFamily::Ipv6 => sockopt::set_ipv6_unicast_hops(socket, Some(hops))?,
    }
    Ok(())
}

pub(super) fn receive_buffer_size(socket: impl AsFd) -> Result<u64> {
    Ok(buffer_size(sockopt::socket_recv_buffer_size(socket)?))
}

pub(super) fn set_receive_buffer_size(socket: Fd<impl AsFd>, value: u64) -> Result<()> {
    let size = buffer_size_to_set(value)?;
    hint(sockopt::set_socket_recv_buffer_size(socket?, size))
}

pub(super) fn send_buffer_size(socket: impl AsFd) -> Result<u64> {
    Ok(buffer_size(sockopt::socket_send_buffer_size(socket)?))
}

pub(super) fn set_send_buffer_size(socket: Fd<impl AsFd>, value: u64) -> Result<()> {
    let size = buffer_size_to_set(value)?;
    hint(sockopt::set_socket_send_buffer_size(socket?, size))
}

/// The options that an accepted socket inherits on all systems but macOS: there they are copied.
/// Those that cannot be are left as they are.
pub(super) fn inherit(listener: impl AsFd, accepted: impl AsFd, family: IpAddressFamily) {
    if !cfg!(target_os = "macos") {
        return;
    }
    let (listener, accepted) = (listener.as_fd(), accepted.as_fd());
    if let Ok(size) = receive_buffer_size(listener) {
        let _ = set_receive_buffer_size(Ok(accepted), size);
    }
    if let Ok(size) = send_buffer_size(listener) {
        let _ = set_send_buffer_size(Ok(accepted), size);
    }
    if let (IpAddressFamily::Ipv6, Ok(hops)) = (family, hop_limit(listener, family)) {
        let _ = set_hop_limit(Ok(accepted), family, hops);
    }
    if let Ok(time) = keep_alive_idle_time(listener) {
        let _ = set_keep_alive_idle_time(Ok(accepted), time);
    }
}
