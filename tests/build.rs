//! Builds the test program.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../wit");
    let component = plugnet_build::wasm("plugnet-test-program", plugnet_build::Target::Wasip2);
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    fs::copy(component, out_dir.join("program.wasm"))?;
    Ok(())
}
