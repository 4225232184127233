//! Names that are no objects of anybody's catalogue: hidden files, and what systems leave in folders.

/// Names that Macs, Windows, file servers and bins leave beside the files of people, in lower case.
const LEFT_BY_SYSTEMS: [&str; 14] = [
    "$recycle.bin",
    "recycler",
    "system volume information",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "@eadir",
    "@recycle",
    "@recently-snapshot",
    "#recycle",
    "#snapshot",
    "lost+found",
    "__macosx",
    "network trash folder",
];

/// Whether a file or folder of this name is passed over when a catalogue is listed: `.x`, `._x`, `@eaDir`, `Thumbs.db`.
/// Dots with a dot behind them are a title that begins with an ellipsis.
pub fn is_hidden(name: &str) -> bool {
    match name.strip_prefix('.') {
        Some(rest) => !rest.starts_with('.'),
        None => name.len() <= 32 && LEFT_BY_SYSTEMS.iter().any(|left| left.eq_ignore_ascii_case(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systems_leave_is_hidden_and_titles_are_not() {
        for name in
            [".x", "._x.mp3", ".AppleDouble", "@eaDir", ".Trashes", "$RECYCLE.BIN", "Thumbs.db", "#recycle", "."]
        {
            assert!(is_hidden(name), "{name}");
        }
        for name in ["...And Justice", "..x", "x", "a.b", "#1", "@home", "$", ""] {
            assert!(!is_hidden(name), "{name}");
        }
    }
}
