//! `plugnet check`

use std::time::Instant;

use plugnet_host::policy::Question;

use super::policy::PolicyArgs;
use super::{Failure, print};

/// Prints what a policy decides, and which rule decides it.
///
/// Nothing is looked up or connected. The exit code is 0 for allowed, 1 for denied, and 2 if the
/// question or the policy is invalid.
#[derive(clap::Args)]
#[group(id = "question", required = true, multiple = false, args = ["connect", "listen", "resolve", "accept"])]
pub(super) struct Args {
    /// Whether the program may connect to tcp://HOST:PORT, udp://HOST:PORT, unix://PATH or pipe://NAME
    #[arg(value_name = "ENTRY")]
    connect: Option<String>,

    /// Whether it may listen there
    #[arg(long, value_name = "ENTRY")]
    listen: Option<String>,

    /// Whether it may look up the name
    #[arg(long, value_name = "NAME")]
    resolve: Option<String>,

    /// Whether this peer may connect to its listeners
    #[arg(long, value_name = "ADDRESS")]
    accept: Option<String>,

    #[command(flatten)]
    policy: PolicyArgs,
}

/// Denied.
const DENIED: u8 = 1;

pub(super) fn check(args: &Args) -> Result<u8, Failure> {
    let question = match args {
        Args {
            connect: Some(entry),
            ..
        } => Question::connect(entry),
        Args {
            listen: Some(entry),
            ..
        } => Question::listen(entry),
        Args {
            accept: Some(peer), ..
        } => Question::accept(peer),
        Args { resolve, .. } => Ok(Question::resolve(resolve.as_deref().unwrap_or_default())),
    };
    let question = question.map_err(Failure::input)?;
    let check = args.policy.policy()?.check(&question, Instant::now());
    print(&format!("{check}\n"))?;
    Ok(if check.is_allowed() { 0 } else { DENIED })
}
