//! What the embedder sees of a run: denials, events, counters, and a record of each connection.

mod event;
mod observer;
mod record;
mod stats;

pub use self::event::{Direction, Event};
pub(crate) use self::observer::{Observer, OnDenied, OnEvent};
pub(crate) use self::record::{Peer, Record};
pub use self::stats::{Stats, Totals};
