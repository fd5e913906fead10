//! Events of a run.

use std::fmt;
use std::time::Duration;

use plugnet_policy::{Decision, Request, shown};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::limits::ConnectionLimit;

/// How a program got a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Direction {
    /// It connected.
    Connect,
    /// It accepted it.
    Accept,
    /// It inherited it, as a descriptor.
    Inherit,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Connect => "connect",
            Direction::Accept => "accept",
            Direction::Inherit => "inherit",
        })
    }
}

/// The target of [`tracing`] events: one for each [`Event`].
pub(crate) const TARGET: &str = "plugnet::audit";

/// An event of a run, as `--audit` writes it.
///
/// Serialized as a map whose `event` names the kind. `decision` has the fields of
/// [`Decision`](plugnet_policy::Decision); a path's may have a `detail`. `connect`, `accept` and
/// `inherit` are [`Event::Opened`], with `id` and `peer`; `close` is [`Event::Closed`], with `id`,
/// `direction`, `peer`, `bytes_in`, `bytes_out` and `duration_ms`; `refuse` is [`Event::Refused`],
/// with `direction`, `peer` and `limit`, or [`Event::NoSocket`], with `limit` alone.
///
/// Displayed as a line for people, with control characters escaped. The fields are the raw text of
/// programs and peers, of at most a kilobyte or so: escape them before you show them to people.
///
/// Each event is also an event of [`tracing`](https://docs.rs/tracing), at the level INFO, with the
/// target `plugnet::audit`, the same fields, and the line for people as its message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The policy decided a request.
    Decision(Decision),
    /// The file system decided about a path, other than the policy's text says: a grant of
    /// [`RunOptions::allow_ipc`](crate::RunOptions::allow_ipc), or a path that would leave its
    /// grant.
    Path {
        /// The request.
        request: Request,
        /// Whether it is allowed.
        allowed: bool,
        /// The reason, if it is denied.
        detail: Option<String>,
    },
    /// A connection was opened.
    ///
    /// Connections of WASI 0.2 are not reported; decisions about them are.
    Opened {
        /// Its number in this run, from 1.
        id: u64,
        /// How the program got it.
        direction: Direction,
        /// The remote peer: `192.0.2.1:80`, or the path of a local socket.
        peer: String,
    },
    /// A connection was closed: the socket and both directions of its data.
    Closed {
        /// Its number in this run.
        id: u64,
        /// How the program got it.
        direction: Direction,
        /// The remote peer.
        peer: String,
        /// Bytes received.
        bytes_in: u64,
        /// Bytes sent.
        bytes_out: u64,
        /// How long it was open.
        duration: Duration,
    },
    /// A limit refused a connection: the program's own attempt failed with `EMFILE`, one from
    /// outside was closed at once.
    Refused {
        /// How the program would have got it.
        direction: Direction,
        /// The remote peer.
        peer: String,
        /// The limit.
        limit: ConnectionLimit,
    },
    /// A limit refused a socket: the program got `EMFILE`.
    NoSocket {
        /// The limit.
        limit: ConnectionLimit,
    },
}

