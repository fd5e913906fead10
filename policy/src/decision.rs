//! What was decided, and why.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::name::Name;
use crate::request::Request;
use crate::rule::{Origin, Rule};
use crate::special::SpecialRange;
use crate::text::shown;

/// The answer to a [`Request`].
///
/// Displayed for people, as in
///
/// ```text
/// denied: TCP connect to 127.0.0.1:80
///   127.0.0.1 is loopback (127.0.0.0/8), which allow-connect tcp://*:80 (command line) does not cover
///   to allow it: --allow-connect tcp://127.0.0.1:80
/// ```
///
/// and serialized for the audit as `action`, `target`, `allowed`, `reason`, and where there is
/// one `rule` with its `origin`, `name`, and the kind of `special` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    request: Request,
    allowed: bool,
    reason: Reason,
    name: Option<Name>,
    grant: Option<String>,
}

/// Why it was decided so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A rule that is about the request. It allows or denies.
    Rule(Arc<Rule>),
    /// A rule about something else that would be useless otherwise: one to connect to a name
    /// allows its lookup, one to listen allows to accept, one to send allows to receive the
    /// answer.
    Implied(Arc<Rule>),
    /// No rule allows it.
    NoRule,
    /// The listener was handed to the program, and no rule is about who may connect.
    Handed,
    /// There are rules about who may connect, and none of them is about this peer.
    NotAmongPeers,
    /// The special-address rule: the rule covers the address only by being wide.
    SpecialAddress {
        /// The range of the address.
        range: SpecialRange,
        /// The rule that would allow it otherwise.
        rule: Arc<Rule>,
    },
    /// The rule is about a name, and the program's answer for it is too old. To look it up
    /// again makes it fresh.
    StaleAnswer {
        /// The rule that would allow it otherwise.
        rule: Arc<Rule>,
        /// How old the answer is.
        age: Duration,
    },
    /// Any local address and any port: what comes before every connect, and leads nowhere.
    AnyLocalAddress,
    /// The lookup of an address, which tells nobody anything.
    AddressLiteral,
    /// The lookup of a text that is no name, or that systems take for an address.
    NotAName(String),
}

impl Reason {
    /// One word for it, as in the audit.
    pub fn as_str(&self) -> &'static str {
        match self {
            Reason::Rule(_) => "rule",
            Reason::Implied(_) => "implied",
            Reason::NoRule => "no-rule",
            Reason::Handed => "handed",
            Reason::NotAmongPeers => "not-among-peers",
            Reason::SpecialAddress { .. } => "special-address",
            Reason::StaleAnswer { .. } => "stale-answer",
            Reason::AnyLocalAddress => "any-local-address",
            Reason::AddressLiteral => "address-literal",
            Reason::NotAName(_) => "not-a-name",
        }
    }
}

impl Decision {
    pub(crate) fn allowed(request: &Request, reason: Reason) -> Self {
        Self {
            request: request.clone(),
            allowed: true,
            reason,
            name: None,
            grant: None,
        }
    }

    pub(crate) fn denied(request: &Request, reason: Reason) -> Self {
        Self {
            allowed: false,
            ..Self::allowed(request, reason)
        }
    }

    pub(crate) fn with_name(mut self, name: Option<Name>) -> Self {
        self.name = name;
        self
    }

    pub(crate) fn with_grant(mut self, grant: Option<String>) -> Self {
        self.grant = grant;
        self
    }

    /// Whether the program may.
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// What was asked for.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Why.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The rule that decided, or that would have but for what the reason says.
    pub fn rule(&self) -> Option<&Arc<Rule>> {
        match &self.reason {
            Reason::Rule(rule)
            | Reason::Implied(rule)
            | Reason::SpecialAddress { rule, .. }
            | Reason::StaleAnswer { rule, .. } => Some(rule),
            _ => None,
        }
    }

    /// The name that brought the rule and the address together; for a lookup the name in the
    /// form in which it was judged, which is the form to hand to the resolver.
    pub fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// The option that would allow what was denied for want of a rule, as it is typed in a shell;
    /// none if no entry is about just that, or if it cannot be typed.
    pub fn grant(&self) -> Option<&str> {
        self.grant.as_deref()
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.allowed { "allowed" } else { "denied" };
        write!(f, "{verdict}: {}\n  ", self.request)?;
        let by = |rule: &Rule| match rule.origin() {
            Origin::Library => shown(&rule.to_string()),
            origin => shown(&format!("{rule} ({origin})")),
        };
        match &self.reason {
            Reason::Rule(rule) => write!(f, "by {}", by(rule))?,
            Reason::Implied(rule) => write!(f, "implied by {}", by(rule))?,
            Reason::NoRule => f.write_str("no rule allows it")?,
            Reason::Handed => f.write_str("the listener was handed to the program")?,
            Reason::NotAmongPeers => f.write_str("the peer is not among those of allow-accept")?,
            Reason::SpecialAddress { range, rule } => write!(
                f,
                "the address is {range}, which {} does not cover",
                by(rule)
            )?,
            Reason::StaleAnswer { rule, age } => write!(
                f,
                "{} would allow it, but the answer is {} seconds old: look the name up again",
                by(rule),
                age.as_secs()
            )?,
            Reason::AnyLocalAddress => {
                f.write_str("any local address and port, as before every connect")?;
            }
            Reason::AddressLiteral => f.write_str("an address is not looked up")?,
            Reason::NotAName(problem) => f.write_str(&shown(problem))?,
        }
        if let Some(name) = &self.name
            && !matches!(self.request, Request::Resolve(_) | Request::ToName(..))
        {
            write!(f, "\n  the program got the address from {name}")?;
        }
        if let Some(grant) = &self.grant {
            write!(f, "\n  to allow it: {grant}")?;
        }
        Ok(())
    }
}

impl Serialize for Decision {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Decision", 8)?;
        fields.serialize_field("action", self.request.action())?;
        fields.serialize_field("target", &self.request.target())?;
        fields.serialize_field("allowed", &self.allowed)?;
        fields.serialize_field("reason", self.reason.as_str())?;
        match self.rule() {
            Some(rule) => {
                fields.serialize_field("rule", &rule.to_string())?;
                fields.serialize_field("origin", &rule.origin().to_string())?;
            }
            None => {
                fields.skip_field("rule")?;
                fields.skip_field("origin")?;
            }
        }
        match &self.name {
            Some(name) => fields.serialize_field("name", name.as_str())?,
            None => fields.skip_field("name")?,
        }
        match &self.reason {
            Reason::SpecialAddress { range, .. } => {
                fields.serialize_field("special", range.kind().as_str())?;
            }
            _ => fields.skip_field("special")?,
        }
        fields.end()
    }
}
