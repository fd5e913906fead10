//! Decides what a run may reach. It reports to nobody: `door` does.

mod access;

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use plugnet_policy::{Decision, Name, Policy, Request, Resolved, Transport};

pub use self::access::{Access, Denial};

/// Decides for one run. Clones share the state.
#[derive(Clone, Default)]
pub(crate) struct Guard(Arc<Inner>);

#[derive(Default)]
struct Inner {
    policy: Policy,
    /// What this run looked up.
    resolved: Mutex<Resolved>,
}

impl Guard {
    pub(crate) fn new(policy: Policy) -> Self {
        Guard(Arc::new(Inner {
            policy,
            resolved: Mutex::default(),
        }))
    }

    /// Decides a request.
    pub(crate) fn decide(&self, request: &Request) -> Decision {
        let resolved = self.resolved();
        self.0.policy.decide(request, &resolved, Instant::now())
    }

    /// Whether the program may have a port that the system chooses, to reach the peer.
    pub(crate) fn takes_ports(&self, transport: Transport, peer: SocketAddr) -> bool {
        let any = match peer {
            SocketAddr::V4(_) => IpAddr::from([0; 4]),
            SocketAddr::V6(_) => IpAddr::from([0; 16]),
        };
        self.0.policy.takes_ports(transport, any)
    }

    /// Whether rules cover UDP ports that the system chooses.
    pub(crate) fn judges_chosen_udp_ports(&self) -> bool {
        self.0.policy.judges_chosen_udp_ports()
    }

    /// Records the resolver's answer, before the program gets it.
    pub(crate) fn answered(&self, name: &Name, addresses: impl IntoIterator<Item = IpAddr>) {
        let mut resolved = self.resolved();
        resolved.answered(name.as_str(), addresses, Instant::now());
    }

    fn resolved(&self) -> MutexGuard<'_, Resolved> {
        // No code that holds the lock panics.
        self.0
            .resolved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
