//! What a case printed, and what tests ask about it.

use std::fmt::Debug;

/// The lines of a case that came to its end.
pub struct Output {
    case: String,
    lines: Vec<String>,
}

impl Output {
    pub(crate) fn new(case: String, lines: Vec<String>) -> Self {
        Self { case, lines }
    }

    /// The lines.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The lines are these.
    #[track_caller]
    pub fn is(&self, expected: &[&str]) {
        let lines: Vec<_> = self.lines.iter().map(String::as_str).collect();
        assert!(
            lines == expected,
            "{}",
            self.differs("it should have printed", &expected)
        );
    }

    /// The lines that begin with one of the `prefixes` are these.
    #[track_caller]
    pub fn only(&self, prefixes: &[&str], expected: &[&str]) {
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(String::as_str)
            .filter(|line| prefixes.iter().any(|prefix| line.starts_with(prefix)))
            .collect();
        assert!(
            lines == expected,
            "{}",
            self.differs(
                &format!("of {prefixes:?} it should have printed"),
                &expected
            )
        );
    }

    /// There is such a line.
    #[track_caller]
    pub fn has(&self, expected: &str) {
        assert!(
            self.lines.iter().any(|line| line == expected),
            "{}",
            self.differs("it should have printed", &expected)
        );
    }

    /// These lines are there, in this order, with any others between them.
    #[track_caller]
    pub fn has_in_order(&self, expected: &[&str]) {
        let mut lines = self.lines.iter();
        for line in expected {
            assert!(
                lines.any(|printed| printed == line),
                "{}",
                self.differs("it should have printed, in this order", &expected)
            );
        }
    }

    /// No line begins with `prefix`.
    #[track_caller]
    pub fn has_no(&self, prefix: &str) {
        assert!(
            !self.lines.iter().any(|line| line.starts_with(prefix)),
            "{}",
            self.differs("it should not have printed", &prefix)
        );
    }

    /// What follows `prefix` in the lines that begin with it.
    pub fn after(&self, prefix: &str) -> Vec<&str> {
        self.lines
            .iter()
            .filter_map(|line| line.strip_prefix(prefix))
            .collect()
    }

    /// What follows `prefix` in the one line that begins with it.
    #[track_caller]
    pub fn one(&self, prefix: &str) -> &str {
        match self.after(prefix)[..] {
            [rest] => rest,
            _ => panic!("{}", self.differs("there should be one line", &prefix)),
        }
    }

    fn differs(&self, what: &str, expected: &dyn Debug) -> String {
        format!(
            "case `{}`: {what} {expected:#?}\nit printed {:#?}",
            self.case, self.lines
        )
    }
}
