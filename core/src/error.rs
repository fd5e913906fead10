//! Node's errors: their codes, their texts, and what they carry.
//!
//! The wording is that of Node 26. A system error reads `syscall CODE address`;
//! those of `listen` also explain the code (`UVExceptionWithHostPort` in Node).

use crate::ip::{Address, Family, Zone};
use crate::transport::ListenAt;
use std::borrow::Cow;
use std::net::IpAddr;

/// An error as Node hands it to a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// A POSIX name or one of Node's own `ERR_…` codes.
    pub code: Cow<'static, str>,
    /// Node's text.
    pub message: String,
    /// The call that failed, for system errors.
    pub syscall: Option<Cow<'static, str>>,
    /// The address the call was about.
    pub address: Option<String>,
    /// The port the call was about; absent where it is 0, as in Node.
    pub port: Option<u16>,
    /// The name that was looked up.
    pub hostname: Option<String>,
    /// The failed attempts of Node's `AggregateError`.
    pub errors: Vec<Error>,
}

/// What the system reported: a POSIX name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errno(pub &'static str);

impl Errno {
    /// libuv's text for the code (`uv_strerror`).
    fn text(self) -> &'static str {
        match self.0 {
            "EACCES" => "permission denied",
            "EADDRINUSE" => "address already in use",
            "EADDRNOTAVAIL" => "address not available",
            "EBADF" => "bad file descriptor",
            "EEXIST" => "file already exists",
            "ENOENT" => "no such file or directory",
            "ENOTDIR" => "not a directory",
            "EAFNOSUPPORT" => "address family not supported",
            "EINVAL" => "invalid argument",
            "EIO" => "i/o error",
            "EMFILE" => "too many open files",
            "ENOBUFS" => "no buffer space available",
            "ENOTSUP" => "operation not supported on socket",
            other => other,
        }
    }
}

