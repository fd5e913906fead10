//! `--max-code`: how much code a program may have, of the commands that compile.

use plugnet_host::policy::ByteSize;

use super::policy::USE;

#[derive(clap::Args)]
pub(super) struct MaxCode {
    /// Code of the program, 64MiB if not given. What compiling may cost goes with it: see
    /// docs/policy.md
    #[arg(long, value_name = "BYTES", help_heading = USE)]
    max_code: Option<ByteSize>,
}

impl MaxCode {
    pub(super) fn bytes(&self) -> Option<u64> {
        self.max_code.map(ByteSize::bytes)
    }
}
