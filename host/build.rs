//! Builds what the host carries inside itself: the net component, what stands in for `ipc`,
//! the WIT package and the programs of `plugnet demo`.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use plugnet_build::Target;

/// The echo programs are for `plugnet demo`, the others for the tests.
const EXAMPLES: &[&str] = &[
    "echo-client",
    "echo-server",
    "http-server",
    "idle-server",
    "plugnet-attacks",
    "plugnet-test-blocking",
    "redis-client",
    "word-count",
];

fn main() -> Result<(), Box<dyn Error>> {
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);

    for (package, file) in [
        ("plugnet-guest", "net.wasm"),
        ("plugnet-no-ipc", "no-ipc.wasm"),
    ] {
        let module = plugnet_build::wasm(package, Target::Unknown);
        fs::write(out_dir.join(file), plugnet_build::componentize(&module))?;
    }

    for example in EXAMPLES {
        let component = plugnet_build::wasm(example, Target::Wasip2);
        fs::copy(component, out_dir.join(example).with_extension("wasm"))?;
    }

    // What the tests do with descriptors is a case of the program that `tests` has.
    let program = plugnet_build::wasm("plugnet-test-program", Target::Wasip2);
    fs::copy(program, out_dir.join("test-program.wasm"))?;

    if env::var_os("CARGO_FEATURE_JS").is_some() {
        let component = plugnet_build::javascript("plugnet-js");
        fs::copy(component, out_dir.join("javascript.wasm"))?;
    }

    let wit = Path::new("../wit");
    println!("cargo::rerun-if-changed={}", wit.display());
    println!("cargo::rerun-if-changed=build.rs");
    fs::write(out_dir.join("plugnet.wit"), one_text(wit)?)?;
    Ok(())
}

/// The package in `wit` and the packages it depends on as one text that stands for itself:
/// the package first, the others nested below it.
fn one_text(wit: &Path) -> Result<String, Box<dyn Error>> {
    let mut name = None;
    let mut items = String::new();
    for file in wit_files(wit)? {
        let (package, body) = split_package(&fs::read_to_string(&file)?);
        name = name.or(package);
        items.push('\n');
        items.push_str(body.trim_matches('\n'));
        items.push('\n');
    }
    let name = name.ok_or("no file in wit/ names the package")?;
    let mut text = format!("{name};\n{items}");

    for file in wit_files(&wit.join("deps"))? {
        let (package, body) = split_package(&fs::read_to_string(&file)?);
        let package = package.ok_or_else(|| format!("{} names no package", file.display()))?;
        writeln!(text, "\n{package} {{")?;
        for line in body.trim_matches('\n').lines() {
            if !line.is_empty() {
                text.push_str("  ");
                text.push_str(line);
            }
            text.push('\n');
        }
        text.push_str("}\n");
    }
    Ok(text)
}

/// The `.wit` files directly in `directory`, in the order of their names.
fn wit_files(directory: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = vec![];
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wit") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Takes the line `package …;` out of a file: what it says without the semicolon, and the rest.
fn split_package(text: &str) -> (Option<String>, String) {
    let mut package = None;
    let mut rest = String::new();
    for line in text.lines() {
        match line.strip_suffix(';') {
            Some(name) if package.is_none() && name.starts_with("package ") => {
                package = Some(name.to_owned());
            }
            _ => {
                rest.push_str(line);
                rest.push('\n');
            }
        }
    }
    (package, rest)
}
