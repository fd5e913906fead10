//! The JavaScript that is part of the runtime: `lib`, and the packages it builds on.

#[cfg(not(feature = "lib-from-disk"))]
include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The source of a module, by its name: `net`, `stream/promises`, `internal/bootstrap`.
#[cfg(not(feature = "lib-from-disk"))]
pub(crate) fn source(name: &str) -> Option<std::borrow::Cow<'static, str>> {
    let index = MODULES
        .binary_search_by(|(other, _)| (*other).cmp(name))
        .ok()?;
    Some(MODULES[index].1.into())
}

/// The names of all modules.
#[cfg(not(feature = "lib-from-disk"))]
pub(crate) fn names() -> Vec<String> {
    MODULES.iter().map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(feature = "lib-from-disk")]
const FOLDER: &str = "/lib";

#[cfg(feature = "lib-from-disk")]
pub(crate) fn source(name: &str) -> Option<std::borrow::Cow<'static, str>> {
    let path = format!("{FOLDER}/{name}.js");
    std::fs::read_to_string(path).ok().map(Into::into)
}

#[cfg(feature = "lib-from-disk")]
pub(crate) fn names() -> Vec<String> {
    fn below(folder: &str, prefix: &str, names: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(name) = name.strip_suffix(".js") {
                names.push(format!("{prefix}{name}"));
            } else if entry.path().is_dir() {
                below(
                    &format!("{folder}/{name}"),
                    &format!("{prefix}{name}/"),
                    names,
                );
            }
        }
    }
    let mut names = vec![];
    below(FOLDER, "", &mut names);
    names.sort();
    names
}
