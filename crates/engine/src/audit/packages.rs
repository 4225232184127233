//! What the environment of a Python function holds, as far as files tell: requirements, and the packages of a folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use euterpe_graph_file::masked_address;
use euterpe_graph_file::plan::{Interpreter, Job};

/// One requirement as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Requirement {
    /// The line, without its comment and the options of pip.
    pub(super) text: String,
    /// The name of the package, in its normal form; empty where the line names none.
    pub(super) name: String,
    /// Whether it says which version it means, to the last digit.
    pub(super) is_pinned: bool,
}

/// The requirements of a file and of those that it includes. What is pinned in a file of constraints is pinned.
///
/// # Errors
/// A file that cannot be read, in a sentence.
pub(super) fn requirements(file: &Path) -> Result<Vec<Requirement>, String> {
    let (mut wanted, mut constrained) = (Vec::new(), BTreeSet::new());
    let (mut waiting, mut seen) = (vec![(file.to_owned(), false)], BTreeSet::new());
    while let Some((file, is_constraint)) = waiting.pop() {
        if !seen.insert((file.clone(), is_constraint)) {
            continue;
        }
        let text = fs::read_to_string(&file).map_err(|error| {
            // pip also takes an address here.
            format!("{} cannot be read: {error}", without_credentials(&file.display().to_string()))
        })?;
        for line in lines(&text) {
            if let Some((other, constrains)) = included(&line) {
                let folder = file.parent().unwrap_or(Path::new(""));
                waiting.push((folder.join(other), constrains || is_constraint));
                continue;
            }
            let Some(requirement) = read(&line) else { continue };
            match is_constraint {
                true if requirement.is_pinned => drop(constrained.insert(requirement.name)),
                true => {}
                false => wanted.push(requirement),
            }
        }
    }
    wanted.iter_mut().for_each(|one| one.is_pinned |= constrained.contains(&one.name));
    Ok(wanted)
}

/// The lines that say something, each with those that a backslash joins to it.
fn lines(text: &str) -> Vec<String> {
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let without_comment = |line: &str| {
        let end = line.match_indices('#').map(|(at, _)| at).find(|at| *at == 0 || line[..*at].ends_with([' ', '\t']));
        line[..end.unwrap_or(line.len())].trim().to_owned()
    };
    joined.lines().map(without_comment).filter(|line| !line.is_empty()).collect()
}

/// The file that a line includes, and whether as constraints.
fn included(line: &str) -> Option<(&str, bool)> {
    let options = [("-r", false), ("--requirement", false), ("-c", true), ("--constraint", true)];
    options.into_iter().find_map(|(option, constrains)| {
        let rest = line.strip_prefix(option)?;
        let file = rest.strip_prefix('=').or_else(|| rest.strip_prefix([' ', '\t']))?;
        Some((file.trim(), constrains))
    })
}

/// Reads one line; none where it is an option of pip alone.
fn read(line: &str) -> Option<Requirement> {
    let line = line.split(" --").next().unwrap_or(line).trim();
    let editable = ["-e ", "--editable "].iter().find_map(|option| line.strip_prefix(option));
    if line.starts_with('-') && editable.is_none() {
        return None;
    }
    let text = line.split(';').next().unwrap_or(line).trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let is_path = editable.is_some() || text.starts_with(['.', '/']) || rest.starts_with([':', '/', '+']);
    let is_pinned = match rest.split_once('@') {
        _ if editable.is_some() => false,
        _ if is_path => is_exact_address(text),
        Some((_, address)) => is_exact_address(address),
        None => {
            let version = rest.split_once("==").map_or("", |(_, version)| version.trim_start_matches('=').trim());
            !version.is_empty() && !version.contains(['*', ','])
        }
    };
    let name = if is_path { String::new() } else { name.to_ascii_lowercase().replace(['_', '.'], "-") };
    Some(Requirement { text: without_credentials(line), name, is_pinned })
}

/// The same without the users, passwords and tokens of addresses.
fn without_credentials(line: &str) -> String {
    line.split_inclusive(char::is_whitespace).map(|word| masked_address(word, "***")).collect()
}

/// Whether an address stands for one content for ever: it has a digest or a commit, or is a wheel, whose name has its version.
fn is_exact_address(address: &str) -> bool {
    let is_commit = |text: &str| text.len() >= 40 && text.chars().take(40).all(|c| c.is_ascii_hexdigit());
    address.contains("#sha") || address.trim().ends_with(".whl") || address.split('@').any(is_commit)
}

