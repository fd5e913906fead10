//! The options of `plugnet run` and `plugnet check` that make up the policy.

use std::num::NonZeroU32;
use std::path::PathBuf;

use plugnet_host::policy::{
    ByteSize, Effect, EntryError, Limits, Origin, Policy, PolicyBuilder, Subject, TimeLimit,
};

use super::{Failure, input};

/// The heading of the rules.
pub(super) const REACH: &str = "Permissions";

/// The heading of the limits.
pub(super) const USE: &str = "Limits";

/// What the program may reach: nothing by default, and deny beats allow. See docs/policy.md.
#[derive(clap::Args)]
#[command(next_help_heading = REACH)]
pub(super) struct PolicyArgs {
    /// Allows the whole network: every address, every name
    #[arg(long)]
    allow_net: bool,

    /// Allows listening at and connecting to the local socket PATH, or all below the folder DIR/. The
    /// program calls it GUEST, if given. @NAME is an abstract name, \\.\pipe\NAME a named pipe;
    /// their folders are @PREFIX/ and \\.\pipe\PREFIX\
    #[arg(long, value_name = "PATH[::GUEST]")]
    allow_ipc: Vec<String>,

    /// Denies these local sockets
    #[arg(long, value_name = "PATH")]
    deny_ipc: Vec<String>,

    /// Allows connecting to tcp://HOST:PORT, udp://HOST:PORT, unix://PATH or pipe://NAME. HOST is an
    /// address, a network, a name, *.NAME or *; PORT is a number, a range or *
    #[arg(long, value_name = "ENTRY")]
    allow_connect: Vec<String>,

    /// Denies these connections
    #[arg(long, value_name = "ENTRY")]
    deny_connect: Vec<String>,

    /// Allows listening there; port 0 is one that the system chooses
    #[arg(long, value_name = "ENTRY")]
    allow_listen: Vec<String>,

    /// Denies listening there
    #[arg(long, value_name = "ENTRY")]
    deny_listen: Vec<String>,

    /// Allows looking up the name; *.NAME is all names below it, * all names
    #[arg(long, value_name = "NAME")]
    allow_resolve: Vec<String>,

    /// Denies looking up the name
    #[arg(long, value_name = "NAME")]
    deny_resolve: Vec<String>,

    /// Accepts connections from these peers only
    #[arg(long, value_name = "CIDR")]
    allow_accept: Vec<String>,

    /// Denies connections from these peers
    #[arg(long, value_name = "CIDR")]
    deny_accept: Vec<String>,

    /// Adds the rules and limits of a TOML file; of several limits the strictest holds
    #[arg(long = "policy", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Concurrent connections, in and out together
    #[arg(long, value_name = "NUMBER", value_parser = count, help_heading = USE)]
    max_connections: Option<NonZeroU32>,

    /// Concurrent connections with one peer: an IPv4 address, or a /64 of IPv6
    #[arg(long, value_name = "NUMBER", value_parser = count, help_heading = USE)]
    max_connections_per_peer: Option<NonZeroU32>,

    /// Open sockets of every kind: connections, listeners, UDP [default: 1024, or fewer if this
    /// process may have fewer descriptors]
    #[arg(long, value_name = "NUMBER", value_parser = count, help_heading = USE)]
    max_sockets: Option<NonZeroU32>,

    /// Memory of the program, such as 64MiB
    #[arg(long, value_name = "BYTES", help_heading = USE)]
    max_memory: Option<ByteSize>,

    /// Bytes per second, each way, such as 1MiB
    #[arg(long, value_name = "BYTES", help_heading = USE)]
    max_bytes_per_second: Option<ByteSize>,

    /// Bytes received per second
    #[arg(long, value_name = "BYTES", help_heading = USE)]
    max_bytes_per_second_in: Option<ByteSize>,

    /// Bytes sent per second
    #[arg(long, value_name = "BYTES", help_heading = USE)]
    max_bytes_per_second_out: Option<ByteSize>,

    /// Time from reading the program to its end, such as 10s or 5m; compiling counts
    #[arg(long, value_name = "TIME", help_heading = USE)]
    timeout: Option<TimeLimit>,
}

impl PolicyArgs {
    /// The policy of the files and the options.
    pub(super) fn policy(&self) -> Result<Policy, Failure> {
        let mut policy = Policy::builder();
        for file in &self.files {
            let name = file.display().to_string();
            let text =
                String::from_utf8(input::read(file, input::Content::Policy)?).map_err(|_| {
                    Failure::input(format!("{name}: this is not UTF-8 text, and TOML is"))
                })?;
            policy = policy.extend(Policy::from_toml(&name, &text).map_err(Failure::input)?);
        }
        if self.allow_net {
            policy = policy.allow_net_from(Origin::CommandLine);
        }
        for (option, entries, effect, subject) in self.rules() {
            for entry in entries {
                policy = rule(policy, effect, subject, entry)
                    .map_err(|error| Failure::input(format!("{option}: {error}")))?;
            }
        }
        Ok(policy.limits(self.limits()).build())
    }

    fn rules(&self) -> [(&'static str, &[String], Effect, Subject); 10] {
        use Effect::{Allow, Deny};
        use Subject::{Accept, Connect, Ipc, Listen, Resolve};
        [
            ("--allow-ipc", &self.allow_ipc, Allow, Ipc),
            ("--deny-ipc", &self.deny_ipc, Deny, Ipc),
            ("--allow-connect", &self.allow_connect, Allow, Connect),
            ("--deny-connect", &self.deny_connect, Deny, Connect),
            ("--allow-listen", &self.allow_listen, Allow, Listen),
            ("--deny-listen", &self.deny_listen, Deny, Listen),
            ("--allow-resolve", &self.allow_resolve, Allow, Resolve),
            ("--deny-resolve", &self.deny_resolve, Deny, Resolve),
            ("--allow-accept", &self.allow_accept, Allow, Accept),
            ("--deny-accept", &self.deny_accept, Deny, Accept),
        ]
    }

    fn limits(&self) -> Limits {
        let both = self.max_bytes_per_second;
        let mut limits = Limits::default();
        limits.max_connections = self.max_connections;
        limits.max_connections_per_peer = self.max_connections_per_peer;
        limits.max_sockets = self.max_sockets;
        limits.max_memory = self.max_memory;
        limits.max_bytes_per_second_in = self.max_bytes_per_second_in.or(both);
        limits.max_bytes_per_second_out = self.max_bytes_per_second_out.or(both);
        limits.timeout = self.timeout;
        limits
    }
}

/// Parses a limit that is a count.
fn count(text: &str) -> Result<NonZeroU32, &'static str> {
    text.parse().map_err(|_| {
        "a limit is a whole number from 1 to 4294967295; to forbid something, grant nothing or deny it"
    })
}

fn rule(
    policy: PolicyBuilder,
    effect: Effect,
    subject: Subject,
    entry: &str,
) -> Result<PolicyBuilder, EntryError> {
    policy.rule(effect, subject, entry, Origin::CommandLine)
}
