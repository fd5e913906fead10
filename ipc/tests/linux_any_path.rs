//! Whatever a program makes of a path, it reaches what it was granted and nothing else.

#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use plugnet_ipc::{Grants, ListenOptions, Listener, Resolution, Rights, Socket};
use proptest::prelude::*;
use tempfile::TempDir;

/// A tree with every way out there is, and a socket that listens at each end of one.
struct Tree {
    root: TempDir,
    outside: Vec<UnixListener>,
}

impl Tree {
    fn new() -> Tree {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for folder in ["in/a/b", "in/c", "out/a/b", "in2"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let outside = ["out/s", "out/a/s", "out/a/b/s", "in2/s", "s"]
            .map(|path| {
                let listener = UnixListener::bind(at(path)).unwrap();
                listener.set_nonblocking(true).unwrap();
                listener
            })
            .into();
        for path in ["in/s", "in/a/s", "in/a/b/s"] {
            // Not kept: connecting to it is refused, by it and not by a grant.
            drop(UnixListener::bind(at(path)).unwrap());
        }
        for (link, target) in [
            ("in/up", ".."),
            ("in/out", "../out"),
            ("in/root", "/"),
            ("in/a/out", "../../out/a"),
            ("in/a/s2", "../../out/s"),
            ("in/c/self", "."),
            ("in/c/loop", "loop"),
            ("in/new", "../out/new"),
        ] {
            symlink(target, at(link)).unwrap();
        }
        symlink(at("out"), at("in/absolute")).unwrap();
        Tree { root, outside }
    }

    /// How many connections have come to a socket outside.
    fn reached(&self) -> usize {
        let reached =
            |listener: &UnixListener| std::iter::from_fn(|| listener.accept().ok()).count();
        self.outside.iter().map(reached).sum()
    }

    /// Every name outside the granted folder.
    fn outside(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in ["", "out", "out/a", "out/a/b", "in2"] {
            for entry in fs::read_dir(self.root.path().join(folder)).unwrap() {
                names.push(format!("{folder}/{}", entry.unwrap().file_name().display()));
            }
        }
        names.sort();
        names
    }
}

/// A path of the tree's own names and of what is not one.
fn path(root: &Path) -> impl Strategy<Value = String> + use<> {
    let root = root.to_str().unwrap().to_owned();
    let component = prop_oneof![
        8 => prop::sample::select(vec![
            "in", "in2", "out", "a", "b", "c", "s", "s2", "up", "root", "absolute", "self", "new",
            "x",
        ]).prop_map(str::to_owned),
        4 => Just("..".to_owned()),
        1 => prop::sample::select(vec![".", "", "...", ".. ", "..\u{0}", "\u{ff0e}\u{ff0e}", "~"])
            .prop_map(str::to_owned),
        1 => Just(root.clone()),
        1 => "[^/]{0,4}",
    ];
    let start = prop::sample::select(vec![
        format!("{root}/in/"),
        format!("{root}/in/a/"),
        format!("{root}/in"),
        format!("{root}/"),
        "/".to_owned(),
        String::new(),
        "\0".to_owned(),
        "/g/".to_owned(),
        "/proc/self/root/".to_owned(),
        "/proc/self/cwd/".to_owned(),
    ]);
    // A name that is free, more often than the rest would give one.
    let end = prop::sample::select(vec!["", "/", "/x", "/x"]);
    (start, prop::collection::vec(component, 0..6), end)
        .prop_map(|(start, components, end)| format!("{start}{}{end}", components.join("/")))
}

fn try_paths(resolution: Resolution) {
    let tree = Tree::new();
    let granted = format!("{}/in/", tree.root.path().display());
    let mut grants = Grants::new();
    grants.set_resolution(resolution);
    for grant in [granted.clone(), format!("{granted}::/g/")] {
        grants.allow(&grant.parse().unwrap(), Rights::ALL).unwrap();
    }
    let before = tree.outside();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let listened = std::cell::Cell::new(0);
    runner
        .run(&path(tree.root.path()), |path| {
            // Nobody listens inside, so no path connects.
            let connected = runtime.block_on(Socket::connect(&grants, &path));
            prop_assert!(connected.is_err(), "{path:?}");
            prop_assert_eq!(tree.reached(), 0, "{:?}", path);
            if let Ok(_listener) = Listener::bind(&grants, &path, &ListenOptions::default()) {
                listened.set(listened.get() + 1);
                prop_assert_eq!(tree.outside(), before.clone(), "{:?}", path);
            }
            prop_assert_eq!(tree.outside(), before.clone(), "{:?}", path);
            Ok(())
        })
        .unwrap();
    let listened = listened.get();
    assert!(listened > 20, "{listened} paths were listened on");
}

/// No path leads out, as the kernel resolves it.
#[test]
fn by_the_kernel() {
    try_paths(Resolution::Kernel);
}

/// No path leads out, as it is walked.
#[test]
fn by_walking() {
    try_paths(Resolution::Walk);
}
