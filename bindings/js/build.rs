//! Puts the JavaScript of `lib`, and the npm packages it builds on, into the component.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=lib");
    // Below the limit that the runtime sets: see `engine.rs`.
    println!("cargo::rustc-link-arg=-zstack-size=8388608");

    let mut modules = vec![];
    collect(Path::new("lib"), "", &mut modules)?;
    if let Some(packages) = packages(&out_dir)? {
        collect(&packages, "npm/", &mut modules)?;
    }
    modules.sort();

    let mut table = "static MODULES: &[(&str, &str)] = &[\n".to_owned();
    for (name, path) in modules {
        let path = fs::canonicalize(path)?;
        writeln!(table, "    ({name:?}, include_str!({path:?})),")?;
    }
    table.push_str("];\n");
    fs::write(out_dir.join("embedded.rs"), table)?;
    Ok(())
}

/// The `.js` files below a folder, and the names of the modules that they are.
fn collect(
    folder: &Path,
    prefix: &str,
    modules: &mut Vec<(String, PathBuf)>,
) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.ok_or("a file name that is not UTF-8")?;
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), modules)?;
        } else if path.extension().is_some_and(|extension| extension == "js") {
            modules.push((format!("{prefix}{name}"), path));
        }
    }
    Ok(())
}

/// Installs the packages of `package-lock.json` and bundles them, and gives the folder of the
/// bundles.
fn packages(out_dir: &Path) -> Result<Option<PathBuf>, Box<dyn Error>> {
    let inputs = ["package.json", "package-lock.json", "bundle.mjs"];
    for input in inputs {
        println!("cargo::rerun-if-changed={input}");
    }
    if !Path::new("bundle.mjs").exists() {
        return Ok(None);
    }
    let work = out_dir.join("packages");
    fs::create_dir_all(&work)?;
    for input in inputs {
        fs::copy(input, work.join(input))?;
    }
    run(Command::new("npm")
        .args(["ci", "--loglevel=error", "--no-audit", "--no-fund"])
        .current_dir(&work))?;
    let bundles = out_dir.join("npm");
    if bundles.exists() {
        fs::remove_dir_all(&bundles)?;
    }
    fs::create_dir_all(&bundles)?;
    run(Command::new("node")
        .arg("bundle.mjs")
        .arg(&bundles)
        .current_dir(&work))?;
    Ok(Some(bundles))
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| {
        format!("{name} is needed to build plugnet-js and cannot be started: {error}")
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{name} has failed, see its messages").into())
    }
}
