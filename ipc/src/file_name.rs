//! A path as a program or a grant spells it, taken apart.

/// Normalised: `.` and empty components are gone. `..` is kept: only the file system knows where
/// it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName {
    absolute: bool,
    components: Vec<String>,
    /// It ends in `/` or `/.`, so it names a folder or nothing.
    pub(crate) folder: bool,
}

impl FileName {
    pub(crate) fn parse(path: &str) -> FileName {
        let components: Vec<&str> = path.split('/').collect();
        FileName {
            absolute: path.starts_with('/'),
            folder: matches!(components.last(), Some(&("" | "." | ".."))),
            components: components
                .into_iter()
                .filter(|component| !matches!(*component, "" | "."))
                .map(str::to_owned)
                .collect(),
        }
    }

    /// What follows `prefix`, by whole components.
    #[cfg(target_os = "linux")]
    pub(crate) fn below(&self, prefix: &FileName) -> Option<&[String]> {
        if self.absolute != prefix.absolute {
            return None;
        }
        self.components.strip_prefix(prefix.components.as_slice())
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn depth(&self) -> usize {
        self.components.len()
    }
}