/// The names of the packages of a job's Python function, in their normal form, and where they are listed; nothing where no
/// file tells.
pub(super) fn package_names(job: &Job) -> Option<(BTreeSet<String>, PathBuf)> {
    match &job.python.as_ref()?.interpreter {
        Interpreter::Requirements(file) => {
            let names = requirements(file).ok()?.into_iter().map(|one| one.name).collect();
            Some((names, file.clone()))
        }
        Interpreter::Venv(folder) => Some((installed(folder), folder.clone())),
        Interpreter::Machine | Interpreter::Program(_) => None,
    }
}

/// The packages that are installed in a virtual environment.
fn installed(venv: &Path) -> BTreeSet<String> {
    let entries = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let versions = entries(venv.join("lib")).map(|python| python.path().join("site-packages"));
    let distributions = versions.flat_map(entries).filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (name, _) = name.strip_suffix(".dist-info")?.split_once('-')?;
        Some(name.to_ascii_lowercase().replace(['_', '.'], "-"))
    });
    distributions.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_user_password_or_token_of_an_address_is_shown() {
        for (line, shown) in [
            ("git+https://user:secret@host/x/y.git", "git+https://***@host/x/y.git"),
            ("-e git+https://secret@host/x.git@v1", "-e git+https://***@host/x.git@v1"),
            (
                "foo @ https://u:secret@host/a.zip ; python_version > '3'",
                "foo @ https://***@host/a.zip ; python_version > '3'",
            ),
            ("bar @ https://host/bar.whl?token=canary&sig=canary", "bar @ https://host/bar.whl?***"),
            ("pk @ https://host/x.whl#access_token=canary", "pk @ https://host/x.whl#***"),
            ("svn+https:u:canary@host/x", "svn+https:***@host/x"),
            ("x @ https://host/path/user:canary@thing", "x @ https://host/path/***@thing"),
            ("foo @ https://host/a@b.zip", "foo @ https://host/a@b.zip"),
            ("numpy>=1", "numpy>=1"),
        ] {
            assert_eq!(read(line).expect("a requirement").text, shown);
        }
    }

    #[test]
    fn only_a_version_to_the_last_digit_is_a_pin() {
        let pinned = |line: &str| read(line).map(|one| one.is_pinned);
        for exact in [
            "numpy==1.26.4",
            "numpy == 1.26.4 ; python_version < '3.13'",
            "jax[cuda12]==0.4.30",
            "numpy===1.26",
            "numpy==1.26.4 --hash=sha256:00",
            "demucs @ git+https://host/demucs@0123456789abcdef0123456789abcdef01234567",
            "https://host/torch-2.1.0-cp311-linux_x86_64.whl",
        ] {
            assert_eq!(pinned(exact), Some(true), "{exact}");
        }
        for loose in [
            "numpy",
            "numpy>=1.26",
            "numpy~=1.26",
            "numpy==1.*",
            "demucs @ git+https://host/demucs@main",
            "-e .",
            "./own",
        ] {
            assert_eq!(pinned(loose), Some(false), "{loose}");
        }
        assert_eq!(pinned("--index-url https://host/simple"), None);
    }

    #[test]
    fn included_files_count_and_constraints_pin() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        write("a.txt", "# what it needs\nNumPy  # no version\n-r b.txt\n-c c.txt\nscipy>=1, \\\n  <2\n");
        write("b.txt", "soundfile\n");
        write("c.txt", "numpy==1.26.4\nunused==1\n");
        let found = requirements(&folder.path().join("a.txt")).expect("read");
        let loose: Vec<&str> = found.iter().filter(|one| !one.is_pinned).map(|one| one.name.as_str()).collect();
        assert_eq!((loose, found.len()), (vec!["scipy", "soundfile"], 3));
        write("b.txt", "-r a.txt\n-r none.txt\n");
        assert!(requirements(&folder.path().join("a.txt")).expect_err("missing").contains("none.txt cannot be read"));
        write("b.txt", "-r https://user:canary@host/more.txt?token=canary\n");
        let error = requirements(&folder.path().join("a.txt")).expect_err("an address");
        assert!(error.contains("@host/more.txt") && !error.contains("canary"), "{error}");
    }
}
