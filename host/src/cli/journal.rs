//! Writes a run's events to `--audit` and `--trace`, with a bounded rate, whatever the program
//! does.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use plugnet_host::Event;
use plugnet_host::policy::Request;

use super::audit::Audit;
use super::end::End;
use super::say;

/// How long equal events are counted together.
const SPAN: Duration = Duration::from_secs(1);

/// How often the same decision is written per span. The others are summed up.
const SAME: u64 = 10;

/// How many events of a kind are written per span. The others are counted.
const MOST: u64 = 1000;

/// How many bytes of a kind are written per span, except for the last event.
const MOST_BYTES: usize = 128 * 1024;

/// An entry to write.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'a> {
    /// An event.
    Event(&'a Event),
    /// A decision that was repeated this often.
    Repeat(&'a Event, u64),
    /// This many events are omitted.
    Omitted(Omitted),
    /// This many lines could not be written.
    Lost(u64),
    /// The run has ended, with an exit code.
    End(End, u8),
}

impl fmt::Display for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Entry::Event(event) => event.fmt(f),
            Entry::Repeat(event, times) => write!(f, "{times} times more: {event}"),
            Entry::Omitted(omitted) => {
                let Omitted {
                    connections,
                    denied,
                    allowed,
                    refused,
                } = omitted;
                write!(
                    f,
                    "{} events more: {connections} of connections, {denied} denied, {allowed} allowed, \
                     {refused} refused by a limit",
                    omitted.all()
                )
            }
            Entry::Lost(lines) => write!(f, "{lines} lines could not be written"),
            Entry::End(end, code) => write!(f, "ended {end}, exit code {code}"),
        }
    }
}

/// How many events were omitted, by kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Omitted {
    pub(super) connections: u64,
    pub(super) denied: u64,
    pub(super) allowed: u64,
    pub(super) refused: u64,
}

impl Omitted {
    pub(super) fn all(&self) -> u64 {
        self.connections + self.denied + self.allowed + self.refused
    }
}

/// The kind of an event. Kinds have limits of their own: a thousand denials, or failed connects, do
/// not hide a connection.
#[derive(Clone, Copy)]
enum Kind {
    Connection,
    Denied,
    Allowed,
    Refused,
}

impl Kind {
    fn of(event: &Event) -> Self {
        let by_answer = |allowed| if allowed { Kind::Allowed } else { Kind::Denied };
        match event {
            Event::Decision(decision) => by_answer(decision.is_allowed()),
            Event::Path { allowed, .. } => by_answer(*allowed),
            Event::Refused { .. } | Event::NoSocket { .. } => Kind::Refused,
            _ => Kind::Connection,
        }
    }
}

/// Called when a required audit cannot be written.
type OnFailure = Box<dyn Fn(String) + Send + Sync>;

/// Writes the events of a run.
pub(super) struct Journal {
    audit: Option<Audit>,
    trace: bool,
    /// Set if nothing may happen that is not written.
    on_failure: Option<OnFailure>,
    bounds: Mutex<Bounds>,
}

impl Journal {
    pub(super) fn new(audit: Option<Audit>, trace: bool) -> Self {
        Journal {
            audit,
            trace,
            on_failure: None,
            bounds: Mutex::default(),
        }
    }

    /// Calls back when the audit fails, once. The program does not go on from there.
    pub(super) fn on_failure(mut self, tell: impl Fn(String) + Send + Sync + 'static) -> Self {
        self.on_failure = Some(Box::new(tell));
        self
    }

    /// Whether events are written at all.
    pub(super) fn is_kept(&self) -> bool {
        self.audit.is_some() || self.trace
    }

    pub(super) fn hear(&self, event: &Event) {
        let mut failed = None;
        {
            let mut bounds = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
            bounds.hear(event, Instant::now(), |entry| {
                let (bytes, written) = self.tell(entry);
                failed = failed.take().or(written.err());
                bytes
            });
        }
        if let (Some(error), Some(on_failure)) = (failed, &self.on_failure) {
            on_failure(error.to_string());
            // What would follow would not be written down. The process ends around it.
            loop {
                thread::park();
            }
        }
    }

    /// Writes the counts that are pending, and how the run ended. Returns whether all was written.
    pub(super) fn finish(&self, end: End, code: u8) -> bool {
        let mut bounds = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        bounds.sum_up(|entry| self.tell(entry).0);
        // Who did not hear of an error before hears of it now.
        let (_, _) = self.tell(Entry::End(end, code));
        let lost = self.audit.as_ref().map_or(0, Audit::lost);
        if lost > 0 {
            say(format!("{lost} lines are not in the audit"));
        }
        lost == 0
    }

