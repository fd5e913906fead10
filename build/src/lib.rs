//! Builds packages of this workspace for WebAssembly, from a build script.
//!
//! Cargo cannot yet depend on a package built for another target, so a build script that
//! needs one runs a second, nested cargo. What is easy to get wrong about that is kept here,
//! once: the target has to be installed, the outer cargo's environment must not leak in, the
//! outer build lock must not be taken a second time, and a change in any source file has to
//! run the build script again.

#![deny(missing_docs)]

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

mod javascript;

pub use javascript::javascript;

/// What a package is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `wasm32-unknown-unknown`: a core module that imports only what its WIT world names.
    /// [`componentize`] makes a component of it.
    Unknown,
    /// `wasm32-wasip2`: has std, and is linked as a component.
    Wasip2,
}

impl Target {
    /// The target's name as rustc knows it.
    #[must_use]
    pub fn triple(self) -> &'static str {
        match self {
            Target::Unknown => "wasm32-unknown-unknown",
            Target::Wasip2 => "wasm32-wasip2",
        }
    }
}

/// The profile that packages are built with: `[profile.wasm]` of the workspace.
///
/// One profile whatever the outer one is: the net component is measured and shipped
/// optimized, and a debug build of it would hide what is slow.
const PROFILE: &str = "wasm";

/// Variables by which the outer build would change the nested one.
///
/// Flags and wrappers are meant for the outer target (`-C target-cpu=native`, the linter of
/// `cargo clippy`), and a forced target or target directory would put the result elsewhere.
const OUTER: &[&str] = &[
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTFLAGS",
];

/// Builds `package` of this workspace for `target` and returns the path of the `.wasm` file.
///
/// For build scripts only: reports to cargo what the result depends on, and ends the process
/// with cargo's own messages if the build fails.
#[must_use]
pub fn wasm(package: &str, target: Target) -> PathBuf {
    wasm_with(package, target, &[])
}

/// The same, with variables in the environment of the nested cargo.
fn wasm_with(package: &str, target: Target, variables: &[(&str, OsString)]) -> PathBuf {
    install(target);
    let target_dir = target_dir();
    let status = nested(&variable("CARGO"))
        .arg("build")
        .args(["--package", package])
        .args(["--target", target.triple()])
        .args(["--profile", PROFILE])
        .arg("--locked")
        .arg("--target-dir")
        .arg(&target_dir)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(_) => fail(&format!(
            "`{package}` does not build for {}; cargo's messages are below",
            target.triple()
        )),
        Err(error) => fail(&format!("cargo cannot be started: {error}")),
    }
    let artifact = target_dir
        .join(target.triple())
        .join(PROFILE)
        .join(package.replace('-', "_"))
        .with_extension("wasm");
    if !artifact.is_file() {
        fail(&format!(
            "`{package}` built, but gave no {}: its Cargo.toml has to name the crate type cdylib",
            artifact.display()
        ));
    }
    rerun_if_sources_change(&artifact);
    artifact
}

/// Encodes the core module at `path` as a component, by the WIT world it carries.
///
/// For build scripts only: ends the process with the cause if that is not possible.
#[must_use]
pub fn componentize(path: &Path) -> Vec<u8> {
    let module = fs::read(path)
        .unwrap_or_else(|error| fail(&format!("cannot read {}: {error}", path.display())));
    wit_component::ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| encoder.validate(true).encode())
        .unwrap_or_else(|error| fail(&format!("{} is no component: {error:#}", path.display())))
}

/// Adds the target to the toolchain if it is missing.
///
/// rustup does so by itself for the targets of `rust-toolchain.toml`, but only where
/// automatic installation is not switched off.
fn install(target: Target) {
    if is_installed(target) {
        return;
    }
    let added = nested(OsStr::new("rustup"))
        .args(["target", "add", target.triple()])
        .status()
        .is_ok_and(|status| status.success());
    if !added || !is_installed(target) {
        fail(&format!(
            "the Rust target {0} is missing and could not be added: run `rustup target add {0}`",
            target.triple()
        ));
    }
}

