//! The addresses that a program got from names.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::address;
use crate::name::{Asked, Name};

/// The lookups that one program got answers to.
///
/// A rule with a name covers an address only while this says that the program got the address from
/// the name. `getaddrinfo` does not tell how long an answer is valid, so each is valid for a fixed
/// time, [`Resolved::LIFETIME`] by default; another lookup renews it. Open connections are not
/// affected when it ends.
///
/// The size is bounded; the oldest answers are dropped first.
#[derive(Clone, Debug)]
pub struct Resolved {
    lifetime: Duration,
    capacity: usize,
    /// The time of each pair's last answer, and the number of that answer.
    answers: BTreeMap<(IpAddr, Name), Answer>,
    /// The pairs in the order of their answers. Renewed ones are in it twice, with an old number
    /// first.
    order: VecDeque<(u64, IpAddr, Name)>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    at: Instant,
    number: u64,
}

impl Resolved {
    /// How long an answer is valid by default.
    pub const LIFETIME: Duration = Duration::from_secs(300);

    /// How many pairs of name and address are kept by default.
    pub const CAPACITY: usize = 1024;

    /// No answers yet.
    pub fn new() -> Self {
        Self::with_limits(Self::LIFETIME, Self::CAPACITY)
    }

    /// As [`new`](Self::new), with other limits.
    pub fn with_limits(lifetime: Duration, capacity: usize) -> Self {
        Self {
            lifetime,
            capacity,
            answers: BTreeMap::new(),
            order: VecDeque::new(),
            next: 0,
        }
    }

    /// Records the answer of the host's resolver to the lookup of `name`.
    ///
    /// A literal address is no name and is not recorded, and neither is an invalid name. Time does
    /// not go back; an earlier time counts as the latest one.
    pub fn answered(
        &mut self,
        name: &str,
        addresses: impl IntoIterator<Item = IpAddr>,
        now: Instant,
    ) {
        let Ok(Asked::Name(name)) = Asked::parse(name) else {
            return;
        };
        for ip in addresses {
            // In both forms in which requests may have it.
            let ip = address::canonical_peer(ip);
            let number = self.next;
            self.next += 1;
            self.answers
                .insert((ip, name.clone()), Answer { at: now, number });
            self.order.push_back((number, ip, name.clone()));
            self.bound();
        }
    }

    /// The names that resolved to this address and are still valid.
    pub fn names(&self, address: IpAddr, now: Instant) -> impl Iterator<Item = &Name> {
        self.all(address)
            .filter(move |(_, at)| now.saturating_duration_since(*at) < self.lifetime)
            .map(|(name, _)| name)
    }

    /// The names that resolved to this address and are no longer valid, with their age.
    pub(crate) fn stale(
        &self,
        address: IpAddr,
        now: Instant,
    ) -> impl Iterator<Item = (&Name, Duration)> {
        self.all(address)
            .map(move |(name, at)| (name, now.saturating_duration_since(at)))
            .filter(|(_, age)| *age >= self.lifetime)
    }

    fn all(&self, ip: IpAddr) -> impl Iterator<Item = (&Name, Instant)> {
        let ip = address::canonical_peer(ip);
        self.answers
            .range((ip, Name::lowest())..)
            .take_while(move |((address, _), _)| *address == ip)
            .map(|((_, name), answer)| (name, answer.at))
    }

    /// How many pairs of name and address are kept.
    pub fn len(&self) -> usize {
        self.answers.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.answers.is_empty()
    }

    /// Keeps both collections bounded: the pairs by the capacity, the order by twice that.
    fn bound(&mut self) {
        while self.answers.len() > self.capacity {
            let Some((number, ip, name)) = self.order.pop_front() else {
                return;
            };
            let key = (ip, name);
            if self
                .answers
                .get(&key)
                .is_some_and(|answer| answer.number == number)
            {
                self.answers.remove(&key);
            }
        }
        if self.order.len() > 2 * self.capacity.max(1) {
            let answers = &self.answers;
            self.order.retain(|(number, ip, name)| {
                let answer = answers.get(&(*ip, name.clone()));
                answer.is_some_and(|answer| answer.number == *number)
            });
        }
    }
}

impl Default for Resolved {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However often answers are renewed, no more is kept than twice the capacity.
    #[test]
    fn renewing_does_not_grow() {
        let now = Instant::now();
        let mut resolved = Resolved::with_limits(Resolved::LIFETIME, 4);
        for round in 0..1000_u32 {
            let last = u8::try_from(round % 3).expect("below 3");
            resolved.answered("a.example", [IpAddr::from([93, 184, 215, last])], now);
            assert!(resolved.order.len() <= 8, "{}", resolved.order.len());
        }
        assert_eq!(resolved.len(), 3);
    }
}
