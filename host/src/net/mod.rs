//! The interfaces `plugnet:net/net`, `turn`, `streams` and `blocking`, provided by the host.
//!
//! The core decides, as in the net component; [`transport`] does what it asks over the system's
//! sockets, under the same policy and limits as `wasi:sockets` and `ipc` (`door`). A program's call
//! crosses one boundary.

mod bindings;
mod errno;
mod exports;
mod held;
mod poller;
mod streaming;
mod transport;
mod wait;
mod zone;

use plugnet_core::{Driver, Generation, ServerId, SocketId};
use rustc_hash::FxHashMap as HashMap;
use slab::Slab;
use wasmtime::component::{Linker, ResourceTable};

use self::held::Held;
use self::streaming::{Departed, Streams};
use self::transport::{Ahead, Sockets};
use self::wait::Waiting;
use crate::door::Door;
use crate::door::paths::Paths;
use crate::door::resolver::Resolver;
use crate::limits::MemoryLimit;

/// What the functions are called on.
pub(crate) struct NetState<'a> {
    pub(crate) net: &'a mut Net,
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) memory: &'a mut MemoryLimit,
}

/// A store's state with a [`NetState`].
pub(crate) trait View: Send + 'static {
    fn net(&mut self) -> NetState<'_>;
}

/// Adds the interfaces to a linker.
pub(crate) fn add_to_linker<T: View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    use self::bindings::plugnet::net::{blocking, net, streams, turn, types};
    types::add_to_linker::<T, exports::HasNet>(linker, T::net)?;
    net::add_to_linker::<T, exports::HasNet>(linker, T::net)?;
    exports::add_write_to_linker(linker)?;
    turn::add_to_linker::<T, exports::HasNet>(linker, T::net)?;
    streams::add_to_linker::<T, exports::HasNet>(linker, T::net)?;
    blocking::add_to_linker::<T, exports::HasNet>(linker, T::net)
}

/// The servers and sockets of a run.
pub(crate) struct Net {
    driver: Driver<Sockets>,
    /// What the program's handles stand for.
    socket_handles: Slab<SocketId>,
    server_handles: Slab<ServerId>,
    departed: Departed,
    waiting: Waiting,
    held: Held,
}

impl Net {
    pub(crate) fn new(door: Door, resolver: Resolver, paths: Paths) -> Self {
        Net {
            driver: Driver::new(Sockets::new(door, resolver, paths)),
            socket_handles: Slab::new(),
            server_handles: Slab::new(),
            departed: Departed::default(),
            waiting: Waiting::default(),
            held: Held::default(),
        }
    }

    /// The core, for what changes nothing that a `wait` waits for.
    fn driver(&mut self) -> &mut Driver<Sockets> {
        &mut self.driver
    }

    /// Calls the core for the program, and wakes a concurrent `wait`: there may be an event, an
    /// earlier deadline, or nothing left to wait for.
    fn call<R>(&mut self, call: impl FnOnce(&mut Driver<Sockets>) -> R) -> R {
        let outcome = call(&mut self.driver);
        self.waiting.wake();
        outcome
    }

    /// Where to send so many bytes of a `write` before the core is told, if that is possible.
    fn ahead(&mut self, id: SocketId, length: usize) -> Option<Ahead> {
        let through = self.driver.writes_through(id, length);
        through.then(|| self.driver.transport_mut().ahead(id))?
    }

    /// What was sent that way; how much that is.
    fn sent_ahead(&mut self, id: SocketId, sent: Result<usize, rustix::io::Errno>) -> usize {
        self.driver.transport_mut().sent_ahead(id, sent);
        sent.unwrap_or(0)
    }

    fn departed(&self) -> &Departed {
        &self.departed
    }

    fn streams(&mut self) -> &mut HashMap<(SocketId, Generation), Streams> {
        self.driver.transport_mut().streams()
    }
}