impl Event {
    /// The value of `event` when it is serialized.
    fn name(&self) -> &'static str {
        match self {
            Event::Decision(_) | Event::Path { .. } => "decision",
            Event::Opened { direction, .. } => match direction {
                Direction::Connect => "connect",
                Direction::Accept => "accept",
                Direction::Inherit => "inherit",
            },
            Event::Closed { .. } => "close",
            Event::Refused { .. } | Event::NoSocket { .. } => "refuse",
        }
    }

    /// Whether a subscriber traces events.
    pub(crate) fn traced() -> bool {
        tracing::enabled!(target: TARGET, tracing::Level::INFO)
    }

    /// Sends the event to the subscribers of `tracing`.
    pub(crate) fn trace(&self) {
        let event = self.name();
        match self {
            Event::Decision(decision) => {
                let request = decision.request();
                tracing::info!(
                    target: TARGET,
                    event,
                    action = request.action(),
                    asked = request.target(),
                    allowed = decision.is_allowed(),
                    "{self}"
                );
            }
            Event::Path {
                request, allowed, ..
            } => tracing::info!(
                target: TARGET,
                event,
                action = request.action(),
                asked = request.target(),
                allowed,
                "{self}"
            ),
            Event::Opened { id, peer, .. } => {
                tracing::info!(target: TARGET, event, id, peer, "{self}");
            }
            Event::Closed {
                id,
                direction,
                peer,
                bytes_in,
                bytes_out,
                duration,
            } => tracing::info!(
                target: TARGET,
                event,
                id,
                %direction,
                peer,
                bytes_in,
                bytes_out,
                duration_ms = millis(*duration),
                "{self}"
            ),
            Event::Refused {
                direction,
                peer,
                limit,
            } => tracing::info!(target: TARGET, event, %direction, peer, %limit, "{self}"),
            Event::NoSocket { limit } => tracing::info!(target: TARGET, event, %limit, "{self}"),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Decision(decision) => {
                let word = allowed_or_denied(decision.is_allowed());
                write!(f, "{word} {}", decision.request())
            }
            Event::Path {
                request,
                allowed,
                detail,
            } => {
                write!(f, "{} {request}", allowed_or_denied(*allowed))?;
                match detail {
                    Some(detail) => write!(f, ": {}", shown(detail)),
                    None => Ok(()),
                }
            }
            Event::Opened {
                id,
                direction,
                peer,
            } => {
                let peer = shown(peer);
                match direction {
                    Direction::Connect => write!(f, "#{id} connected to {peer}"),
                    Direction::Accept => write!(f, "#{id} accepted from {peer}"),
                    Direction::Inherit => write!(f, "#{id} inherited, with {peer}"),
                }
            }
            Event::Closed {
                id,
                peer,
                bytes_in,
                bytes_out,
                duration,
                ..
            } => write!(
                f,
                "#{id} closed, with {}: {bytes_in} bytes in, {bytes_out} out, in {}",
                shown(peer),
                humantime::format_duration(Duration::from_millis(millis(*duration)))
            ),
            Event::Refused {
                direction,
                peer,
                limit,
            } => {
                let peer = shown(peer);
                match direction {
                    Direction::Connect => write!(f, "refused to connect to {peer}: {limit}"),
                    Direction::Accept => write!(f, "refused to accept from {peer}: {limit}"),
                    Direction::Inherit => write!(f, "refused to inherit, with {peer}: {limit}"),
                }
            }
            Event::NoSocket { limit } => write!(f, "refused one more socket: {limit}"),
        }
    }
}

fn allowed_or_denied(allowed: bool) -> &'static str {
    if allowed { "allowed" } else { "denied" }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Event::Decision(decision) = self {
            return Tagged {
                event: self.name(),
                fields: decision,
            }
            .serialize(serializer);
        }
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("event", self.name())?;
        match self {
            Event::Decision(_) => {}
            Event::Path {
                request,
                allowed,
                detail,
            } => {
                fields.serialize_entry("action", request.action())?;
                fields.serialize_entry("target", &request.target())?;
                fields.serialize_entry("allowed", allowed)?;
                fields.serialize_entry("reason", "path")?;
                if let Some(detail) = detail {
                    fields.serialize_entry("detail", detail)?;
                }
            }
            Event::Opened { id, peer, .. } => {
                fields.serialize_entry("id", id)?;
                fields.serialize_entry("peer", peer)?;
            }
            Event::Closed {
                id,
                direction,
                peer,
                bytes_in,
                bytes_out,
                duration,
            } => {
                fields.serialize_entry("id", id)?;
                fields.serialize_entry("direction", direction)?;
                fields.serialize_entry("peer", peer)?;
                fields.serialize_entry("bytes_in", bytes_in)?;
                fields.serialize_entry("bytes_out", bytes_out)?;
                fields.serialize_entry("duration_ms", &millis(*duration))?;
            }
            Event::Refused {
                direction,
                peer,
                limit,
            } => {
                fields.serialize_entry("direction", direction)?;
                fields.serialize_entry("peer", peer)?;
                fields.serialize_entry("limit", limit)?;
            }
            Event::NoSocket { limit } => fields.serialize_entry("limit", limit)?,
        }
        fields.end()
    }
}

#[derive(serde::Serialize)]
struct Tagged<'a, T> {
    event: &'static str,
    #[serde(flatten)]
    fields: &'a T,
}
