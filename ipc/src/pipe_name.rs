//! The name of a named pipe of Windows, taken apart.

use std::fmt;

use crate::InvalidPath;

/// The longest name, `\\.\pipe\` included, in UTF-16 units.
const LIMIT: usize = 256;

/// A pipe of this machine, or a folder of them: `\\.\pipe\` and the components.
///
/// Whatever Windows would read as another name is refused: with it, what was checked is what is
/// opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PipeName {
    pub(crate) components: Vec<String>,
    /// It ends in `\`: only a grant does.
    pub(crate) folder: bool,
}

impl PipeName {
    /// `\\.\pipe\a\b`, `\\?\pipe\a\b`, and `//./pipe/a/b`, which Windows reads as the first.
    pub(crate) fn parse(name: &str) -> Result<PipeName, InvalidPath> {
        if name.is_empty() {
            return Err(InvalidPath::Empty);
        }
        if name.contains('\0') {
            return Err(InvalidPath::Nul);
        }
        // Behind `\\?\` Windows takes a slash literally.
        let name = if name.starts_with(r"\\?\") {
            if name.contains('/') {
                return Err(InvalidPath::NotAPipe);
            }
            name.to_owned()
        } else {
            let name = name.replace('/', r"\");
            if !name.starts_with(r"\\.\") {
                return Err(InvalidPath::NotAPipe);
            }
            name
        };
        // By bytes: the fifth to ninth are not ASCII in other devices' names.
        let (device, rest) = name
            .split_at_checked(r"\\.\pipe\".len())
            .ok_or(InvalidPath::NotAPipe)?;
        if !device[r"\\.\".len()..].eq_ignore_ascii_case(r"pipe\") {
            return Err(InvalidPath::NotAPipe);
        }
        if name.encode_utf16().count() > LIMIT {
            return Err(InvalidPath::TooLong { limit: LIMIT });
        }
        if rest.is_empty() {
            return Ok(PipeName {
                components: Vec::new(),
                folder: true,
            });
        }
        let (rest, folder) = rest
            .strip_suffix('\\')
            .map_or((rest, false), |rest| (rest, true));
        let components: Vec<String> = rest.split('\\').map(str::to_owned).collect();
        // Windows drops `.`, follows `..` (even out of `pipe\`), and cuts dots and spaces off.
        if components
            .iter()
            .any(|component| component.is_empty() || component.ends_with(['.', ' ']))
        {
            return Err(InvalidPath::AmbiguousPipe);
        }
        Ok(PipeName { components, folder })
    }
}

impl fmt::Display for PipeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r"\\.\pipe\{}", self.components.join(r"\"))?;
        if self.folder && !self.components.is_empty() {
            f.write_str(r"\")?;
        }
        Ok(())
    }
}
