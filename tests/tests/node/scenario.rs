//! The scenario files: where they are, and what their headers say.

use plugnet_tests::Form;
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
        self.line(key)
            .map_or(Vec::new(), |value| value.split(", ").collect())
    }

    fn line(&self, key: &str) -> Option<&str> {
        let mut lines = self.text.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))
    }

    /// The runs of it: as it is, and, if it is about connections and not about TCP alone, with
    /// paths for ports.
    pub fn variants(&self) -> impl Iterator<Item = Variant<'_>> {
        let over_paths = self.has_ports() && self.header("tcp").is_empty();
        let variants = [false, true].map(|over_paths| Variant {
            scenario: self,
            over_paths,
        });
        variants.into_iter().take(if over_paths { 2 } else { 1 })
    }

    /// Whether anybody listens or connects, and not at a path anyway.
    fn has_ports(&self) -> bool {
        let steps = self.text.lines().filter(|line| !line.starts_with('#'));
        let mut words = steps.flat_map(str::split_whitespace);
        words.any(|word| word == "listen" || word.ends_with(".listen") || word.starts_with("port="))
            && !self.text.contains(" path=")
    }

    /// Whether this machine has what the scenario needs.
    pub fn is_possible(&self) -> bool {
        self.header("needs").iter().all(|need| match *need {
            "ipv6" => plugnet_tests::peer::has_ipv6(),
            "linux" => cfg!(target_os = "linux"),
            _ => panic!("{}: nothing is known of the need `{need}`", self.name),
        })
    }
}

/// One of the runs of a scenario.
#[derive(Clone, Copy)]
pub struct Variant<'a> {
    /// What is run.
    pub scenario: &'a Scenario,
    /// Whether its ports are paths.
    over_paths: bool,
}

impl Variant<'_> {
    /// What the runners call it.
    pub fn transport(&self) -> &'static str {
        if self.over_paths { "path" } else { "tcp" }
    }

    /// `client/refused`, `client/refused over paths`.
    pub fn name(&self) -> String {
        let name = &self.scenario.name;
        if self.over_paths {
            format!("{name} over paths")
        } else {
            name.clone()
        }
    }

    /// What the header says of `key`, of this run or of all, split at commas.
    pub fn header(&self, key: &str) -> Vec<&str> {
        let transport = if self.over_paths { "paths" } else { "tcp" };
        let own = self.scenario.header(&format!("{key}-over-{transport}"));
        if own.is_empty() {
            self.scenario.header(key)
        } else {
            own
        }
    }

    /// Whether the trace is not Node's, in this process's form.
    pub fn deviates(&self) -> bool {
        let composed = Form::of_process() == Form::Composed;
        !self.header("deviates").is_empty() || (composed && self.deviates_composed())
    }

    /// Whether the trace of the composed form alone is not Node's.
    pub fn deviates_composed(&self) -> bool {
        !self.header("composed-deviates").is_empty()
    }

    /// The trace of whoever deviates.
    pub fn deviating_trace(&self) -> PathBuf {
        self.trace("deviating.trace")
    }

    /// Node's trace.
    pub fn node_trace(&self) -> PathBuf {
        self.trace("trace")
    }

    /// What plugnet's trace has to be: Node's, unless the scenario documents with `deviates` or
    /// `composed-deviates` why it is not.
    pub fn expected_trace(&self) -> PathBuf {
        if self.deviates() {
            self.deviating_trace()
        } else {
            self.node_trace()
        }
    }

    fn trace(&self, kind: &str) -> PathBuf {
        let path = &self.scenario.path;
        if self.over_paths {
            path.with_extension(format!("path.{kind}"))
        } else {
            path.with_extension(kind)
        }
    }
}

/// All traces that there are, sorted.
pub fn traces() -> Vec<PathBuf> {
    let areas: Vec<_> = entries(&directory()).filter(|path| path.is_dir()).collect();
    let files = areas.iter().flat_map(|area| entries(area));
    let mut traces: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|e| e == "trace"))
        .collect();
    traces.sort();
    traces
}

/// Where the scenarios and the runner are.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory of scenarios");
    entries.map(|entry| entry.expect("an entry").path())
}
