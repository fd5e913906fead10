//! How a program is compiled, for the commands that do.

use plugnet_host::RuntimeOptions;
use plugnet_host::policy::ByteSize;

use super::policy::USE;

#[derive(clap::Args, Clone, Copy)]
pub(super) struct CodeArgs {
    /// Code of the program, 64MiB if not given. What compiling may cost goes with it: see
    /// docs/policy.md
    #[arg(long, value_name = "BYTES", help_heading = USE)]
    max_code: Option<ByteSize>,

    /// Puts the net component into the program, as `plugnet compose` does, rather than providing
    /// `net`: slower, and as it is in other hosts
    #[arg(long)]
    composed: bool,
}

impl CodeArgs {
    /// The options, with the defaults for all others.
    pub(super) fn options(self) -> RuntimeOptions {
        RuntimeOptions {
            max_code: self.max_code.map(ByteSize::bytes),
            composed: self.composed,
            ..RuntimeOptions::default()
        }
    }
}
