//! What Compose calls a cluster: by itself the name of a folder, of which there may be several on one machine.

use std::path::Path;
use std::process::{Command, Stdio};

use super::set::Set;

/// The variable by which a person names it.
const VARIABLE: &str = "COMPOSE_PROJECT_NAME";
/// How many digits of the digest of its path tell a folder from others of its name.
const DIGITS: usize = 8;

/// The name of the cluster of a compose file; none where the person or the file has named it.
///
/// `has_containers` tells whether there are containers of that name that were brought up in that folder: those of a former
/// version, or of Compose alone, keep their name.
pub fn project(file: &Path, set: &Set, has_containers: impl Fn(&str, &Path) -> bool) -> Option<String> {
    if set.get(VARIABLE).is_some() || std::fs::read_to_string(file).is_ok_and(|text| has_name(&text)) {
        return None;
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().ok()?;
    let plain = plain(folder.file_name()?.to_str().unwrap_or_default());
    if has_containers(&plain, &folder) {
        return Some(plain);
    }
    let digest = blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex();
    Some(format!("{plain}-{}", &digest[..DIGITS]))
}

/// The name of a folder as Compose makes a project's name of it.
fn plain(name: &str) -> String {
    let kept = |c: &char| c.is_ascii_alphanumeric() || "-_".contains(*c);
    let name: String = name.to_lowercase().chars().filter(kept).collect();
    match name.trim_start_matches(['-', '_']) {
        "" => "euterpe".to_owned(),
        name => name.to_owned(),
    }
}

fn has_name(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("name:"))
}

/// Whether the engine has containers of this project that Compose made for this folder.
pub fn has_containers(project: &str, folder: &Path) -> bool {
    let mut command = Command::new("docker");
    command.args(["ps", "--all", "--filter", &format!("label=com.docker.compose.project={project}")]);
    command.args(["--format", "{{.Label \"com.docker.compose.project.working_dir\"}}"]);
    let Ok(listed) = command.stdin(Stdio::null()).stderr(Stdio::null()).output() else { return false };
    let listed = String::from_utf8_lossy(&listed.stdout);
    listed.lines().any(|place| Path::new(place).canonicalize().is_ok_and(|place| place == folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_folders_of_one_name_are_two_clusters_and_what_runs_or_was_named_keeps_its_name() {
        let around = tempfile::tempdir().expect("a folder");
        let file = |place: &str, text: &str| {
            let folder = around.path().join(place).join("My Graph");
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join("docker-compose.yml"), text).expect("written");
            folder.join("docker-compose.yml")
        };
        let (one, two) = (file("one", "services: {}\n"), file("two", "services: {}\n"));
        let of = |file: &Path| project(file, &Set::default(), |_, _| false).expect("a name");
        assert_eq!(of(&one), of(&one));
        assert_ne!(of(&one), of(&two));
        assert!(of(&one).starts_with("mygraph-") && of(&one).len() == "mygraph-".len() + DIGITS, "{}", of(&one));
        let folder = one.parent().expect("a folder").canonicalize().expect("there");
        let runs = |name: &str, place: &Path| name == "mygraph" && place == folder;
        assert_eq!(project(&one, &Set::default(), runs).as_deref(), Some("mygraph"));
        assert_ne!(project(&two, &Set::default(), runs).as_deref(), Some("mygraph"));
        let set = Set::of(&format!("{VARIABLE}=ours"), []);
        assert_eq!(project(&one, &set, |_, _| false), None, "Compose reads the variable itself");
        assert_eq!(project(&file("three", "name: theirs\n"), &Set::default(), |_, _| false), None);
        assert_eq!(plain("--_"), "euterpe");
    }
}
