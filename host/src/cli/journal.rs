//! What is told of a run's events, by `--audit` and `--trace`: not more than somebody can keep or
//! read, whatever the program does.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use plugnet_host::Event;

use super::audit::Audit;
use super::say;

/// For how long what is the same is counted together.
const SPAN: Duration = Duration::from_secs(1);

/// How often the same decision is told in a span. The others are summed up.
const SAME: u64 = 10;

/// How many events are told in a span. The others are counted.
const MOST: u64 = 1000;

/// Something to tell.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'a> {
    /// What happened.
    Event(&'a Event),
    /// A decision, which was made so many times more.
    Repeat(&'a Event, u64),
    /// So many events are not told.
    Omitted(u64),
}

/// Hears of a run's events.
pub(super) struct Journal {
    audit: Option<Audit>,
    trace: bool,
    bounds: Mutex<Bounds>,
}

impl Journal {
    pub(super) fn new(audit: Option<Audit>, trace: bool) -> Self {
        Journal {
            audit,
            trace,
            bounds: Mutex::default(),
        }
    }

    /// Whether anybody wants to hear.
    pub(super) fn is_kept(&self) -> bool {
        self.audit.is_some() || self.trace
    }

    pub(super) fn hear(&self, event: &Event) {
        let mut bounds = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        bounds.hear(event, Instant::now(), |entry| self.tell(entry));
    }

    /// Tells what was only counted up to now.
    pub(super) fn finish(&self) {
        let mut bounds = self.bounds.lock().unwrap_or_else(PoisonError::into_inner);
        bounds.sum_up(|entry| self.tell(entry));
    }

    fn tell(&self, entry: Entry<'_>) {
        if let Some(audit) = &self.audit {
            audit.write(entry);
        }
        if self.trace {
            match entry {
                Entry::Event(event) => say(event),
                Entry::Repeat(event, times) => say(format!("{times} times more: {event}")),
                Entry::Omitted(events) => say(format!("{events} events more")),
            }
        }
    }
}

/// What was told in a span, and what was not.
#[derive(Default)]
struct Bounds {
    since: Option<Instant>,
    told: u64,
    omitted: u64,
    /// The decisions, and how often each was made.
    decisions: HashMap<String, (Event, u64)>,
}

impl Bounds {
    fn hear(&mut self, event: &Event, now: Instant, mut tell: impl FnMut(Entry<'_>)) {
        if self.since.is_none_or(|since| now >= since + SPAN) {
            self.sum_up(&mut tell);
            self.since = Some(now);
        }
        // Everything else has a number or a peer of its own.
        let is_decision = matches!(event, Event::Decision(_) | Event::Path { .. });
        let key = is_decision.then(|| event.to_string());
        let known = key.as_ref().and_then(|key| self.decisions.get_mut(key));
        match known {
            Some((_, times)) if *times >= SAME => {
                *times += 1;
                return;
            }
            _ if self.told >= MOST => {
                self.omitted += 1;
                return;
            }
            Some((_, times)) => *times += 1,
            None => {
                if let Some(key) = key {
                    self.decisions.insert(key, (event.clone(), 1));
                }
            }
        }
        self.told += 1;
        tell(Entry::Event(event));
    }

    fn sum_up(&mut self, mut tell: impl FnMut(Entry<'_>)) {
        for (event, times) in self.decisions.values() {
            if *times > SAME {
                tell(Entry::Repeat(event, *times - SAME));
            }
        }
        if self.omitted > 0 {
            tell(Entry::Omitted(self.omitted));
        }
        *self = Bounds::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugnet_host::policy::{Policy, Request, Resolved};

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
            bounds.hear(&event, now, |entry| told.push(words(entry)));
        }
        bounds.sum_up(|entry| told.push(words(entry)));
        told
    }

    fn words(entry: Entry<'_>) -> String {
        match entry {
            Entry::Event(event) => event.to_string(),
            Entry::Repeat(event, times) => format!("{event} +{times}"),
            Entry::Omitted(events) => format!("+{events}"),
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
                Entry::Omitted(events) => events,
            };
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
}
