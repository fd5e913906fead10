//! Decisions and their reasons.

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
/// and serialized for the audit as `action`, `target`, `allowed`, `reason` and, if present, `rule`
/// with its `origin`, `name`, and the kind of `special` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    request: Request,
    allowed: bool,
    reason: Reason,
    name: Option<Name>,
    grant: Option<String>,
}

/// Why a request was allowed or denied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A rule covers the request and allows or denies it.
    Rule(Arc<Rule>),
    /// A rule implies it: a connect rule with a name implies the lookup, a listen rule implies
    /// accepting, a send rule implies receiving the answer.
    Implied(Arc<Rule>),
    /// No rule allows it.
    NoRule,
    /// The listener was inherited, and no rule restricts its peers.
    Handed,
    /// There are rules about peers, and none of them covers this one.
    NotAmongPeers,
    /// The special-address rule: the rule covers the address only because it is wide.
    SpecialAddress {
        /// The range of the address.
        range: SpecialRange,
        /// The rule that would otherwise allow it.
        rule: Arc<Rule>,
    },
    /// The rule has a name, and the program's lookup of it is too old. Another lookup renews it.
    StaleAnswer {
        /// The rule that would otherwise allow it.
        rule: Arc<Rule>,
        /// The age of the answer.
        age: Duration,
    },
    /// The unspecified address with port 0, as before every connect.
    AnyLocalAddress,
    /// The lookup of an address, which needs no resolver.
    AddressLiteral,
    /// The lookup of a text that is no name, or that systems read as an address.
    NotAName(String),
}

impl Reason {
    /// The reason as one word, as in the audit.
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

    /// Whether it is allowed.
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The reason.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The rule that decided, or that would have decided but for the reason.
    pub fn rule(&self) -> Option<&Arc<Rule>> {
        match &self.reason {
            Reason::Rule(rule)
            | Reason::Implied(rule)
            | Reason::SpecialAddress { rule, .. }
            | Reason::StaleAnswer { rule, .. } => Some(rule),
            _ => None,
        }
    }

    /// The name that connects the rule with the address. For a lookup, the name in its normalized
    /// form: the one to pass to the resolver.
    pub fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// The option that would allow a request that no rule covers, quoted for a shell; none if no
    /// entry covers just that, or if it cannot be typed.
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
