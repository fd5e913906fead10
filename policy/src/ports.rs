//! The port of an entry.

use std::fmt;

use crate::entry_error::Fault;

/// The ports of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ports {
    /// `*`: every port.
    Any,
    /// One port. For listening, 0 is a port that the system chooses.
    One(u16),
    /// `FIRST-LAST`, inclusive, without 0.
    Range(u16, u16),
}

impl Ports {
    /// Whether `port` is one of them.
    pub fn contains(&self, port: u16) -> bool {
        match *self {
            Ports::Any => true,
            Ports::One(one) => one == port,
            Ports::Range(first, last) => (first..=last).contains(&port),
        }
    }

    /// `start` is the offset of `text` in the entry. The error's correction is that of the port
    /// alone.
    /// of the port alone.
    pub(crate) fn parse(text: &str, start: usize, zero: bool) -> Result<Self, Fault> {
        let spot = start..start + text.len();
        let fault = |problem: &str, corrected: Option<String>| {
            Err(Fault::new(spot.clone(), problem).corrected_if(corrected))
        };
        if text == "*" {
            return Ok(Ports::Any);
        }
        if text.is_empty() {
            return fault("the port is missing; `*` is any port", example());
        }
        if let Some(end) = text.find(['/', '?', '#']) {
            let port = Some(&text[..end]).filter(|port| !port.is_empty());
            return Err(Fault::new(
                start + end..start + text.len(),
                "an entry ends with its port",
            )
            .corrected_if(port.map(|port| fixed(port, start, zero))));
        }
        if let Some((first, last)) = text.split_once('-') {
            let (Some(low), Some(high)) = (number(first), number(last)) else {
                let corrected = match (loose_number(first), loose_number(last)) {
                    (Some(low), Some(high)) => Some(format!("{low}-{high}")),
                    (Some(low), None) if last.is_empty() => Some(format!("{low}-65535")),
                    (None, Some(high)) if first.is_empty() => Some(format!("1-{high}")),
                    _ => example(),
                };
                return fault(
                    "a range of ports is FIRST-LAST, two numbers up to 65535",
                    corrected.map(|port| fixed(&port, start, zero)),
                );
            };
            if low == 0 {
                return fault(
                    "port 0 is not in a range; ports begin at 1",
                    Some(fixed(&format!("1-{high}"), start, zero)),
                );
            }
            return match low.cmp(&high) {
                std::cmp::Ordering::Less => Ok(Ports::Range(low, high)),
                std::cmp::Ordering::Equal => {
                    fault("a range of one port is that port", Some(low.to_string()))
                }
                std::cmp::Ordering::Greater => fault(
                    "the range of ports ends before it begins",
                    Some(format!("{high}-{low}")),
                ),
            };
        }
        match number(text) {
            Some(0) if !zero => fault(
                "nobody is reached at port 0; `*` is any port",
                Some("*".to_owned()),
            ),
            Some(port) => Ok(Ports::One(port)),
            None => fault(
                "a port is a number up to 65535, a range such as 5432-5440, or `*`",
                match number_of_service(text).or(text.trim().parse().ok()) {
                    Some(port) => Some(fixed(&port.to_string(), start, zero)),
                    None => example(),
                },
            ),
        }
    }
}

/// `text`, or what it is corrected to.
fn fixed(text: &str, start: usize, zero: bool) -> String {
    match Ports::parse(text, start, zero) {
        Ok(_) => text.to_owned(),
        Err(fault) => fault.corrected.unwrap_or_else(|| text.to_owned()),
    }
}

fn number(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let leading = text.len() > 1 && text.starts_with('0');
    (digits && !leading).then(|| text.parse().ok()).flatten()
}

/// What `0080`, `+80` or ` 80` probably meant; the highest port for what is too high.
fn loose_number(text: &str) -> Option<u16> {
    let number = text.trim().parse::<u64>().ok()?;
    Some(u16::try_from(number).unwrap_or(u16::MAX))
}

fn number_of_service(text: &str) -> Option<u16> {
    let services = [("http", 80), ("https", 443), ("ssh", 22), ("domain", 53)];
    let found = services.iter().find(|(name, _)| *name == text);
    found.map(|(_, port)| *port)
}

/// A port for examples in messages.
fn example() -> Option<String> {
    Some("443".to_owned())
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ports::Any => f.write_str("*"),
            Ports::One(port) => write!(f, "{port}"),
            Ports::Range(first, last) => write!(f, "{first}-{last}"),
        }
    }
}
