//! Checks the stores: folders become absolute, URLs of buckets are taken apart, flags and variables replace the URLs of the
//! file.

use std::path::{Path, PathBuf};

use euterpe_actors::ids::StoreName;

use crate::location::{Location, Store, bucket_and_prefix};
use crate::position::{At, Position};
use crate::problem::Findings;
use crate::surroundings::Surroundings;
use crate::variables::variable_of;
use crate::wording::{did_you_mean, printable};
use crate::written::{self, GraphFile, Links};
use euterpe_actors::address::is_host_off_limits;

/// A store of the file after its check.
pub struct CheckedStore {
    /// Its key in the file.
    pub name: String,
    /// The store; `None` where something is wrong with it.
    pub checked: Option<Store>,
}

/// Checks all stores of the file.
pub fn stores(file: &GraphFile, folder: &Path, around: Surroundings<'_>, findings: &Findings) -> Vec<CheckedStore> {
    for (name, _) in around.stores {
        if !file.stores.iter().any(|store| store.name.value == *name) {
            let near = did_you_mean(name, file.stores.iter().map(|store| store.name.value.as_str()));
            let message = format!("the graph file has no store named `{name}`{near}");
            findings.add(Position::default(), "--store", message);
        }
    }
    same_variables(file, findings);
    let working = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let each = file.stores.iter().map(|store| {
        let name = StoreName::new(&store.name.value);
        if let Err(error) = &name {
            findings.add(store.name.position, format!("stores.{}", printable(&store.name.value)), error.to_string());
        }
        let flag = around.stores.iter().rev().find(|(name, _)| *name == store.name.value);
        let flag = flag.map(|(name, url)| (format!("--store {name}"), url.clone()));
        let flag = flag.or_else(|| by_variable(file, &store.name.value, around));
        let (url, base, position, path) = match &flag {
            Some((what, url)) => (url, working.as_path(), Position::default(), what.clone()),
            None => (&store.url.value, folder, store.url.position, format!("stores.{}", printable(&store.name.value))),
        };
        let checked = match location(url, base, store, around) {
            Ok(location) => {
                let follow_links = store.links.as_ref().is_some_and(|at| at.value == Links::Follow);
                name.ok().map(|name| Store { name, location, follow_links, position })
            }
            Err(message) => {
                findings.add(position, path.clone(), message);
                None
            }
        };
        if let Some(Store { location: Location::Folder { .. }, .. }) = &checked {
            for (key, at) in [("endpoint", &store.endpoint), ("region", &store.region)] {
                if let (Some(at), None) = (at, &flag) {
                    findings.add(at.position, format!("{path}.{key}"), "goes with `s3://` only; a folder has none");
                }
            }
        }
        if let (Some(Store { location: Location::S3 { .. }, .. }), Some(at), None) = (&checked, &store.fsync, &flag) {
            findings.add(at.position, format!("{path}.fsync"), "goes with a folder only; `s3://` has none");
        }
        if let (Some(Store { location: Location::S3 { .. }, .. }), Some(at), None) = (&checked, &store.links, flag) {
            findings.add(at.position, format!("{path}.links"), "goes with a folder only; `s3://` has none");
        }
        CheckedStore { name: store.name.value.clone(), checked }
    });
    each.collect()
}

/// Two stores of one variable would always move together.
fn same_variables(file: &GraphFile, findings: &Findings) {
    for (number, store) in file.stores.iter().enumerate() {
        let (name, variable) = (&store.name.value, variable_of(&store.name.value));
        let before = file.stores[..number].iter().map(|store| &store.name.value);
        if let Some(other) = before.into_iter().find(|other| *other != name && variable_of(other) == variable) {
            findings.add(
                store.name.position,
                format!("stores.{}", printable(name)),
                format!(
                    "`{}` and `{}` have one variable, `{variable}`; rename one of them",
                    printable(other),
                    printable(name)
                ),
            );
        }
    }
}

/// Where the environment puts a store, and by which variable: `EUTERPE_STORE_NAME` names its place; `EUTERPE_STORES` is the
/// place below which lie all stores that the graph writes to, each by the names of the graph and its own: what two graphs
/// make of one id are two outputs.
fn by_variable(file: &GraphFile, name: &str, around: Surroundings<'_>) -> Option<(String, String)> {
    let set = |variable: &str| (around.env)(variable).filter(|value| !value.trim().is_empty());
    let own = variable_of(name);
    if let Some(place) = set(&own) {
        return Some((own, place));
    }
    let in_it = |text: &str| text.split_once(':').is_some_and(|(store, _)| store == name);
    let is_written = file.jobs.iter().any(|job| job.outputs.iter().any(|output| in_it(&output.to.value)));
    let place = set("EUTERPE_STORES").filter(|_| is_written)?;
    let graph = &file.graph.as_ref()?.value; // a graph file without a name is not valid
    Some(("EUTERPE_STORES".to_owned(), format!("{}/{graph}/{name}", place.trim_end_matches('/'))))
}

fn location(url: &str, base: &Path, store: &written::Store, around: Surroundings<'_>) -> Result<Location, String> {
    let folder = |path: &str| {
        let path = match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => {
                let home = (around.env)("HOME").ok_or("`~` needs the variable `HOME`; write the folder out")?;
                PathBuf::from(home).join(rest.trim_start_matches('/'))
            }
            _ => base.join(path),
        };
        Ok(Location::Folder { path: plain(&path), fsync: store.fsync.as_ref().is_none_or(|at| at.value) })
    };
    if url.chars().any(char::is_control) {
        return Err("a store's place may not hold control characters".into());
    }
    match url.split_once("://") {
        None if url.starts_with("s3:") => Err("write `s3://bucket/prefix`".into()),
        None => folder(url),
        Some(("file", path)) if path.starts_with('/') => folder(path),
        Some(("file", _)) => Err("write the folder itself, such as `./music`".into()),
        Some(("s3", rest)) => on_server(rest, store),
        Some((scheme, _)) => {
            let scheme = printable(&scheme.chars().take(20).collect::<String>());
            Err(format!("no store can be reached by `{scheme}://`; write a folder or `s3://bucket/prefix`"))
        }
    }
}

/// The host of an address.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let rest = rest.rsplit('@').next().unwrap_or_default();
    match rest.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => rest.split(':').next().unwrap_or_default(),
    }
}

fn on_server(rest: &str, store: &written::Store) -> Result<Location, String> {
    let (bucket, prefix) = bucket_and_prefix(rest)?;
    let text = |at: &Option<At<String>>| at.as_ref().map(|at| at.value.clone());
    let endpoint = text(&store.endpoint);
    if let Some(endpoint) = &endpoint {
        if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
            return Err("`endpoint` is an address such as `http://127.0.0.1:9000`".into());
        }
        if is_host_off_limits(host(endpoint)) {
            return Err("`endpoint` may not be a link-local or metadata address".into());
        }
        if endpoint.contains('@') {
            return Err("credentials do not belong in a graph file; take them out of `endpoint`".into());
        }
    }
    Ok(Location::S3 { bucket, prefix, endpoint, region: text(&store.region) })
}

/// The path without `.` and `..`, absolute; links are left alone.
fn plain(path: &Path) -> PathBuf {
    use std::path::Component;
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut out = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}
