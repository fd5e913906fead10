//! The system's resolver, for one program.
//!
//! The system's resolver blocks a thread and cannot be cancelled. wasmtime-wasi's
//! `ip_name_lookup::resolve_addresses` starts a call per lookup, and forgets it when the program
//! does: a program that looks up names in a loop would take all of tokio's threads. Here their
//! number is limited, and a thread counts until it returns.

use std::net::IpAddr;
use std::sync::Arc;

use dns_lookup::{AddrFamily, AddrInfoHints, LookupError, LookupErrorKind, SockType, getaddrinfo};
use plugnet_core::Family;

use plugnet_policy::Name;
use tokio::sync::Semaphore;

/// How many lookups run at a time, as in Node.js (`UV_THREADPOOL_SIZE`). The others wait.
const AT_ONCE: usize = 4;

/// How many lookups there may be, including those that wait.
const MOST: usize = 1024;

/// The function that resolves a name.
type Ask = fn(&str, Wanted) -> Answer;

/// Which addresses of a name are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// Those of one family, or of both.
    pub(crate) family: Option<Family>,
    /// The system's `ai_flags`. On Linux they are Node's hints.
    pub(crate) flags: i32,
}

/// The result of a lookup: the addresses as the system gives them.
pub(crate) type Answer = Result<Vec<IpAddr>, Unresolved>;

/// Why a name has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// There is none.
    NotFound,
    /// The resolver is out of reach for now.
    Again,
    /// The resolver failed, with this code.
    Failed(&'static str),
}

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
        wanted: Wanted,
    ) -> Result<impl Future<Output = Answer> + Send + use<>, Full> {
        let Resolver { ask, at_once, all } = self.clone();
        let one = all.try_acquire_owned().map_err(|_| Full)?;
        let name = name.to_string();
        Ok(async move {
            let _one = one;
            let gone = Unresolved::Failed("EAI_FAIL");
            let turn = at_once.acquire_owned().await.map_err(|_| gone)?;
            let asking = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                ask(&name, wanted)
            });
            asking.await.map_err(|_| gone)?
        })
    }
}

fn ask_system(name: &str, wanted: Wanted) -> Answer {
    let family = wanted.family.map(|family| match family {
        Family::Ipv4 => AddrFamily::Inet,
        Family::Ipv6 => AddrFamily::Inet6,
    });
    let hints = AddrInfoHints {
        flags: wanted.flags,
        address: family.map_or(0, Into::into),
        socktype: SockType::Stream.into(),
        ..AddrInfoHints::default()
    };
    let found = getaddrinfo(Some(name), None, Some(hints)).map_err(|error| why(&error))?;
    // What is no IP address is passed over.
    Ok(found.flatten().map(|info| info.sockaddr.ip()).collect())
}

/// glibc's code for a name that has addresses, but none of the family.
const EAI_ADDRFAMILY: i32 = -9;

fn why(error: &LookupError) -> Unresolved {
    match error.kind() {
        LookupErrorKind::NoName | LookupErrorKind::NoData => Unresolved::NotFound,
        LookupErrorKind::Again => Unresolved::Again,
        LookupErrorKind::Badflags => Unresolved::Failed("EAI_BADFLAGS"),
        LookupErrorKind::Family => Unresolved::Failed("EAI_FAMILY"),
        LookupErrorKind::Memory => Unresolved::Failed("EAI_MEMORY"),
        _ if error.error_num() == EAI_ADDRFAMILY => Unresolved::Failed("EAI_ADDRFAMILY"),
        _ => Unresolved::Failed("EAI_FAIL"),
    }
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
        let resolver = Resolver::new(|_, _| {
            PEAK.fetch_max(ASKING.fetch_add(1, SeqCst) + 1, SeqCst);
            thread::sleep(Duration::from_millis(20));
            ASKING.fetch_sub(1, SeqCst);
            Ok(vec![IpAddr::from([192, 0, 2, 1])])
        });
        let lookups = (0..5 * AT_ONCE).map(|_| {
            resolver
                .lookup(&name(), Wanted::default())
                .expect("a place")
        });
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
        let resolver = Resolver::new(|_, _| {
            ASKED.fetch_add(1, SeqCst);
            thread::sleep(Duration::from_millis(300));
            Ok(vec![])
        });
        for _ in 0..3 * AT_ONCE {
            let lookup = resolver
                .lookup(&name(), Wanted::default())
                .expect("a place");
            let given_up = tokio::time::timeout(Duration::from_millis(5), lookup).await;
            assert!(given_up.is_err());
        }
        assert!(ASKED.load(SeqCst) <= AT_ONCE);
        resolver
            .lookup(&name(), Wanted::default())
            .expect("a place")
            .await
            .expect("an answer");
    }

    /// Only so many wait; those that gave up do not.
    #[tokio::test]
    async fn not_all_lookups_wait() {
        let resolver = Resolver::new(|_, _| Ok(vec![]));
        let lookups: Vec<_> = (0..MOST)
            .map(|_| {
                resolver
                    .lookup(&name(), Wanted::default())
                    .expect("a place")
            })
            .collect();
        assert_eq!(
            resolver.lookup(&name(), Wanted::default()).err(),
            Some(Full)
        );
        drop(lookups);
        assert!(resolver.lookup(&name(), Wanted::default()).is_ok());
    }
}
