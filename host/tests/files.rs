//! What a program with a `--dir` can make the host hold: one test for each bound.

mod process;

use std::fs;
use std::path::Path;
use std::process::Output;

use process::{Folder, output, plugnet};

/// Tries what its arguments say, and prints what came of it: see `tests/attacks`.
const ATTACKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plugnet-attacks.wasm"));

/// A folder `data` with so many files, of which `file` has 64 KiB.
fn data(folder: &Folder, files: usize) -> std::path::PathBuf {
    let data = folder.path("data");
    fs::create_dir(&data).expect("a folder");
    for number in 1..files {
        let name = format!("one-of-many-files-with-a-longer-name-{number}");
        fs::write(data.join(name), "").expect("a file");
    }
    fs::write(data.join("file"), vec![0; 1 << 16]).expect("a file");
    data
}

fn run(data: &Path, options: &[&str], attempts: &[&str]) -> Output {
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    output(
        plugnet()
            .args(["run", "--dir"])
            .arg(data)
            .args(options)
            .arg(program)
            .args(attempts),
    )
}

/// What the attempts came to.
#[track_caller]
fn outcomes(output: &Output) -> Vec<String> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    stdout.lines().map(str::to_owned).collect()
}

#[track_caller]
fn is_bounded(outcome: &str, most: usize) {
    let expected = format!("ok {most} Some(");
    assert!(outcome.starts_with(&expected), "{outcome}");
    let error = outcome.to_lowercase().replace('-', "");
    assert!(error.contains("insufficientmemory"), "{outcome}");
}

/// So many folders are listed at one time, whichever version of WASI lists them, so many files are
/// read and written by streams, and so many are open. One more is `insufficient-memory`.
#[test]
fn so_many_of_each_at_one_time() {
    let folder = Folder::new();
    let data = data(&folder, 3);
    for (attempt, most) in [
        ("files directories-0.2 5000", 64),
        ("files directories-0.3 5000", 64),
        ("files readers-0.2 5000", 1024),
        ("files writers-0.2 5000", 1024),
        ("files readers-0.3 5000", 1024),
    ] {
        is_bounded(&outcomes(&run(&data, &[], &[attempt]))[0], most);
    }
    for attempt in ["files files-0.2 5000", "files files-0.3 5000"] {
        let outcome = outcomes(&run(&data, &[], &[attempt])).remove(0);
        let most = outcome.split(' ').nth(1).and_then(|most| most.parse().ok());
        let most = most.expect("a number");
        assert!((1..=1024).contains(&most), "{outcome}");
        is_bounded(&outcome, most);
    }
}

/// What is given back may be had again: a program may list and read one after the other as often
/// as it likes.
#[test]
fn what_is_given_back_may_be_had_again() {
    let folder = Folder::new();
    let data = data(&folder, 3);
    let attempts = [
        "files list-0.2 500",
        "files read-0.3 1100",
        "files list-0.2 1",
    ];
    let outcomes = outcomes(&run(&data, &["--max-memory", "16MiB"], &attempts));
    assert_eq!(outcomes[0], "ok 500 None");
    assert_eq!(outcomes[1], "ok");
    assert_eq!(outcomes[2], "ok 1 None");
}

/// A listing of WASI 0.2, which the host holds as a whole, counts as memory of the program, and what
/// the process takes stays near to that.
#[test]
fn listings_count_as_memory() {
    let folder = Folder::new();
    let data = data(&folder, 5000);
    let attempts = ["files directories-0.2 64"];
    let output = run(&data, &["--max-memory", "16MiB"], &attempts);
    let outcome = outcomes(&output).remove(0);
    let number = outcome
        .split(' ')
        .nth(1)
        .and_then(|number| number.parse::<usize>().ok());
    let number = number.expect("a number");
    // Each has 5,000 names of some 40 bytes.
    assert!((5..64).contains(&number), "{outcome}");
    is_bounded(&outcome, number);
    // A part of them fits into more.
    let output = run(&data, &["--max-memory", "256MiB"], &attempts);
    assert_eq!(outcomes(&output)[0], "ok 64 None");
}

/// Operations of WASI 0.3 whose paths no system takes are refused before they wait for anything, and
/// however many a program begins, the others go on.
#[test]
fn operations_with_long_paths_do_not_pile_up() {
    let folder = Folder::new();
    let data = data(&folder, 3);
    let attempts = ["files operations-0.3 2000", "files read-0.3 1"];
    let outcomes = outcomes(&run(&data, &[], &attempts));
    assert_eq!(outcomes[..2], ["ok", "ok"]);
}
