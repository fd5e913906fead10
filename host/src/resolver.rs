//! The system's resolver, for one program.
//!
//! The system's resolver blocks a thread and cannot be cancelled. wasmtime-wasi's
//! `ip_name_lookup::resolve_addresses` starts a call per lookup, and forgets it when the program
//! does: a program that looks up names in a loop would take all of tokio's threads. Here their
//! number is limited, and a thread counts until it returns.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use plugnet_policy::Name;
use tokio::sync::Semaphore;

/// How many lookups run at a time, as in Node.js (`UV_THREADPOOL_SIZE`). The others wait.
const AT_ONCE: usize = 4;

/// How many lookups there may be, including those that wait.
const MOST: usize = 1024;

/// The function that resolves a name.
type Ask = fn(&str) -> io::Result<Vec<IpAddr>>;

/// The result of a lookup.
pub(crate) type Answer = io::Result<Vec<IpAddr>>;

/// Looks up names. Clones share the limits.
#[derive(Clone)]
pub(crate) struct Resolver {
    ask: Ask,
    at_once: Arc<Semaphore>,
    all: Arc<Semaphore>,
}

impl Default for Resolver {
    fn default() -> Self {
        Resolver::new(ask_system)
    }
}

/// Too many lookups wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Resolver {
    fn new(ask: Ask) -> Self {
        Resolver {
            ask,
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            all: Arc::new(Semaphore::new(MOST)),
        }
    }

    /// Looks up a name in its turn.
    ///
    /// # Errors
    ///
    /// If too many lookups wait already.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops waiting. A running call returns when the system answers, and keeps
    /// its turn until then.
    pub(crate) fn lookup(
        &self,
        name: &Name,
    ) -> Result<impl Future<Output = Answer> + Send + use<>, Full> {
        let Resolver { ask, at_once, all } = self.clone();
        let one = all.try_acquire_owned().map_err(|_| Full)?;
        let name = name.to_string();
        Ok(async move {
            let _one = one;
            let turn = at_once.acquire_owned().await.map_err(io::Error::other)?;
            let asking = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                ask(&name)
            });
            asking.await.map_err(io::Error::other)?
        })
    }
}

fn ask_system(name: &str) -> Answer {
    let addresses = (name, 0).to_socket_addrs()?;
    // An IPv4-mapped address counts as IPv4.
    Ok(addresses
        .map(|address| address.ip().to_canonical())
        .collect())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn name() -> Name {
        Name::parse("www.example.com").expect("a name")
    }

    /// Only so many lookups go on at one time, and all get their answer.
    #[tokio::test]
    async fn lookups_wait_for_their_turn() {
        static ASKING: AtomicUsize = AtomicUsize::new(0);
        static PEAK: AtomicUsize = AtomicUsize::new(0);
        let resolver = Resolver::new(|_| {
            PEAK.fetch_max(ASKING.fetch_add(1, SeqCst) + 1, SeqCst);
            thread::sleep(Duration::from_millis(20));
            ASKING.fetch_sub(1, SeqCst);
            Ok(vec![IpAddr::from([192, 0, 2, 1])])
        });
        let lookups = (0..5 * AT_ONCE).map(|_| resolver.lookup(&name()).expect("a place"));
        for answer in futures::future::join_all(lookups).await {
            assert_eq!(answer.expect("an answer"), [IpAddr::from([192, 0, 2, 1])]);
        }
        assert_eq!(PEAK.load(SeqCst), AT_ONCE);
    }

    /// A thread that asks keeps its turn though nobody wants the answer any more: a program that
    /// gives up its lookups gets no more threads than one that waits.
    #[tokio::test]
    async fn a_lookup_that_is_given_up_keeps_its_turn() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let resolver = Resolver::new(|_| {
            ASKED.fetch_add(1, SeqCst);
            thread::sleep(Duration::from_millis(300));
            Ok(vec![])
        });
        for _ in 0..3 * AT_ONCE {
            let lookup = resolver.lookup(&name()).expect("a place");
            let given_up = tokio::time::timeout(Duration::from_millis(5), lookup).await;
            assert!(given_up.is_err());
        }
        assert!(ASKED.load(SeqCst) <= AT_ONCE);
        resolver
            .lookup(&name())
            .expect("a place")
            .await
            .expect("an answer");
    }

    /// Only so many wait; those that gave up do not.
    #[tokio::test]
    async fn not_all_lookups_wait() {
        let resolver = Resolver::new(|_| Ok(vec![]));
        let lookups: Vec<_> = (0..MOST)
            .map(|_| resolver.lookup(&name()).expect("a place"))
            .collect();
        assert_eq!(resolver.lookup(&name()).err(), Some(Full));
        drop(lookups);
        assert!(resolver.lookup(&name()).is_ok());
    }
}
