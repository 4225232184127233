//! Which compose file is meant.

use std::path::{Path, PathBuf};

use euterpe_engine::Mistake;

/// What the file is called.
const NAME: &str = "docker-compose.yml";

/// The compose file that was named; else that of the folder `here` (empty for the working folder), of the folder of a graph
/// file, of the next one above that, or of the next one above `here`.
///
/// # Errors
/// Where there is no such file.
pub fn compose_file(named: Option<&Path>, here: &Path, graph: Option<&Path>) -> Result<PathBuf, Mistake> {
    match named {
        Some(file) if file.is_file() => return Ok(file.to_owned()),
        Some(file) => return Err(Mistake(format!("there is no compose file `{}`", file.display()))),
        None => {}
    }
    let below = here.join(NAME);
    if below.is_file() {
        return Ok(below);
    }
    let folder = if here.as_os_str().is_empty() { Path::new(".") } else { here };
    let above = |path: &Path| -> Vec<PathBuf> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.ancestors().skip(1).map(|folder| folder.join(NAME)).collect()
    };
    let mut places = graph.map(above).unwrap_or_default().into_iter().chain(above(folder));
    places.find(|file| file.is_file()).ok_or_else(|| {
        let beside = graph.map(|graph| format!(", nor beside or above `{}`", graph.display())).unwrap_or_default();
        Mistake(format!(
            "there is no {NAME} in this folder or above it{beside}; name one with -f FILE. `euterpe create DIR` writes one, with \
             a graph"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compose_file_of_this_folder_beside_or_above_a_graph_file_or_above_this_folder_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let graph = folder.path().join("graphs/config/g.yaml");
        let here = folder.path().join("work/here");
        for folder in [graph.parent().expect("a folder"), &here] {
            std::fs::create_dir_all(folder).expect("a folder");
        }
        std::fs::write(&graph, "").expect("written");
        let find = |graph: Option<&Path>| compose_file(None, &here, graph);
        let missing = find(Some(&graph)).expect_err("there is none").to_string();
        assert!(missing.contains("nor beside or above"), "{missing}");
        let put = |path: &str| {
            std::fs::write(folder.path().join(path).join(NAME), "").expect("written");
            folder.path().join(path).join(NAME)
        };
        let above = put("work");
        assert_eq!(find(None).expect("above this folder"), above);
        assert_eq!(find(Some(&graph)).expect("above this folder"), above);
        let above = put("graphs");
        assert_eq!(find(Some(&graph)).expect("above the graph file"), above);
        let own = put("work/here");
        assert_eq!(find(Some(&graph)).expect("here"), own);
        let gone =
            compose_file(Some(&folder.path().join("other.yml")), &here, None).expect_err("no such file").to_string();
        assert!(gone.contains("there is no compose file"), "{gone}");
    }
}
