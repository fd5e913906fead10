//! Untrusted text of programs and peers, as people and logs may see it.

/// The longest untrusted text that is shown, in bytes.
const LONGEST: usize = 1024;

/// Whether a character is safe to show: it does not move the cursor, end the line, change the
/// direction of text or hide.
///
/// ```
/// use plugnet_policy::is_plain;
///
/// assert!(is_plain('é') && is_plain(' ') && is_plain('\\'));
/// assert!(!is_plain('\n') && !is_plain('\u{9b}') && !is_plain('\u{2028}') && !is_plain('\u{202e}'));
/// ```
#[must_use]
pub fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            // Marks and overrides of the direction, and what has no width.
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
            // They end a line or a paragraph.
            | '\u{2028}' | '\u{2029}')
}

/// Escapes a text for a terminal, in one line.
///
/// ```
/// use plugnet_policy::shown;
///
/// assert_eq!(shown("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
/// assert_eq!(shown("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
/// ```
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = (!is_plain(c)).then(|| c.escape_default());
            let plain = is_plain(c).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

/// Truncates a text beyond any useful length, with `…` at the end.
#[must_use]
pub fn shortened(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LONGEST);
    format!("{}…", &text[..end])
}

/// An option with its entry, quoted for a shell; none if the entry cannot be typed and read back
/// reliably.
pub(crate) fn typed(option: &str, entry: &str) -> Option<String> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if entry.is_empty() || entry.len() > LONGEST || !entry.chars().all(is_plain) {
        return None;
    }
    // A leading dash would be an option of its own.
    let between = if entry.starts_with('-') { "=" } else { " " };
    if entry.chars().all(bare) {
        Some(format!("{option}{between}{entry}"))
    } else if cfg!(windows) {
        // Windows' shells have no common quotes. Most leave this as it is.
        let harmless = |c: char| bare(c) || r"\*[]".contains(c);
        let whole = entry.chars().all(harmless);
        whole.then(|| format!("{option}{between}{entry}"))
    } else {
        let quoted = entry.replace('\'', r"'\''");
        Some(format!("{option}{between}'{quoted}'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A truncated text ends between characters and shows that it was truncated.
    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "é".repeat(LONGEST);
        let cut = shortened(&long);
        assert!(cut.len() <= LONGEST + '…'.len_utf8());
        assert!(cut.ends_with("é…"));
        assert_eq!(shortened("é"), "é");
    }

    /// Special characters of a shell are quoted, and unreadable text gives no option at all.
    #[cfg(unix)]
    #[test]
    fn an_entry_is_quoted_for_the_shell() {
        let typed = |entry| typed("--allow-ipc", entry);
        assert_eq!(typed("/run/a.sock").unwrap(), "--allow-ipc /run/a.sock");
        assert_eq!(typed("/a b").unwrap(), "--allow-ipc '/a b'");
        assert_eq!(typed("/$(x);`y`").unwrap(), "--allow-ipc '/$(x);`y`'");
        assert_eq!(typed("/it's").unwrap(), r"--allow-ipc '/it'\''s'");
        assert_eq!(typed("-x").unwrap(), "--allow-ipc=-x");
        assert_eq!(typed("/a\nb"), None);
        assert_eq!(typed("/\u{202e}x"), None);
        assert_eq!(typed(""), None);
    }
}