impl Error {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            message: message.into(),
            syscall: None,
            address: None,
            port: None,
            hostname: None,
            errors: Vec::new(),
        }
    }

    /// A failed `read` or `write` (Node's `ErrnoException`).
    pub fn system(errno: Errno, syscall: &'static str) -> Self {
        Self {
            syscall: Some(syscall.into()),
            ..Self::new(errno.0, format!("{syscall} {}", errno.0))
        }
    }

    /// A `write` beyond what the host holds for a program.
    pub fn no_room() -> Self {
        Self::system(Errno("ENOBUFS"), "write")
    }

    /// What was under way when its connection was closed.
    pub fn cancelled(call: &'static str) -> Self {
        Self::system(Errno("ECANCELED"), call)
    }

    fn about(mut self, address: String, port: u16) -> Self {
        if port > 0 {
            self.message += &format!(" {address}:{port}");
            self.port = Some(port);
        } else {
            self.message += &format!(" {address}");
        }
        self.address = Some(address);
        self
    }

    /// A failed `connect` or `bind` (Node's `ExceptionWithHostPort`).
    pub(crate) fn connect(errno: Errno, syscall: &'static str, to: &Address, port: u16) -> Self {
        Self::system(errno, syscall).about(to.to_string(), port)
    }

    /// The same, from that local end, if there is one.
    pub(crate) fn with_local_end(mut self, local: Option<String>) -> Self {
        if let Some(local) = local {
            self.message += &format!(" - Local ({local})");
        }
        self
    }

    /// A failed `connect` to a path.
    pub fn connect_path(errno: Errno, path: String) -> Self {
        Self::system(errno, "connect").about(path, 0)
    }

    /// A failed `listen` (Node's `UVExceptionWithHostPort`).
    ///
    /// Node also gives a path the port -1 (row S14), which is none.
    pub(crate) fn listen(errno: Errno, at: &ListenAt, zone: Option<Zone>) -> Self {
        let error = Self::listen_without_address(errno);
        match at {
            ListenAt::Address(at) => {
                let address = Address { ip: at.ip(), zone };
                error.about(address.to_string(), at.port())
            }
            ListenAt::Path { path, .. } => error.about(path.clone(), 0),
            ListenAt::Descriptor(_) => error,
        }
    }

    /// A failed `listen` on something that has no address.
    pub fn listen_without_address(errno: Errno) -> Self {
        Self {
            syscall: Some("listen".into()),
            ..Self::new(errno.0, format!("listen {}: {}", errno.0, errno.text()))
        }
    }

    /// A failed name lookup.
    pub fn lookup(errno: Errno, hostname: &str) -> Self {
        Self {
            syscall: Some("getaddrinfo".into()),
            hostname: Some(hostname.to_owned()),
            ..Self::new(errno.0, format!("getaddrinfo {} {hostname}", errno.0))
        }
    }

    /// Every address of a name was tried and failed.
    ///
    /// Node's `AggregateError` has the code of the first attempt and an empty
    /// message; so has this.
    pub fn aggregate(errors: Vec<Error>) -> Self {
        let code = errors
            .first()
            .map_or(Cow::Borrowed("ETIMEDOUT"), |error| error.code.clone());
        Self {
            code,
            errors,
            ..Self::new("", "")
        }
    }

    /// `listen` on a server that listens.
    pub fn server_already_listen() -> Self {
        Self::new(
            "ERR_SERVER_ALREADY_LISTEN",
            "Listen method has been called more than once without closing.",
        )
    }

    /// `close` of a server that does not listen.
    pub fn server_not_running() -> Self {
        Self::new("ERR_SERVER_NOT_RUNNING", "Server is not running.")
    }

    /// A local address that is none.
    pub fn invalid_ip_address(input: &str) -> Self {
        Self::new(
            "ERR_INVALID_IP_ADDRESS",
            format!("Invalid IP address: {input}"),
        )
    }

    /// An address of a family that is neither 4 nor 6.
    pub fn invalid_address_family(family: u32, host: &str, port: u16) -> Self {
        Self {
            port: Some(port),
            ..Self::new(
                "ERR_INVALID_ADDRESS_FAMILY",
                format!("Invalid address family: {family} {host}:{port}"),
            )
        }
    }

    /// `connect` to a host with a NUL in it.
    pub fn connect_host_with_nul() -> Self {
        Self::new(
            "ERR_INVALID_ARG_VALUE",
            "The property 'options.host' must be a string without null bytes.",
        )
    }

    /// `listen` on a host with a NUL in it.
    pub fn listen_host_with_nul() -> Self {
        Self::new(
            "ERR_INVALID_ARG_VALUE",
            "The argument 'hostname' must be a string without null bytes.",
        )
    }

    /// Hints that Node does not know.
    pub fn invalid_hints(hints: u32) -> Self {
        Self::new(
            "ERR_INVALID_ARG_VALUE",
            format!("The argument 'hints' is invalid. Received {hints}"),
        )
    }

    fn out_of_range(name: &str, least: u32, most: u32, received: impl std::fmt::Display) -> Self {
        Self::new(
            "ERR_OUT_OF_RANGE",
            format!(
                "The value of \"{name}\" is out of range. It must be >= {least} && <= {most}. \
                 Received {received}"
            ),
        )
    }

    /// An attempt's timeout, `name`, of 0 or of more than Node's timers take.
    pub fn attempt_timeout_out_of_range(name: &str, timeout: u32) -> Self {
        Self::out_of_range(name, 1, i32::MAX as u32, timeout)
    }

    /// An encoding that Node does not know.
    pub fn unknown_encoding(name: &str) -> Self {
        Self::new("ERR_UNKNOWN_ENCODING", format!("Unknown encoding: {name}"))
    }

    /// `listen` on something that has no handle.
    pub fn nothing_to_listen_on(class: &str) -> Self {
        Self::new(
            "ERR_INVALID_ARG_VALUE",
            format!(
                "The argument 'options' must have the property \"port\" or \"path\". \
                 Received {class}"
            ),
        )
    }

    /// `resetAndDestroy` where the host has no SO_LINGER.
    pub fn cannot_reset() -> Self {
        Self::system(Errno("ENOTSUP"), "reset")
    }

    /// `resetAndDestroy` of a socket that has a path.
    pub fn invalid_handle_type() -> Self {
        Self::new("ERR_INVALID_HANDLE_TYPE", "This handle type cannot be sent")
    }

    /// `listen` at the empty path.
    pub fn empty_listen_path() -> Self {
        Self::new(
            "ERR_INVALID_ARG_VALUE",
            "The argument 'options' is invalid. Received { path: '' }",
        )
    }

    /// `connect` to the empty path.
    pub fn missing_path() -> Self {
        Self::new(
            "ERR_MISSING_ARGS",
            "The \"options\" or \"port\" or \"path\" argument must be specified",
        )
    }

    /// `new Socket({ fd })` of something else than a stream socket; `kind` is libuv's.
    pub fn invalid_fd_type(kind: &str) -> Self {
        Self::new(
            "ERR_INVALID_FD_TYPE",
            format!("Unsupported fd type: {kind}"),
        )
    }

    /// `connect` of a socket that is connected. Node leaves this undefined.
    pub fn already_connected() -> Self {
        Self {
            syscall: Some("connect".into()),
            ..Self::new("EISCONN", "connect EISCONN: the socket is connected")
        }
    }

    /// `streams` for the second time.
    pub fn already_streaming() -> Self {
        Self::system(Errno("EALREADY"), "streams")
    }

    /// `takeStreams` without a connection.
    pub fn not_connected() -> Self {
        Self::system(Errno("ENOTCONN"), "takeStreams")
    }

    /// `call` on a connection whose data goes another way.
    pub fn in_use(call: &'static str) -> Self {
        Self::system(Errno("EBUSY"), call)
    }

    /// An address of a block list, or a socket address, that is none.
    pub fn invalid_address() -> Self {
        Self::new("ERR_INVALID_ADDRESS", "Invalid socket address")
    }

    /// A range that ends before it starts.
    pub fn range_upside_down(start: IpAddr, family: Family) -> Self {
        let family = match family {
            Family::Ipv4 => "ipv4",
            Family::Ipv6 => "ipv6",
        };
        Self::new(
            "ERR_INVALID_ARG_VALUE",
            format!(
                "The argument 'start' must come before end. Received SocketAddress \
                 {{ address: '{start}', port: 0, family: '{family}', flowlabel: 0 }}"
            ),
        )
    }

    /// A prefix that is longer than an address.
    pub fn prefix_out_of_range(prefix: i64, max: u32) -> Self {
        Self::out_of_range("prefix", 0, max, prefix)
    }

    /// A subnet without a prefix.
    pub fn cidr_without_prefix(cidr: &str) -> Self {
        Self::new(
            "ERR_INVALID_ARG_VALUE",
            format!(
                "The argument 'cidr' must contain a prefix length (e.g. \"10.0.0.0/8\"). \
                 Received '{cidr}'"
            ),
        )
    }

    /// A subnet with a prefix that is no number.
    pub fn cidr_prefix_not_a_number(cidr: &str) -> Self {
        Self::new(
            "ERR_INVALID_ARG_VALUE",
            format!("The argument 'cidr' prefix length must be a valid integer. Received '{cidr}'"),
        )
    }

    /// A flow label of more than 20 bits.
    pub fn flowlabel_out_of_range(flowlabel: u32, max: u32) -> Self {
        Self::out_of_range("options.flowlabel", 0, max, flowlabel)
    }

    /// An address that the socket's block list has.
    pub(crate) fn ip_blocked(address: &Address) -> Self {
        Self::new(
            "ERR_IP_BLOCKED",
            format!("IP({address}) is blocked by net.BlockList"),
        )
    }

    /// A `wait` beside another.
    pub fn already_waiting() -> Self {
        Self {
            syscall: Some("wait".into()),
            ..Self::new("EALREADY", "wait EALREADY: another wait is waiting")
        }
    }

    /// A write after the own end.
    pub fn write_after_end() -> Self {
        Self::new("ERR_STREAM_WRITE_AFTER_END", "write after end")
    }

    /// A write after the peer's end was read and answered.
    pub fn ended_by_peer() -> Self {
        Self::new("EPIPE", "This socket has been ended by the other party")
    }

    /// `call` on a destroyed socket.
    pub fn destroyed(call: &str) -> Self {
        Self::new(
            "ERR_STREAM_DESTROYED",
            format!("Cannot call {call} after a stream was destroyed"),
        )
    }

    /// `end` with a callback on a socket that has finished.
    pub fn already_finished() -> Self {
        Self::new(
            "ERR_STREAM_ALREADY_FINISHED",
            "Cannot call end after a stream was finished",
        )
    }

    /// A write on a socket that never had a connection.
    pub fn socket_closed() -> Self {
        Self::new("ERR_SOCKET_CLOSED", "Socket is closed")
    }

    /// A write that waited for a connection which was given up.
    pub fn closed_before_connection() -> Self {
        Self::new(
            "ERR_SOCKET_CLOSED_BEFORE_CONNECTION",
            "Socket closed before the connection was established",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> ListenAt {
        ListenAt::Address(text.parse().unwrap())
    }

    fn refused(address: &str, port: u16) -> Error {
        let address = crate::ip::parse(address).unwrap();
        Error::connect(Errno("ECONNREFUSED"), "connect", &address, port)
    }

    /// Row S13: the message of a listen error explains the code and names address and port.
    #[test]
    fn s13_listen_error_reads_as_in_node() {
        let error = Error::listen(Errno("EADDRINUSE"), &at("127.0.0.1:80"), None);
        assert_eq!(
            error.message,
            "listen EADDRINUSE: address already in use 127.0.0.1:80"
        );
        assert_eq!(error.code, "EADDRINUSE");
        assert_eq!(error.syscall.as_deref(), Some("listen"));
        assert_eq!(error.address.as_deref(), Some("127.0.0.1"));
        assert_eq!(error.port, Some(80));
    }

    /// Node writes an IPv6 address without brackets: `:::8124`.
    #[test]
    fn ipv6_address_has_no_brackets() {
        let error = Error::listen(Errno("EADDRINUSE"), &at("[::]:8124"), None);
        assert!(error.message.ends_with(" :::8124"), "{}", error.message);
        let zone = Some("eth0".into());
        let error = Error::listen(Errno("EADDRINUSE"), &at("[fe80::1]:80"), zone);
        assert!(
            error.message.ends_with(" fe80::1%eth0:80"),
            "{}",
            error.message
        );
    }

    /// Row C18: `connect ECONNREFUSED 127.0.0.1:PORT`.
    #[test]
    fn c18_refused_reads_as_in_node() {
        let error = refused("127.0.0.1", 9);
        assert_eq!(error.message, "connect ECONNREFUSED 127.0.0.1:9");
        assert_eq!(error.syscall.as_deref(), Some("connect"));
    }

    /// Row C20: with port 0 the message has no port, and the error neither.
    #[test]
    fn c20_port_zero_is_left_out() {
        let error = refused("127.0.0.1", 0);
        assert_eq!(error.message, "connect ECONNREFUSED 127.0.0.1");
        assert_eq!(error.port, None);
    }

    /// Section 4.10: `getaddrinfo ENOTFOUND foo.invalid`, with the host name.
    #[test]
    fn lookup_error_names_the_host() {
        let error = Error::lookup(Errno("ENOTFOUND"), "foo.invalid");
        assert_eq!(error.message, "getaddrinfo ENOTFOUND foo.invalid");
        assert_eq!(error.hostname.as_deref(), Some("foo.invalid"));
        assert_eq!(error.address, None);
    }
}