    /// Returns the length of what is written.
    fn tell(&self, entry: Entry<'_>) -> (usize, io::Result<()>) {
        let (mut bytes, mut written) = (0, Ok(()));
        if let Some(audit) = &self.audit {
            (bytes, written) = audit.write(entry);
        }
        if self.trace {
            let text = entry.to_string();
            bytes = bytes.max(text.len());
            say(text);
        }
        (bytes, written)
    }
}

/// What was written in a span, and what was omitted.
#[derive(Default)]
struct Bounds {
    since: Option<Instant>,
    connections: Budget,
    denied: Budget,
    allowed: Budget,
    refused: Budget,
    /// The decisions, and how often each was made.
    decisions: HashMap<String, (Event, u64)>,
}

/// What was written of a kind.
#[derive(Default)]
struct Budget {
    told: u64,
    bytes: usize,
    omitted: u64,
}

impl Bounds {
    fn budget(&mut self, kind: Kind) -> &mut Budget {
        match kind {
            Kind::Connection => &mut self.connections,
            Kind::Denied => &mut self.denied,
            Kind::Allowed => &mut self.allowed,
            Kind::Refused => &mut self.refused,
        }
    }

    /// `tell` returns the length of what it wrote.
    fn hear(&mut self, event: &Event, now: Instant, mut tell: impl FnMut(Entry<'_>) -> usize) {
        if self.since.is_none_or(|since| now >= since + SPAN) {
            self.sum_up(&mut tell);
            self.since = Some(now);
        }
        let key = same(event);
        if let Some((_, times)) = key.as_ref().and_then(|key| self.decisions.get_mut(key))
            && *times >= SAME
        {
            *times += 1;
            return;
        }
        let budget = self.budget(Kind::of(event));
        if budget.told >= MOST || budget.bytes >= MOST_BYTES {
            budget.omitted += 1;
            return;
        }
        budget.told += 1;
        budget.bytes += tell(Entry::Event(event));
        if let Some(key) = key {
            let made = self.decisions.entry(key);
            made.or_insert_with(|| (event.clone(), 0)).1 += 1;
        }
    }

    fn sum_up(&mut self, mut tell: impl FnMut(Entry<'_>) -> usize) {
        for (event, times) in self.decisions.values() {
            if *times > SAME {
                tell(Entry::Repeat(event, *times - SAME));
            }
        }
        let omitted = Omitted {
            connections: self.connections.omitted,
            denied: self.denied.omitted,
            allowed: self.allowed.omitted,
            refused: self.refused.omitted,
        };
        if omitted.all() > 0 {
            tell(Entry::Omitted(omitted));
        }
        *self = Bounds::default();
    }
}

/// What makes decisions equal; none for an event with a number of its own. The port of a peer does
/// not matter.
fn same(event: &Event) -> Option<String> {
    let peer = match event {
        Event::Decision(decision) => match decision.request() {
            Request::TcpAccept(peer) | Request::HandedAccept(peer) | Request::UdpReceive(peer) => {
                Some((decision, peer.ip()))
            }
            _ => None,
        },
        Event::Path { .. } => None,
        _ => return None,
    };
    Some(match peer {
        Some((decision, ip)) => {
            format!(
                "{} {} {ip}",
                decision.is_allowed(),
                decision.request().action()
            )
        }
        None => event.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugnet_host::policy::{IpcAddress, Policy, Resolved};
    use plugnet_host::{ConnectionLimit, Direction};

    fn denied(port: u16) -> Event {
        let request = Request::TcpConnect(([192, 0, 2, 1], port).into());
        Event::Decision(Policy::default().decide(&request, &Resolved::new(), Instant::now()))
    }

    /// What is told, in words, of these events.
    fn told(
        bounds: &mut Bounds,
        events: impl IntoIterator<Item = (Event, Instant)>,
    ) -> Vec<String> {
        let mut told = vec![];
        for (event, now) in events {
            bounds.hear(&event, now, |entry| push(&mut told, entry));
        }
        bounds.sum_up(|entry| push(&mut told, entry));
        told
    }

    fn push(told: &mut Vec<String>, entry: Entry<'_>) -> usize {
        let words = words(entry);
        let length = words.len();
        told.push(words);
        length
    }

    fn words(entry: Entry<'_>) -> String {
        match entry {
            Entry::Event(event) => event.to_string(),
            Entry::Repeat(event, times) => format!("{event} +{times}"),
            Entry::Omitted(omitted) => format!("+{}", omitted.all()),
            Entry::Lost(_) | Entry::End(..) => entry.to_string(),
        }
    }

    /// The same decision again and again is told a few times, and then summed up.
    #[test]
    fn repeated_decisions_are_summed_up() {
        let now = Instant::now();
        let events = (0..100_000).map(|_| (denied(80), now));
        let told = told(&mut Bounds::default(), events);
        let (sum, each) = told.split_last().expect("some");
        assert_eq!(each.len() as u64, SAME);
        assert_eq!(each[0], "denied TCP connect to 192.0.2.1:80");
        assert_eq!(sum, "denied TCP connect to 192.0.2.1:80 +99990");
    }

    /// A program that asks for something else each time does not fill a disk either: so many are
    /// told in a second, the others counted.
    #[test]
    fn only_so_many_are_told() {
        let now = Instant::now();
        let events = (0..u16::MAX).map(|port| (denied(port), now));
        let told = told(&mut Bounds::default(), events);
        let (sum, each) = told.split_last().expect("some");
        assert_eq!(each.len() as u64, MOST);
        assert_eq!(*sum, format!("+{}", u64::from(u16::MAX) - MOST));
    }

    /// Nothing is lost: what is told, what is summed up and what is omitted is all that happened.
    #[test]
    fn everything_is_counted_once() {
        let now = Instant::now();
        let events = (0..50_000_u32).map(|turn| (denied((turn % 997 * (turn % 3)) as u16), now));
        let mut all = 0;
        let mut bounds = Bounds::default();
        let mut count = |entry: Entry<'_>| {
            all += match entry {
                Entry::Event(_) => 1,
                Entry::Repeat(_, times) => times,
                Entry::Omitted(omitted) => omitted.all(),
                Entry::Lost(_) | Entry::End(..) => 0,
            };
            0
        };
        for (event, now) in events {
            bounds.hear(&event, now, &mut count);
        }
        bounds.sum_up(&mut count);
        assert_eq!(all, 50_000);
    }

    /// In the next second it is told again.
    #[test]
    fn a_second_begins_anew() {
        let now = Instant::now();
        let events = [now, now + SPAN / 2, now + SPAN, now + SPAN * 3].map(|now| (denied(80), now));
        let told = told(&mut Bounds::default(), events);
        assert_eq!(told.len(), 4);
    }

    /// However many denials there are, a connection of the same second is told, and so are
    /// refusals by a limit.
    #[test]
    fn connections_have_a_budget_of_their_own() {
        let now = Instant::now();
        let opened = Event::Opened {
            id: 1,
            direction: Direction::Connect,
            peer: "192.0.2.1:80".to_owned(),
        };
        let refused = || Event::Refused {
            direction: Direction::Accept,
            peer: "192.0.2.1:80".to_owned(),
            limit: ConnectionLimit::Total,
        };
        let mut events: Vec<_> = (0..5000).map(denied).collect();
        events.extend((0..5000).map(|_| refused()));
        events.push(opened.clone());
        let events = events.into_iter().map(|event| (event, now));
        let told = told(&mut Bounds::default(), events);
        let times = |text: &str| told.iter().filter(|told| **told == text).count() as u64;
        assert_eq!(times(&opened.to_string()), 1);
        assert_eq!(times(&refused().to_string()), MOST);
        assert_eq!(told.last().expect("some"), "+8000");
    }

    /// So many bytes are told in a second, however long each event is.
    #[test]
    fn only_so_many_bytes_are_told() {
        let now = Instant::now();
        let long = |number: u32| {
            let path = format!("/{number}/{}", "x".repeat(1 << 16));
            let request = Request::IpcConnect(IpcAddress::from_path(&path));
            Event::Decision(Policy::default().decide(&request, &Resolved::new(), now))
        };
        let events = (0..1000).map(|number| (long(number), now));
        let told = told(&mut Bounds::default(), events);
        let bytes: usize = told.iter().map(String::len).sum();
        assert!(bytes < MOST_BYTES + 2048, "{bytes}");
        assert!(told.len() > 100);
    }

    /// A peer that comes from another port each time is the same peer.
    #[test]
    fn a_peer_is_the_same_by_every_port() {
        let now = Instant::now();
        let denied = |port: u16| {
            let request = Request::TcpAccept(([192, 0, 2, 1], port).into());
            Event::Decision(Policy::default().decide(&request, &Resolved::new(), now))
        };
        let events = (1..=100).map(|port| (denied(port), now));
        let told = told(&mut Bounds::default(), events);
        assert_eq!(told.len() as u64, SAME + 1);
        assert!(told.last().expect("some").ends_with("+90"));
    }
}
