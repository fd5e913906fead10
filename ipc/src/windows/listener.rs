//! Listening: instances of a pipe, each waiting for a client.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_INVALID_NAME, ERROR_PATH_NOT_FOUND, ERROR_SEM_TIMEOUT,
};
use windows_sys::Win32::System::Pipes::WaitNamedPipeW;

use super::security::open_to_all;
use super::socket::Pipe;
use crate::grants::shown;
use crate::{Access, Error, Grants, ListenOptions, Socket};

/// How many instances wait for clients before one is accepted: as many as in libuv.
const INSTANCES: usize = 4;

/// A listening pipe.
///
/// Four instances wait for clients; a client that finds all taken waits until one is accepted.
/// Dropping the listener closes it: clients that wait to be accepted are disconnected. The name is
/// free once the runtime has closed the instances, a moment later, and the connections are closed
/// too: to Windows each is an instance of the pipe.
pub struct Listener {
    name: String,
    instances: Mutex<Vec<Instance>>,
}

/// An instance of the pipe, and how its wait for a client ended.
type Instance = Pin<Box<dyn Future<Output = io::Result<NamedPipeServer>> + Send>>;

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Listener {
    /// Creates a pipe of that name and waits for clients of this machine.
    ///
    /// # Errors
    ///
    /// A name that another listener has is [`AddressInUse`](crate::Code::AddressInUse).
    pub fn bind(grants: &Grants, path: &str, options: &ListenOptions) -> Result<Listener, Error> {
        let name = grants.locate(Access::Listen, path)?;
        let failed = |source| Error::System {
            access: Access::Listen,
            path: shown(path),
            source,
        };
        if is_taken(&name) {
            return Err(failed(io::ErrorKind::AddrInUse.into()));
        }
        // As libuv has it: whom the name is denied, another has it.
        let first = ServerOptions::new()
            .first_pipe_instance(true)
            .reject_remote_clients(true)
            .write_dac(options.readable_all || options.writable_all)
            .create(&name)
            .map_err(|error| {
                failed(match error.raw_os_error().map(i32::cast_unsigned) {
                    Some(ERROR_ACCESS_DENIED) => io::ErrorKind::AddrInUse.into(),
                    Some(ERROR_PATH_NOT_FOUND | ERROR_INVALID_NAME) => {
                        io::ErrorKind::PermissionDenied.into()
                    }
                    _ => error,
                })
            })?;
        open_to_all(&first, options).map_err(failed)?;
        let mut instances = vec![wait(first)];
        top_up(&name, &mut instances).map_err(failed)?;
        Ok(Listener {
            name,
            instances: Mutex::new(instances),
        })
    }

    /// Accepts a connection.
    ///
    /// Only the task that polled last is woken.
    ///
    /// # Errors
    ///
    /// An error concerns one connection or the moment, and the listener continues. When no instance
    /// can be created, there is no wake-up: poll again after a while.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        let mut instances = self
            .instances
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // What failed the last time may be possible now.
        let made = top_up(&self.name, &mut instances);
        for index in 0..instances.len() {
            if let Poll::Ready(connected) = instances[index].as_mut().poll(cx) {
                // A new one is created first, so that the name stays this listener's all the time.
                let next = make(&self.name);
                drop(instances.remove(index));
                instances.extend(next);
                return Poll::Ready(connected.map(|pipe| Socket::adopt(Pipe::Server(pipe))));
            }
        }
        match made {
            Err(error) if instances.is_empty() => Poll::Ready(Err(error)),
            _ => Poll::Pending,
        }
    }

    /// None: a pipe has no address.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        None
    }
}

/// Whether there is a pipe of that name. `first_pipe_instance` decides, between whoever asks at
/// the same time; but Wine 8 does not know it.
fn is_taken(name: &str) -> bool {
    // The shortest wait, if all its instances are taken: zero is the pipe's own.
    const MILLISECONDS: u32 = 1;
    let name: Vec<u16> = name.encode_utf16().chain([0]).collect();
    // SAFETY: the name ends in a NUL and lives through the call.
    let waited = unsafe { WaitNamedPipeW(name.as_ptr(), MILLISECONDS) };
    waited != 0
        || io::Error::last_os_error().raw_os_error() == Some(ERROR_SEM_TIMEOUT.cast_signed())
}

/// Makes instances until there are enough.
fn top_up(name: &str, instances: &mut Vec<Instance>) -> io::Result<()> {
    while instances.len() < INSTANCES {
        instances.push(make(name)?);
    }
    Ok(())
}

fn make(name: &str) -> io::Result<Instance> {
    let pipe = ServerOptions::new()
        .reject_remote_clients(true)
        .create(name)?;
    Ok(wait(pipe))
}

/// Waits for a client: one that came before, and may have left again, counts.
fn wait(pipe: NamedPipeServer) -> Instance {
    Box::pin(async move {
        pipe.connect().await?;
        Ok(pipe)
    })
}
