//! Every case works, on every side that is there, and checks its bytes.
#![cfg(target_os = "linux")]

use std::process::Command;

use serde_json::Value;

/// The fields of a record, which others read.
const FIELDS: &[&str] = &[
    "case",
    "connections",
    "bytes",
    "lane",
    "side",
    "messages_per_second",
    "cpu_us_per_message",
    "p50_us",
    "p99_us",
    "peak_rss_kib",
    "speed_to_node",
    "speed_to_raw",
];

/// `--smoke` runs every case in small; a message that comes back changed, or a server that does
/// not answer, fails it. Each case has a record for plugnet, with exactly the documented fields.
#[test]
fn every_case_works() {
    let folder = tempfile::tempdir().expect("a folder");
    let json = folder.path().join("records.json");
    let bench = env!("CARGO_BIN_EXE_plugnet-bench");
    let status = Command::new(bench)
        .args(["--smoke", "--json"])
        .arg(&json)
        .status()
        .expect("the benchmark starts");
    assert!(status.success(), "{status}");

    let list = Command::new(bench)
        .args(["--smoke", "--list"])
        .output()
        .expect("the benchmark starts");
    let list = String::from_utf8(list.stdout).expect("names");
    let records = std::fs::read(&json).expect("records");
    let records: Vec<Value> = serde_json::from_slice(&records).expect("JSON");
    for record in &records {
        let mut fields: Vec<_> = record.as_object().expect("an object").keys().collect();
        fields.sort();
        let mut expected = FIELDS.to_vec();
        expected.sort_unstable();
        assert_eq!(fields, expected);
    }
    let of_plugnet: Vec<String> = records
        .iter()
        .filter(|record| record["side"] == "plugnet")
        .map(|record| {
            let text = |field: &str| record[field].to_string().replace('"', "");
            let [case, bytes, connections, lane] =
                ["case", "bytes", "connections", "lane"].map(text);
            format!("{case}/{bytes}/{connections}/{lane}")
        })
        .collect();
    let listed: Vec<&str> = list.lines().collect();
    assert_eq!(of_plugnet, listed);
}
