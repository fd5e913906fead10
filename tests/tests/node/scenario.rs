//! The scenario files: where they are, and what their headers say.

use std::fs;
use std::path::{Path, PathBuf};

/// A scenario, as far as the harness has to know it.
pub struct Scenario {
    /// `client/refused`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Everything in it.
    pub text: String,
}

impl Scenario {
    /// All scenarios, or those whose name contains `SCENARIO`, a variable of the environment.
    pub fn all() -> Vec<Self> {
        let wanted = std::env::var("SCENARIO").unwrap_or_default();
        let root = directory();
        let mut all = Vec::new();
        for area in entries(&root).filter(|path| path.is_dir()) {
            let files = entries(&area).filter(|path| path.extension().is_some_and(|e| e == "scn"));
            all.extend(files.map(|path| Self::read(&root, path)));
        }
        all.retain(|scenario| scenario.name.contains(&wanted));
        all.sort_by(|one, other| one.name.cmp(&other.name));
        assert!(!all.is_empty(), "there are no scenarios `{wanted}`");
        all
    }

    fn read(root: &Path, path: PathBuf) -> Self {
        let relative = path.strip_prefix(root).expect("a file below the root");
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        let text = fs::read_to_string(&path).expect("a readable file");
        Self {
            name: parts.join("/").trim_end_matches(".scn").to_owned(),
            path,
            text,
        }
    }

    /// What the header says of `key`, split at commas.
    pub fn header(&self, key: &str) -> Vec<&str> {
        let lines = self.text.lines();
        let mut values = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        values
            .next()
            .map_or(Vec::new(), |value| value.split(", ").collect())
    }

    /// Whether this machine has what the scenario needs.
    pub fn is_possible(&self) -> bool {
        self.header("needs").iter().all(|need| match *need {
            "ipv6" => plugnet_tests::peer::has_ipv6(),
            "linux" => cfg!(target_os = "linux"),
            _ => panic!("{}: nothing is known of the need `{need}`", self.name),
        })
    }

    /// Node's trace.
    pub fn node_trace(&self) -> PathBuf {
        self.path.with_extension("trace")
    }

    /// What the net component's trace has to be: Node's, unless the scenario documents with
    /// `deviates` why it is not.
    pub fn expected_trace(&self) -> PathBuf {
        if self.header("deviates").is_empty() {
            self.node_trace()
        } else {
            self.path.with_extension("deviating.trace")
        }
    }
}

/// Where the scenarios and the runner are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory of scenarios");
    entries.map(|entry| entry.expect("an entry").path())
}
