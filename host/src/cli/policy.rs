//! The options that say what a program may reach, of `plugnet run` and `plugnet check`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use plugnet_host::policy::{
    ByteSize, Effect, EntryError, Limits, Origin, Policy, PolicyBuilder, Subject, TimeLimit,
};

use super::{Failure, input};

/// The rules among the options.
pub(super) const REACH: &str = "What the program may reach";

/// The limits among the options.
pub(super) const USE: &str = "How much the program may use";

/// What the program may reach: nothing by default, and what is denied beats what is allowed. See
/// docs/policy.md.
#[derive(clap::Args)]
#[command(next_help_heading = REACH)]
pub(super) struct PolicyArgs {
    /// Lets the program use the network: any address, any name
    #[arg(long)]
    allow_net: bool,

    /// Lets the program listen at and connect to the socket PATH, or every one below the folder
    /// DIR/; as GUEST if given. @NAME is an abstract name, \\.\pipe\NAME a named pipe
    #[arg(long, value_name = "PATH[::GUEST]")]
    allow_ipc: Vec<String>,

    /// Denies it
    #[arg(long, value_name = "PATH")]
    deny_ipc: Vec<String>,

    /// Lets the program connect: tcp://HOST:PORT, udp://HOST:PORT, unix://PATH, pipe://NAME. HOST
    /// is an address, a network, a name, *.NAME or *; PORT a number, a range or *
    #[arg(long, value_name = "ENTRY")]
    allow_connect: Vec<String>,

    /// Denies it
    #[arg(long, value_name = "ENTRY")]
    deny_connect: Vec<String>,

    /// Lets the program listen there; port 0 is one that the system chooses
    #[arg(long, value_name = "ENTRY")]
    allow_listen: Vec<String>,

    /// Denies it
    #[arg(long, value_name = "ENTRY")]
    deny_listen: Vec<String>,

    /// Lets the program look up the name, those below it with *.NAME, or all with *
    #[arg(long, value_name = "NAME")]
    allow_resolve: Vec<String>,

    /// Denies it
    #[arg(long, value_name = "NAME")]
    deny_resolve: Vec<String>,

    /// Lets these peers alone connect to the program's listeners
    #[arg(long, value_name = "CIDR")]
    allow_accept: Vec<String>,

    /// Denies it
    #[arg(long, value_name = "CIDR")]
    deny_accept: Vec<String>,

    /// Reads rules and limits from a TOML file, in addition
    #[arg(long = "policy", value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Connections at one time, in and out together
    #[arg(long, value_name = "NUMBER", value_parser = count, help_heading = USE)]
    max_connections: Option<NonZeroU32>,

    /// Connections at one time with one address
    #[arg(long, value_name = "NUMBER", value_parser = count, help_heading = USE)]
    max_connections_per_peer: Option<NonZeroU32>,

    /// Sockets at one time, of every kind: connections, listeners, those of UDP. Without it as many
    /// as this process may have descriptors, but for some
    #[arg(long, value_name = "NUMBER", value_parser = count, help_heading = USE)]
    max_sockets: Option<NonZeroU32>,

    /// Memory of the program: 64MiB
    #[arg(long, value_name = "BYTES", help_heading = USE)]
    max_memory: Option<ByteSize>,

    /// Bytes in a second, each way: 1MiB
    #[arg(long, value_name = "BYTES", help_heading = USE)]
    max_bytes_per_second: Option<ByteSize>,

    /// Bytes that it receives in a second
    #[arg(long, value_name = "BYTES", help_heading = USE)]
    max_bytes_per_second_in: Option<ByteSize>,

    /// Bytes that it sends in a second
    #[arg(long, value_name = "BYTES", help_heading = USE)]
    max_bytes_per_second_out: Option<ByteSize>,

    /// Time for the whole, from reading the program to its end: 10s, 5m
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

/// A limit that is a number of things.
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
