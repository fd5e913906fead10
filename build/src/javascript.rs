//! Builds the runtime for JavaScript, which takes more than Rust: a C compiler for WebAssembly, for
//! QuickJS, and npm, for the packages that it builds on.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Target, fail, nested, variable, wasm_with};

/// The compilers that are looked for, the first that knows WebAssembly is taken.
const COMPILERS: &[&str] = &[
    "clang-19", "clang-20", "clang-21", "clang-22", "clang", "clang-18", "clang-17", "clang-16",
    "clang-15", "clang-14",
];

/// Builds `package`, which has QuickJS in it, for WASI 0.2.
///
/// For build scripts only, as [`wasm`](crate::wasm()). Ends with one line where clang or npm is missing.
#[must_use]
pub fn javascript(package: &str) -> PathBuf {
    println!("cargo::rerun-if-env-changed=PATH");
    let Some(compiler) = COMPILERS.iter().find(|name| knows_wasm(name)) else {
        fail(
            "the feature `js` needs clang, to compile QuickJS for WebAssembly, and there is none. \
             Install it, on Debian by `apt-get install clang-19`",
        );
    };
    for program in ["npm", "node"] {
        if !answers(program) {
            fail(&format!(
                "the feature `js` needs npm and node, for the packages that Node's modules are made of, \
                 and `{program}` is missing. Install them, on Debian by `apt-get install nodejs npm`"
            ));
        }
    }
    // Rust brings the C library itself, and this crate its headers. Without `-U__wasi__` QuickJS does
    // not check its stack.
    let mut flags = OsString::from("-nostdlibinc -U__wasi__ -isystem ");
    flags.push(headers());
    wasm_with(
        package,
        Target::Wasip2,
        &[
            ("RQUICKJS_SYS_NO_WASI_SDK", "1".into()),
            ("CC_wasm32_wasip2", compiler.into()),
            ("CFLAGS_wasm32_wasip2", flags),
        ],
    )
}

fn knows_wasm(compiler: &str) -> bool {
    let output = Command::new(compiler).arg("--print-targets").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("wasm32"))
}

fn answers(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The headers of WASI's C library, which the package `rquickjs-sys` has with it.
fn headers() -> PathBuf {
    let output = nested(OsStr::new(&variable("CARGO")))
        .args(["metadata", "--format-version", "1", "--locked"])
        .args(["--filter-platform", Target::Wasip2.triple()])
        .output();
    let output = output.unwrap_or_else(|error| fail(&format!("cargo cannot be started: {error}")));
    let metadata = String::from_utf8_lossy(&output.stdout);
    manifest_of("rquickjs-sys", &metadata)
        .and_then(Path::parent)
        .map(|folder| folder.join("vendor/wasi-libc/include"))
        .filter(|headers| headers.is_dir())
        .unwrap_or_else(|| {
            let message = String::from_utf8_lossy(&output.stderr);
            fail(&format!(
                "the package rquickjs-sys is not where cargo says: {message}"
            ))
        })
}

/// The manifest of a package, in the JSON of `cargo metadata`.
fn manifest_of<'a>(package: &str, metadata: &'a str) -> Option<&'a Path> {
    let paths = metadata.split("\"manifest_path\":\"").skip(1);
    paths
        .filter_map(|rest| rest.split_once('"'))
        .map(|(path, _)| Path::new(path))
        .find(|path| {
            let folder = path.parent().and_then(Path::file_name);
            let version = folder
                .and_then(OsStr::to_str)
                .and_then(|name| name.strip_prefix(package)?.strip_prefix('-'));
            version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package is found by its folder, NAME-VERSION, and not by a name that begins alike.
    #[test]
    fn a_manifest_is_found() {
        let metadata = r#"{"packages":[{"name":"a","manifest_path":"/r/a-b-1.0.0/Cargo.toml"},
            {"name":"a","manifest_path":"/r/a-1.2.3/Cargo.toml","x":1}]}"#;
        assert_eq!(
            manifest_of("a", metadata),
            Some(Path::new("/r/a-1.2.3/Cargo.toml"))
        );
        assert_eq!(manifest_of("b", metadata), None);
    }
}
