//! Where the program of a stdio server is: found at start, so that what is missing is said then and not at the
//! first sign-in.

use std::path::{Path, PathBuf};

/// What Windows lets one leave out: `npx` is `npx.cmd` there.
#[cfg(windows)]
const ENDINGS: [&str; 4] = ["", ".exe", ".cmd", ".bat"];
#[cfg(not(windows))]
const ENDINGS: [&str; 1] = [""];

/// A name is looked up in `path` (the variable), anything with a separator from `directory`.
pub(super) fn find(name: &str, path: Option<&str>, directory: Option<&Path>) -> Option<PathBuf> {
    let from = directory.unwrap_or(Path::new(""));
    if name.contains(std::path::is_separator) {
        return first(&from.join(name));
    }
    std::env::split_paths(path?).filter(|place| !place.as_os_str().is_empty()).find_map(|place| {
        // A relative entry is relative to where the program will work.
        first(&from.join(place).join(name))
    })
}

fn first(named: &Path) -> Option<PathBuf> {
    let with = |ending: &str| {
        let mut name = named.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let found = ENDINGS.into_iter().map(with).find(|file| is_program(file))?;
    std::path::absolute(found).ok()
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}