fn is_installed(target: Target) -> bool {
    let output = nested(OsStr::new("rustc"))
        .args(["--print", "target-libdir", "--target", target.triple()])
        .output();
    // The path is printed whether it exists or not.
    output.is_ok_and(|output| {
        output.status.success()
            && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}

/// A command without the outer build's settings, started in the workspace.
fn nested(program: &OsStr) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace());
    for name in OUTER {
        command.env_remove(name);
    }
    for (name, _) in env::vars_os() {
        // `CARGO_PROFILE_RELEASE_LTO=off` and the like speed up the outer build; the nested
        // one has a profile of its own, which inherits from `release`.
        if name.to_string_lossy().starts_with("CARGO_PROFILE_") {
            command.env_remove(name);
        }
    }
    command
}

/// The root of the workspace that the package of the running build script is in.
///
/// Asked for at run time: a path fixed when this crate was compiled would be wrong in a checkout
/// that was moved or copied together with its target directory.
fn workspace() -> PathBuf {
    let package = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let root = package
        .ancestors()
        .find(|directory| directory.join("Cargo.lock").is_file());
    root.unwrap_or(&package).to_owned()
}

/// A variable that cargo sets for every build script.
fn variable(name: &str) -> OsString {
    env::var_os(name)
        .unwrap_or_else(|| fail(&format!("{name} is not set: this is for build scripts")))
}

/// Where the nested cargo builds: a directory of its own below the outer target directory,
/// which the outer cargo has locked.
fn target_dir() -> PathBuf {
    let out_dir = PathBuf::from(variable("OUT_DIR"));
    // Cargo marks the root of every target directory with this file.
    let root = out_dir
        .ancestors()
        .find(|directory| directory.join("CACHEDIR.TAG").is_file());
    root.unwrap_or(&out_dir).join("wasm")
}

/// Tells the outer cargo every file that went into `artifact`, as the nested one wrote it down
/// in the dep-info file next to it, and the manifests, which that file does not name.
fn rerun_if_sources_change(artifact: &Path) {
    let dep_info = artifact.with_extension("d");
    let sources = fs::read_to_string(&dep_info)
        .unwrap_or_else(|error| fail(&format!("cannot read {}: {error}", dep_info.display())));
    for source in dep_info_sources(&sources) {
        println!("cargo::rerun-if-changed={source}");
        let manifest = Path::new(&source)
            .ancestors()
            .map(|directory| directory.join("Cargo.toml"))
            .find(|manifest| manifest.is_file());
        if let Some(manifest) = manifest {
            println!("cargo::rerun-if-changed={}", manifest.display());
        }
    }
    for shared in ["Cargo.toml", "Cargo.lock"] {
        println!(
            "cargo::rerun-if-changed={}",
            workspace().join(shared).display()
        );
    }
}

/// The prerequisites in a dep-info file: `artifact: a b\ with\ spaces`.
fn dep_info_sources(dep_info: &str) -> Vec<String> {
    let mut sources = vec![];
    for line in dep_info.lines() {
        let Some((_, prerequisites)) = line.split_once(": ") else {
            continue;
        };
        let mut source = String::new();
        let mut characters = prerequisites.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.peek() == Some(&' ') => {
                    source.extend(characters.next());
                }
                ' ' => sources.push(std::mem::take(&mut source)),
                _ => source.push(character),
            }
        }
        sources.push(source);
    }
    sources.retain(|source| !source.is_empty());
    sources
}

/// Ends the build with one line of explanation.
fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    process::exit(1)
}

#[cfg(test)]
mod tests {
    use super::dep_info_sources;

    /// Cargo escapes spaces in dep-info files with a backslash; other backslashes (Windows
    /// paths) stand for themselves.
    #[test]
    fn dep_info_paths_may_hold_spaces_and_backslashes() {
        assert_eq!(
            dep_info_sources("/t/a.wasm: /src/a\\ b.rs C:\\src\\c.rs\n"),
            ["/src/a b.rs", "C:\\src\\c.rs"]
        );
        assert!(dep_info_sources("/t/a.wasm:\n").is_empty());
    }
}
