//! Builds the servers that are WebAssembly programs.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../wit");
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    for (package, file) in [
        ("plugnet-bench-net", "net-servers.wasm"),
        ("plugnet-bench-raw", "raw-servers.wasm"),
    ] {
        let component = plugnet_build::wasm(package, plugnet_build::Target::Wasip2);
        fs::copy(component, out_dir.join(file))?;
    }
    Ok(())
}
