//! Checks the stores: folders become absolute, URLs of buckets are taken apart, flags replace the URLs of the file.

use std::path::{Path, PathBuf};

use euterpe_actors::ids::StoreName;

use crate::location::{Location, Store, bucket_and_prefix};
use crate::position::{At, Position};
use crate::problem::Findings;
use crate::surroundings::Surroundings;
use crate::wording::{did_you_mean, printable};
use crate::written::{self, GraphFile};
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
    let working = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let each = file.stores.iter().map(|store| {
        let name = StoreName::new(&store.name.value);
        if let Err(error) = &name {
            findings.add(store.name.position, format!("stores.{}", printable(&store.name.value)), error.to_string());
        }
        let flag = around.stores.iter().rev().find(|(name, _)| *name == store.name.value);
        let (url, base, position, path) = match flag {
            Some((name, url)) => (url, working.as_path(), Position::default(), format!("--store {name}")),
            None => (&store.url.value, folder, store.url.position, format!("stores.{}", printable(&store.name.value))),
        };
        let checked = match location(url, base, store, around) {
            Ok(location) => name.ok().map(|name| Store { name, location, position }),
            Err(message) => {
                findings.add(position, path.clone(), message);
                None
            }
        };
        if let Some(Store { location: Location::Folder { .. }, .. }) = &checked {
            for (key, at) in [("endpoint", &store.endpoint), ("region", &store.region)] {
                if let (Some(at), None) = (at, flag) {
                    findings.add(at.position, format!("{path}.{key}"), "goes with `s3://` only; a folder has none");
                }
            }
        }
        if let (Some(Store { location: Location::S3 { .. }, .. }), Some(at), None) = (&checked, &store.fsync, flag) {
            findings.add(at.position, format!("{path}.fsync"), "goes with a folder only; `s3://` has none");
        }
        CheckedStore { name: store.name.value.clone(), checked }
    });
    each.collect()
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
